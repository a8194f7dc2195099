/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "vb/proto/mux.h"

static struct vb_error err;

static void feed(struct vb_mux *mux, const void *data, size_t size)
{
	ck_assert_msg(vb_mux_feed(mux, data, size, &err) == 0, "%s", err.what);
}

static void check_unread(const struct vb_mux *mux, enum vb_mux_conn conn, const char *expected)
{
	const uint8_t *data;
	size_t size = vb_mux_peek(mux, conn, &data);

	ck_assert_ptr_nonnull(data);
	ck_assert_uint_eq(size, strlen(expected));
	ck_assert_mem_eq(data, expected, size);
}

/* The header of a frame with fewer than 256 bytes. */
#define FRAME(conn, length) "\0\0\0" conn "\0\0\0" length

START_TEST(frames_go_to_the_stream_of_their_conn)
{
	static const char bytes[] =
		FRAME("\1", "\3") "abc" FRAME("\2", "\2") "xy" FRAME("\1", "\1") "d";
	vb_auto_mux struct vb_mux *mux = vb_mux_create();

	feed(mux, bytes, sizeof(bytes) - 1);
	check_unread(mux, VB_MUX_CONN_PLUGIN, "abcd");
	check_unread(mux, VB_MUX_CONN_RUNTIME, "xy");
}
END_TEST

START_TEST(frames_of_unknown_conns_are_dropped)
{
	static const char bytes[] = FRAME("\0", "\3") "abc" FRAME("\3", "\3") "def" FRAME(
		"\2", "\1") "x"
			    "\1\0\0\1\0\0\0\1"
			    "y" FRAME("\1", "\1") "z";
	vb_auto_mux struct vb_mux *mux = vb_mux_create();

	feed(mux, bytes, sizeof(bytes) - 1);
	check_unread(mux, VB_MUX_CONN_PLUGIN, "z");
	check_unread(mux, VB_MUX_CONN_RUNTIME, "x");
}
END_TEST

START_TEST(an_endless_frame_of_an_unknown_conn_is_not_stored)
{
	static const char piece[1024 * 1024];
	vb_auto_mux struct vb_mux *mux = vb_mux_create();

	feed(mux, "\0\0\0\7\377\377\377\377", 8);
	for (size_t i = 0; i < 100; i++)
		feed(mux, piece, sizeof(piece));
	check_unread(mux, VB_MUX_CONN_PLUGIN, "");
	check_unread(mux, VB_MUX_CONN_RUNTIME, "");
}
END_TEST

START_TEST(an_empty_frame_changes_nothing)
{
	static const char bytes[] = FRAME("\1", "\0") FRAME("\1", "\1") "a" FRAME("\2", "\0");
	vb_auto_mux struct vb_mux *mux = vb_mux_create();

	feed(mux, bytes, sizeof(bytes) - 1);
	check_unread(mux, VB_MUX_CONN_PLUGIN, "a");
	check_unread(mux, VB_MUX_CONN_RUNTIME, "");
}
END_TEST

START_TEST(more_unread_bytes_than_the_cap_are_an_error)
{
	static const char piece[1024 * 1024];
	vb_auto_mux struct vb_mux *mux = vb_mux_create();

	feed(mux, "\0\0\0\1\377\377\377\377", 8);
	for (size_t i = 0; i < VB_MUX_UNREAD_MAX / sizeof(piece); i++)
		feed(mux, piece, sizeof(piece));
	ck_assert_int_eq(vb_mux_feed(mux, piece, 1, &err), -EMSGSIZE);
	ck_assert_str_ne(err.what, "");
}
END_TEST

START_TEST(consuming_frees_room_for_more)
{
	static const char piece[1024 * 1024];
	vb_auto_mux struct vb_mux *mux = vb_mux_create();

	feed(mux, "\0\0\0\1\377\377\377\377", 8);
	for (size_t i = 0; i < 2 * (VB_MUX_UNREAD_MAX / sizeof(piece)); i++) {
		feed(mux, piece, sizeof(piece));
		vb_mux_consume(mux, VB_MUX_CONN_PLUGIN, sizeof(piece));
	}
	check_unread(mux, VB_MUX_CONN_PLUGIN, "");
}
END_TEST

START_TEST(consuming_more_than_there_is_skips_what_comes)
{
	static const char bytes[] = FRAME("\1", "\3") "abc" FRAME("\2", "\2") "xy" FRAME(
		"\1", "\3") "def" FRAME("\1", "\2") "gh";
	vb_auto_mux struct vb_mux *mux = vb_mux_create();

	feed(mux, bytes, 10);
	check_unread(mux, VB_MUX_CONN_PLUGIN, "ab");
	vb_mux_consume(mux, VB_MUX_CONN_PLUGIN, 5);
	feed(mux, bytes + 10, sizeof(bytes) - 1 - 10);
	check_unread(mux, VB_MUX_CONN_PLUGIN, "fgh");
	check_unread(mux, VB_MUX_CONN_RUNTIME, "xy");
}
END_TEST

START_TEST(consuming_before_anything_came_skips_too)
{
	static const char bytes[] = FRAME("\2", "\4") "abcd";
	vb_auto_mux struct vb_mux *mux = vb_mux_create();

	vb_mux_consume(mux, VB_MUX_CONN_RUNTIME, 3);
	feed(mux, bytes, sizeof(bytes) - 1);
	check_unread(mux, VB_MUX_CONN_RUNTIME, "d");
}
END_TEST

static struct vb_buf *make_message(size_t size)
{
	struct vb_buf *message = vb_buf_create(size);
	uint8_t *space;

	ck_assert_int_eq(vb_buf_reserve(message, size, &space), 0);
	for (size_t i = 0; i < size; i++)
		space[i] = (uint8_t)(i * 7);
	vb_buf_commit(message, size);
	return message;
}

static void check_frame(struct vb_reader *reader, uint32_t conn, const struct vb_buf *message,
	size_t from, size_t size)
{
	const uint8_t *payload;
	uint32_t value;

	ck_assert_int_eq(vb_reader_u32be(reader, &value), 0);
	ck_assert_uint_eq(value, conn);
	ck_assert_int_eq(vb_reader_u32be(reader, &value), 0);
	ck_assert_uint_eq(value, size);
	ck_assert_int_eq(vb_reader_bytes(reader, size, &payload), 0);
	ck_assert_mem_eq(payload, vb_buf_data(message) + from, size);
}

START_TEST(a_message_is_framed_as_its_first_4096_bytes_and_all_the_rest)
{
	static const size_t sizes[] = {10, 4095, 4096, 4097, 8192, 20314, 4 * 1024 * 1024 + 10};
	size_t size = sizes[_i];
	size_t first = size < 4096 ? size : 4096;
	vb_auto_buf struct vb_buf *message = make_message(size);
	vb_auto_buf struct vb_buf *out = vb_buf_create(size + 64);
	struct vb_reader reader;

	ck_assert_int_eq(vb_buf_append_string(out, "before"), 0);
	ck_assert_int_eq(vb_mux_append_message(out, VB_MUX_CONN_PLUGIN, message, &err), 0);
	vb_buf_consume(out, strlen("before"));
	vb_reader_init(&reader, vb_buf_data(out), vb_buf_size(out));
	check_frame(&reader, 1, message, 0, first);
	if (size > first)
		check_frame(&reader, 1, message, first, size - first);
	ck_assert_uint_eq(reader.left, 0);
}
END_TEST

START_TEST(a_message_that_does_not_fit_leaves_the_output_alone)
{
	vb_auto_buf struct vb_buf *message = make_message(5000);
	vb_auto_buf struct vb_buf *out = vb_buf_create(5000 + 2 * 8 - 1);

	ck_assert_int_eq(vb_mux_append_message(out, VB_MUX_CONN_RUNTIME, message, &err), -ENOSPC);
	ck_assert_uint_eq(vb_buf_size(out), 0);
}
END_TEST

START_TEST(an_empty_message_is_refused)
{
	vb_auto_buf struct vb_buf *message = vb_buf_create(10);
	vb_auto_buf struct vb_buf *out = vb_buf_create(100);

	ck_assert_int_eq(vb_mux_append_message(out, VB_MUX_CONN_RUNTIME, message, &err), -EINVAL);
	ck_assert_uint_eq(vb_buf_size(out), 0);
}
END_TEST

START_TEST(what_one_mux_frames_another_takes_apart)
{
	vb_auto_buf struct vb_buf *message = make_message(100000);
	vb_auto_buf struct vb_buf *out = vb_buf_create(1000000);
	vb_auto_mux struct vb_mux *mux = vb_mux_create();
	const uint8_t *data;

	ck_assert_int_eq(vb_mux_append_message(out, VB_MUX_CONN_RUNTIME, message, &err), 0);
	feed(mux, vb_buf_data(out), vb_buf_size(out));
	ck_assert_uint_eq(vb_mux_peek(mux, VB_MUX_CONN_RUNTIME, &data), vb_buf_size(message));
	ck_assert_mem_eq(data, vb_buf_data(message), vb_buf_size(message));
	check_unread(mux, VB_MUX_CONN_PLUGIN, "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mux");
	TCase *incoming = tcase_create("incoming");
	TCase *outgoing = tcase_create("outgoing");

	tcase_add_test(incoming, frames_go_to_the_stream_of_their_conn);
	tcase_add_test(incoming, frames_of_unknown_conns_are_dropped);
	tcase_add_test(incoming, an_endless_frame_of_an_unknown_conn_is_not_stored);
	tcase_add_test(incoming, an_empty_frame_changes_nothing);
	tcase_add_test(incoming, more_unread_bytes_than_the_cap_are_an_error);
	tcase_add_test(incoming, consuming_frees_room_for_more);
	tcase_add_test(incoming, consuming_more_than_there_is_skips_what_comes);
	tcase_add_test(incoming, consuming_before_anything_came_skips_too);
	tcase_add_loop_test(
		outgoing, a_message_is_framed_as_its_first_4096_bytes_and_all_the_rest, 0, 7);
	tcase_add_test(outgoing, a_message_that_does_not_fit_leaves_the_output_alone);
	tcase_add_test(outgoing, an_empty_message_is_refused);
	tcase_add_test(outgoing, what_one_mux_frames_another_takes_apart);
	suite_add_tcase(suite, incoming);
	suite_add_tcase(suite, outgoing);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
