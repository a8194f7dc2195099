/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "unit.h"
#include "vb/adjust/json.h"

static struct vb_error err;
static json_t *json;

static void finish(void)
{
	json_decref(json);
}

static int parse(const char *text)
{
	return vb_json_parse(text, strlen(text), 4, &json, &err);
}

static const struct {
	const char *text;
	const char *why;
} broken[] = {
	{"", "JSON error in line 1, column 0: '[' or '{' expected near end of file"},
	{"x", "JSON error in line 1, column 1: '[' or '{' expected near 'x'"},
	{"1", "JSON error in line 1, column 1: '[' or '{' expected near '1'"},
	{"{", "JSON error in line 1, column 1: string or '}' expected near end of file"},
	{"{\n\"a\":}", "JSON error in line 2, column 5: unexpected token near '}'"},
	{"[1,]", "JSON error in line 1, column 4: unexpected token near ']'"},
	{"{} {}", "JSON error in line 1, column 4: end of file expected near '{'"},
	{"{\"a\":1,\"a\":2}", "JSON error in line 1, column 10: duplicate object key near '\"a\"'"},
	{"[\"\xff\"]", "JSON error in line 1, column 2: unable to decode byte 0xff near '\"'"},
	{"[\"\\u0000\"]", "JSON error in line 1, column 9: \\u0000 is not allowed without "
			  "JSON_ALLOW_NUL near '\"\\u0000\"'"},
	{"[\"\\ud800\"]", "JSON error in line 1, column 9: invalid Unicode '\\uD800' near "
			  "'\"\\ud800\"'"},
	{"[18446744073709551616]",
		"JSON error in line 1, column 21: too big integer near '18446744073709551616'"},
	{"[1e999]", "JSON error in line 1, column 6: real number overflow near '1e999'"},
	{"\xef\xbb\xbf{}",
		"JSON error in line 1, column 1: it begins with a byte order mark; save it "
		"as UTF-8 without one"},
	{"\xff\xfe{",
		"JSON error in line 1, column 1: it begins with a byte order mark; save it as "
		"UTF-8 without one"},
	{"[[[[[1]]]]]", "JSON is nested deeper than 4 levels"},
	{"{\"a\":{\"b\":[{\"c\":{}}]}}", "JSON is nested deeper than 4 levels"},
};

START_TEST(a_broken_text_fails_and_says_where)
{
	vb_assert_failed(parse(broken[_i].text), EINVAL, &err, broken[_i].why);
	ck_assert_ptr_null(json);
}
END_TEST

START_TEST(a_nul_byte_ends_no_text)
{
	static const char text[] = "{}\0{}";

	ck_assert_int_eq(vb_json_parse(text, sizeof(text) - 1, 4, &json, &err), -EINVAL);
	ck_assert_int_eq(vb_json_parse(text, 2, 4, &json, &err), 0);
}
END_TEST

START_TEST(only_real_brackets_count_as_depth)
{
	ck_assert_int_eq(parse("[[[[\"[[[[\\\"[[\\\\\", \"{{{{\"]]]]"), 0);
	json_decref(json);
	json = NULL;
	ck_assert_int_eq(parse("[[],[],[],[],[],[[]]]"), 0);
}
END_TEST

START_TEST(a_megabyte_of_brackets_is_told_before_it_is_built)
{
	static char text[1 << 20];

	memset(text, '[', sizeof(text));
	vb_assert_failed(vb_json_parse(text, sizeof(text), 32, &json, &err), EINVAL, &err,
		"JSON is nested deeper than 32 levels");
}
END_TEST

START_TEST(an_unknown_key_is_told_with_the_nearest_known_one)
{
	static const char *const known[] = {"alpha", "beta", NULL};

	ck_assert_int_eq(parse("{\"alpha\":1,\"beta\":2}"), 0);
	ck_assert_int_eq(vb_json_check_keys(json, "thing", known, &err), 0);
	json_decref(json);
	ck_assert_int_eq(parse("{\"alpha\":1,\"betta\":2}"), 0);
	vb_assert_failed(vb_json_check_keys(json, "thing", known, &err), EINVAL, &err,
		"unknown key 'betta' in thing, did you mean 'beta'?");
}
END_TEST

#define OBJECT                                                                                     \
	"{\"s\":\"text\",\"e\":\"\",\"b\":true,\"f\":false,\"o\":{},\"a\":[\"x\",\"\"],"           \
	"\"n\":null,\"i\":1,\"m\":[\"x\",1]}"

START_TEST(values_of_the_right_type_are_read)
{
	const char *text = "before";
	const json_t *part = NULL;
	bool flag = false;
	vb_auto_strv struct vb_strv strings = {0};

	ck_assert_int_eq(parse(OBJECT), 0);
	ck_assert_int_eq(vb_json_get_string(json, "w", "s", &text, &err), 0);
	ck_assert_str_eq(text, "text");
	ck_assert_int_eq(vb_json_get_bool(json, "w", "b", &flag, &err), 0);
	ck_assert(flag);
	ck_assert_int_eq(vb_json_get_bool(json, "w", "f", &flag, &err), 0);
	ck_assert(!flag);
	ck_assert_int_eq(vb_json_get_object(json, "w", "o", &part, &err), 0);
	ck_assert(json_is_object(part));
	ck_assert_int_eq(vb_json_get_array(json, "w", "a", &part, &err), 0);
	ck_assert(json_is_array(part));
	ck_assert_int_eq(vb_json_get_strings(json, "w", "a", &strings, &err), 0);
	ck_assert_uint_eq(strings.count, 2);
}
END_TEST

START_TEST(an_absent_key_changes_nothing)
{
	const char *text = "before";
	const json_t *part = NULL;
	bool flag = true;
	vb_auto_strv struct vb_strv strings = {0};

	ck_assert_int_eq(parse("{}"), 0);
	ck_assert_int_eq(vb_json_get_string(json, "w", "k", &text, &err), 0);
	ck_assert_str_eq(text, "before");
	ck_assert_int_eq(vb_json_get_bool(json, "w", "k", &flag, &err), 0);
	ck_assert(flag);
	ck_assert_int_eq(vb_json_get_object(json, "w", "k", &part, &err), 0);
	ck_assert_int_eq(vb_json_get_array(json, "w", "k", &part, &err), 0);
	ck_assert_ptr_null(part);
	ck_assert_int_eq(vb_json_get_strings(json, "w", "k", &strings, &err), 0);
	ck_assert_uint_eq(strings.count, 0);
}
END_TEST

START_TEST(a_value_of_another_type_fails_naming_its_place)
{
	const char *text = NULL;
	const json_t *part = NULL;
	bool flag = false;
	vb_auto_strv struct vb_strv strings = {0};

	ck_assert_int_eq(parse(OBJECT), 0);
	vb_assert_failed(vb_json_get_string(json, "w", "i", &text, &err), EINVAL, &err,
		"w.i must be a string that is not empty");
	vb_assert_failed(vb_json_get_string(json, "w", "e", &text, &err), EINVAL, &err,
		"w.e must be a string that is not empty");
	vb_assert_failed(vb_json_get_string(json, "w", "n", &text, &err), EINVAL, &err,
		"w.n must be a string that is not empty");
	vb_assert_failed(vb_json_get_bool(json, "w", "i", &flag, &err), EINVAL, &err,
		"w.i must be true or false");
	vb_assert_failed(vb_json_get_object(json, "w", "a", &part, &err), EINVAL, &err,
		"w.a must be an object");
	vb_assert_failed(vb_json_get_array(json, "w", "o", &part, &err), EINVAL, &err,
		"w.o must be an array");
	vb_assert_failed(vb_json_get_strings(json, "w", "s", &strings, &err), EINVAL, &err,
		"w.s must be an array");
	vb_assert_failed(vb_json_get_strings(json, "w", "m", &strings, &err), EINVAL, &err,
		"w.m[1] must be a string");
	ck_assert_ptr_null(text);
	ck_assert_ptr_null(part);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("json");

	tcase_add_checked_fixture(tcase, NULL, finish);
	tcase_add_loop_test(
		tcase, a_broken_text_fails_and_says_where, 0, (int)VB_ARRAY_SIZE(broken));
	tcase_add_test(tcase, a_nul_byte_ends_no_text);
	tcase_add_test(tcase, only_real_brackets_count_as_depth);
	tcase_add_test(tcase, a_megabyte_of_brackets_is_told_before_it_is_built);
	tcase_add_test(tcase, an_unknown_key_is_told_with_the_nearest_known_one);
	tcase_add_test(tcase, values_of_the_right_type_are_read);
	tcase_add_test(tcase, an_absent_key_changes_nothing);
	tcase_add_test(tcase, a_value_of_another_type_fails_naming_its_place);
	return vb_unit_run("json", tcase);
}
