/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "json_slice.h"
#include "unit.h"
#include "vb/base/str.h"

/* What is behind the key "k": its text, NULL for none, "?" for an error. */
static const char *value_of(const char *text)
{
	static char value[256];
	const struct vb_json_slice object = {.text = text, .size = strlen(text)};
	struct vb_json_slice slice = {0};

	int r = vb_json_slice_get(&object, "k", &slice);
	if (r == -EINVAL)
		return "?";
	if (r == 0)
		return NULL;
	ck_assert_int_eq(r, 1);
	ck_assert_uint_lt(slice.size, sizeof(value));
	memcpy(value, slice.text, slice.size);
	value[slice.size] = '\0';
	return value;
}

START_TEST(a_value_of_each_kind_is_found_whole)
{
	ck_assert_str_eq(value_of("{\"k\":1}"), "1");
	ck_assert_str_eq(value_of("{\"k\":-1.5e3,\"b\":2}"), "-1.5e3");
	ck_assert_str_eq(value_of(" { \"a\" : {} , \"k\" : true } "), "true");
	ck_assert_str_eq(value_of("{\"a\":[1,{\"k\":2}],\"k\":null}"), "null");
	ck_assert_str_eq(value_of("{\"k\":\"a,}\\\"]\"}"), "\"a,}\\\"]\"");
	ck_assert_str_eq(value_of("{\"k\":{\"x\":[\"}\",{}]},\"z\":0}"), "{\"x\":[\"}\",{}]}");
	ck_assert_str_eq(value_of("{\"k\":18446744073709551615}"), "18446744073709551615");
}
END_TEST

START_TEST(only_the_objects_own_keys_count)
{
	ck_assert_ptr_null(value_of("{}"));
	ck_assert_ptr_null(value_of("{\"a\":{\"k\":1}}"));
	ck_assert_ptr_null(value_of("{\"a\":\"\\\"k\\\":1\"}"));
	ck_assert_ptr_null(value_of("{\"kk\":1,\"\":2}"));
	/* The hook writes no key with escapes that need none. */
	ck_assert_ptr_null(value_of("{\"\\u006b\":1}"));
}
END_TEST

START_TEST(what_is_no_object_or_has_the_key_twice_is_an_error)
{
	static const char *const texts[] = {"", "1", "[\"k\",1]", "{", "{\"k\"",
		"{\"k\":", "{\"k\":}", "{\"k\":1", "{\"k\":1]", "{\"k\":1,}", "{k:1}", "{\"k\" 1}",
		"{\"k\":1,\"k\":1}", "{\"k\":\"x}", "{\"k\":[1}", "{\"k\":[}]}", "{\"k\":1 2}",
		"{\"k\":\"\\"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(texts); i++)
		ck_assert_msg(vb_str_equal(value_of(texts[i]), "?"), "%s", texts[i]);
}
END_TEST

START_TEST(nesting_has_a_bound)
{
	char text[256] = "{\"k\":";

	memset(text + 5, '[', 64);
	memset(text + 69, ']', 64);
	text[133] = '}';
	ck_assert_str_ne(value_of(text), "?");
	memset(text + 5, '[', 65);
	memset(text + 70, ']', 65);
	text[135] = '}';
	ck_assert_str_eq(value_of(text), "?");
}
END_TEST

/* Element index of an array: its text, NULL for none, "?" for an error. */
static const char *item_of(const char *text, size_t index)
{
	static char value[64];
	const struct vb_json_slice array = {.text = text, .size = strlen(text)};
	struct vb_json_slice slice = {0};

	int r = vb_json_slice_item(&array, index, &slice);
	if (r <= 0)
		return r == 0 ? NULL : "?";
	ck_assert_uint_lt(slice.size, sizeof(value));
	memcpy(value, slice.text, slice.size);
	value[slice.size] = '\0';
	return value;
}

START_TEST(elements_are_found_by_their_index)
{
	const char *text = " [1, {\"a\": [2, 3]} ,\"x,]\" ] ";

	ck_assert_str_eq(item_of(text, 0), "1");
	ck_assert_str_eq(item_of(text, 1), "{\"a\": [2, 3]}");
	ck_assert_str_eq(item_of(text, 2), "\"x,]\"");
	ck_assert_ptr_null(item_of(text, 3));
	ck_assert_ptr_null(item_of("[]", 0));
	ck_assert_str_eq(item_of("{}", 0), "?");
	ck_assert_str_eq(item_of("[1,]", 1), "?");
	ck_assert_str_eq(item_of("[1", 1), "?");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("json_slice");

	tcase_add_test(tcase, a_value_of_each_kind_is_found_whole);
	tcase_add_test(tcase, only_the_objects_own_keys_count);
	tcase_add_test(tcase, what_is_no_object_or_has_the_key_twice_is_an_error);
	tcase_add_test(tcase, nesting_has_a_bound);
	tcase_add_test(tcase, elements_are_found_by_their_index);
	return vb_unit_run("json_slice", tcase);
}
