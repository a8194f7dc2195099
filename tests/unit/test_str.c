/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "unit.h"
#include "vb/base/str.h"

static void add_all(struct vb_strv *strv, const char *const *texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ck_assert_int_eq(vb_strv_add(strv, texts[i]), 0);
}

static void assert_joined(const struct vb_strv *strv, const char *text)
{
	vb_auto_free char *joined = vb_strv_join(strv, ' ');

	ck_assert_str_eq(joined, text);
}

START_TEST(a_list_grows_and_keeps_its_order)
{
	vb_auto_strv struct vb_strv strv = {0};
	char text[16];

	for (unsigned int i = 0; i < 100; i++) {
		(void)snprintf(text, sizeof(text), "%u", i);
		ck_assert_int_eq(vb_strv_add(&strv, text), 0);
	}
	ck_assert_uint_eq(strv.count, 100);
	ck_assert_str_eq(strv.items[0], "0");
	ck_assert_str_eq(strv.items[99], "99");
}
END_TEST

START_TEST(a_part_of_a_text_can_be_added)
{
	vb_auto_strv struct vb_strv strv = {0};

	ck_assert_int_eq(vb_strv_add_n(&strv, "abcdef", 3), 0);
	ck_assert_int_eq(vb_strv_add_n(&strv, "abcdef", 0), 0);
	ck_assert_int_eq(vb_strv_add_n(&strv, "ab", 10), 0);
	assert_joined(&strv, "abc  ab");
}
END_TEST

START_TEST(copying_appends)
{
	static const char *const texts[] = {"b", "c"};
	vb_auto_strv struct vb_strv from = {0};
	vb_auto_strv struct vb_strv to = {0};

	add_all(&from, texts, 2);
	ck_assert_int_eq(vb_strv_add(&to, "a"), 0);
	ck_assert_int_eq(vb_strv_copy(&to, &from), 0);
	assert_joined(&to, "a b c");
	ck_assert(to.items[1] != from.items[0]);
}
END_TEST

START_TEST(contains_compares_whole_texts)
{
	static const char *const texts[] = {"one", "two"};
	vb_auto_strv struct vb_strv strv = {0};

	ck_assert(!vb_strv_contains(&strv, "one"));
	add_all(&strv, texts, 2);
	ck_assert(vb_strv_contains(&strv, "two"));
	ck_assert(!vb_strv_contains(&strv, "tw"));
	ck_assert(!vb_strv_contains(&strv, "twoo"));
	ck_assert(!vb_strv_contains(&strv, ""));
}
END_TEST

START_TEST(sorting_goes_by_byte_value_and_drops_repetitions)
{
	static const char *const texts[] = {"b", "\xc3\xa4", "a", "b", "B", "ab", "a", "b"};
	vb_auto_strv struct vb_strv strv = {0};

	add_all(&strv, texts, VB_ARRAY_SIZE(texts));
	vb_strv_sort_unique(&strv);
	assert_joined(&strv, "B a ab b \xc3\xa4");
}
END_TEST

START_TEST(a_list_can_grow_after_repetitions_were_dropped)
{
	for (size_t before = 0; before <= 20; before++) {
		for (size_t kinds = 1; kinds <= 20; kinds++) {
			vb_auto_strv struct vb_strv strv = {0};
			char text[] = "a";
			for (size_t i = 0; i < before; i++) {
				text[0] = (char)('a' + i % kinds);
				ck_assert_int_eq(vb_strv_add(&strv, text), 0);
			}
			vb_strv_sort_unique(&strv);
			ck_assert_uint_eq(strv.count, before < kinds ? before : kinds);
			for (size_t i = 0; i < 20; i++)
				ck_assert_int_eq(vb_strv_add(&strv, "z"), 0);
		}
	}
}
END_TEST

START_TEST(joining_puts_the_separator_between)
{
	static const char *const texts[] = {"a", "", "c"};
	vb_auto_strv struct vb_strv strv = {0};

	assert_joined(&strv, "");
	add_all(&strv, texts, 1);
	assert_joined(&strv, "a");
	add_all(&strv, texts + 1, 2);
	vb_auto_free char *joined = vb_strv_join(&strv, ':');
	ck_assert_str_eq(joined, "a::c");
}
END_TEST

START_TEST(null_equals_only_null)
{
	ck_assert(vb_str_equal(NULL, NULL));
	ck_assert(!vb_str_equal(NULL, ""));
	ck_assert(!vb_str_equal("", NULL));
	ck_assert(vb_str_equal("a", "a"));
	ck_assert(!vb_str_equal("a", "b"));
}
END_TEST

START_TEST(after_returns_the_rest_behind_a_prefix)
{
	ck_assert_str_eq(vb_str_after("size=4", "size="), "4");
	ck_assert_str_eq(vb_str_after("size=", "size="), "");
	ck_assert_str_eq(vb_str_after("x", ""), "x");
	ck_assert_ptr_null(vb_str_after("siz", "size="));
	ck_assert_ptr_null(vb_str_after("Size=4", "size="));
}
END_TEST

START_TEST(format_makes_as_much_room_as_it_needs)
{
	vb_auto_free char *text = vb_str_format("%0512d-%s", 7, "x");

	ck_assert_uint_eq(strlen(text), 514);
	ck_assert_str_eq(text + 511, "7-x");
}
END_TEST

static const struct {
	const char *a;
	const char *b;
	size_t distance;
} distances[] = {
	{"", "", 0},
	{"", "abc", 3},
	{"abc", "", 3},
	{"abc", "abc", 0},
	{"abc", "abd", 1},
	{"abc", "ab", 1},
	{"kitten", "sitting", 3},
	{"flaw", "lawn", 2},
};

START_TEST(distance_counts_single_edits)
{
	ck_assert_uint_eq(
		vb_str_distance(distances[_i].a, distances[_i].b), distances[_i].distance);
	ck_assert_uint_eq(
		vb_str_distance(distances[_i].b, distances[_i].a), distances[_i].distance);
}
END_TEST

START_TEST(distance_gives_up_above_63_bytes)
{
	char longest[65];

	memset(longest, 'a', sizeof(longest));
	longest[63] = '\0';
	ck_assert_uint_eq(vb_str_distance(longest, "b"), 63);
	ck_assert_uint_eq(vb_str_distance("b", longest), 63);
	ck_assert_uint_eq(vb_str_distance(longest, longest), 0);
	longest[63] = 'a';
	longest[64] = '\0';
	ck_assert_uint_eq(vb_str_distance(longest, "b"), SIZE_MAX);
	ck_assert_uint_eq(vb_str_distance("b", longest), SIZE_MAX);
}
END_TEST

static const struct {
	const char *path;
	const char *clean;
} paths[] = {
	{"/", "/"},
	{"//", "/"},
	{"/.", "/"},
	{"/..", "/"},
	{"/../../..", "/"},
	{"/a", "/a"},
	{"/a/", "/a"},
	{"//a//b//", "/a/b"},
	{"/a/./b/.", "/a/b"},
	{"/a/../b", "/b"},
	{"/a/b/..", "/a"},
	{"/a/b/../..", "/"},
	{"/a/b/../../../c", "/c"},
	{"/...", "/..."},
	{"/.a/..b", "/.a/..b"},
};

START_TEST(cleaning_gives_the_shortest_form)
{
	vb_auto_free char *clean = NULL;

	ck_assert_int_eq(vb_path_clean(paths[_i].path, &clean), 0);
	ck_assert_str_eq(clean, paths[_i].clean);
	vb_auto_free char *again = NULL;
	ck_assert_int_eq(vb_path_clean(clean, &again), 0);
	ck_assert_str_eq(again, clean);
}
END_TEST

START_TEST(a_relative_path_cannot_be_cleaned)
{
	char *clean = NULL;

	ck_assert_int_eq(vb_path_clean("", &clean), -EINVAL);
	ck_assert_int_eq(vb_path_clean("a", &clean), -EINVAL);
	ck_assert_int_eq(vb_path_clean("./a", &clean), -EINVAL);
	ck_assert_ptr_null(clean);
}
END_TEST

START_TEST(within_looks_at_whole_components)
{
	ck_assert(vb_path_is_within("/a", "/a"));
	ck_assert(vb_path_is_within("/a/b", "/a"));
	ck_assert(!vb_path_is_within("/ab", "/a"));
	ck_assert(!vb_path_is_within("/a", "/a/b"));
	ck_assert(vb_path_is_within("/a", "/"));
	ck_assert(vb_path_is_within("/", "/"));
	ck_assert(!vb_path_is_within("/", "/a"));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("str");

	tcase_add_test(tcase, a_list_grows_and_keeps_its_order);
	tcase_add_test(tcase, a_part_of_a_text_can_be_added);
	tcase_add_test(tcase, copying_appends);
	tcase_add_test(tcase, contains_compares_whole_texts);
	tcase_add_test(tcase, sorting_goes_by_byte_value_and_drops_repetitions);
	tcase_add_test(tcase, a_list_can_grow_after_repetitions_were_dropped);
	tcase_add_test(tcase, joining_puts_the_separator_between);
	tcase_add_test(tcase, null_equals_only_null);
	tcase_add_test(tcase, after_returns_the_rest_behind_a_prefix);
	tcase_add_test(tcase, format_makes_as_much_room_as_it_needs);
	tcase_add_loop_test(tcase, distance_counts_single_edits, 0, (int)VB_ARRAY_SIZE(distances));
	tcase_add_test(tcase, distance_gives_up_above_63_bytes);
	tcase_add_loop_test(tcase, cleaning_gives_the_shortest_form, 0, (int)VB_ARRAY_SIZE(paths));
	tcase_add_test(tcase, a_relative_path_cannot_be_cleaned);
	tcase_add_test(tcase, within_looks_at_whole_components);
	return vb_unit_run("str", tcase);
}
