/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vb/shim/policy_load.h"

/* A list, what it leads to, and the memory of both. */
struct fixture {
	struct vb_shim_paths paths;
	struct vb_shim_libraries libraries;
	void *path_memory;
	void *memory;
};

/* Files under /link are those under /usr/lib, nothing is under /none. */
static const char *canonical(void *data, const char *entry)
{
	char *buffer = data;

	if (strncmp(entry, "/none/", 6) == 0)
		return NULL;
	if (strncmp(entry, "/link/", 6) != 0)
		return entry;
	(void)snprintf(buffer, VB_SHIM_PATH_MAX, "/usr/lib/%s", entry + 6);
	return buffer;
}

static int try_build(struct fixture *fixture, const char *list, size_t bytes)
{
	static const struct vb_shim_aliases no_aliases;
	static char buffer[VB_SHIM_PATH_MAX];
	struct vb_shim_review review = {0};
	size_t path_bytes = vb_shim_paths_space(list);
	struct vb_shim_arena arena = {.next = malloc(path_bytes), .left_bytes = path_bytes};

	fixture->path_memory = arena.next;
	ck_assert_int_eq(
		vb_shim_paths_build(&fixture->paths, list, &no_aliases, &arena, &review), 0);
	if (bytes == 0)
		bytes = vb_shim_libraries_space(&fixture->paths);
	arena = (struct vb_shim_arena){.next = malloc(bytes), .left_bytes = bytes};
	fixture->memory = arena.next;
	return vb_shim_libraries_build(
		&fixture->libraries, &fixture->paths, canonical, buffer, &arena);
}

static void build(struct fixture *fixture, const char *list)
{
	ck_assert_int_eq(try_build(fixture, list, 0), 0);
}

static void drop(struct fixture *fixture)
{
	free(fixture->memory);
	free(fixture->path_memory);
}

START_TEST(a_file_is_held_by_its_canonical_path)
{
	struct fixture fixture;

	build(&fixture, "/link/a.so:/opt/b.so");
	ck_assert(vb_shim_libraries_match(&fixture.libraries, "/usr/lib/a.so"));
	ck_assert(vb_shim_libraries_match(&fixture.libraries, "/opt/b.so"));
	ck_assert(!vb_shim_libraries_match(&fixture.libraries, "/link/a.so"));
	ck_assert(!vb_shim_libraries_match(&fixture.libraries, "/opt/b.s"));
	ck_assert(!vb_shim_libraries_match(&fixture.libraries, ""));
	drop(&fixture);
}
END_TEST

START_TEST(an_entry_that_leads_nowhere_stands_for_itself)
{
	struct fixture fixture;

	build(&fixture, "/none/a.so");
	ck_assert(vb_shim_libraries_match(&fixture.libraries, "/none/a.so"));
	drop(&fixture);
}
END_TEST

START_TEST(a_name_leads_to_its_entries_in_their_order)
{
	struct fixture fixture;
	uint32_t position = 0;

	build(&fixture, "/link/a.so:/opt/b.so:/opt/a.so:/a.so:/opt/a.so");
	ck_assert_str_eq(
		vb_shim_libraries_named(&fixture.libraries, "a.so", &position), "/link/a.so");
	ck_assert_str_eq(
		vb_shim_libraries_named(&fixture.libraries, "a.so", &position), "/opt/a.so");
	ck_assert_str_eq(vb_shim_libraries_named(&fixture.libraries, "a.so", &position), "/a.so");
	ck_assert_ptr_null(vb_shim_libraries_named(&fixture.libraries, "a.so", &position));
	ck_assert_ptr_null(vb_shim_libraries_named(&fixture.libraries, "a.so", &position));
	position = 0;
	ck_assert_ptr_null(vb_shim_libraries_named(&fixture.libraries, "a.s", &position));
	position = 0;
	ck_assert_ptr_null(vb_shim_libraries_named(&fixture.libraries, "", &position));
	drop(&fixture);
}
END_TEST

START_TEST(none_holds_nothing)
{
	struct fixture fixture;
	uint32_t position = 0;

	build(&fixture, "none");
	ck_assert(!vb_shim_libraries_match(&fixture.libraries, "/opt/none"));
	ck_assert_ptr_null(vb_shim_libraries_named(&fixture.libraries, "none", &position));
	drop(&fixture);
}
END_TEST

START_TEST(an_arena_that_is_too_small_is_enomem_at_every_size)
{
	static const char list[] = "/link/a.so:/opt/b.so";
	struct fixture fixture;
	size_t bytes = 1;

	for (; try_build(&fixture, list, bytes) != 0; bytes++)
		drop(&fixture);
	ck_assert(vb_shim_libraries_match(&fixture.libraries, "/usr/lib/a.so"));
	ck_assert_uint_le(bytes, vb_shim_libraries_space(&fixture.paths));
	drop(&fixture);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shim dlopen list");
	TCase *tests = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, a_file_is_held_by_its_canonical_path);
	tcase_add_test(tests, an_entry_that_leads_nowhere_stands_for_itself);
	tcase_add_test(tests, a_name_leads_to_its_entries_in_their_order);
	tcase_add_test(tests, none_holds_nothing);
	tcase_add_test(tests, an_arena_that_is_too_small_is_enomem_at_every_size);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
