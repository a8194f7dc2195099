/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "unit.h"
#include "vb/adjust/bundle.h"
#include "vb/base/buf.h"

/* What was reported, a line each: level, place, text. */
static struct vb_buf *reports;
static size_t report_count;
static int answer;

static void start(void)
{
	reports = vb_buf_create(1 << 20);
	report_count = 0;
	answer = 0;
	ck_assert_ptr_nonnull(reports);
}

static void finish(void)
{
	vb_buf_destroy(reports);
}

static int take(void *context, enum vb_bundle_severity severity, const struct vb_error *problem)
{
	ck_assert_ptr_eq(context, &answer);
	ck_assert_int_eq(vb_buf_printf(reports, "%s %s: %s\n",
				 severity == VB_BUNDLE_ERROR ? "error" : "warning", problem->place,
				 problem->what),
		0);
	report_count++;
	return answer;
}

static int check(const char *text)
{
	return vb_bundle_check(text, strlen(text), "arm", take, &answer);
}

static void assert_reports(const char *expected)
{
	vb_auto_free char *text = vb_buf_strdup(reports);

	ck_assert_str_eq(text, expected);
}

#define HEAD               "{\"kind\":\"bundle\",\"schema_version\":\"1.6\",\"name\":\"arm\",\"version\":\"1\""
#define HARDENING(content) HEAD ",\"hardening\":{" content "}}"

START_TEST(a_good_manifest_has_no_problems)
{
	ck_assert_int_eq(check(HARDENING("\"read_only_rootfs\":true")), 0);
	assert_reports("");
}
END_TEST

START_TEST(reading_goes_on_behind_each_problem)
{
	ck_assert_int_eq(
		check(HARDENING("\"seccomp\":{\"profile\":1,\"log\":2},\"capabilities\":[],"
				"\"preload\":{\"exec_allowlist\":[\"a\",\"/b\",\"c\"]},"
				"\"no_new_privileges\":3")),
		0);
	assert_reports(
		"error hardening.seccomp.profile: hardening.seccomp.profile must be a string that "
		"is not empty\n"
		"error hardening.seccomp.log: hardening.seccomp.log must be true or false\n"
		"error hardening.capabilities: hardening.capabilities must be an object\n"
		"error hardening.preload.exec_allowlist[0]: hardening.preload.exec_allowlist[0]: "
		"exec entry 'a' is not an absolute path\n"
		"error hardening.preload.exec_allowlist[2]: hardening.preload.exec_allowlist[2]: "
		"exec entry 'c' is not an absolute path\n"
		"error hardening.no_new_privileges: hardening.no_new_privileges must be true or "
		"false\n");
}
END_TEST

START_TEST(each_value_of_an_item_is_looked_at)
{
	ck_assert_int_eq(check(HARDENING("\"tmpfs\":[{\"path\":\"x\",\"size\":\"y\",\"mode\":"
					 "\"z\",\"noexec\":1},{\"path\":\"/tmp\"}]")),
		0);
	ck_assert_uint_eq(report_count, 4);
	ck_assert_int_eq(check(HARDENING("\"rlimits\":[{\"type\":\"NOFILES\",\"soft\":-1,"
					 "\"hard\":\"x\"}]")),
		0);
	ck_assert_uint_eq(report_count, 7);
}
END_TEST

START_TEST(a_limit_that_could_not_be_read_is_not_compared)
{
	ck_assert_int_eq(
		check(HARDENING("\"rlimits\":[{\"type\":\"CORE\",\"soft\":5,\"hard\":\"x\"}]")), 0);
	assert_reports("error hardening.rlimits[0].hard: hardening.rlimits[0].hard must be a "
		       "number, not negative\n");
}
END_TEST

START_TEST(a_version_that_is_not_known_may_have_a_hardening_block)
{
	ck_assert_int_eq(check("{\"kind\":\"bundle\",\"schema_version\":\"2\",\"name\":\"arm\","
			       "\"version\":\"1\",\"hardening\":{\"read_only_rootfs\":1}}"),
		0);
	assert_reports("error schema_version: manifest.schema_version '2' is not 1.5 or 1.6\n"
		       "error hardening.read_only_rootfs: hardening.read_only_rootfs must be true "
		       "or false\n");
}
END_TEST

START_TEST(a_text_that_is_no_json_is_one_problem)
{
	ck_assert_int_eq(check("{"), 0);
	ck_assert_uint_eq(report_count, 1);
	ck_assert_int_eq(check("[]"), 0);
	ck_assert_uint_eq(report_count, 2);
}
END_TEST

START_TEST(a_list_that_is_too_long_is_one_problem)
{
	static const char *const lists[] = {"\"preload\":{\"exec_allowlist\":[",
		"\"capabilities\":{\"drop\":[", "\"preload\":{\"audit\":["};
	static const char *const entries[] = {"\"/b\"", "\"KILL\"", "\"exec\""};

	for (size_t i = 0; i < VB_ARRAY_SIZE(lists); i++) {
		vb_auto_buf struct vb_buf *text = vb_buf_create(1 << 20);
		ck_assert_int_eq(
			vb_buf_printf(text, "%s,\"hardening\":{%s%s", HEAD, lists[i], entries[i]),
			0);
		for (size_t n = 1; n < VB_BUNDLE_LIST_MAX + 10; n++)
			ck_assert_int_eq(vb_buf_printf(text, ",%s", entries[i]), 0);
		ck_assert_int_eq(vb_buf_append_string(text, "]}}}"), 0);
		vb_auto_free char *manifest = vb_buf_strdup(text);
		report_count = 0;
		ck_assert_int_eq(check(manifest), 0);
		ck_assert_uint_eq(report_count, 1);
	}
}
END_TEST

START_TEST(every_unknown_key_is_reported_with_its_level)
{
	ck_assert_int_eq(check(HEAD ",\"a\":1,\"dlopen_allowlist\":{\"b\":1},"
				    "\"hardening\":{\"c\":1,\"d\":2}}"),
		0);
	assert_reports("warning dlopen_allowlist.b: unknown key 'b' in dlopen_allowlist\n"
		       "error hardening.c: unknown key 'c' in hardening, did you mean 'tmpfs'?\n"
		       "error hardening.d: unknown key 'd' in hardening, did you mean 'tmpfs'?\n"
		       "warning a: unknown key 'a' in manifest\n");
}
END_TEST

START_TEST(more_warnings_are_reported_than_a_bundle_keeps)
{
	vb_auto_buf struct vb_buf *text = vb_buf_create(1 << 20);

	ck_assert_int_eq(vb_buf_append_string(text, HEAD), 0);
	for (int i = 0; i < 40; i++)
		ck_assert_int_eq(vb_buf_printf(text, ",\"x%d\":1", i), 0);
	ck_assert_int_eq(vb_buf_append_string(text, "}"), 0);
	vb_auto_free char *manifest = vb_buf_strdup(text);
	ck_assert_int_eq(check(manifest), 0);
	ck_assert_uint_eq(report_count, 40);
}
END_TEST

START_TEST(the_function_can_end_the_reading)
{
	answer = -ECANCELED;
	ck_assert_int_eq(check(HARDENING("\"a\":1,\"b\":2")), -ECANCELED);
	ck_assert_uint_eq(report_count, 1);
	ck_assert_int_eq(check(HEAD ",\"a\":1,\"b\":2}"), -ECANCELED);
	ck_assert_uint_eq(report_count, 2);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("bundle_check");

	tcase_add_checked_fixture(tcase, start, finish);
	tcase_add_test(tcase, a_good_manifest_has_no_problems);
	tcase_add_test(tcase, reading_goes_on_behind_each_problem);
	tcase_add_test(tcase, each_value_of_an_item_is_looked_at);
	tcase_add_test(tcase, a_limit_that_could_not_be_read_is_not_compared);
	tcase_add_test(tcase, a_version_that_is_not_known_may_have_a_hardening_block);
	tcase_add_test(tcase, a_text_that_is_no_json_is_one_problem);
	tcase_add_test(tcase, a_list_that_is_too_long_is_one_problem);
	tcase_add_test(tcase, every_unknown_key_is_reported_with_its_level);
	tcase_add_test(tcase, more_warnings_are_reported_than_a_bundle_keeps);
	tcase_add_test(tcase, the_function_can_end_the_reading);
	return vb_unit_run("bundle_check", tcase);
}
