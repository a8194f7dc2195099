/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vb/base/utf8.h"
#include "vb/proto/ttrpc.h"

static struct vb_error err;

/* The header of a body that was put together by hand. */
static struct vb_ttrpc_header body(const void *data, size_t size)
{
	return (struct vb_ttrpc_header){.body = data, .body_size = size};
}

#define BODY(literal) body(literal, sizeof(literal) - 1)

START_TEST(a_header_in_parts_needs_more)
{
	static const uint8_t bytes[] = {0, 0, 0, 2, 0, 0, 1, 3, 1, 0x80, 'a', 'b', 'c'};
	struct vb_ttrpc_header header;

	for (size_t size = 0; size < 12; size++)
		ck_assert_int_eq(vb_ttrpc_peek(bytes, size, &header), 0);
	ck_assert_int_eq(vb_ttrpc_peek(bytes, sizeof(bytes), &header), 1);
	ck_assert_uint_eq(header.stream_id, 0x103);
	ck_assert_uint_eq(header.type, VB_TTRPC_REQUEST);
	ck_assert_uint_eq(header.body_size, 2);
	ck_assert_uint_eq(header.total, 12);
	ck_assert_ptr_eq(header.body, bytes + 10);
}
END_TEST

START_TEST(a_message_over_16_mib_is_told_at_its_header)
{
	static const uint8_t bytes[] = {1, 0, 0, 1, 0, 0, 0, 9, 1, 0};
	struct vb_ttrpc_header header;

	ck_assert_int_eq(vb_ttrpc_peek(bytes, sizeof(bytes) - 1, &header), 0);
	ck_assert_int_eq(vb_ttrpc_peek(bytes, sizeof(bytes), &header), -EMSGSIZE);
	ck_assert_uint_eq(header.stream_id, 9);
	ck_assert_uint_eq(header.type, VB_TTRPC_REQUEST);
	ck_assert_uint_eq(header.total, 16 * 1024 * 1024 + 1 + 10);
	static const uint8_t longest[] = {1, 0, 0, 0, 0, 0, 0, 9, 1, 0};
	ck_assert_int_eq(vb_ttrpc_peek(longest, sizeof(longest), &header), 0);
}
END_TEST

START_TEST(a_request_is_decoded_in_place)
{
	struct vb_ttrpc_header header =
		BODY("\x0a\x03svc\x12\x04Meth\x1a\x02pp\x20\x96\x01\x2a\x06\x0a\x01k\x12\x01v");
	struct vb_ttrpc_request request;

	ck_assert_int_eq(vb_ttrpc_decode_request(&header, &request, &err), 0);
	ck_assert_str_eq(request.service, "svc");
	ck_assert_str_eq(request.method, "Meth");
	ck_assert_int_eq(request.timeout_ns, 150);
	ck_assert_uint_eq(request.payload_size, 2);
	ck_assert_ptr_eq(request.payload, header.body + 13);
}
END_TEST

START_TEST(an_empty_request_has_empty_parts)
{
	struct vb_ttrpc_header header = BODY("");
	struct vb_ttrpc_request request;

	ck_assert_int_eq(vb_ttrpc_decode_request(&header, &request, &err), 0);
	ck_assert_str_eq(request.service, "");
	ck_assert_str_eq(request.method, "");
	ck_assert_int_eq(request.timeout_ns, 0);
	ck_assert_uint_eq(request.payload_size, 0);
	ck_assert_ptr_nonnull(request.payload);
}
END_TEST

START_TEST(fields_of_later_versions_are_skipped)
{
	struct vb_ttrpc_header header = BODY("\xf8\x07\x05\xfa\x07\x02zz\xfd\x07"
					     "1234\xf9\x07"
					     "12345678\x12\x01M");
	struct vb_ttrpc_request request;

	ck_assert_int_eq(vb_ttrpc_decode_request(&header, &request, &err), 0);
	ck_assert_str_eq(request.method, "M");
}
END_TEST

struct bad_body {
	const char *why;
	const char *bytes;
	size_t size;
};

#define BAD(why, literal)                                                                          \
	{                                                                                          \
		why, literal, sizeof(literal) - 1                                                  \
	}

static const struct bad_body bad_requests[] = {
	BAD("no length", "\x0a"),
	BAD("fewer bytes than said", "\x0a\x05zzzz"),
	BAD("4 GiB", "\x0a\xff\xff\xff\xff\x0f"),
	BAD("2^64 - 1 bytes", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
	BAD("a service that is a number", "\x08\x01"),
	BAD("a payload that is a number", "\x18\x01"),
	BAD("a timeout that is bytes", "\x22\x01\x05"),
	BAD("a varint of 11 bytes", "\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
	BAD("half a varint", "\x20\xff"),
	BAD("field number 0", "\x02\x01x"),
	BAD("the start of a group", "\x33"),
	BAD("the end of a group", "\x34"),
	BAD("no such wire type", "\x37"),
	BAD("half a fixed64", "\x31zzzz"),
	BAD("a NUL in a name", "\x0a\x01\x00"),
	BAD("a line feed in a name", "\x12\x02z\n"),
	BAD("a name that is not ASCII", "\x12\x02\xc3\xa9"),
};

START_TEST(a_malformed_request_is_an_error)
{
	struct vb_ttrpc_header header = body(bad_requests[_i].bytes, bad_requests[_i].size);
	struct vb_ttrpc_request request = {.timeout_ns = 77};

	err.what[0] = '\0';
	ck_assert_msg(vb_ttrpc_decode_request(&header, &request, &err) == -EBADMSG, "%s passed",
		bad_requests[_i].why);
	ck_assert_str_eq(err.what, "a malformed ttrpc request");
	ck_assert_int_eq(request.timeout_ns, 77);
}
END_TEST

START_TEST(a_name_may_have_127_bytes_and_no_more)
{
	uint8_t bytes[2 + 128] = {0x12, 127};
	struct vb_ttrpc_request request;

	memset(bytes + 2, 'm', 128);
	struct vb_ttrpc_header header = body(bytes, 2 + 127);
	ck_assert_int_eq(vb_ttrpc_decode_request(&header, &request, &err), 0);
	ck_assert_uint_eq(strlen(request.method), 127);
	uint8_t longer[3 + 128] = {0x12, 0x80, 1};
	memset(longer + 3, 'm', 128);
	header = body(longer, sizeof(longer));
	ck_assert_int_eq(vb_ttrpc_decode_request(&header, &request, &err), -EBADMSG);
}
END_TEST

START_TEST(a_response_has_a_status_or_a_payload)
{
	struct vb_ttrpc_header failed = BODY("\x0a\x07\x08\x02\x12\x03nay");
	struct vb_ttrpc_header succeeded = BODY("\x12\x03yes");
	struct vb_ttrpc_response response;

	ck_assert_int_eq(vb_ttrpc_decode_response(&failed, &response, &err), 0);
	ck_assert_int_eq(response.code, VB_TTRPC_UNKNOWN);
	ck_assert_str_eq(response.message, "nay");
	ck_assert_uint_eq(response.payload_size, 0);
	ck_assert_int_eq(vb_ttrpc_decode_response(&succeeded, &response, &err), 0);
	ck_assert_int_eq(response.code, VB_TTRPC_OK);
	ck_assert_str_eq(response.message, "");
	ck_assert_uint_eq(response.payload_size, 3);
	ck_assert_mem_eq(response.payload, "yes", 3);
}
END_TEST

static const struct bad_body bad_responses[] = {
	BAD("a status that is a number", "\x08\x01"),
	BAD("a payload that is a number", "\x10\x01"),
	BAD("a code that is bytes", "\x0a\x02\x0a\x00"),
	BAD("a message that is a number", "\x0a\x02\x10\x01"),
	BAD("a message that is longer than its status", "\x0a\x03\x12\x05nay"),
	BAD("a status that is longer than its response", "\x0a\x05\x08\x02\x12"),
};

START_TEST(a_malformed_response_is_an_error)
{
	struct vb_ttrpc_header header = body(bad_responses[_i].bytes, bad_responses[_i].size);
	struct vb_ttrpc_response response = {.code = 77};

	ck_assert_msg(vb_ttrpc_decode_response(&header, &response, &err) == -EBADMSG, "%s passed",
		bad_responses[_i].why);
	ck_assert_int_eq(response.code, 77);
}
END_TEST

START_TEST(the_peers_error_text_becomes_one_printable_line)
{
	struct vb_ttrpc_header header = BODY("\x0a\x0c\x08\x02\x12\x08"
					     "a\nb\0c\xff\xc3\xa9");
	uint8_t bytes[3 + 3 + 2000] = {0x0a, 0xd3, 0x0f, 0x12, 0xd0, 0x0f};
	struct vb_ttrpc_response response;

	ck_assert_int_eq(vb_ttrpc_decode_response(&header, &response, &err), 0);
	ck_assert_str_eq(response.message, "a?b?c?\xc3\xa9");
	memset(bytes + 6, 'x', 2000);
	header = body(bytes, sizeof(bytes));
	ck_assert_int_eq(vb_ttrpc_decode_response(&header, &response, &err), 0);
	ck_assert_uint_eq(strlen(response.message), VB_TTRPC_STATUS_MESSAGE_MAX);
}
END_TEST

static void check_round_trip(size_t payload_size)
{
	vb_auto_buf struct vb_buf *out = vb_buf_create(VB_TTRPC_INCOMING_MAX);
	vb_auto_free uint8_t *payload = calloc(1, payload_size + 1);
	struct vb_ttrpc_request sent = {.service = "nri.pkg.api.v1alpha1.Runtime",
		.method = "RegisterPlugin",
		.timeout_ns = 5000000000,
		.payload = payload,
		.payload_size = payload_size};
	struct vb_ttrpc_request received;
	struct vb_ttrpc_header header;

	ck_assert_int_eq(vb_ttrpc_append_request(out, 0x01020305, &sent, &err), 0);
	ck_assert_int_eq(vb_ttrpc_peek(vb_buf_data(out), vb_buf_size(out), &header), 1);
	ck_assert_uint_eq(header.stream_id, 0x01020305);
	ck_assert_uint_eq(header.type, VB_TTRPC_REQUEST);
	ck_assert_uint_eq(header.total, vb_buf_size(out));
	ck_assert_int_eq(vb_ttrpc_decode_request(&header, &received, &err), 0);
	ck_assert_str_eq(received.service, sent.service);
	ck_assert_str_eq(received.method, sent.method);
	ck_assert_int_eq(received.timeout_ns, sent.timeout_ns);
	ck_assert_uint_eq(received.payload_size, sent.payload_size);
}

START_TEST(what_we_send_can_be_read)
{
	check_round_trip(0);
	check_round_trip(12);
	check_round_trip(70000);
	check_round_trip(4 * 1024 * 1024 - 100);
}
END_TEST

START_TEST(an_empty_success_has_no_body)
{
	static const uint8_t expected[] = {0, 0, 0, 0, 0, 0, 0, 7, 2, 0};
	vb_auto_buf struct vb_buf *out = vb_buf_create(100);
	vb_auto_buf struct vb_buf *payload = vb_buf_create(100);

	ck_assert_int_eq(vb_ttrpc_append_response(out, 7, payload, &err), 0);
	ck_assert_uint_eq(vb_buf_size(out), sizeof(expected));
	ck_assert_mem_eq(vb_buf_data(out), expected, sizeof(expected));
}
END_TEST

START_TEST(an_error_carries_no_payload_and_is_valid_utf8)
{
	vb_auto_buf struct vb_buf *out = vb_buf_create(100);
	struct vb_ttrpc_response response;
	struct vb_ttrpc_header header;

	ck_assert_int_eq(
		vb_ttrpc_append_error(out, 7, VB_TTRPC_UNIMPLEMENTED, "no\n\xff\xc3\xa9", &err), 0);
	ck_assert(vb_utf8_is_valid(vb_buf_data(out), vb_buf_size(out)));
	ck_assert_int_eq(vb_ttrpc_peek(vb_buf_data(out), vb_buf_size(out), &header), 1);
	ck_assert_uint_eq(header.type, VB_TTRPC_RESPONSE);
	ck_assert_int_eq(vb_ttrpc_decode_response(&header, &response, &err), 0);
	ck_assert_int_eq(response.code, 12);
	ck_assert_str_eq(response.message, "no??\xc3\xa9");
	ck_assert_uint_eq(response.payload_size, 0);
}
END_TEST

START_TEST(a_message_over_4_mib_is_not_sent)
{
	vb_auto_buf struct vb_buf *out = vb_buf_create(VB_TTRPC_INCOMING_MAX);
	vb_auto_buf struct vb_buf *payload = vb_buf_create(VB_TTRPC_INCOMING_MAX);
	uint8_t *space;

	ck_assert_int_eq(vb_buf_reserve(payload, VB_TTRPC_OUTGOING_MAX, &space), 0);
	memset(space, 0, VB_TTRPC_OUTGOING_MAX);
	vb_buf_commit(payload, VB_TTRPC_OUTGOING_MAX - 5);
	ck_assert_int_eq(vb_ttrpc_append_response(out, 7, payload, &err), 0);
	ck_assert_uint_eq(vb_buf_size(out), VB_TTRPC_OUTGOING_MAX + VB_TTRPC_HEADER_SIZE);
	vb_buf_consume(out, vb_buf_size(out));
	vb_buf_commit(payload, 1);
	ck_assert_int_eq(vb_ttrpc_append_response(out, 7, payload, &err), -EMSGSIZE);
	ck_assert_uint_eq(vb_buf_size(out), 0);
}
END_TEST

START_TEST(a_full_output_is_left_alone)
{
	vb_auto_buf struct vb_buf *out = vb_buf_create(11);

	ck_assert_int_eq(vb_ttrpc_append_error(out, 7, VB_TTRPC_INTERNAL, "x", &err), -ENOSPC);
	ck_assert_uint_eq(vb_buf_size(out), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ttrpc");
	TCase *incoming = tcase_create("incoming");
	TCase *outgoing = tcase_create("outgoing");

	tcase_add_test(incoming, a_header_in_parts_needs_more);
	tcase_add_test(incoming, a_message_over_16_mib_is_told_at_its_header);
	tcase_add_test(incoming, a_request_is_decoded_in_place);
	tcase_add_test(incoming, an_empty_request_has_empty_parts);
	tcase_add_test(incoming, fields_of_later_versions_are_skipped);
	tcase_add_loop_test(
		incoming, a_malformed_request_is_an_error, 0, (int)VB_ARRAY_SIZE(bad_requests));
	tcase_add_test(incoming, a_name_may_have_127_bytes_and_no_more);
	tcase_add_test(incoming, a_response_has_a_status_or_a_payload);
	tcase_add_loop_test(
		incoming, a_malformed_response_is_an_error, 0, (int)VB_ARRAY_SIZE(bad_responses));
	tcase_add_test(incoming, the_peers_error_text_becomes_one_printable_line);
	tcase_add_test(outgoing, what_we_send_can_be_read);
	tcase_add_test(outgoing, an_empty_success_has_no_body);
	tcase_add_test(outgoing, an_error_carries_no_payload_and_is_valid_utf8);
	tcase_add_test(outgoing, a_message_over_4_mib_is_not_sent);
	tcase_add_test(outgoing, a_full_output_is_left_alone);
	suite_add_tcase(suite, incoming);
	suite_add_tcase(suite, outgoing);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
