/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "node_cri.h"
#include "unit.h"

struct exchange {
	struct vb_buf *input, *output;
	struct vb_cri_answer answer;
};

static struct exchange begin(void)
{
	return (struct exchange){.input = vb_buf_create(1 << 16),
		.output = vb_buf_create(1 << 16),
		.answer.body = vb_buf_create(1 << 16)};
}

static void end(struct exchange *exchange)
{
	vb_buf_destroy(exchange->input);
	vb_buf_destroy(exchange->output);
	vb_buf_destroy(exchange->answer.body);
}

static int feed(struct exchange *exchange, const char *bytes, size_t size)
{
	ck_assert_int_eq(vb_buf_append(exchange->input, bytes, size), 0);
	return vb_cri_take_frames(&exchange->answer, exchange->input, exchange->output);
}

#define FEED(exchange, bytes) feed(exchange, bytes, sizeof(bytes) - 1)

START_TEST(a_request_is_what_rfc_9113_and_grpc_say)
{
	static const char start[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
				    "\0\0\x12\4\0\0\0\0\0"
				    "\0\1\0\0\0\0\0\2\0\0\0\0\0\4\x7f\xff\xff\xff"
				    "\0\0\4\x8\0\0\0\0\0\x7f\0\0\0";
	static const char body[] = "\0\0\7\0\1\0\0\0\1\0\0\0\0\2\x08\1";
	static const char path[] = "\0\5:path\x22/runtime.v1.RuntimeService/Version";
	struct vb_buf *out = vb_buf_create(4096);

	ck_assert_int_eq(vb_cri_request("Version", "\x08\1", 2, out), 0);
	size_t size = vb_buf_size(out);
	ck_assert_mem_eq(vb_buf_data(out), start, sizeof(start) - 1);
	ck_assert_mem_eq(vb_buf_data(out) + size - (sizeof(body) - 1), body, sizeof(body) - 1);
	ck_assert_ptr_nonnull(memmem(vb_buf_data(out), size, path, sizeof(path) - 1));
	vb_buf_destroy(out);
}
END_TEST

START_TEST(a_message_and_the_end_of_the_stream_are_success)
{
	struct exchange exchange = begin();
	const uint8_t *message = NULL;
	size_t size = 0;

	ck_assert_int_eq(FEED(&exchange, "\0\0\1\1\4\0\0\0\1\x88"), 0);
	ck_assert_int_eq(FEED(&exchange, "\0\0\7\0\0\0\0\0\1\0\0\0\0\2h"), 0);
	ck_assert(!exchange.answer.is_done);
	ck_assert_int_eq(FEED(&exchange, "i\0\0\1\1\5\0\0\0\1\x88"), 0);
	ck_assert(exchange.answer.is_done);
	ck_assert_int_eq(vb_cri_message(&exchange.answer, &message, &size), 0);
	ck_assert_uint_eq(size, 2);
	ck_assert_mem_eq(message, "hi", 2);
	end(&exchange);
}
END_TEST

START_TEST(an_end_without_a_message_is_a_refusal)
{
	struct exchange exchange = begin();
	const uint8_t *message = NULL;
	size_t size = 0;

	ck_assert_int_eq(FEED(&exchange, "\0\0\1\1\5\0\0\0\1\x88"), 0);
	ck_assert(exchange.answer.is_done);
	ck_assert_int_eq(vb_cri_message(&exchange.answer, &message, &size), -ENODATA);
	end(&exchange);
}
END_TEST

START_TEST(settings_and_pings_are_acknowledged_once)
{
	struct exchange exchange = begin();

	ck_assert_int_eq(FEED(&exchange, "\0\0\0\4\0\0\0\0\0\0\0\0\4\1\0\0\0\0"), 0);
	ck_assert_int_eq(FEED(&exchange, "\0\0\10\6\0\0\0\0\0abcdefgh"), 0);
	ck_assert_uint_eq(vb_buf_size(exchange.output), 9 + 17);
	ck_assert_mem_eq(
		vb_buf_data(exchange.output), "\0\0\0\4\1\0\0\0\0\0\0\10\6\1\0\0\0\0abcdefgh", 26);
	end(&exchange);
}
END_TEST

START_TEST(a_reset_a_goaway_and_too_long_a_frame_end_the_call)
{
	static const struct {
		const char *bytes;
		int result;
	} cases[] = {{"\0\0\4\3\0\0\0\0\1\0\0\0\1", -ECONNRESET},
		{"\0\0\4\7\0\0\0\0\0\0\0\0\1", -ECONNRESET},
		{"\1\0\0\0\0\0\0\0\1\0\0\0\1", -EBADMSG},
		{"\0\0\4\0\x8\0\0\0\1\x4\0\0\0", -EBADMSG}};

	for (size_t i = 0; i < VB_ARRAY_SIZE(cases); i++) {
		struct exchange exchange = begin();
		ck_assert_int_eq(feed(&exchange, cases[i].bytes, 13), cases[i].result);
		end(&exchange);
	}
}
END_TEST

START_TEST(handlers_of_a_status_come_from_their_list_and_from_the_configuration)
{
	static const char status[] = "\x0a\x14\x0a\x12\x0a\x0cRuntimeReady\x10\x01\x18\x00"
				     "\x1a\x06\x0a\x04runc"
				     "\x12\x2d\x0a\x06"
				     "config"
				     "\x12\x23{\"containerd\":{\"runtimes\":{\"a\":1}}}";
	struct vb_cri_status found = {0};

	ck_assert_int_eq(
		vb_cri_parse_status((const uint8_t *)status, sizeof(status) - 1, &found), 0);
	ck_assert(found.is_ready);
	ck_assert_uint_eq(found.handlers.count, 2);
	ck_assert(vb_strv_contains(&found.handlers, "a"));
	ck_assert(vb_strv_contains(&found.handlers, "runc"));
	vb_cri_status_finish(&found);
	ck_assert_int_eq(vb_cri_parse_status((const uint8_t *)status, 20, &found), -EBADMSG);
}
END_TEST

START_TEST(sandboxes_of_the_default_handler_are_left_out)
{
	static const char list[] = "\x0a\x15\x12\x09\x0a\x03pod\x1a\x02ns\x3a\x08vambrace"
				   "\x0a\x07\x12\x05\x0a\x03old";
	struct vb_strv sandboxes = {0};

	ck_assert_int_eq(
		vb_cri_parse_sandboxes((const uint8_t *)list, sizeof(list) - 1, &sandboxes), 0);
	ck_assert_uint_eq(sandboxes.count, 1);
	ck_assert_str_eq(sandboxes.items[0], "vambrace\tns/pod");
	vb_strv_finish(&sandboxes);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("node_cri");

	tcase_add_test(tests, a_request_is_what_rfc_9113_and_grpc_say);
	tcase_add_test(tests, a_message_and_the_end_of_the_stream_are_success);
	tcase_add_test(tests, an_end_without_a_message_is_a_refusal);
	tcase_add_test(tests, settings_and_pings_are_acknowledged_once);
	tcase_add_test(tests, a_reset_a_goaway_and_too_long_a_frame_end_the_call);
	tcase_add_test(tests, handlers_of_a_status_come_from_their_list_and_from_the_configuration);
	tcase_add_test(tests, sandboxes_of_the_default_handler_are_left_out);
	return vb_unit_run("node_cri", tests);
}
