/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "unit.h"
#include "vb/adjust/caps.h"
#include "vb/adjust/values.h"

static struct vb_error err;

/* "e,e,e,...", count times. */
static char *repeat(const char *entry, size_t count)
{
	vb_auto_strv struct vb_strv strv = {0};

	for (size_t i = 0; i < count; i++)
		ck_assert_int_eq(vb_strv_add(&strv, entry), 0);
	char *text = vb_strv_join(&strv, ',');
	ck_assert_ptr_nonnull(text);
	return text;
}

/* A list of different entries: prefix, two numbers around the separator, suffix. */
static char *enumerate(const char *prefix, char separator, const char *suffix, size_t count)
{
	vb_auto_strv struct vb_strv strv = {0};

	for (size_t i = 0; i < count; i++) {
		char entry[64];
		(void)snprintf(entry, sizeof(entry), "%s%zu%c%zu%s", prefix, i / 256, separator,
			i % 256, suffix);
		ck_assert_int_eq(vb_strv_add(&strv, entry), 0);
	}
	char *text = vb_strv_join(&strv, ',');
	ck_assert_ptr_nonnull(text);
	return text;
}

static void assert_entries(const struct vb_allowlist *list, const char *joined)
{
	vb_auto_free char *text = vb_strv_join(&list->entries, ' ');

	ck_assert(list->set);
	ck_assert_str_eq(text, joined);
}

static int collect(const char *entry, void *context, struct vb_error *error)
{
	(void)error;
	return vb_strv_add(context, entry);
}

static int fail_at_b(const char *entry, void *context, struct vb_error *error)
{
	size_t *calls = context;

	(*calls)++;
	return entry[0] == 'b' ? vb_error_say(error, EINVAL, "b") : 0;
}

START_TEST(a_list_is_split_at_its_separator)
{
	vb_auto_strv struct vb_strv parts = {0};

	ck_assert_int_eq(vb_value_split("a,b c,:d", ',', collect, &parts, &err), 0);
	ck_assert_uint_eq(parts.count, 3);
	ck_assert_str_eq(parts.items[1], "b c");
	ck_assert_str_eq(parts.items[2], ":d");
}
END_TEST

START_TEST(splitting_stops_at_the_first_failure)
{
	size_t calls = 0;

	ck_assert_int_eq(vb_value_split("a,b,c", ',', fail_at_b, &calls, &err), -EINVAL);
	ck_assert_uint_eq(calls, 2);
	ck_assert_str_eq(err.what, "b");
}
END_TEST

START_TEST(an_empty_entry_is_refused_wherever_it_is)
{
	static const char *const texts[] = {"", ",", "a,", ",a", "a,,b"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(texts); i++) {
		vb_auto_strv struct vb_strv parts = {0};
		vb_assert_refused(vb_value_split(texts[i], ',', collect, &parts, &err), &err,
			"ErrInvalidValue: empty entry in a list: remove the superfluous ','");
	}
	vb_auto_strv struct vb_strv parts = {0};
	vb_assert_refused(vb_value_split("a:", ':', collect, &parts, &err), &err,
		"ErrInvalidValue: empty entry in a list: remove the superfluous ':'");
}
END_TEST

START_TEST(a_list_has_4096_entries_at_most)
{
	vb_auto_free char *longest = repeat("a", 4096);
	vb_auto_free char *too_long = repeat("a", 4097);
	vb_auto_strv struct vb_strv parts = {0};

	ck_assert_int_eq(vb_value_split(longest, ',', collect, &parts, &err), 0);
	ck_assert_uint_eq(parts.count, 4096);
	vb_assert_refused(vb_value_split(too_long, ',', collect, &parts, &err), &err,
		"ErrInvalidValue: more than 4096 entries in a list: shorten the list");
}
END_TEST

START_TEST(only_true_is_true)
{
	static const char *const texts[] = {"", "True", "TRUE", "1", "yes", "false", "true ", "on"};
	bool value = false;

	ck_assert_int_eq(vb_value_true("true", &value, &err), 0);
	ck_assert(value);
	for (size_t i = 0; i < VB_ARRAY_SIZE(texts); i++) {
		char text[256];
		(void)snprintf(text, sizeof(text),
			"ErrInvalidValue: '%s' is not 'true': write \"true\", or remove the key: "
			"no value switches a layer off",
			texts[i]);
		value = false;
		vb_assert_refused(vb_value_true(texts[i], &value, &err), &err, text);
		ck_assert(!value);
	}
}
END_TEST

START_TEST(capabilities_are_united)
{
	uint64_t set = 0;

	ck_assert_int_eq(vb_value_caps("NET_RAW,CAP_CHOWN,NET_RAW", &set, &err), 0);
	ck_assert_uint_eq(set, UINT64_C(1) << 13 | 1);
	ck_assert_int_eq(vb_value_caps("ALL", &set, &err), 0);
	ck_assert_uint_eq(set, VB_CAP_ALL);
	ck_assert_int_eq(vb_value_caps("KILL,ALL", &set, &err), 0);
	ck_assert_uint_eq(set, VB_CAP_ALL);
}
END_TEST

START_TEST(one_bad_capability_spoils_the_list)
{
	uint64_t set = 7;

	vb_assert_refused(vb_value_caps("NET_RAW, SYS_PTRACE", &set, &err), &err,
		"ErrInvalidValue: unknown capability ' SYS_PTRACE': did you mean SYS_PTRACE? "
		"capabilities are named as in capabilities(7)");
	ck_assert_uint_eq(set, 7);
	vb_assert_refused(vb_value_caps("NET_RAW,", &set, &err), &err,
		"ErrInvalidValue: empty entry in a list: remove the superfluous ','");
}
END_TEST

START_TEST(spec_allow_takes_its_two_words)
{
	enum vb_spec_allow value = VB_SPEC_ALLOW_INHERIT;

	ck_assert_int_eq(vb_value_spec_allow("allow", &value, &err), 0);
	ck_assert_int_eq(value, VB_SPEC_ALLOW_ALLOW);
	ck_assert_int_eq(vb_value_spec_allow("mitigate", &value, &err), 0);
	ck_assert_int_eq(value, VB_SPEC_ALLOW_MITIGATE);
	vb_assert_refused(vb_value_spec_allow("inherit", &value, &err), &err,
		"ErrInvalidValue: unknown spec-allow value 'inherit': write allow or mitigate");
	ck_assert_int_eq(vb_value_spec_allow("", &value, &err), -EPERM);
	ck_assert_int_eq(value, VB_SPEC_ALLOW_MITIGATE);
}
END_TEST

START_TEST(audit_takes_its_three_words)
{
	unsigned int bit = 0;

	ck_assert_int_eq(vb_value_audit("dlopen", &bit, &err), 0);
	ck_assert_uint_eq(bit, VB_AUDIT_DLOPEN);
	ck_assert_int_eq(vb_value_audit("exec", &bit, &err), 0);
	ck_assert_uint_eq(bit, VB_AUDIT_EXEC);
	ck_assert_int_eq(vb_value_audit("connect", &bit, &err), 0);
	ck_assert_uint_eq(bit, VB_AUDIT_CONNECT);
	vb_assert_refused(vb_value_audit("open", &bit, &err), &err,
		"ErrInvalidValue: unknown audit subject 'open': write dlopen, exec or connect");
}
END_TEST

static const struct {
	const char *text;
	uint64_t bytes;
} sizes[] = {
	{"4096", 4096},
	{"4Ki", 4096},
	{"5000", 5000},
	{"64Mi", UINT64_C(64) << 20},
	{"064Mi", UINT64_C(64) << 20},
	{"1Gi", UINT64_C(1) << 30},
	{"1024Gi", UINT64_C(1) << 40},
	{"1099511627776", UINT64_C(1) << 40},
};

START_TEST(sizes_have_binary_units)
{
	uint64_t bytes = 0;

	ck_assert_int_eq(vb_value_size(sizes[_i].text, &bytes, &err), 0);
	ck_assert_uint_eq(bytes, sizes[_i].bytes);
}
END_TEST

static const struct {
	const char *text;
	const char *refusal;
} bad_sizes[] = {
#define MALFORMED(text)                                                                            \
	"ErrInvalidValue: malformed size '" text                                                   \
	"': write bytes, or a number with Ki, Mi or Gi, such as 64Mi"
#define RANGE(text)                                                                                \
	"ErrInvalidValue: size '" text "' is out of range: choose between 4Ki and 1024Gi"
	{"", MALFORMED("")},
	{"Mi", MALFORMED("Mi")},
	{"64M", MALFORMED("64M")},
	{"64mi", MALFORMED("64mi")},
	{"64 Mi", MALFORMED("64 Mi")},
	{"64Mi ", MALFORMED("64Mi ")},
	{"64MiB", MALFORMED("64MiB")},
	{"6.4Mi", MALFORMED("6.4Mi")},
	{"-64Mi", MALFORMED("-64Mi")},
	{"+64Mi", MALFORMED("+64Mi")},
	{"0x40Mi", MALFORMED("0x40Mi")},
	{"1Ti", MALFORMED("1Ti")},
	{"50%", MALFORMED("50%")},
	{"10000000000000", MALFORMED("10000000000000")},
	{"18446744073709551617", MALFORMED("18446744073709551617")},
	{"0", RANGE("0")},
	{"4095", RANGE("4095")},
	{"3Ki", RANGE("3Ki")},
	{"1025Gi", RANGE("1025Gi")},
	{"1099511627777", RANGE("1099511627777")},
	{"9999999999999Gi", RANGE("9999999999999Gi")},
};

START_TEST(other_sizes_are_refused)
{
	uint64_t bytes = 42;

	vb_assert_refused(
		vb_value_size(bad_sizes[_i].text, &bytes, &err), &err, bad_sizes[_i].refusal);
	ck_assert_uint_eq(bytes, 42);
}
END_TEST

START_TEST(modes_are_octal)
{
	static const char *const bad[] = {"", "7", "77", "01777", "1778", "-777", "0x7", "rwx"};
	unsigned int mode = 0;

	ck_assert_int_eq(vb_value_mode("1777", &mode, &err), 0);
	ck_assert_uint_eq(mode, 01777);
	ck_assert_int_eq(vb_value_mode("755", &mode, &err), 0);
	ck_assert_uint_eq(mode, 0755);
	ck_assert_int_eq(vb_value_mode("7777", &mode, &err), 0);
	ck_assert_uint_eq(mode, 07777);
	for (size_t i = 0; i < VB_ARRAY_SIZE(bad); i++) {
		char text[128];
		(void)snprintf(text, sizeof(text),
			"ErrInvalidValue: malformed mode '%s': write 3 or 4 octal digits, such as "
			"1777",
			bad[i]);
		vb_assert_refused(vb_value_mode(bad[i], &mode, &err), &err, text);
	}
	ck_assert_uint_eq(mode, 07777);
}
END_TEST

START_TEST(an_exec_list_is_sorted_without_repetitions)
{
	struct vb_allowlist list = {0};

	ck_assert_int_eq(vb_value_exec_list("/usr/bin/python3,/bin/ls,/usr/bin/python3,/usr/bin/[",
				 &list, &err),
		0);
	assert_entries(&list, "/bin/ls /usr/bin/[ /usr/bin/python3");
	vb_allowlist_finish(&list);
	ck_assert(!list.set);
}
END_TEST

START_TEST(none_alone_is_a_list_that_denies_everything)
{
	struct vb_allowlist exec = {0};
	struct vb_allowlist connect = {0};

	ck_assert_int_eq(vb_value_exec_list("none", &exec, &err), 0);
	assert_entries(&exec, "");
	ck_assert_int_eq(vb_value_connect_list("none", &connect, &err), 0);
	assert_entries(&connect, "");
	vb_assert_refused(vb_value_exec_list("none,/bin/ls", &exec, &err), &err,
		"ErrInvalidValue: exec entry 'none' is not an absolute path: write the full path, "
		"from /");
	ck_assert_int_eq(vb_value_connect_list("10.0.0.1:1,none", &connect, &err), -EPERM);
	vb_allowlist_finish(&exec);
	vb_allowlist_finish(&connect);
}
END_TEST

static const struct {
	const char *entry;
	const char *refusal;
} bad_paths[] = {
#define RELATIVE(text)                                                                             \
	"ErrInvalidValue: exec entry '" text                                                       \
	"' is not an absolute path: write the full path, from /"
#define CHARACTER(text)                                                                            \
	"ErrInvalidValue: exec entry '" text                                                       \
	"' has a blank, a control character, ',' or ':' in it: such a path cannot be listed; "     \
	"rename the file"
#define UNCLEAN(text, clean)                                                                       \
	"ErrInvalidValue: exec entry '" text "' is not in its shortest form: write " clean
#define GLOB(text)                                                                                 \
	"ErrInvalidValue: exec entry '" text "' is a glob: list each file by its full path"
	{"", RELATIVE("")},
	{"ls", RELATIVE("ls")},
	{"./ls", RELATIVE("./ls")},
	{"~/ls", RELATIVE("~/ls")},
	{"/bin/a b", CHARACTER("/bin/a b")},
	{"/bin/a\tb", CHARACTER("/bin/a?b")},
	{"/bin/a\nb", CHARACTER("/bin/a?b")},
	{"/bin/a\x01", CHARACTER("/bin/a?")},
	{"/bin/a\x7f", CHARACTER("/bin/a?")},
	{"/bin/a:b", CHARACTER("/bin/a:b")},
	{"/bin/a,b", CHARACTER("/bin/a,b")},
	{"/bin//ls", UNCLEAN("/bin//ls", "/bin/ls")},
	{"/bin/ls/", UNCLEAN("/bin/ls/", "/bin/ls")},
	{"/bin/./ls", UNCLEAN("/bin/./ls", "/bin/ls")},
	{"/bin/../ls", UNCLEAN("/bin/../ls", "/ls")},
	{"/bin/*", GLOB("/bin/*")},
	{"/bin/python?", GLOB("/bin/python?")},
};

START_TEST(a_path_that_would_lie_on_the_wire_is_refused)
{
	struct vb_allowlist list = {0};

	vb_assert_refused(
		vb_value_exec_entry(bad_paths[_i].entry, &list, &err), &err, bad_paths[_i].refusal);
	ck_assert_uint_eq(list.entries.count, 0);
	vb_allowlist_finish(&list);
}
END_TEST

START_TEST(a_path_has_4095_bytes_at_most)
{
	struct vb_allowlist list = {0};
	char path[4097] = "/";

	memset(path + 1, 'a', 4094);
	ck_assert_int_eq(vb_value_exec_entry(path, &list, &err), 0);
	path[4095] = 'a';
	ck_assert_int_eq(vb_value_exec_entry(path, &list, &err), -EPERM);
	ck_assert_str_eq(err.code, "ErrInvalidValue");
	ck_assert_str_eq(err.what, "exec entry '/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
				   "aaaaaaaaaaaaa...' is too long");
	ck_assert_str_eq(err.fix, "paths have at most 4095 bytes");
	vb_allowlist_finish(&list);
}
END_TEST

static const char *const libraries[] = {
	"/opt/ros/jazzy/lib/librcl.so",
	"/lib/libc.so.6",
	"/lib/libx.so.1.2.3",
	"/lib/ld-2.31.so",
	"/a.so",
	"/lib/libx.so.0123456789",
	"/lib/lib.so.so",
};

START_TEST(a_dlopen_entry_names_a_library)
{
	struct vb_allowlist list = {0};

	ck_assert_msg(vb_value_dlopen_entry(libraries[_i], &list, &err) == 0, "%s", err.what);
	assert_entries(&list, libraries[_i]);
	vb_allowlist_finish(&list);
}
END_TEST

static const char *const not_libraries[] = {
	"/lib/libx",
	"/lib/libx.so.",
	"/lib/libx.so.1.",
	"/lib/libx.so.1a",
	"/lib/libx.so.a",
	"/lib/libx.so..1",
	"/lib/libx.SO",
	"/lib/libx.a",
	"/lib/libxso",
	"/lib/libx.so1",
	"/lib/libx.so.conf",
	"/lib/.so",
	"/lib/.so.1",
	"/.so",
	"/so",
	"/1.2",
	"/",
	"/lib/libx.so.1.so.x",
};

START_TEST(a_dlopen_entry_of_another_name_is_refused)
{
	struct vb_allowlist list = {0};
	char text[256];

	(void)snprintf(text, sizeof(text),
		"ErrInvalidValue: dlopen entry '%s' does not end in .so or .so.<digits>: list the "
		"library file itself",
		not_libraries[_i]);
	vb_assert_refused(vb_value_dlopen_entry(not_libraries[_i], &list, &err), &err, text);
	ck_assert_uint_eq(list.entries.count, 0);
	vb_allowlist_finish(&list);
}
END_TEST

START_TEST(a_dlopen_entry_takes_no_glob_and_no_separator)
{
	static const char *const globs[] = {"/lib/*.so", "/lib/lib?.so", "/lib/lib[ab].so"};
	struct vb_allowlist list = {0};

	for (size_t i = 0; i < VB_ARRAY_SIZE(globs); i++) {
		char text[128];
		(void)snprintf(text, sizeof(text),
			"ErrInvalidValue: dlopen entry '%s' is a glob: list each file by its full "
			"path",
			globs[i]);
		vb_assert_refused(vb_value_dlopen_entry(globs[i], &list, &err), &err, text);
	}
	vb_assert_refused(vb_value_dlopen_entry("/lib/a.so:/lib/b.so", &list, &err), &err,
		"ErrInvalidValue: dlopen entry '/lib/a.so:/lib/b.so' has a blank, a control "
		"character, ',' or ':' in it: such a path cannot be listed; rename the file");
	vb_assert_refused(vb_value_dlopen_entry("librcl.so", &list, &err), &err,
		"ErrInvalidValue: dlopen entry 'librcl.so' is not an absolute path: write the full "
		"path, from /");
	vb_allowlist_finish(&list);
}
END_TEST

START_TEST(lists_stop_at_4096_entries)
{
	struct vb_allowlist list = {0};
	vb_auto_free char *longest = enumerate("/bin/", '/', "", 4096);
	vb_auto_free char *too_long = enumerate("/bin/", '/', "", 4097);

	ck_assert_int_eq(vb_value_exec_list(longest, &list, &err), 0);
	ck_assert_uint_eq(list.entries.count, 4096);
	vb_assert_refused(vb_value_exec_entry("/bin/one/more", &list, &err), &err,
		"ErrInvalidValue: more than 4096 entries in a list: shorten the list");
	vb_allowlist_finish(&list);
	vb_assert_refused(vb_value_exec_list(too_long, &list, &err), &err,
		"ErrInvalidValue: more than 4096 entries in a list: shorten the list");
	vb_allowlist_finish(&list);
	vb_auto_free char *networks = enumerate("10.0.", '.', ":443", 4097);
	ck_assert_int_eq(vb_value_connect_list(networks, &list, &err), -EPERM);
	vb_allowlist_finish(&list);
	*strrchr(networks, ',') = '\0';
	ck_assert_int_eq(vb_value_connect_list(networks, &list, &err), 0);
	ck_assert_uint_eq(list.entries.count, 4096);
	vb_allowlist_finish(&list);
}
END_TEST

START_TEST(a_connect_list_keeps_its_entries_as_they_are_written)
{
	struct vb_allowlist list = {0};

	ck_assert_int_eq(
		vb_value_connect_list(
			"[fe80::1]:443,10.42.0.0/16:*,10.42.0.5:443,10.42.0.5:443", &list, &err),
		0);
	assert_entries(&list, "10.42.0.0/16:* 10.42.0.5:443 [fe80::1]:443");
	vb_allowlist_finish(&list);
	vb_assert_refused(vb_value_connect_list("10.42.0.5:443,example.com:80", &list, &err), &err,
		"ErrInvalidValue: connect entry 'example.com:80': not an IP address (host names "
		"are not accepted, IPv6 needs brackets): use 10.42.0.5:443, 10.42.0.0/16:8080, "
		"[fe80::1]:443 or [2001:db8::/32]:443, with * for any port");
	vb_allowlist_finish(&list);
}
END_TEST

static void assert_tmpfs(const struct vb_tmpfs *tmpfs, const char *path, uint64_t size_bytes,
	unsigned int mode, bool noexec)
{
	ck_assert_str_eq(tmpfs->path, path);
	ck_assert_uint_eq(tmpfs->size_bytes, size_bytes);
	ck_assert_uint_eq(tmpfs->mode, mode);
	ck_assert_int_eq(tmpfs->noexec, noexec);
}

START_TEST(a_tmpfs_has_defaults_and_options)
{
	struct vb_tmpfs_list list = {0};

	ck_assert_int_eq(vb_value_tmpfs("/tmp,/var/log/app:size=16Mi:mode=0750:noexec,/run/./x/"
					":noexec:mode=700",
				 &list, &err),
		0);
	ck_assert_uint_eq(list.count, 3);
	assert_tmpfs(&list.items[0], "/tmp", UINT64_C(64) << 20, 01777, false);
	assert_tmpfs(&list.items[1], "/var/log/app", UINT64_C(16) << 20, 0750, true);
	assert_tmpfs(&list.items[2], "/run/x", UINT64_C(64) << 20, 0700, true);
	vb_tmpfs_list_finish(&list);
}
END_TEST

static const struct {
	const char *text;
	const char *refusal;
} bad_tmpfs[] = {
#define UNUSABLE(path)                                                                             \
	"ErrInvalidValue: tmpfs path '" path                                                       \
	"' is not usable: write an absolute path without blanks, ',' and ':'"
#define KERNEL(path)                                                                               \
	"ErrInvalidValue: tmpfs path '" path                                                       \
	"' is the root or lies in /proc, /sys or /dev: choose another directory, such as /tmp"
#define OPTION(text)                                                                               \
	"ErrInvalidValue: unknown tmpfs option '" text                                             \
	"': options are size=, mode= and noexec, separated by ':'"
	{"tmp", UNUSABLE("tmp")},
	{"size=16Mi", UNUSABLE("size=16Mi")},
	{"/tmp dir", UNUSABLE("/tmp dir")},
	{"/tmp\x02", UNUSABLE("/tmp?")},
	{"/", KERNEL("/")},
	{"/tmp/..", KERNEL("/tmp/..")},
	{"/proc", KERNEL("/proc")},
	{"/proc/sys", KERNEL("/proc/sys")},
	{"/tmp/../sys/fs", KERNEL("/tmp/../sys/fs")},
	{"/dev/shm", KERNEL("/dev/shm")},
	{"//dev", KERNEL("//dev")},
	{"/tmp:exec", OPTION("exec")},
	{"/tmp:Noexec", OPTION("Noexec")},
	{"/tmp:noexec=1", OPTION("noexec=1")},
	{"/tmp:suid", OPTION("suid")},
	{"/tmp:/var", OPTION("/var")},
	{"/tmp:size", OPTION("size")},
	{"/tmp:size=", MALFORMED("")},
	{"/tmp:size=0", RANGE("0")},
	{"/tmp:mode=", "ErrInvalidValue: malformed mode '': write 3 or 4 octal digits, such as "
		       "1777"},
	{"/tmp:", "ErrInvalidValue: empty entry in a list: remove the superfluous ':'"},
	{"/tmp::noexec", "ErrInvalidValue: empty entry in a list: remove the superfluous ':'"},
	{"/tmp,", "ErrInvalidValue: empty entry in a list: remove the superfluous ','"},
	{"", "ErrInvalidValue: empty entry in a list: remove the superfluous ','"},
};

START_TEST(another_tmpfs_is_refused)
{
	struct vb_tmpfs_list list = {0};

	vb_assert_refused(
		vb_value_tmpfs(bad_tmpfs[_i].text, &list, &err), &err, bad_tmpfs[_i].refusal);
	vb_tmpfs_list_finish(&list);
}
END_TEST

START_TEST(paths_beside_the_kernels_trees_can_be_a_tmpfs)
{
	struct vb_tmpfs_list list = {0};

	ck_assert_int_eq(
		vb_value_tmpfs("/process,/system,/devices,/opt/dev,/procfs/x", &list, &err), 0);
	ck_assert_uint_eq(list.count, 5);
	vb_tmpfs_list_finish(&list);
}
END_TEST

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

START_TEST(a_bundle_is_a_name_with_or_without_its_digest)
{
	vb_auto_free char *name = NULL;
	vb_auto_free char *digest = NULL;

	ck_assert_int_eq(vb_value_bundle("arm-controller", &name, &digest, &err), 0);
	ck_assert_str_eq(name, "arm-controller");
	ck_assert_ptr_null(digest);
	vb_auto_free char *pinned = NULL;
	ck_assert_int_eq(vb_value_bundle("a@sha256:" HEX, &pinned, &digest, &err), 0);
	ck_assert_str_eq(pinned, "a");
	ck_assert_str_eq(digest, "sha256:" HEX);
}
END_TEST

static const struct {
	const char *text;
	const char *refusal;
} bad_bundles[] = {
#define NAME(text)                                                                                 \
	"ErrInvalidValue: bundle name '" text                                                      \
	"' is not valid: names have lower-case letters, digits, '-', '_' and '.', at most 63 "     \
	"characters"
#define DIGEST(text)                                                                               \
	"ErrInvalidValue: bundle digest '" text                                                    \
	"' is not valid: write <name>@sha256:<64 lower-case hex digits>"
	{"", NAME("")},
	{"@sha256:" HEX, NAME("")},
	{".hidden", NAME(".hidden")},
	{"..", NAME("..")},
	{"../etc", NAME("../etc")},
	{"a/b", NAME("a/b")},
	{"-a", NAME("-a")},
	{"_a", NAME("_a")},
	{"Arm", NAME("Arm")},
	{"a b", NAME("a b")},
	{"a\xc3\xa4", NAME("a\xc3\xa4")},
	{"a@", DIGEST("")},
	{"a@" HEX, DIGEST(HEX)},
	{"a@sha256:", DIGEST("sha256:")},
	{"a@sha256:" HEX "0", DIGEST("sha256:" HEX "0")},
	{"a@sha512:" HEX, DIGEST("sha512:" HEX)},
	{"a@SHA256:" HEX, DIGEST("SHA256:" HEX)},
	{"a@sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
		DIGEST("sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef")},
	{"a@b@sha256:" HEX, DIGEST("b@sha256:" HEX)},
};

START_TEST(another_bundle_reference_is_refused)
{
	char *name = NULL;
	char *digest = NULL;

	vb_assert_refused(vb_value_bundle(bad_bundles[_i].text, &name, &digest, &err), &err,
		bad_bundles[_i].refusal);
	ck_assert_ptr_null(name);
	ck_assert_ptr_null(digest);
}
END_TEST

START_TEST(a_bundle_name_has_63_characters_at_most)
{
	char *name = NULL;
	char *digest = NULL;
	char text[65];

	memset(text, 'a', 64);
	text[64] = '\0';
	ck_assert_int_eq(vb_value_bundle(text, &name, &digest, &err), -EPERM);
	text[63] = '\0';
	ck_assert_int_eq(vb_value_bundle(text, &name, &digest, &err), 0);
	ck_assert_str_eq(name, text);
	free(name);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("values");

	tcase_add_test(tcase, a_list_is_split_at_its_separator);
	tcase_add_test(tcase, splitting_stops_at_the_first_failure);
	tcase_add_test(tcase, an_empty_entry_is_refused_wherever_it_is);
	tcase_add_test(tcase, a_list_has_4096_entries_at_most);
	tcase_add_test(tcase, only_true_is_true);
	tcase_add_test(tcase, capabilities_are_united);
	tcase_add_test(tcase, one_bad_capability_spoils_the_list);
	tcase_add_test(tcase, spec_allow_takes_its_two_words);
	tcase_add_test(tcase, audit_takes_its_three_words);
	tcase_add_loop_test(tcase, sizes_have_binary_units, 0, (int)VB_ARRAY_SIZE(sizes));
	tcase_add_loop_test(tcase, other_sizes_are_refused, 0, (int)VB_ARRAY_SIZE(bad_sizes));
	tcase_add_test(tcase, modes_are_octal);
	tcase_add_test(tcase, an_exec_list_is_sorted_without_repetitions);
	tcase_add_test(tcase, none_alone_is_a_list_that_denies_everything);
	tcase_add_loop_test(tcase, a_path_that_would_lie_on_the_wire_is_refused, 0,
		(int)VB_ARRAY_SIZE(bad_paths));
	tcase_add_test(tcase, a_path_has_4095_bytes_at_most);
	tcase_add_loop_test(
		tcase, a_dlopen_entry_names_a_library, 0, (int)VB_ARRAY_SIZE(libraries));
	tcase_add_loop_test(tcase, a_dlopen_entry_of_another_name_is_refused, 0,
		(int)VB_ARRAY_SIZE(not_libraries));
	tcase_add_test(tcase, a_dlopen_entry_takes_no_glob_and_no_separator);
	tcase_add_test(tcase, lists_stop_at_4096_entries);
	tcase_add_test(tcase, a_connect_list_keeps_its_entries_as_they_are_written);
	tcase_add_test(tcase, a_tmpfs_has_defaults_and_options);
	tcase_add_loop_test(tcase, another_tmpfs_is_refused, 0, (int)VB_ARRAY_SIZE(bad_tmpfs));
	tcase_add_test(tcase, paths_beside_the_kernels_trees_can_be_a_tmpfs);
	tcase_add_test(tcase, a_bundle_is_a_name_with_or_without_its_digest);
	tcase_add_loop_test(
		tcase, another_bundle_reference_is_refused, 0, (int)VB_ARRAY_SIZE(bad_bundles));
	tcase_add_test(tcase, a_bundle_name_has_63_characters_at_most);
	return vb_unit_run("values", tcase);
}
