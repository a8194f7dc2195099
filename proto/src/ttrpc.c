/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/proto/ttrpc.h"

#include <errno.h>
#include <string.h>

#include "ttrpc.pb-c.h"
#include "vb/base/utf8.h"
#include "wire.h"

/* Field numbers of ttrpc.proto. Incoming envelopes are read by hand: payloads stay in place. */
enum {
	REQUEST_SERVICE = 1,
	REQUEST_METHOD = 2,
	REQUEST_PAYLOAD = 3,
	REQUEST_TIMEOUT = 4,
	RESPONSE_STATUS = 1,
	RESPONSE_PAYLOAD = 2,
	STATUS_CODE = 1,
	STATUS_MESSAGE = 2,
};

int vb_ttrpc_peek(const uint8_t *data, size_t size, struct vb_ttrpc_header *ret_header)
{
	struct vb_ttrpc_header header = {0};
	struct vb_reader reader;
	uint32_t body_size;
	uint8_t flags;

	vb_reader_init(&reader, data, size);
	if (vb_reader_u32be(&reader, &body_size) < 0 ||
		vb_reader_u32be(&reader, &header.stream_id) < 0 ||
		vb_reader_u8(&reader, &header.type) < 0 || vb_reader_u8(&reader, &flags) < 0)
		return 0;
	header.body_size = body_size;
	header.total = VB_TTRPC_HEADER_SIZE + header.body_size;
	if (header.body_size > VB_TTRPC_INCOMING_MAX) {
		*ret_header = header;
		return -EMSGSIZE;
	}
	if (vb_reader_bytes(&reader, header.body_size, &header.body) < 0)
		return 0;
	*ret_header = header;
	return 1;
}

static int read_name(const struct vb_wire_field *field, char name[VB_TTRPC_NAME_MAX + 1])
{
	if (field->type != VB_WIRE_BYTES || field->size > VB_TTRPC_NAME_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < field->size; i++)
		if (field->data[i] <= ' ' || field->data[i] > '~')
			return -EBADMSG;
	memcpy(name, field->data, field->size);
	name[field->size] = '\0';
	return 0;
}

static int read_payload(
	const struct vb_wire_field *field, const uint8_t **ret_payload, size_t *ret_size)
{
	if (field->type != VB_WIRE_BYTES)
		return -EBADMSG;
	*ret_payload = field->data;
	*ret_size = field->size;
	return 0;
}

static int read_request_field(const struct vb_wire_field *field, struct vb_ttrpc_request *request)
{
	switch (field->number) {
	case REQUEST_SERVICE:
		return read_name(field, request->service);
	case REQUEST_METHOD:
		return read_name(field, request->method);
	case REQUEST_PAYLOAD:
		return read_payload(field, &request->payload, &request->payload_size);
	case REQUEST_TIMEOUT:
		request->timeout_ns = (int64_t)field->value;
		return field->type == VB_WIRE_VARINT ? 0 : -EBADMSG;
	default:
		return 0;
	}
}

int vb_ttrpc_decode_request(const struct vb_ttrpc_header *header,
	struct vb_ttrpc_request *ret_request, struct vb_error *err)
{
	/* An empty payload points at the body too, so that it is never NULL. */
	struct vb_ttrpc_request request = {.payload = header->body};
	struct vb_wire_field field;
	struct vb_reader reader;
	int r;

	vb_reader_init(&reader, header->body, header->body_size);
	while ((r = vb_wire_next(&reader, &field)) > 0) {
		r = read_request_field(&field, &request);
		if (r < 0)
			break;
	}
	if (r < 0)
		return vb_error_say(err, EBADMSG, "a malformed ttrpc request");
	*ret_request = request;
	return 0;
}

static void read_status_message(const struct vb_wire_field *field, char *message)
{
	size_t size = field->size < VB_TTRPC_STATUS_MESSAGE_MAX ? field->size
								: VB_TTRPC_STATUS_MESSAGE_MAX;

	memcpy(message, field->data, size);
	for (size_t i = 0; i < size; i++)
		if (message[i] == '\0')
			message[i] = '?';
	message[size] = '\0';
	vb_utf8_scrub(message);
}

static int read_status(const struct vb_wire_field *status, struct vb_ttrpc_response *response)
{
	struct vb_wire_field field;
	struct vb_reader reader;
	int r;

	if (status->type != VB_WIRE_BYTES)
		return -EBADMSG;
	vb_reader_init(&reader, status->data, status->size);
	while ((r = vb_wire_next(&reader, &field)) > 0) {
		if (field.number == STATUS_CODE && field.type == VB_WIRE_VARINT)
			response->code = (int32_t)field.value;
		else if (field.number == STATUS_MESSAGE && field.type == VB_WIRE_BYTES)
			read_status_message(&field, response->message);
		else if (field.number == STATUS_CODE || field.number == STATUS_MESSAGE)
			return -EBADMSG;
	}
	return r;
}

static int read_response_field(
	const struct vb_wire_field *field, struct vb_ttrpc_response *response)
{
	switch (field->number) {
	case RESPONSE_STATUS:
		return read_status(field, response);
	case RESPONSE_PAYLOAD:
		return read_payload(field, &response->payload, &response->payload_size);
	default:
		return 0;
	}
}

int vb_ttrpc_decode_response(const struct vb_ttrpc_header *header,
	struct vb_ttrpc_response *ret_response, struct vb_error *err)
{
	struct vb_ttrpc_response response = {.payload = header->body};
	struct vb_wire_field field;
	struct vb_reader reader;
	int r;

	vb_reader_init(&reader, header->body, header->body_size);
	while ((r = vb_wire_next(&reader, &field)) > 0) {
		r = read_response_field(&field, &response);
		if (r < 0)
			break;
	}
	if (r < 0)
		return vb_error_say(err, EBADMSG, "a malformed ttrpc response");
	*ret_response = response;
	return 0;
}

static int append_message(struct vb_buf *out, uint32_t stream_id, enum vb_ttrpc_type type,
	const ProtobufCMessage *body, struct vb_error *err)
{
	size_t size = protobuf_c_message_get_packed_size(body);
	uint8_t header[VB_TTRPC_HEADER_SIZE] = {(uint8_t)(size >> 24), (uint8_t)(size >> 16),
		(uint8_t)(size >> 8), (uint8_t)size, (uint8_t)(stream_id >> 24),
		(uint8_t)(stream_id >> 16), (uint8_t)(stream_id >> 8), (uint8_t)stream_id,
		(uint8_t)type, 0};

	if (size > VB_TTRPC_OUTGOING_MAX)
		return vb_error_say(err, EMSGSIZE,
			"a message of %zu bytes is too long for ttrpc, which takes %d", size,
			VB_TTRPC_OUTGOING_MAX);
	return vb_wire_append(out, header, sizeof(header), body, err);
}

int vb_ttrpc_append_request(struct vb_buf *out, uint32_t stream_id,
	const struct vb_ttrpc_request *request, struct vb_error *err)
{
	Ttrpc__Request body;
	char service[VB_TTRPC_NAME_MAX + 1];
	char method[VB_TTRPC_NAME_MAX + 1];

	memcpy(service, request->service, sizeof(service));
	memcpy(method, request->method, sizeof(method));
	ttrpc__request__init(&body);
	body.service = service;
	body.method = method;
	body.timeout_nano = request->timeout_ns;
	body.payload.len = request->payload_size;
	/* protobuf-c only reads it. */
	body.payload.data = (uint8_t *)(uintptr_t)request->payload;
	return append_message(out, stream_id, VB_TTRPC_REQUEST, &body.base, err);
}

int vb_ttrpc_append_response(
	struct vb_buf *out, uint32_t stream_id, const struct vb_buf *payload, struct vb_error *err)
{
	Ttrpc__Response body;

	ttrpc__response__init(&body);
	body.payload.len = vb_buf_size(payload);
	body.payload.data = (uint8_t *)(uintptr_t)vb_buf_data(payload);
	return append_message(out, stream_id, VB_TTRPC_RESPONSE, &body.base, err);
}

int vb_ttrpc_append_error(struct vb_buf *out, uint32_t stream_id, enum vb_ttrpc_code code,
	const char *message, struct vb_error *err)
{
	Ttrpc__Response body;
	Ttrpc__Status status;
	vb_auto_free char *text = strdup(message);

	if (text == NULL)
		return vb_error_set(err, ENOMEM, "encode an error");
	vb_utf8_scrub(text);
	ttrpc__response__init(&body);
	ttrpc__status__init(&status);
	status.code = (int32_t)code;
	status.message = text;
	body.status = &status;
	return append_message(out, stream_id, VB_TTRPC_RESPONSE, &body.base, err);
}
