/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "unit.h"
#include "vb/adjust/codes.h"
#include "vb/adjust/refusal.h"
#include "vb/base/cleanup.h"
#include "vb/base/utf8.h"

static struct vb_error err;
static char line[VB_REFUSAL_LINE_MAX];

START_TEST(a_refusal_is_one_line_that_stands_alone)
{
	(void)vb_error_refuse(&err, VB_CODE_INVALID_VALUE, "unknown capability 'X'");
	(void)vb_error_fix(&err, "did you mean Y?");
	vb_refusal_format(line, &err, "robots", "arm-7", "driver");
	ck_assert_str_eq(line, "vambrace: ErrInvalidValue: unknown capability 'X' (robots/arm-7, "
			       "container driver): did you mean Y?");
}
END_TEST

START_TEST(an_error_without_a_code_is_internal_and_leads_to_the_doctor)
{
	(void)vb_error_set(&err, 12, "decide a plan");
	vb_refusal_format(line, &err, "robots", "arm-7", "driver");
	ck_assert_str_eq(line,
		"vambrace: ErrInternal: decide a plan: Cannot allocate memory (robots/arm-7, "
		"container driver): this is not the pod's fault; run vambrace doctor on the node, "
		"and see the log of vambrace-nri there");
}
END_TEST

START_TEST(names_that_nobody_gave_are_unknown)
{
	(void)vb_error_refuse(&err, VB_CODE_NO_PLAN, "no plan");
	(void)vb_error_fix(&err, "wait");
	vb_refusal_format(line, &err, NULL, "", NULL);
	ck_assert_str_eq(
		line, "vambrace: ErrNoPlan: no plan (unknown/unknown, container unknown): wait");
}
END_TEST

START_TEST(names_from_outside_cannot_forge_a_line)
{
	(void)vb_error_refuse(&err, VB_CODE_CONFLICT, "x");
	(void)vb_error_fix(&err, "y");
	vb_refusal_format(line, &err, "a\nb", "c\x1b[0m", "d\xff");
	ck_assert_str_eq(line, "vambrace: ErrConflict: x (a?b/c?[0m, container d?): y");
}
END_TEST

START_TEST(the_longest_refusal_fits_whole)
{
	char text[2000];

	memset(text, 'w', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)vb_error_refuse(&err, VB_CODE_REQUIRES_RUNTIME, "%s", text);
	(void)vb_error_fix(&err, "%s", text);
	vb_refusal_format(line, &err, text, text, text);
	/* Namespace 63, pod 253, container 63, what 639, fix 383 bytes. */
	ck_assert_uint_eq(
		strlen(line), strlen("vambrace: ErrHardeningRequiresRuntime:  (/, container ): ") +
				      63 + 253 + 63 + 639 + 383);
	ck_assert_str_eq(line + strlen(line) - 2, "ww");
}
END_TEST

START_TEST(a_name_cut_inside_a_character_stays_valid)
{
	char name[200] = "a";

	for (size_t i = 1; i + 2 < sizeof(name); i += 2)
		memcpy(name + i, "\xc3\xa9", 3);
	(void)vb_error_refuse(&err, VB_CODE_CONFLICT, "x");
	vb_refusal_format(line, &err, name, name, name);
	ck_assert(vb_utf8_is_valid(line, strlen(line)));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("refusal");

	tcase_add_test(tcase, a_refusal_is_one_line_that_stands_alone);
	tcase_add_test(tcase, an_error_without_a_code_is_internal_and_leads_to_the_doctor);
	tcase_add_test(tcase, names_that_nobody_gave_are_unknown);
	tcase_add_test(tcase, names_from_outside_cannot_forge_a_line);
	tcase_add_test(tcase, the_longest_refusal_fits_whole);
	tcase_add_test(tcase, a_name_cut_inside_a_character_stays_valid);
	return vb_unit_run("refusal", tcase);
}
