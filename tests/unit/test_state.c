/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "oci_node.h"
#include "oci_support.h"
#include "vb/adjust/state.h"

START_TEST(ids_that_can_name_a_file_are_valid_and_no_others)
{
	char longest[130];

	memset(longest, 'a', sizeof(longest));
	longest[129] = '\0';
	ck_assert(!vb_container_id_is_valid(longest));
	longest[128] = '\0';
	ck_assert(vb_container_id_is_valid(longest));
	ck_assert(vb_container_id_is_valid("a"));
	ck_assert(vb_container_id_is_valid("Pod-1_x.y"));
	ck_assert(vb_container_id_is_valid("-"));
	static const char *const invalid[] = {
		"", ".", "..", ".hidden", "a/b", "../a", "a b", "a\n", "\xc3\xa4", "a:b", "a%s"};
	for (size_t i = 0; i < VB_ARRAY_SIZE(invalid); i++)
		ck_assert_msg(!vb_container_id_is_valid(invalid[i]), "%s", invalid[i]);
}
END_TEST

static void assert_mode(const char *path, mode_t mode)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, mode);
}

START_TEST(what_was_written_is_read_by_root_alone)
{
	struct vb_error err = {0};
	vb_auto_free char *text = NULL;
	size_t size = 0;

	ck_assert_msg(vb_state_write(VB_STATE_PLAN, "abc", "first", &err) == 0, "%s", err.what);
	ck_assert_int_eq(vb_state_write(VB_STATE_PLAN, "abc", "second", &err), 0);
	ck_assert_int_eq(vb_state_read(VB_STATE_PLAN, "abc", &text, &size, &err), 0);
	ck_assert_str_eq(text, "second");
	ck_assert_uint_eq(size, 6);
	assert_mode(VB_STATE_DIR, 0700);
	assert_mode(VB_STATE_DIR "/plans", 0700);
	assert_mode(VB_STATE_DIR "/plans/abc.json", 0600);
}
END_TEST

START_TEST(a_full_disk_is_told_with_the_place_where_room_is_needed)
{
	static char text[1 << 16];
	struct vb_error err = {0};

	memset(text, 'x', sizeof(text) - 1);
	ck_assert_int_eq(vb_state_write(VB_STATE_PLAN, "abc", "first", &err), 0);
	ck_assert_int_eq(mount("tmpfs", VB_STATE_DIR, "tmpfs", 0, "mode=0700,size=16384"), 0);
	/* Whether its directory is there already or not. */
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(vb_state_write(VB_STATE_PLAN, "abc", text, &err), -ENOSPC);
		ck_assert_str_eq(err.what,
			"write '" VB_STATE_DIR "/plans/abc.json': No space left on device");
		ck_assert_str_eq(err.fix, "make room in " VB_STATE_DIR " on the node");
	}
}
END_TEST

START_TEST(kinds_and_ids_do_not_mix)
{
	static const enum vb_state_kind kinds[] = {
		VB_STATE_PLAN, VB_STATE_RECEIPT, VB_STATE_OUTCOME, VB_STATE_PASSED};

	for (size_t i = 0; i < VB_ARRAY_SIZE(kinds); i++) {
		char text[2] = {(char)('0' + i), '\0'};
		ck_assert_int_eq(vb_state_write(kinds[i], "abc", text, NULL), 0);
	}
	for (size_t i = 0; i < VB_ARRAY_SIZE(kinds); i++) {
		vb_auto_free char *text = NULL;
		size_t size = 0;
		ck_assert_int_eq(vb_state_read(kinds[i], "abc", &text, &size, NULL), 0);
		ck_assert_int_eq(text[0], (char)('0' + i));
		char *none = NULL;
		ck_assert_int_eq(vb_state_read(kinds[i], "abd", &none, &size, NULL), -ENOENT);
	}
}
END_TEST

START_TEST(removing_works_once_twice_and_without_a_directory)
{
	char *text = NULL;
	size_t size = 0;

	ck_assert_int_eq(vb_state_remove(VB_STATE_RECEIPT, "abc", NULL), 0);
	ck_assert_int_eq(vb_state_write(VB_STATE_RECEIPT, "abc", "{}", NULL), 0);
	ck_assert_int_eq(vb_state_remove(VB_STATE_RECEIPT, "abc", NULL), 0);
	ck_assert_int_eq(vb_state_remove(VB_STATE_RECEIPT, "abc", NULL), 0);
	ck_assert_int_eq(vb_state_read(VB_STATE_RECEIPT, "abc", &text, &size, NULL), -ENOENT);
}
END_TEST

START_TEST(an_id_that_is_a_path_touches_nothing)
{
	struct vb_error err = {0};
	char *text = NULL;
	size_t size = 0;

	ck_assert_int_eq(vb_state_write(VB_STATE_PLAN, "../x", "{}", &err), -EINVAL);
	ck_assert_int_eq(vb_state_read(VB_STATE_PLAN, "../x", &text, &size, &err), -EINVAL);
	ck_assert_int_eq(vb_state_remove(VB_STATE_PLAN, "../x", &err), -EINVAL);
	ck_assert_int_ne(access(VB_STATE_DIR, F_OK), 0);
}
END_TEST

START_TEST(a_link_in_the_place_of_a_file_is_not_followed)
{
	char *text = NULL;
	size_t size = 0;

	ck_assert_int_eq(vb_state_write(VB_STATE_PLAN, "abc", "{}", NULL), 0);
	ck_assert_int_eq(symlink("abc.json", VB_STATE_DIR "/plans/link.json"), 0);
	ck_assert_int_eq(vb_state_read(VB_STATE_PLAN, "link", &text, &size, NULL), -ELOOP);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("state");

	tcase_add_checked_fixture(tcase, support_enter_node, NULL);
	tcase_add_test(tcase, ids_that_can_name_a_file_are_valid_and_no_others);
	tcase_add_test(tcase, what_was_written_is_read_by_root_alone);
	tcase_add_test(tcase, a_full_disk_is_told_with_the_place_where_room_is_needed);
	tcase_add_test(tcase, kinds_and_ids_do_not_mix);
	tcase_add_test(tcase, removing_works_once_twice_and_without_a_directory);
	tcase_add_test(tcase, an_id_that_is_a_path_touches_nothing);
	tcase_add_test(tcase, a_link_in_the_place_of_a_file_is_not_followed);
	return support_run(tcase);
}
