/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vb/shim/policy_path.h"
#include "vb/shim/search.h"

/* A list and the memory that it lives in. */
struct fixture {
	struct vb_shim_paths paths;
	struct vb_shim_review review;
	void *memory;
	char kept[256];
};

static const struct vb_shim_aliases merged = {
	.alias = {{"/bin", "/usr/bin"}, {"/lib64", "/usr/lib64"}}, .count = 2};

static void build(struct fixture *fixture, const char *list)
{
	size_t bytes = vb_shim_paths_space(list);
	struct vb_shim_arena arena = {.next = malloc(bytes), .left_bytes = bytes};

	memset(fixture, 0, sizeof(*fixture));
	ck_assert_ptr_nonnull(arena.next);
	fixture->memory = arena.next;
	if (strlen(list) < sizeof(fixture->kept))
		fixture->review.kept = fixture->kept;
	ck_assert_int_eq(
		vb_shim_paths_build(&fixture->paths, list, &merged, &arena, &fixture->review), 0);
}

static bool holds(const char *list, const char *path)
{
	struct fixture fixture;
	bool result;

	build(&fixture, list);
	result = vb_shim_paths_match(&fixture.paths, path);
	free(fixture.memory);
	return result;
}

START_TEST(a_listed_path_is_held_and_no_other)
{
	static const char list[] = "/usr/bin/echo:/opt/x";

	ck_assert(holds(list, "/usr/bin/echo"));
	ck_assert(holds(list, "/opt/x"));
	ck_assert(!holds(list, "/opt/"));
	ck_assert(!holds(list, "/opt/xy"));
	ck_assert(!holds(list, "/opt/x/y"));
	ck_assert(!holds(list, "/usr/bin/ech"));
	ck_assert(!holds(list, ""));
	ck_assert(!holds(list, "/opt/X"));
}
END_TEST

START_TEST(the_directory_part_follows_the_merged_usr_aliases)
{
	ck_assert(holds("/bin/echo", "/usr/bin/echo"));
	ck_assert(!holds("/bin/echo", "/bin/echo"));
	ck_assert(holds("/lib64/a/b", "/usr/lib64/a/b"));
	/* Not a component of its own, and not an alias here. */
	ck_assert(holds("/binary/echo", "/binary/echo"));
	ck_assert(holds("/sbin/ip", "/sbin/ip"));
	/* Only at the root. */
	ck_assert(holds("/opt/bin/echo", "/opt/bin/echo"));
	/* The last component is not followed. */
	ck_assert(holds("/bin", "/bin"));
}
END_TEST

START_TEST(an_entry_is_cleaned_lexically)
{
	ck_assert(holds("//usr///bin/./echo", "/usr/bin/echo"));
	ck_assert(holds("/./bin//echo", "/usr/bin/echo"));
	ck_assert(holds("/usr/bin/...", "/usr/bin/..."));
	ck_assert(holds("/usr/.bin/..x", "/usr/.bin/..x"));
}
END_TEST

START_TEST(malformed_entries_are_counted_and_the_first_is_named)
{
	struct fixture fixture;

	build(&fixture, "/a:b:/c/:/d/../e:/f/.:/:/g::");
	ck_assert_uint_eq(fixture.review.rejected, 5);
	ck_assert_mem_eq(fixture.review.first, "b", fixture.review.first_bytes);
	ck_assert_uint_eq(fixture.paths.count, 2);
	ck_assert_str_eq(fixture.kept, "/a:/g");
	free(fixture.memory);
}
END_TEST

START_TEST(an_entry_of_path_max_is_malformed)
{
	char *list = malloc((size_t)2 * VB_SHIM_PATH_MAX);
	struct fixture fixture;

	memset(list, 'a', VB_SHIM_PATH_MAX);
	list[0] = '/';
	list[VB_SHIM_PATH_MAX - 1] = '\0';
	ck_assert(holds(list, list));
	list[VB_SHIM_PATH_MAX - 1] = 'a';
	list[VB_SHIM_PATH_MAX] = '\0';
	build(&fixture, list);
	ck_assert_uint_eq(fixture.review.rejected, 1);
	free(fixture.memory);
	free(list);
}
END_TEST

START_TEST(none_and_lists_without_a_valid_entry_hold_nothing)
{
	static const char *const lists[] = {"none", ":", "none:none", "bin/sh"};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		ck_assert(!holds(lists[i], "/usr/bin/echo"));
		ck_assert(!holds(lists[i], "none"));
		ck_assert(!holds(lists[i], ""));
	}
}
END_TEST

START_TEST(doubled_entries_are_stored_once)
{
	struct fixture fixture;

	build(&fixture, "/bin/echo:/usr/bin/echo://bin/echo");
	ck_assert_uint_eq(fixture.paths.count, 1);
	free(fixture.memory);
}
END_TEST

START_TEST(an_arena_that_is_too_small_is_enomem)
{
	static const char list[] = "/a:/b:/c";
	_Alignas(16) unsigned char memory[1024];
	struct vb_shim_paths paths;
	struct vb_shim_review review = {0};

	for (size_t bytes = 0; bytes < vb_shim_paths_space(list); bytes += 16) {
		struct vb_shim_arena arena = {.next = memory, .left_bytes = bytes};

		ck_assert_int_eq(
			vb_shim_paths_build(&paths, list, &merged, &arena, &review), -ENOMEM);
	}
}
END_TEST

static void check_alias(const char *target, const char *expected)
{
	struct vb_shim_aliases aliases = {.count = 0};

	vb_shim_aliases_add(&aliases, "/bin", target, strlen(target));
	ck_assert_uint_eq(aliases.count, expected == NULL ? 0 : 1);
	if (expected != NULL)
		ck_assert_str_eq(aliases.alias[0].to, expected);
}

START_TEST(only_symlinks_into_usr_make_an_alias)
{
	check_alias("usr/bin", "/usr/bin");
	check_alias("/usr/bin", "/usr/bin");
	check_alias("/opt/bin", NULL);
	check_alias("usr/../opt", NULL);
	check_alias("usr/bin/deep", NULL);
	check_alias("usrbin", NULL);
	check_alias("", NULL);
	check_alias("/usr/a-name-that-is-far-too-long", NULL);
}
END_TEST

/* The candidates, each followed by a blank. */
static const char *candidates(const char *file, const char *search_path)
{
	static char all[256];
	char candidate[VB_SHIM_PATH_MAX];
	struct vb_shim_search search;
	size_t length = 0;

	ck_assert_int_eq(vb_shim_search_start(&search, file, search_path), 0);
	while (vb_shim_search_next(&search, candidate)) {
		ck_assert_uint_lt(length + strlen(candidate) + 1, sizeof(all));
		memcpy(all + length, candidate, strlen(candidate));
		length += strlen(candidate);
		all[length++] = ' ';
	}
	all[length] = '\0';
	return all;
}

START_TEST(a_search_tries_each_directory_in_order)
{
	ck_assert_str_eq(candidates("x", "/a:/b/c"), "/a/x /b/c/x ");
	ck_assert_str_eq(candidates("x", ":/a:"), "x /a/x x ");
	ck_assert_str_eq(candidates("x", ""), "x ");
	ck_assert_str_eq(candidates("./x", "/a:/b"), "./x ");
	ck_assert_str_eq(candidates("/x/y", ""), "/x/y ");
}
END_TEST

START_TEST(a_search_refuses_names_that_cannot_exist)
{
	char name[VB_SHIM_PATH_MAX + 1];
	struct vb_shim_search search;

	ck_assert_int_eq(vb_shim_search_start(&search, "", "/a"), -ENOENT);
	memset(name, 'a', sizeof(name));
	name[255] = '\0';
	ck_assert_int_eq(vb_shim_search_start(&search, name, "/a"), 0);
	name[255] = 'a';
	name[256] = '\0';
	ck_assert_int_eq(vb_shim_search_start(&search, name, "/a"), -ENAMETOOLONG);
	memset(name, '/', sizeof(name));
	name[VB_SHIM_PATH_MAX] = '\0';
	ck_assert_int_eq(vb_shim_search_start(&search, name, "/a"), -ENAMETOOLONG);
}
END_TEST

START_TEST(a_search_skips_a_directory_that_makes_the_path_too_long)
{
	char search_path[VB_SHIM_PATH_MAX + 16];

	memset(search_path, 'd', sizeof(search_path));
	memcpy(search_path + VB_SHIM_PATH_MAX, ":/a", sizeof(":/a"));
	ck_assert_str_eq(candidates("x", search_path), "/a/x ");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shim path list");
	TCase *tests = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, a_listed_path_is_held_and_no_other);
	tcase_add_test(tests, the_directory_part_follows_the_merged_usr_aliases);
	tcase_add_test(tests, an_entry_is_cleaned_lexically);
	tcase_add_test(tests, malformed_entries_are_counted_and_the_first_is_named);
	tcase_add_test(tests, an_entry_of_path_max_is_malformed);
	tcase_add_test(tests, none_and_lists_without_a_valid_entry_hold_nothing);
	tcase_add_test(tests, doubled_entries_are_stored_once);
	tcase_add_test(tests, an_arena_that_is_too_small_is_enomem);
	tcase_add_test(tests, only_symlinks_into_usr_make_an_alias);
	tcase_add_test(tests, a_search_tries_each_directory_in_order);
	tcase_add_test(tests, a_search_refuses_names_that_cannot_exist);
	tcase_add_test(tests, a_search_skips_a_directory_that_makes_the_path_too_long);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
