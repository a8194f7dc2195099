/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "refusals.h"
#include "unit.h"

/* What was reported: how many of which container, in one text. */
static char reported[4096];
static struct vb_refusals *refusals;

static void report(void *context, const struct vb_refusal *refusal)
{
	size_t used = strlen(reported);

	ck_assert_ptr_eq(context, reported);
	(void)snprintf(reported + used, sizeof(reported) - used, "%s/%s %s %s x%d@%d;",
		refusal->container, refusal->container_id, refusal->code, refusal->line,
		(int)refusal->unreported, (int)refusal->unreported_since.tv_sec);
}

static void start(void)
{
	reported[0] = '\0';
	refusals = vb_refusals_create(report, reported);
	ck_assert_ptr_nonnull(refusals);
}

static void finish(void)
{
	vb_refusals_destroy(refusals);
}

static void add(const char *container, const char *id, const char *line, time_t at)
{
	const struct timespec now = {.tv_sec = at};
	const struct vb_refusal refusal = {.namespace_name = "robots",
		.pod = "arm-0",
		.container = container,
		.container_id = id,
		.handler = "vambrace",
		.request = "CreateContainer",
		.code = "ErrNoPlan",
		.line = line};

	vb_refusals_add(refusals, &refusal, &now);
}

static void report_due(time_t at)
{
	const struct timespec now = {.tv_sec = at};

	vb_refusals_report_due(refusals, &now);
}

/* What was reported since the last call. */
static void expect(const char *text)
{
	ck_assert_str_eq(reported, text);
	reported[0] = '\0';
}

START_TEST(the_first_is_reported_at_once_and_retries_in_one_report_an_hour_later)
{
	add("ctl", "id1", "line", 100);
	expect("ctl/id1 ErrNoPlan line x1@100;");
	for (int i = 0; i < 1000; i++)
		add("ctl", i == 999 ? "last" : "id", "line", 110 + i);
	expect("");
	report_due(110 + 3599);
	expect("");
	report_due(110 + 3600);
	expect("ctl/last ErrNoPlan line x1000@110;");
	report_due(110 + 7200);
	expect("");
	const struct vb_refusal *refusal = vb_refusals_get(refusals, 0);
	ck_assert_uint_eq(refusal->count, 1001);
	ck_assert_int_eq(refusal->first_at.tv_sec, 100);
	ck_assert_int_eq(refusal->last_at.tv_sec, 1109);
	ck_assert_ptr_null(vb_refusals_get(refusals, 1));
}
END_TEST

START_TEST(another_container_or_another_reason_is_another_refusal)
{
	add("ctl", "id", "line", 1);
	add("log", "id", "line", 2);
	add("ctl", "id", "other", 3);
	expect("ctl/id ErrNoPlan line x1@1;log/id ErrNoPlan line x1@2;"
	       "ctl/id ErrNoPlan other x1@3;");
	ck_assert_str_eq(vb_refusals_get(refusals, 0)->line, "other");
	ck_assert_str_eq(vb_refusals_get(refusals, 2)->container, "ctl");
}
END_TEST

START_TEST(a_line_that_differs_by_the_id_alone_is_the_same_refusal)
{
	add("ctl", "id-1", "see id-1, and id-1", 1);
	add("ctl", "longer-2", "see longer-2, and longer-2", 2);
	add("ctl", "id-3", "see id-3, and id-3", 3);
	expect("ctl/id-1 ErrNoPlan see id-1, and id-1 x1@1;");
	report_due(2 + VB_REFUSALS_FOLD_S);
	expect("ctl/id-3 ErrNoPlan see id-3, and id-3 x2@2;");
	/* Another one's id is another reason, and no id is in every line. */
	add("ctl", "id-4", "see id-9, and id-4", 4);
	add("ctl", "", "see id-4, and id-5", 5);
	add("ctl", "", "see id-4, and id-5", 6);
	expect("ctl/id-4 ErrNoPlan see id-9, and id-4 x1@4;ctl/ ErrNoPlan see id-4, and id-5 "
	       "x1@5;");
}
END_TEST

START_TEST(an_admission_reports_what_waits_and_ends_the_series)
{
	add("ctl", "id", "line", 1);
	add("ctl", "id", "line", 2);
	add("ctl", "id", "line", 3);
	expect("ctl/id ErrNoPlan line x1@1;");
	vb_refusals_settle(refusals, "robots", "arm-0", "log");
	expect("");
	vb_refusals_settle(refusals, "robots", "arm-0", "ctl");
	expect("ctl/id ErrNoPlan line x2@2;");
	add("ctl", "id", "line", 4);
	expect("ctl/id ErrNoPlan line x1@4;");
	ck_assert_uint_eq(vb_refusals_get(refusals, 1)->count, 3);
}
END_TEST

START_TEST(the_eldest_makes_way_and_is_reported_before)
{
	char name[16];

	add("first", "id", "line", 1);
	add("first", "id", "line", 2);
	expect("first/id ErrNoPlan line x1@1;");
	for (int i = 1; i < VB_REFUSALS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "c%d", i);
		add(name, "id", "line", 10);
	}
	reported[0] = '\0';
	add("one-more", "id", "line", 11);
	expect("first/id ErrNoPlan line x1@2;one-more/id ErrNoPlan line x1@11;");
	ck_assert_str_eq(vb_refusals_get(refusals, VB_REFUSALS_MAX - 1)->container, "c1");
	ck_assert_ptr_null(vb_refusals_get(refusals, VB_REFUSALS_MAX));
}
END_TEST

START_TEST(at_the_end_all_that_waits_is_reported)
{
	add("ctl", "id", "line", 1);
	add("ctl", "id", "line", 2);
	reported[0] = '\0';
	vb_refusals_report_due(refusals, NULL);
	expect("ctl/id ErrNoPlan line x1@2;");
	vb_refusals_report_due(refusals, NULL);
	expect("");
}
END_TEST

START_TEST(a_clock_that_was_set_back_holds_nothing_up)
{
	add("ctl", "id", "line", 1000);
	add("ctl", "id", "line", 1001);
	reported[0] = '\0';
	report_due(900);
	expect("ctl/id ErrNoPlan line x1@1001;");
}
END_TEST

START_TEST(a_request_that_could_not_be_read_has_no_names)
{
	const struct vb_refusal refusal = {.code = "ErrInternal", .line = "line"};
	const struct timespec now = {.tv_sec = 1};

	vb_refusals_add(refusals, &refusal, &now);
	vb_refusals_add(refusals, &refusal, &now);
	expect("/ ErrInternal line x1@1;");
	ck_assert_uint_eq(vb_refusals_get(refusals, 0)->count, 2);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("refusals");

	tcase_add_checked_fixture(tcase, start, finish);
	tcase_add_test(
		tcase, the_first_is_reported_at_once_and_retries_in_one_report_an_hour_later);
	tcase_add_test(tcase, another_container_or_another_reason_is_another_refusal);
	tcase_add_test(tcase, a_line_that_differs_by_the_id_alone_is_the_same_refusal);
	tcase_add_test(tcase, an_admission_reports_what_waits_and_ends_the_series);
	tcase_add_test(tcase, the_eldest_makes_way_and_is_reported_before);
	tcase_add_test(tcase, at_the_end_all_that_waits_is_reported);
	tcase_add_test(tcase, a_clock_that_was_set_back_holds_nothing_up);
	tcase_add_test(tcase, a_request_that_could_not_be_read_has_no_names);
	return vb_unit_run("refusals", tcase);
}
