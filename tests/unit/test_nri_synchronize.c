/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>

#include "vb/proto/nri.h"

static struct vb_error err;
static struct vb_arena *arena;

static void set_up(void)
{
	arena = vb_arena_create(VB_ARENA_DEFAULT_BYTES);
	ck_assert_ptr_nonnull(arena);
}

static void tear_down(void)
{
	vb_arena_destroy(arena);
}

static int start_synchronize(
	const void *bytes, size_t size, struct vb_nri_synchronize *ret_synchronize)
{
	return vb_nri_decode_synchronize(bytes, size, ret_synchronize, &err);
}

START_TEST(one_bad_item_does_not_hide_the_others)
{
	static const char chunk[] = "\x0a\x03\x0a\x01p"    /* pod p */
				    "\x12\x03\x0a\x01z"    /* container z */
				    "\x12\x02\x0a\x05"     /* a container that ends early */
				    "\x12\x03\x0a\x01/"    /* a container without an id to use */
				    "\x7a\x01x"            /* what a later version added */
				    "\x12\x05\x0a\x03two"; /* container two */
	struct vb_nri_synchronize synchronize;
	struct vb_nri_item item;

	ck_assert_int_eq(start_synchronize(chunk, sizeof(chunk) - 1, &synchronize), 0);
	ck_assert(!synchronize.more);
	ck_assert_int_eq(vb_nri_synchronize_next(&synchronize, arena, &item, &err), 1);
	ck_assert(!item.is_container);
	ck_assert_str_eq(item.pod.id, "p");
	ck_assert_int_eq(vb_nri_synchronize_next(&synchronize, arena, &item, &err), 1);
	ck_assert(item.is_container);
	ck_assert_str_eq(item.container.id, "z");
	ck_assert_int_eq(vb_nri_synchronize_next(&synchronize, arena, &item, &err), -EBADMSG);
	ck_assert_int_eq(vb_nri_synchronize_next(&synchronize, arena, &item, &err), -EBADMSG);
	ck_assert_int_eq(vb_nri_synchronize_next(&synchronize, arena, &item, &err), 1);
	ck_assert_str_eq(item.container.id, "two");
	ck_assert_int_eq(vb_nri_synchronize_next(&synchronize, arena, &item, &err), 0);
	ck_assert_int_eq(vb_nri_synchronize_next(&synchronize, arena, &item, &err), 0);
}
END_TEST

START_TEST(an_item_over_the_budget_is_skipped_too)
{
	static const char chunk[] = "\x12\x29\x42\x27" /* an env entry of 39 bytes */
				    "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
				    "\x0a\x03\x0a\x01p";
	vb_auto_arena struct vb_arena *tiny = vb_arena_create(256);
	struct vb_nri_synchronize synchronize;
	struct vb_nri_item item;

	ck_assert_int_eq(start_synchronize(chunk, sizeof(chunk) - 1, &synchronize), 0);
	ck_assert_int_eq(vb_nri_synchronize_next(&synchronize, tiny, &item, &err), -ENOBUFS);
	ck_assert_int_eq(vb_nri_synchronize_next(&synchronize, arena, &item, &err), 1);
	ck_assert_str_eq(item.pod.id, "p");
}
END_TEST

START_TEST(an_empty_state_has_no_items)
{
	struct vb_nri_synchronize synchronize;
	struct vb_nri_item item;

	ck_assert_int_eq(start_synchronize("", 0, &synchronize), 0);
	ck_assert(!synchronize.more);
	ck_assert_int_eq(vb_nri_synchronize_next(&synchronize, arena, &item, &err), 0);
	ck_assert_int_eq(start_synchronize("\x18\x01", 2, &synchronize), 0);
	ck_assert(synchronize.more);
	ck_assert_int_eq(vb_nri_synchronize_next(&synchronize, arena, &item, &err), 0);
}
END_TEST

START_TEST(a_malformed_outline_is_an_error_before_any_item)
{
	static const char cut[] = "\x0a\x03\x0a\x01p\x12\x09z";
	static const char number[] = "\x0a\x03\x0a\x01p\x10\x01";
	static const char text_more[] = "\x1a\x01x";
	struct vb_nri_synchronize synchronize;

	ck_assert_int_eq(start_synchronize(cut, sizeof(cut) - 1, &synchronize), -EBADMSG);
	ck_assert_int_eq(start_synchronize(number, sizeof(number) - 1, &synchronize), -EBADMSG);
	ck_assert_int_eq(
		start_synchronize(text_more, sizeof(text_more) - 1, &synchronize), -EBADMSG);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nri_synchronize");
	TCase *tcase = tcase_create("items");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, one_bad_item_does_not_hide_the_others);
	tcase_add_test(tcase, an_item_over_the_budget_is_skipped_too);
	tcase_add_test(tcase, an_empty_state_has_no_items);
	tcase_add_test(tcase, a_malformed_outline_is_an_error_before_any_item);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
