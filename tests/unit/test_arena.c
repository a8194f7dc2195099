/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdint.h>
#include <string.h>

#include "vb/proto/arena.h"

enum { BUDGET = 1024 * 1024 };

START_TEST(objects_are_aligned_and_do_not_overlap)
{
	vb_auto_arena struct vb_arena *arena = vb_arena_create(BUDGET);
	uint8_t *objects[300];

	for (size_t i = 0; i < VB_ARRAY_SIZE(objects); i++) {
		objects[i] = vb_arena_alloc(arena, i);
		ck_assert_ptr_nonnull(objects[i]);
		ck_assert_uint_eq((uintptr_t)objects[i] % _Alignof(max_align_t), 0);
		memset(objects[i], (int)i, i);
	}
	for (size_t i = 0; i < VB_ARRAY_SIZE(objects); i++)
		for (size_t j = 0; j < i; j++)
			ck_assert_uint_eq(objects[i][j], (uint8_t)i);
}
END_TEST

static size_t fill(struct vb_arena *arena, size_t object_size)
{
	size_t handed_out = 0;

	while (vb_arena_alloc(arena, object_size) != NULL)
		handed_out += object_size;
	return handed_out;
}

START_TEST(the_budget_holds_for_small_and_big_objects)
{
	static const size_t sizes[] = {1, 100, 4000, 5000, 100000, BUDGET / 2};
	vb_auto_arena struct vb_arena *arena = vb_arena_create(BUDGET);

	size_t handed_out = fill(arena, sizes[_i]);
	ck_assert_uint_le(handed_out, BUDGET);
	ck_assert_uint_le(vb_arena_used(arena), BUDGET);
	ck_assert(vb_arena_is_exhausted(arena));
	/* And it is not wasted: no more than the rounding of one-byte objects costs. */
	ck_assert_uint_ge(handed_out, BUDGET / 17);
}
END_TEST

START_TEST(a_reset_gives_the_whole_budget_back)
{
	vb_auto_arena struct vb_arena *arena = vb_arena_create(BUDGET);

	size_t first = fill(arena, 1000);
	vb_arena_reset(arena);
	ck_assert(!vb_arena_is_exhausted(arena));
	ck_assert_uint_le(vb_arena_used(arena), 16384);
	ck_assert_uint_eq(fill(arena, 1000), first);
}
END_TEST

START_TEST(a_budget_below_one_block_still_serves_what_fits)
{
	vb_auto_arena struct vb_arena *arena = vb_arena_create(100);

	ck_assert_ptr_nonnull(vb_arena_alloc(arena, 40));
	ck_assert_ptr_null(vb_arena_alloc(arena, 90));
	ck_assert(vb_arena_is_exhausted(arena));
	ck_assert_ptr_nonnull(vb_arena_alloc(arena, 20));
}
END_TEST

START_TEST(a_size_that_would_overflow_is_refused)
{
	vb_auto_arena struct vb_arena *arena = vb_arena_create(SIZE_MAX);

	ck_assert_ptr_null(vb_arena_alloc(arena, SIZE_MAX));
	ck_assert(vb_arena_is_exhausted(arena));
	ck_assert_ptr_null(vb_arena_alloc(arena, SIZE_MAX - 7));
}
END_TEST

START_TEST(destroying_nothing_is_fine)
{
	vb_arena_destroy(NULL);
	struct vb_arena *unused = vb_arena_create(BUDGET);
	ck_assert_ptr_nonnull(unused);
	vb_arena_reset(unused);
	vb_arena_destroy(unused);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("arena");
	TCase *tcase = tcase_create("arena");

	tcase_add_test(tcase, objects_are_aligned_and_do_not_overlap);
	tcase_add_loop_test(tcase, the_budget_holds_for_small_and_big_objects, 0, 6);
	tcase_add_test(tcase, a_reset_gives_the_whole_budget_back);
	tcase_add_test(tcase, a_budget_below_one_block_still_serves_what_fits);
	tcase_add_test(tcase, a_size_that_would_overflow_is_refused);
	tcase_add_test(tcase, destroying_nothing_is_fine);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
