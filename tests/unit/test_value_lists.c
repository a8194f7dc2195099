/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "unit.h"
#include "vb/adjust/values.h"

static struct vb_error err;

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
	{"/bin/a\xc2\x85", CHARACTER("/bin/a??")},
	{"/bin/\xe2\x80\xaegpj.sh", CHARACTER("/bin/???gpj.sh")},
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

int main(void)
{
	TCase *tcase = tcase_create("value_lists");

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
	return vb_unit_run("value_lists", tcase);
}
