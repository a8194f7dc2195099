/* SPDX-License-Identifier: Apache-2.0 */
/* How lines are broken for a terminal, where a recorded session shows no more than the usual. */
#include <errno.h>
#include <string.h>

#include "fold.h"
#include "unit.h"
#include "vb/base/str.h"

enum { COLUMNS = 20, ROOM = 4096 };

static char *fold(const char *text)
{
	vb_auto_buf struct vb_buf *out = vb_buf_create(ROOM);

	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(vb_fold(out, text, strlen(text), COLUMNS), 0);
	char *folded = vb_buf_strdup(out);
	ck_assert_ptr_nonnull(folded);
	return folded;
}

static const struct {
	const char *text;
	const char *folded;
} cases[] = {
	{"", ""},
	{"\n\n", "\n\n"},
	{"exactly twenty wide.", "exactly twenty wide."},
	{"one column is too much", "one column is too\n  much"},
	/* Each line is for itself, and what is broken off stands under it. */
	{"short\n  a deeper one is broken\nshort\n",
		"short\n  a deeper one is\n    broken\nshort\n"},
	/* Blanks inside of a line stay, those where it is broken do not. */
	{"name:    value  is   broken", "name:    value  is\n  broken"},
	/* A hanging indent takes half of the line at most. */
	{"                a b c d", "                a b\n          c d"},
	/* A word that is wider than all of it is never split, and goes without an indent. */
	{"at /a/path/that/is/wider/than/it is", "at\n/a/path/that/is/wider/than/it\n  is"},
	{"      /a/path/that/is/wider/than/it", "/a/path/that/is/wider/than/it"},
	/* One that does not fit behind the indent has less of it. */
	{"    word eighteen-columns-x", "    word\n  eighteen-columns-x"},
	/* Characters and not bytes have a column. */
	{"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4 "
	 "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
	 "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac",
		"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4 "
		"\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
		"\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"},
	{"\xf0\x9f\xa4\x96 word word word word", "\xf0\x9f\xa4\x96 word word word\n  word"},
	/* Colours have none. */
	{"\033[1;31mexactly\033[0m twenty \033[32mwide.\033[0m",
		"\033[1;31mexactly\033[0m twenty \033[32mwide.\033[0m"},
	/* The sequence has no end. */
	{"exactly twenty wide.\033[1", "exactly twenty wide.\033[1"},
};

START_TEST(lines_are_broken_at_blanks)
{
	vb_auto_free char *folded = fold(cases[_i].text);

	ck_assert_str_eq(folded, cases[_i].folded);
}
END_TEST

START_TEST(what_is_folded_stays_as_it_is)
{
	vb_auto_free char *once = fold(cases[_i].text);
	vb_auto_free char *twice = fold(once);

	ck_assert_str_eq(twice, once);
}
END_TEST

START_TEST(a_text_that_is_too_long_for_its_buffer_is_told)
{
	static const char text[] = "a few words too many";
	vb_auto_buf struct vb_buf *out = vb_buf_create(8);

	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(vb_fold(out, text, strlen(text), COLUMNS), -ENOSPC);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("fold");

	tcase_add_loop_test(tcase, lines_are_broken_at_blanks, 0, VB_ARRAY_SIZE(cases));
	tcase_add_loop_test(tcase, what_is_folded_stays_as_it_is, 0, VB_ARRAY_SIZE(cases));
	tcase_add_test(tcase, a_text_that_is_too_long_for_its_buffer_is_told);
	return vb_unit_run("fold", tcase);
}
