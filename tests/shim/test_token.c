/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "vb/shim/token.h"

static const char *expand(const char *text)
{
	static char out[64];

	ck_assert_int_eq(vb_shim_token_expand(text, strlen(text), "/o", out, sizeof(out)),
		(long)strlen(out));
	return out;
}

START_TEST(origin_is_replaced_in_both_forms)
{
	ck_assert_str_eq(expand("$ORIGIN/../plug"), "/o/../plug");
	ck_assert_str_eq(expand("${ORIGIN}x"), "/ox");
	ck_assert_str_eq(expand("a$ORIGIN:$ORIGIN"), "a/o:/o");
	ck_assert_str_eq(expand(""), "");
}
END_TEST

START_TEST(what_is_no_origin_stays)
{
	static const char *const others[] = {"$ORIGINS", "$ORIGIN_", "$ORIGIN7", "${ORIGIN", "$",
		"${", "ORIGIN", "$LIB", "${PLATFORM}", "$origin", "$O"};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		ck_assert_str_eq(expand(others[i]), others[i]);
		ck_assert(!vb_shim_token_has_origin(others[i], strlen(others[i])));
	}
}
END_TEST

START_TEST(whatever_a_loader_might_take_for_a_token_is_one)
{
	static const char *const tokens[] = {"$ORIGIN", "${ORIGIN}", "$LIB", "/x/${LIB}/y", "$LIBS",
		"$PLATFORM", "${PLATFORM", "$$LIB"};
	static const char *const others[] = {"", "$", "${", "$HOME/LIB", "LIB", "$LI", "$ LIB"};

	for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++)
		ck_assert_msg(vb_shim_token_has_any(tokens[i], strlen(tokens[i])), "%s", tokens[i]);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert_msg(
			!vb_shim_token_has_any(others[i], strlen(others[i])), "%s", others[i]);
}
END_TEST

START_TEST(a_result_that_does_not_fit_is_too_long)
{
	char out[4];

	ck_assert_int_eq(vb_shim_token_expand("abc", 3, "/o", out, sizeof(out)), 3);
	ck_assert_int_eq(vb_shim_token_expand("abcd", 4, "/o", out, sizeof(out)), -ENAMETOOLONG);
	ck_assert_int_eq(
		vb_shim_token_expand("ab$ORIGIN", 9, "/o", out, sizeof(out)), -ENAMETOOLONG);
	ck_assert_int_eq(vb_shim_token_expand("a$ORIGIN", 8, "/o", out, sizeof(out)), 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shim token");
	TCase *tests = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, origin_is_replaced_in_both_forms);
	tcase_add_test(tests, what_is_no_origin_stays);
	tcase_add_test(tests, whatever_a_loader_might_take_for_a_token_is_one);
	tcase_add_test(tests, a_result_that_does_not_fit_is_too_long);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
