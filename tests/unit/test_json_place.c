/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <jansson.h>
#include <string.h>

#include "unit.h"
#include "vb/adjust/json_place.h"
#include "vb/base/cleanup.h"

static const char text[] = "\n{\n"
			   "  \"a\": [1, \"\303\274\303\274\", {\"b\": 5}],\n"
			   "\t\"c\": {\"d\": [[7, 8]]}\n"
			   "}\n";

static void check_place(const char *path, size_t line, size_t column)
{
	struct vb_json_place place = vb_json_find(text, strlen(text), path);

	if (place.line != line || place.column != column)
		ck_abort_msg("'%s' is at %zu:%zu", path, place.line, place.column);
}

START_TEST(paths_lead_to_line_and_column_in_characters)
{
	check_place("", 2, 1);
	check_place("a", 3, 8);
	check_place("a[0]", 3, 9);
	check_place("a[1]", 3, 12);
	check_place("a[2]", 3, 18);
	check_place("a[2].b", 3, 24);
	check_place("c.d[0][1]", 4, 18);
}
END_TEST

START_TEST(a_path_that_ends_early_gives_the_last_value_on_the_way)
{
	check_place("a[7]", 3, 8);
	check_place("a[2].x.y", 3, 18);
	check_place("x", 2, 1);
	check_place("a[", 3, 8);
	check_place("a[x]", 3, 8);
	check_place("a[99999999999999999999]", 3, 8);
	check_place("...", 2, 1);
	check_place("c.d[0]", 4, 14);
}
END_TEST

START_TEST(a_text_that_is_no_json_gives_some_place)
{
	static const char *const texts[] = {"", " ", "{", "{\"a\":", "[1,", "\"", "{\"a\":[{"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(texts); i++) {
		struct vb_json_place place = vb_json_find(texts[i], strlen(texts[i]), "a[0].b");
		ck_assert_uint_ge(place.line, 1);
		ck_assert_uint_ge(place.column, 1);
	}
}
END_TEST

START_TEST(syntax_errors_are_found_behind_numbers_of_any_size)
{
	static const char broken[] = "{\"a\": 18446744073709551615,\n \"b\": oops}";
	static const char fine[] = "{\"a\": 18446744073709551615}";
	char what[JSON_ERROR_TEXT_LENGTH] = "";
	struct vb_json_place place = vb_json_find_error(broken, strlen(broken), what);

	ck_assert_uint_eq(place.line, 2);
	ck_assert_uint_eq(place.column, 10);
	ck_assert_str_eq(what, "invalid token near 'oops'");
	what[0] = '\0';
	place = vb_json_find_error(fine, strlen(fine), what);
	ck_assert_uint_eq(place.line, 1);
	ck_assert_uint_eq(place.column, 1);
	ck_assert_str_eq(what, "");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("json_place");

	tcase_add_test(tcase, paths_lead_to_line_and_column_in_characters);
	tcase_add_test(tcase, a_path_that_ends_early_gives_the_last_value_on_the_way);
	tcase_add_test(tcase, a_text_that_is_no_json_gives_some_place);
	tcase_add_test(tcase, syntax_errors_are_found_behind_numbers_of_any_size);
	return vb_unit_run("json_place", tcase);
}
