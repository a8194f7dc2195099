/* SPDX-License-Identifier: Apache-2.0 */
/* What golden cases (tests/golden/why) cannot hold: bounds. */
#include <stdio.h>
#include <string.h>

#include "unit.h"
#include "vb/adjust/denials.h"

#define DENIED(path)                                                                               \
	"autonomy-preload: execve(" path ") denied by AUTONOMY_PRELOAD_EXEC_ALLOWLIST\n"

static struct vb_denials *denials;

static void start(void)
{
	denials = vb_denials_create(0, INT64_MAX);
	ck_assert_ptr_nonnull(denials);
}

static void finish(void)
{
	vb_denials_destroy(denials);
}

static const struct vb_denied *read_log(const char *text)
{
	ck_assert_int_eq(vb_denials_feed(denials, text, strlen(text), NULL), 0);
	ck_assert_int_eq(vb_denials_end_log(denials, NULL), 0);
	return vb_denials_finish(denials);
}

START_TEST(each_kind_is_kept_once_and_further_kinds_are_counted)
{
	const struct vb_denied *denied = NULL;
	char line[128];

	for (unsigned int round = 0; round < 2; round++)
		for (unsigned int i = 0; i < VB_DENIALS_MAX + 3; i++) {
			(void)snprintf(line, sizeof(line), DENIED("/bin/p%u"), i);
			denied = read_log(line);
		}
	ck_assert_uint_eq(denied->count, VB_DENIALS_MAX);
	ck_assert_uint_eq(denied->more, 6);
	for (size_t i = 0; i < denied->count; i++)
		ck_assert_uint_eq(denied->items[i].count, 2);
}
END_TEST

START_TEST(only_lines_of_the_time_asked_for_count)
{
	finish();
	denials = vb_denials_create(1795916633000000000, 1795916635000000000);
	const struct vb_denied *denied =
		read_log("2026-11-29T01:43:52.9Z stderr F " DENIED("/bin/before") //
			"2026-11-29T01:43:53Z stderr F " DENIED(
				"/bin/in") "2026-11-29T01:43:55Z stderr F " DENIED("/bin/after")
				DENIED("/bin/without"));
	ck_assert_uint_eq(denied->count, 1);
	ck_assert_str_eq(denied->items[0].entry, "/bin/in");
}
END_TEST

START_TEST(a_line_that_names_an_error_is_cut_where_a_character_ends)
{
	char dots[50];
	char line[128];
	char shown[128];

	memset(dots, '.', sizeof(dots) - 1);
	dots[sizeof(dots) - 1] = '\0';
	(void)snprintf(line, sizeof(line), "EPERM %s\xc3\xa9\xc3\xa9\xc3\xa9\n", dots);
	(void)snprintf(shown, sizeof(shown), "EPERM %s?...", dots);
	const struct vb_denied *denied = read_log(line);
	ck_assert_uint_eq(denied->mentions[VB_MENTION_EPERM].count, 1);
	ck_assert_str_eq(denied->mentions[VB_MENTION_EPERM].text, shown);
	ck_assert_uint_eq(strlen(shown), VB_MENTION_TEXT_MAX - 1);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("denials");

	tcase_add_checked_fixture(tcase, start, finish);
	tcase_add_test(tcase, each_kind_is_kept_once_and_further_kinds_are_counted);
	tcase_add_test(tcase, only_lines_of_the_time_asked_for_count);
	tcase_add_test(tcase, a_line_that_names_an_error_is_cut_where_a_character_ends);
	return vb_unit_run("denials", tcase);
}
