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
	"ErrInvalidValue: tmpfs path '" path "' is not usable: write an absolute path without "    \
	"blanks, ',' and ':', of at most 4095 bytes"
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
	{"/tmp\xc2\x9b", UNUSABLE("/tmp??")},
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
#define TWICE(path, option)                                                                        \
	"ErrInvalidValue: tmpfs '" path "' has the option of '" option "' twice: keep one of them"
	{"/tmp:size=16Mi:noexec:size=64Mi", TWICE("/tmp", "size=64Mi")},
	{"/a,/tmp/:mode=700:mode=700", TWICE("/tmp", "mode=700")},
	{"/tmp:noexec:noexec", TWICE("/tmp", "noexec")},
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

START_TEST(the_path_of_a_tmpfs_has_4095_bytes_at_most)
{
	struct vb_tmpfs_list list = {0};
	char path[4097];

	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	path[4095] = '\0';
	ck_assert_int_eq(vb_value_tmpfs(path, &list, &err), 0);
	ck_assert_str_eq(list.items[0].path, path);
	path[4095] = 'x';
	path[4096] = '\0';
	ck_assert_int_eq(vb_value_tmpfs(path, &list, &err), -EPERM);
	ck_assert_uint_eq(list.count, 1);
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
	tcase_add_test(tcase, a_tmpfs_has_defaults_and_options);
	tcase_add_loop_test(tcase, another_tmpfs_is_refused, 0, (int)VB_ARRAY_SIZE(bad_tmpfs));
	tcase_add_test(tcase, the_path_of_a_tmpfs_has_4095_bytes_at_most);
	tcase_add_test(tcase, paths_beside_the_kernels_trees_can_be_a_tmpfs);
	tcase_add_test(tcase, a_bundle_is_a_name_with_or_without_its_digest);
	tcase_add_loop_test(
		tcase, another_bundle_reference_is_refused, 0, (int)VB_ARRAY_SIZE(bad_bundles));
	tcase_add_test(tcase, a_bundle_name_has_63_characters_at_most);
	return vb_unit_run("values", tcase);
}
