/* SPDX-License-Identifier: Apache-2.0 */
#include "node_cri.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "vb/adjust/json.h"

enum frame_type {
	FRAME_DATA = 0,
	FRAME_HEADERS = 1,
	FRAME_RST_STREAM = 3,
	FRAME_SETTINGS = 4,
	FRAME_PING = 6,
	FRAME_GOAWAY = 7,
	FRAME_WINDOW_UPDATE = 8,
};

enum {
	FRAME_HEADER_SIZE = 9,
	FRAME_MAX = 16384, /* as long as we allow no more */
	FLAG_END_STREAM = 0x1,
	FLAG_ACK = 0x1,
	FLAG_END_HEADERS = 0x4,
	FLAG_PADDED = 0x8,
	STREAM = 1,
	HEADERS_MAX = 1024,
	INFO_DEPTH_MAX = 24,
};

static int put_frame(struct vb_buf *out, enum frame_type type, unsigned int flags, uint32_t stream,
	const void *payload, size_t size)
{
	const uint8_t header[] = {(uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size,
		(uint8_t)type, (uint8_t)flags};

	int r = vb_buf_append(out, header, sizeof(header));
	if (r == 0)
		r = vb_buf_append_u32be(out, stream);
	return r == 0 ? vb_buf_append(out, payload, size) : r;
}

/* A length of HPACK with a prefix of 7 bits; ours are short. */
static int put_text(struct vb_buf *out, const char *text)
{
	uint8_t length = (uint8_t)strlen(text);

	if (strlen(text) >= 127)
		return -ENOSPC;
	int r = vb_buf_append(out, &length, 1);
	return r == 0 ? vb_buf_append_string(out, text) : r;
}

static int put_literal(struct vb_buf *out, const char *name, const char *value)
{
	int r = vb_buf_append(out, "", 1);

	if (r == 0)
		r = put_text(out, name);
	return r == 0 ? put_text(out, value) : r;
}

static int put_headers(struct vb_buf *out, const char *method)
{
	vb_auto_free char *path = vb_str_format("/runtime.v1.RuntimeService/%s", method);
	vb_auto_buf struct vb_buf *block = vb_buf_create(HEADERS_MAX);

	if (path == NULL || block == NULL)
		return -ENOMEM;
	int r = put_literal(block, ":method", "POST");
	if (r == 0)
		r = put_literal(block, ":scheme", "http");
	if (r == 0)
		r = put_literal(block, ":path", path);
	if (r == 0)
		r = put_literal(block, ":authority", "localhost");
	if (r == 0)
		r = put_literal(block, "content-type", "application/grpc");
	if (r == 0)
		r = put_literal(block, "te", "trailers");
	return r == 0 ? put_frame(out, FRAME_HEADERS, FLAG_END_HEADERS, STREAM, vb_buf_data(block),
				vb_buf_size(block))
		      : r;
}

int vb_cri_request(const char *method, const void *message, size_t size, struct vb_buf *out)
{
	/* HEADER_TABLE_SIZE 0, ENABLE_PUSH 0, INITIAL_WINDOW_SIZE 2^31-1 */
	static const uint8_t settings[] = {
		0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 4, 0x7f, 0xff, 0xff, 0xff};
	/* The connection's own window, nearly to the same. */
	static const uint8_t window[] = {0x7f, 0, 0, 0};
	uint8_t body[FRAME_MAX];

	if (size > sizeof(body) - VB_CRI_BODY_EXTRA)
		return -ENOSPC;
	memset(body, 0, VB_CRI_BODY_EXTRA);
	body[3] = (uint8_t)(size >> 8);
	body[4] = (uint8_t)size;
	memcpy(body + VB_CRI_BODY_EXTRA, message, size);
	int r = vb_buf_append_string(out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	if (r == 0)
		r = put_frame(out, FRAME_SETTINGS, 0, 0, settings, sizeof(settings));
	if (r == 0)
		r = put_frame(out, FRAME_WINDOW_UPDATE, 0, 0, window, sizeof(window));
	if (r == 0)
		r = put_headers(out, method);
	return r == 0 ? put_frame(out, FRAME_DATA, FLAG_END_STREAM, STREAM, body,
				size + VB_CRI_BODY_EXTRA)
		      : r;
}

struct frame {
	unsigned int type, flags;
	uint32_t stream;
	const uint8_t *payload;
	size_t size;
};

static int take_data(struct vb_cri_answer *answer, const struct frame *frame)
{
	struct vb_reader reader;
	uint8_t padding = 0;

	vb_reader_init(&reader, frame->payload, frame->size);
	if ((frame->flags & FLAG_PADDED) != 0 && vb_reader_u8(&reader, &padding) < 0)
		return -EBADMSG;
	if (padding > reader.left)
		return -EBADMSG;
	return vb_buf_append(answer->body, reader.data, reader.left - padding);
}

static int take_frame(
	struct vb_cri_answer *answer, const struct frame *frame, struct vb_buf *output)
{
	int r = 0;

	if (frame->type == FRAME_GOAWAY || frame->type == FRAME_RST_STREAM)
		return -ECONNRESET;
	if (frame->type == FRAME_SETTINGS && (frame->flags & FLAG_ACK) == 0)
		return put_frame(output, FRAME_SETTINGS, FLAG_ACK, 0, "", 0);
	if (frame->type == FRAME_PING && (frame->flags & FLAG_ACK) == 0)
		return put_frame(output, FRAME_PING, FLAG_ACK, 0, frame->payload, frame->size);
	if (frame->stream != STREAM)
		return 0;
	if (frame->type == FRAME_DATA)
		r = take_data(answer, frame);
	if (frame->type == FRAME_DATA || frame->type == FRAME_HEADERS)
		answer->is_done = (frame->flags & FLAG_END_STREAM) != 0;
	return r;
}

int vb_cri_take_frames(struct vb_cri_answer *answer, struct vb_buf *input, struct vb_buf *output)
{
	while (!answer->is_done && vb_buf_size(input) >= FRAME_HEADER_SIZE) {
		const uint8_t *head = vb_buf_data(input);
		size_t size = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
		struct frame frame = {.type = head[3],
			.flags = head[4],
			.stream = (head[5] & 0x7fU) << 24 | (uint32_t)head[6] << 16 |
				  (uint32_t)head[7] << 8 | head[8],
			.payload = head + FRAME_HEADER_SIZE,
			.size = size};
		if (size > FRAME_MAX)
			return -EBADMSG;
		if (vb_buf_size(input) < FRAME_HEADER_SIZE + size)
			return 0;
		int r = take_frame(answer, &frame, output);
		if (r < 0)
			return r;
		vb_buf_consume(input, FRAME_HEADER_SIZE + size);
	}
	return 0;
}

int vb_cri_message(
	const struct vb_cri_answer *answer, const uint8_t **ret_message, size_t *ret_size)
{
	struct vb_reader reader;
	uint8_t compressed = 0;
	uint32_t size = 0;

	if (vb_buf_size(answer->body) == 0)
		return -ENODATA;
	vb_reader_init(&reader, vb_buf_data(answer->body), vb_buf_size(answer->body));
	if (vb_reader_u8(&reader, &compressed) < 0 || compressed != 0 ||
		vb_reader_u32be(&reader, &size) < 0 || size != reader.left)
		return -EBADMSG;
	*ret_message = reader.data;
	*ret_size = size;
	return 0;
}

/* A field of a protocol buffer; bytes of type 2, value of type 0. */
struct field {
	uint64_t number, type, value;
	struct vb_reader bytes;
};

static int take_varint(struct vb_reader *reader, uint64_t *ret_value)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; shift < 64; shift += 7) {
		uint8_t byte = 0;
		if (vb_reader_u8(reader, &byte) < 0)
			return -EBADMSG;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0) {
			*ret_value = value;
			return 0;
		}
	}
	return -EBADMSG;
}

/* 1, 0 at the end, -EBADMSG. */
static int take_field(struct vb_reader *reader, struct field *field)
{
	static const size_t fixed[] = {0, 8, 0, 0, 0, 4, 0, 0};
	const uint8_t *data = NULL;
	uint64_t tag = 0;

	if (reader->left == 0)
		return 0;
	if (take_varint(reader, &tag) < 0)
		return -EBADMSG;
	*field = (struct field){.number = tag >> 3, .type = tag & 7};
	uint64_t size = fixed[field->type];
	if (field->type == 0)
		return take_varint(reader, &field->value) < 0 ? -EBADMSG : 1;
	if (field->type == 2 && take_varint(reader, &size) < 0)
		return -EBADMSG;
	if ((field->type != 2 && size == 0) || size > reader->left ||
		vb_reader_bytes(reader, (size_t)size, &data) < 0)
		return -EBADMSG;
	vb_reader_init(&field->bytes, data, (size_t)size);
	return 1;
}

/* The first field of this number that holds bytes; 0 when there is none. */
static int find_bytes(struct vb_reader message, uint64_t number, struct vb_reader *ret_bytes)
{
	struct field field;
	int r;

	while ((r = take_field(&message, &field)) > 0)
		if (field.number == number && field.type == 2) {
			*ret_bytes = field.bytes;
			return 1;
		}
	return r;
}

static bool is_text(const struct vb_reader *bytes, const char *text)
{
	return bytes->left == strlen(text) && memcmp(bytes->data, text, bytes->left) == 0;
}

/* RuntimeStatus{conditions=1}, RuntimeCondition{type=1, status=2} */
static int take_conditions(struct vb_reader status, struct vb_cri_status *ret_status)
{
	struct field condition, field;
	int r;

	while ((r = take_field(&status, &condition)) > 0) {
		struct vb_reader type = {0};
		uint64_t is_true = 0;
		if (condition.number != 1 || condition.type != 2)
			continue;
		while ((r = take_field(&condition.bytes, &field)) > 0) {
			if (field.number == 1 && field.type == 2)
				type = field.bytes;
			if (field.number == 2 && field.type == 0)
				is_true = field.value;
		}
		if (r < 0)
			return r;
		if (is_text(&type, "RuntimeReady"))
			ret_status->is_ready = is_true != 0;
	}
	return r;
}

static int add_bytes(struct vb_strv *strv, const struct vb_reader *bytes)
{
	return vb_strv_add_n(strv, (const char *)bytes->data, bytes->left);
}

/* {"containerd": {"runtimes": {"runc": ...}}} */
static int take_config(const struct vb_reader *text, struct vb_strv *handlers)
{
	vb_auto_json json_t *config = NULL;
	const char *name = NULL;
	json_t *value = NULL;
	int r = vb_json_parse((const char *)text->data, text->left, INFO_DEPTH_MAX, &config, NULL);

	if (r < 0)
		return r == -ENOMEM ? r : -EBADMSG;
	json_object_foreach(
		json_object_get(json_object_get(config, "containerd"), "runtimes"), name, value) {
		if (vb_strv_add(handlers, name) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* An entry of map<string, string> info. */
static int take_info(struct vb_reader entry, struct vb_strv *handlers)
{
	struct vb_reader key = {0}, value = {0};
	int r = find_bytes(entry, 1, &key);

	if (r > 0)
		r = find_bytes(entry, 2, &value);
	if (r <= 0 || !is_text(&key, "config"))
		return r < 0 ? r : 0;
	return take_config(&value, handlers);
}

static int take_handler(struct vb_reader handler, struct vb_strv *handlers)
{
	struct vb_reader name = {0};
	int r = find_bytes(handler, 1, &name);

	return r > 0 ? add_bytes(handlers, &name) : r;
}

/* StatusResponse{status=1, info=2, runtime_handlers=3} */
int vb_cri_parse_status(const uint8_t *message, size_t size, struct vb_cri_status *ret_status)
{
	vb_auto_cri_status struct vb_cri_status status = {0};
	struct vb_reader reader;
	struct field field;
	int r;

	vb_reader_init(&reader, message, size);
	while ((r = take_field(&reader, &field)) > 0) {
		if (field.type != 2)
			continue;
		if (field.number == 1)
			r = take_conditions(field.bytes, &status);
		else if (field.number == 2)
			r = take_info(field.bytes, &status.handlers);
		else if (field.number == 3)
			r = take_handler(field.bytes, &status.handlers);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	vb_strv_sort_unique(&status.handlers);
	*ret_status = status;
	status.handlers = (struct vb_strv){0};
	return 0;
}

void vb_cri_status_finish(struct vb_cri_status *status)
{
	vb_strv_finish(&status->handlers);
}

/* PodSandbox{metadata=2{name=1, namespace=3}, runtime_handler=7} */
static int take_sandbox(struct vb_reader sandbox, struct vb_strv *sandboxes)
{
	struct vb_reader handler = {0}, metadata = {0}, name = {0}, space = {0};
	int r = find_bytes(sandbox, 7, &handler);

	if (r <= 0 || handler.left == 0)
		return r < 0 ? r : 0;
	r = find_bytes(sandbox, 2, &metadata);
	if (r > 0)
		r = find_bytes(metadata, 1, &name);
	if (r >= 0)
		r = find_bytes(metadata, 3, &space);
	if (r < 0)
		return r;
	vb_auto_free char *text = vb_str_format("%.*s\t%.*s/%.*s", (int)handler.left,
		(const char *)handler.data, (int)space.left, (const char *)space.data,
		(int)name.left, (const char *)name.data);
	return text != NULL ? vb_strv_add(sandboxes, text) : -ENOMEM;
}

int vb_cri_parse_sandboxes(const uint8_t *message, size_t size, struct vb_strv *sandboxes)
{
	struct vb_reader reader;
	struct field field;
	int r;

	vb_reader_init(&reader, message, size);
	while ((r = take_field(&reader, &field)) > 0)
		if (field.number == 1 && field.type == 2) {
			r = take_sandbox(field.bytes, sandboxes);
			if (r < 0)
				return r;
		}
	return r;
}
