/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "unit.h"
#include "vb/base/buf.h"

static struct vb_buf *buf;

static void create(void)
{
	buf = vb_buf_create(1000);
	ck_assert_ptr_nonnull(buf);
}

static void destroy(void)
{
	vb_buf_destroy(buf);
}

static void assert_content(const char *text)
{
	ck_assert_uint_eq(vb_buf_size(buf), strlen(text));
	ck_assert_mem_eq(vb_buf_data(buf), text, strlen(text));
}

START_TEST(an_empty_buffer_has_data_that_can_be_pointed_at)
{
	ck_assert_uint_eq(vb_buf_size(buf), 0);
	ck_assert_ptr_nonnull(vb_buf_data(buf));
	vb_auto_free char *text = vb_buf_strdup(buf);
	ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(what_is_appended_comes_out_in_order)
{
	ck_assert_int_eq(vb_buf_append(buf, "ab", 2), 0);
	ck_assert_int_eq(vb_buf_append_string(buf, "cd"), 0);
	ck_assert_int_eq(vb_buf_append_u32be(buf, 0x65666768), 0);
	ck_assert_int_eq(vb_buf_printf(buf, "%c%d", 'i', 7), 0);
	assert_content("abcdefghi7");
}
END_TEST

START_TEST(appending_nothing_changes_nothing)
{
	ck_assert_int_eq(vb_buf_append(buf, NULL, 0), 0);
	ck_assert_int_eq(vb_buf_append_string(buf, ""), 0);
	ck_assert_int_eq(vb_buf_printf(buf, "%s", ""), 0);
	ck_assert_uint_eq(vb_buf_size(buf), 0);
}
END_TEST

START_TEST(the_cap_is_reached_and_not_passed)
{
	char filling[1000];

	memset(filling, 'f', sizeof(filling));
	ck_assert_int_eq(vb_buf_append(buf, filling, 999), 0);
	ck_assert_int_eq(vb_buf_append(buf, "xy", 2), -ENOSPC);
	ck_assert_int_eq(vb_buf_append_u32be(buf, 1), -ENOSPC);
	ck_assert_int_eq(vb_buf_printf(buf, "xy"), -ENOSPC);
	ck_assert_uint_eq(vb_buf_size(buf), 999);
	ck_assert_int_eq(vb_buf_append(buf, "x", 1), 0);
	ck_assert_int_eq(vb_buf_append(buf, "x", 1), -ENOSPC);
	ck_assert_uint_eq(vb_buf_size(buf), 1000);
}
END_TEST

START_TEST(a_size_near_the_largest_does_not_wrap_around)
{
	uint8_t *space;

	ck_assert_int_eq(vb_buf_append(buf, "x", 1), 0);
	ck_assert_int_eq(vb_buf_reserve(buf, SIZE_MAX, &space), -ENOSPC);
	ck_assert_int_eq(vb_buf_append(buf, "x", SIZE_MAX), -ENOSPC);
	assert_content("x");
}
END_TEST

START_TEST(printing_can_fill_the_buffer_to_the_cap)
{
	vb_auto_buf struct vb_buf *small = vb_buf_create(4);

	ck_assert_int_eq(vb_buf_printf(small, "%s", "12345"), -ENOSPC);
	ck_assert_int_eq(vb_buf_printf(small, "%s", "1234"), 0);
	ck_assert_uint_eq(vb_buf_size(small), 4);
	ck_assert_mem_eq(vb_buf_data(small), "1234", 4);
}
END_TEST

START_TEST(a_cap_of_nothing_takes_nothing)
{
	vb_auto_buf struct vb_buf *none = vb_buf_create(0);

	ck_assert_int_eq(vb_buf_append(none, "x", 1), -ENOSPC);
	ck_assert_int_eq(vb_buf_append(none, "", 0), 0);
}
END_TEST

START_TEST(consuming_takes_from_the_front)
{
	ck_assert_int_eq(vb_buf_append_string(buf, "abcdef"), 0);
	vb_buf_consume(buf, 0);
	assert_content("abcdef");
	vb_buf_consume(buf, 2);
	assert_content("cdef");
	ck_assert_int_eq(vb_buf_append_string(buf, "gh"), 0);
	assert_content("cdefgh");
	vb_buf_consume(buf, 6);
	assert_content("");
}
END_TEST

START_TEST(consuming_more_than_there_is_empties_the_buffer)
{
	ck_assert_int_eq(vb_buf_append_string(buf, "abc"), 0);
	vb_buf_consume(buf, SIZE_MAX);
	assert_content("");
	ck_assert_int_eq(vb_buf_append_string(buf, "d"), 0);
	assert_content("d");
}
END_TEST

START_TEST(what_was_consumed_can_be_filled_again)
{
	char chunk[400];
	uintptr_t lowest = UINTPTR_MAX;
	uintptr_t highest = 0;

	/* Far more than the cap in total, never more than the cap at a time. */
	for (int round = 0; round < 100; round++) {
		memset(chunk, 'a' + round % 26, sizeof(chunk));
		ck_assert_int_eq(vb_buf_append(buf, chunk, sizeof(chunk)), 0);
		if (round > 0)
			vb_buf_consume(buf, sizeof(chunk));
		uintptr_t place = (uintptr_t)vb_buf_data(buf);
		lowest = place < lowest && round > 2 ? place : lowest;
		highest = place > highest && round > 2 ? place : highest;
	}
	/* In the same memory: a queue of a daemon must not grow by what has passed through it. */
	ck_assert_uint_lt(highest - lowest, 2048);
	ck_assert_uint_eq(vb_buf_size(buf), sizeof(chunk));
	ck_assert_mem_eq(vb_buf_data(buf), chunk, sizeof(chunk));
}
END_TEST

START_TEST(only_what_is_committed_of_a_reservation_counts)
{
	uint8_t *space;

	ck_assert_int_eq(vb_buf_reserve(buf, 0, &space), 0);
	ck_assert_int_eq(vb_buf_reserve(buf, 10, &space), 0);
	memset(space, 'a', 10);
	ck_assert_uint_eq(vb_buf_size(buf), 0);
	vb_buf_commit(buf, 3);
	assert_content("aaa");
}
END_TEST

START_TEST(strdup_copies_the_content)
{
	ck_assert_int_eq(vb_buf_append_string(buf, "xabc"), 0);
	vb_buf_consume(buf, 1);
	vb_auto_free char *text = vb_buf_strdup(buf);
	ck_assert_str_eq(text, "abc");
}
END_TEST

START_TEST(a_reader_hands_out_what_is_left_and_no_more)
{
	static const uint8_t data[] = {1, 0xde, 0xad, 0xbe, 0xef, 7, 8};
	struct vb_reader reader;
	const uint8_t *bytes = NULL;
	uint32_t word = 0;
	uint8_t byte = 0;

	vb_reader_init(&reader, data, sizeof(data));
	ck_assert_int_eq(vb_reader_u8(&reader, &byte), 0);
	ck_assert_uint_eq(byte, 1);
	ck_assert_int_eq(vb_reader_u32be(&reader, &word), 0);
	ck_assert_uint_eq(word, 0xdeadbeef);
	ck_assert_int_eq(vb_reader_u32be(&reader, &word), -ENODATA);
	ck_assert_int_eq(vb_reader_bytes(&reader, 3, &bytes), -ENODATA);
	ck_assert_int_eq(vb_reader_bytes(&reader, SIZE_MAX, &bytes), -ENODATA);
	ck_assert_uint_eq(reader.left, 2);
	ck_assert_uint_eq(word, 0xdeadbeef);
	ck_assert_ptr_null(bytes);
	ck_assert_int_eq(vb_reader_bytes(&reader, 2, &bytes), 0);
	ck_assert_ptr_eq(bytes, data + 5);
	ck_assert_int_eq(vb_reader_u8(&reader, &byte), -ENODATA);
}
END_TEST

START_TEST(a_reader_of_nothing_hands_out_nothing)
{
	struct vb_reader reader;
	const uint8_t *bytes = NULL;
	uint8_t byte = 0;

	vb_reader_init(&reader, NULL, 0);
	ck_assert_int_eq(vb_reader_bytes(&reader, 0, &bytes), 0);
	ck_assert_int_eq(vb_reader_u8(&reader, &byte), -ENODATA);
}
END_TEST

START_TEST(destroying_nothing_is_fine)
{
	vb_buf_destroy(NULL);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("buf");

	tcase_add_checked_fixture(tcase, create, destroy);
	tcase_add_test(tcase, an_empty_buffer_has_data_that_can_be_pointed_at);
	tcase_add_test(tcase, what_is_appended_comes_out_in_order);
	tcase_add_test(tcase, appending_nothing_changes_nothing);
	tcase_add_test(tcase, the_cap_is_reached_and_not_passed);
	tcase_add_test(tcase, a_size_near_the_largest_does_not_wrap_around);
	tcase_add_test(tcase, printing_can_fill_the_buffer_to_the_cap);
	tcase_add_test(tcase, a_cap_of_nothing_takes_nothing);
	tcase_add_test(tcase, consuming_takes_from_the_front);
	tcase_add_test(tcase, consuming_more_than_there_is_empties_the_buffer);
	tcase_add_test(tcase, what_was_consumed_can_be_filled_again);
	tcase_add_test(tcase, only_what_is_committed_of_a_reservation_counts);
	tcase_add_test(tcase, strdup_copies_the_content);
	tcase_add_test(tcase, a_reader_hands_out_what_is_left_and_no_more);
	tcase_add_test(tcase, a_reader_of_nothing_hands_out_nothing);
	tcase_add_test(tcase, destroying_nothing_is_fine);
	return vb_unit_run("buf", tcase);
}
