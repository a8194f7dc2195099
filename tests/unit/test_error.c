/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "unit.h"
#include "vb/base/utf8.h"

/* Filled with something, so that every test sees what a call really wrote. */
static struct vb_error err;

static void spoil(void)
{
	memset(&err, 'x', sizeof(err));
}

START_TEST(set_appends_the_text_of_the_errno)
{
	ck_assert_int_eq(vb_error_set(&err, ENOENT, "open '%s'", "/nowhere"), -ENOENT);
	ck_assert_int_eq(err.errnum, ENOENT);
	ck_assert_ptr_null(err.code);
	ck_assert_str_eq(err.what, "open '/nowhere': No such file or directory");
	ck_assert_str_eq(err.fix, "");
}
END_TEST

START_TEST(set_names_an_errno_that_libc_does_not_know)
{
	ck_assert_int_eq(vb_error_set(&err, 9999, "do"), -9999);
	ck_assert_str_eq(err.what, "do: unknown error");
}
END_TEST

START_TEST(say_leaves_the_errno_text_out)
{
	ck_assert_int_eq(vb_error_say(&err, EINVAL, "%d is odd", 3), -EINVAL);
	ck_assert_int_eq(err.errnum, EINVAL);
	ck_assert_ptr_null(err.code);
	ck_assert_str_eq(err.what, "3 is odd");
	ck_assert_str_eq(err.fix, "");
}
END_TEST

START_TEST(refuse_sets_code_and_eperm)
{
	vb_assert_refused(vb_error_refuse(&err, "ErrConflict", "%s and %s", "a", "b"), &err,
		"ErrConflict: a and b: ");
}
END_TEST

START_TEST(fix_keeps_the_rest_and_returns_the_errors_own_errno)
{
	(void)vb_error_refuse(&err, "ErrConflict", "a and b");
	vb_assert_refused(
		vb_error_fix(&err, "remove %s", "a"), &err, "ErrConflict: a and b: remove a");
	(void)vb_error_set(&err, ENOSPC, "write");
	ck_assert_int_eq(vb_error_fix(&err, "buy a disk"), -ENOSPC);
	ck_assert_str_eq(err.what, "write: No space left on device");
}
END_TEST

START_TEST(wrap_prefixes_context_and_keeps_code_and_fix)
{
	(void)vb_error_refuse(&err, "ErrInvalidValue", "'x' is odd");
	(void)vb_error_fix(&err, "write 2");
	vb_assert_refused(vb_error_wrap(&err, "line %d", 7), &err,
		"ErrInvalidValue: line 7: 'x' is odd: write 2");
	(void)vb_error_set(&err, EIO, "read");
	ck_assert_int_eq(vb_error_wrap(&err, "plan"), -EIO);
	ck_assert_str_eq(err.what, "plan: read: Input/output error");
}
END_TEST

START_TEST(a_new_error_forgets_the_old_one)
{
	(void)vb_error_refuse(&err, "ErrConflict", "old");
	(void)vb_error_fix(&err, "old fix");
	(void)vb_error_say(&err, EINVAL, "new");
	ck_assert_ptr_null(err.code);
	ck_assert_str_eq(err.what, "new");
	ck_assert_str_eq(err.fix, "");
}
END_TEST

START_TEST(without_storage_only_the_return_value_counts)
{
	ck_assert_int_eq(vb_error_set(NULL, ENOENT, "x"), -ENOENT);
	ck_assert_int_eq(vb_error_say(NULL, EINVAL, "x"), -EINVAL);
	ck_assert_int_eq(vb_error_refuse(NULL, "ErrConflict", "x"), -EPERM);
	ck_assert_int_lt(vb_error_fix(NULL, "x"), 0);
	ck_assert_int_lt(vb_error_wrap(NULL, "x"), 0);
}
END_TEST

START_TEST(a_text_that_is_too_long_is_cut_and_still_ends)
{
	char text[VB_ERROR_WHAT_MAX * 2];

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)vb_error_say(&err, EINVAL, "%s", text);
	ck_assert_uint_eq(strlen(err.what), VB_ERROR_WHAT_MAX - 1);
	(void)vb_error_set(&err, EINVAL, "%s", text);
	ck_assert_uint_eq(strlen(err.what), VB_ERROR_WHAT_MAX - 1);
	(void)vb_error_fix(&err, "%s", text);
	ck_assert_uint_eq(strlen(err.fix), VB_ERROR_FIX_MAX - 1);
	(void)vb_error_wrap(&err, "%s", text);
	ck_assert_uint_eq(strlen(err.what), VB_ERROR_WHAT_MAX - 1);
}
END_TEST

START_TEST(a_character_cut_in_half_does_not_stay)
{
	char text[VB_ERROR_WHAT_MAX * 2] = "a";

	/* Two-byte characters at odd offsets: the cut at 639 bytes goes through one. */
	for (size_t i = 1; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xa9", 3);
	(void)vb_error_say(&err, EINVAL, "%s", text);
	ck_assert(vb_utf8_is_valid(err.what, strlen(err.what)));
	(void)vb_error_wrap(&err, "bb");
	ck_assert(vb_utf8_is_valid(err.what, strlen(err.what)));
}
END_TEST

START_TEST(what_is_formatted_in_becomes_one_printable_line)
{
	(void)vb_error_refuse(&err, "ErrConflict", "'%s'", "a\nvambrace: fake\x1b[2J\xff");
	ck_assert_str_eq(err.what, "'a?vambrace: fake?[2J?'");
	(void)vb_error_fix(&err, "%s", "b\nc");
	ck_assert_str_eq(err.fix, "b?c");
	(void)vb_error_wrap(&err, "%s", "d\te");
	ck_assert_str_eq(err.what, "d?e: 'a?vambrace: fake?[2J?'");
}
END_TEST

START_TEST(the_innermost_place_stays)
{
	(void)vb_error_say(&err, EINVAL, "odd");
	ck_assert_str_eq(err.place, "");
	ck_assert_int_eq(vb_error_at(&err, "list[%d]", 3), -EINVAL);
	ck_assert_int_eq(vb_error_at(&err, "list"), -EINVAL);
	(void)vb_error_wrap(&err, "file");
	(void)vb_error_fix(&err, "leave it out");
	ck_assert_str_eq(err.place, "list[3]");
	ck_assert_int_lt(vb_error_at(NULL, "list"), 0);
	(void)vb_error_set(&err, EIO, "read");
	ck_assert_str_eq(err.place, "");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("error");

	tcase_add_checked_fixture(tcase, spoil, NULL);
	tcase_add_test(tcase, set_appends_the_text_of_the_errno);
	tcase_add_test(tcase, set_names_an_errno_that_libc_does_not_know);
	tcase_add_test(tcase, say_leaves_the_errno_text_out);
	tcase_add_test(tcase, refuse_sets_code_and_eperm);
	tcase_add_test(tcase, fix_keeps_the_rest_and_returns_the_errors_own_errno);
	tcase_add_test(tcase, wrap_prefixes_context_and_keeps_code_and_fix);
	tcase_add_test(tcase, a_new_error_forgets_the_old_one);
	tcase_add_test(tcase, without_storage_only_the_return_value_counts);
	tcase_add_test(tcase, a_text_that_is_too_long_is_cut_and_still_ends);
	tcase_add_test(tcase, a_character_cut_in_half_does_not_stay);
	tcase_add_test(tcase, what_is_formatted_in_becomes_one_printable_line);
	tcase_add_test(tcase, the_innermost_place_stays);
	return vb_unit_run("error", tcase);
}
