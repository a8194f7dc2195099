/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>

#include "vb/shim/limit.h"

START_TEST(a_second_has_so_many_lines_and_the_next_has_as_many)
{
	struct vb_shim_limit limit = {0};

	for (uint64_t second = 7; second < 10; second++) {
		for (int i = 0; i < VB_SHIM_LIMIT_PER_SECOND; i++)
			ck_assert(vb_shim_limit_take(&limit, second));
		ck_assert(!vb_shim_limit_take(&limit, second));
		ck_assert(!vb_shim_limit_take(&limit, second));
	}
}
END_TEST

START_TEST(the_first_second_since_boot_has_its_lines_too)
{
	struct vb_shim_limit limit = {0};

	for (int i = 0; i < VB_SHIM_LIMIT_PER_SECOND; i++)
		ck_assert(vb_shim_limit_take(&limit, 0));
	ck_assert(!vb_shim_limit_take(&limit, 0));
}
END_TEST

START_TEST(a_key_is_added_once_until_it_is_removed)
{
	struct vb_shim_seen seen = {0};

	for (uint64_t key = 0; key < VB_SHIM_SEEN_SLOTS; key++)
		ck_assert(vb_shim_seen_add(&seen, key << 32 | key));
	for (uint64_t key = 2; key < VB_SHIM_SEEN_SLOTS; key++)
		ck_assert(!vb_shim_seen_add(&seen, key << 32 | key));
	vb_shim_seen_remove(&seen, 5ULL << 32 | 5);
	ck_assert(vb_shim_seen_add(&seen, 5ULL << 32 | 5));
}
END_TEST

START_TEST(a_key_of_the_same_slot_takes_the_place_of_another)
{
	struct vb_shim_seen seen = {0};

	ck_assert(vb_shim_seen_add(&seen, 3));
	ck_assert(vb_shim_seen_add(&seen, 3 + VB_SHIM_SEEN_SLOTS));
	vb_shim_seen_remove(&seen, 3);
	ck_assert(!vb_shim_seen_add(&seen, 3 + VB_SHIM_SEEN_SLOTS));
	ck_assert(vb_shim_seen_add(&seen, 3));
}
END_TEST

START_TEST(the_key_zero_is_a_key)
{
	struct vb_shim_seen seen = {0};

	ck_assert(vb_shim_seen_add(&seen, 0));
	ck_assert(!vb_shim_seen_add(&seen, 0));
	vb_shim_seen_remove(&seen, 0);
	ck_assert(vb_shim_seen_add(&seen, 0));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shim limit");
	TCase *tests = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, a_second_has_so_many_lines_and_the_next_has_as_many);
	tcase_add_test(tests, the_first_second_since_boot_has_its_lines_too);
	tcase_add_test(tests, a_key_is_added_once_until_it_is_removed);
	tcase_add_test(tests, a_key_of_the_same_slot_takes_the_place_of_another);
	tcase_add_test(tests, the_key_zero_is_a_key);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
