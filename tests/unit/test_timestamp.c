/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "unit.h"
#include "vb/base/timestamp.h"

static void check(const char *text, int64_t ns)
{
	int64_t parsed = -1;

	ck_assert_int_eq(vb_timestamp_parse(text, strlen(text), &parsed), 0);
	ck_assert_msg(parsed == ns, "%s: %lld", text, (long long)parsed);
}

static void refuse(const char *text)
{
	int64_t parsed = -1;

	ck_assert_msg(vb_timestamp_parse(text, strlen(text), &parsed) == -EINVAL, "%s", text);
	ck_assert_int_eq(parsed, -1);
}

START_TEST(times_with_any_zone_and_fraction_are_read)
{
	check("1970-01-01T00:00:00Z", 0);
	check("1970-01-01T01:00:00+01:00", 0);
	check("1970-01-01T00:00:01.5Z", 1500000000);
	check("2026-11-29T01:43:53.000000001Z", 1795916633000000001);
	check("2026-11-28T20:13:53.0000000019-05:30", 1795916633000000001);
	check("2024-02-29T00:00:00Z", 1709164800000000000);
	check("2016-12-31T23:59:60Z", 1483228800000000000);
}
END_TEST

START_TEST(what_is_no_time_is_refused)
{
	refuse("");
	refuse("2026-11-29");
	refuse("2026-11-29 01:43:53Z");
	refuse("2026-11-29T01:43:53");
	refuse("2026-11-29T01:43:53.Z");
	refuse("2026-11-29T01:43:53Z ");
	refuse("2026-13-29T01:43:53Z");
	refuse("2026-02-30T01:43:53Z");
	refuse("2026-02-30T23:59:60Z");
	refuse("2026-11-29T24:00:00Z");
	refuse("1969-12-31T23:59:59Z");
	refuse("2026-11-29T01:43:53+1:00");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("timestamp");

	tcase_add_test(tcase, times_with_any_zone_and_fraction_are_read);
	tcase_add_test(tcase, what_is_no_time_is_refused);
	return vb_unit_run("timestamp", tcase);
}
