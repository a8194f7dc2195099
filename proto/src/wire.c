/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <errno.h>
#include <string.h>

#include "vb/base/utf8.h"

enum {
	VARINT_SIZE_MAX = 10,
	/* The API nests five deep; its types do not recurse. */
	DEPTH_MAX = 8,
};

static int read_varint(struct vb_reader *reader, uint64_t *ret_value)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < VARINT_SIZE_MAX; i++) {
		uint8_t byte;
		if (vb_reader_u8(reader, &byte) < 0)
			return -EBADMSG;
		/* The tenth byte has room for one bit; like other readers, ours lets the rest go.
		 */
		value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if ((byte & 0x80) == 0) {
			*ret_value = value;
			return 0;
		}
	}
	return -EBADMSG;
}

static int read_content(struct vb_reader *reader, struct vb_wire_field *field)
{
	uint64_t size;

	switch (field->type) {
	case VB_WIRE_VARINT:
		return read_varint(reader, &field->value);
	case VB_WIRE_FIXED64:
		size = 8;
		break;
	case VB_WIRE_FIXED32:
		size = 4;
		break;
	case VB_WIRE_BYTES:
		if (read_varint(reader, &size) < 0)
			return -EBADMSG;
		break;
	default: /* groups, which proto3 does not have, and nonsense */
		return -EBADMSG;
	}
	if (size > reader->left || vb_reader_bytes(reader, (size_t)size, &field->data) < 0)
		return -EBADMSG;
	field->size = (size_t)size;
	return 0;
}

int vb_wire_next(struct vb_reader *reader, struct vb_wire_field *ret_field)
{
	struct vb_wire_field field = {0};
	uint64_t tag;

	if (reader->left == 0)
		return 0;
	if (read_varint(reader, &tag) < 0 || tag > UINT32_MAX || tag >> 3 == 0)
		return -EBADMSG;
	field.number = (uint32_t)(tag >> 3);
	field.type = (enum vb_wire_type)(tag & 7);
	int r = read_content(reader, &field);
	if (r < 0)
		return r;
	*ret_field = field;
	return 1;
}

/* Whether a field of this kind may have this wire type. Only the kinds of our protocols occur. */
static bool is_wire_type_right(const ProtobufCFieldDescriptor *known, enum vb_wire_type type)
{
	bool is_bytes = known->type == PROTOBUF_C_TYPE_STRING ||
			known->type == PROTOBUF_C_TYPE_BYTES ||
			known->type == PROTOBUF_C_TYPE_MESSAGE;

	if (is_bytes)
		return type == VB_WIRE_BYTES;
	/* Repeated numbers come packed or one by one. */
	return type == VB_WIRE_VARINT ||
	       (type == VB_WIRE_BYTES && known->label == PROTOBUF_C_LABEL_REPEATED);
}

static bool is_good_text(const struct vb_wire_field *field)
{
	return memchr(field->data, '\0', field->size) == NULL &&
	       vb_utf8_is_valid(field->data, field->size);
}

struct level {
	struct vb_reader reader;
	const ProtobufCMessageDescriptor *descriptor;
};

/* Checks one field; for a message, *ret_below becomes the level to look at next. */
static int check_field(const struct level *level, const struct vb_wire_field *field,
	struct level *ret_below, bool *bad_text)
{
	const ProtobufCFieldDescriptor *known =
		protobuf_c_message_descriptor_get_field(level->descriptor, field->number);

	if (known == NULL)
		return 0;
	if (!is_wire_type_right(known, field->type))
		return -EBADMSG;
	if (known->type == PROTOBUF_C_TYPE_STRING && !is_good_text(field))
		*bad_text = true;
	if (known->type != PROTOBUF_C_TYPE_MESSAGE)
		return 0;
	ret_below->descriptor = known->descriptor;
	vb_reader_init(&ret_below->reader, field->data, field->size);
	return 1;
}

int vb_wire_check(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data, size_t size,
	bool *ret_bad_text)
{
	struct level levels[DEPTH_MAX];
	size_t depth = 0;
	bool bad_text = false;

	levels[0].descriptor = descriptor;
	vb_reader_init(&levels[0].reader, data, size);
	for (;;) {
		struct vb_wire_field field;
		int r = vb_wire_next(&levels[depth].reader, &field);
		if (r < 0)
			return r;
		if (r == 0 && depth == 0)
			break;
		if (r == 0) {
			depth--;
			continue;
		}
		if (depth + 1 == DEPTH_MAX)
			return -EBADMSG;
		r = check_field(&levels[depth], &field, &levels[depth + 1], &bad_text);
		if (r < 0)
			return r;
		depth += (size_t)r;
	}
	*ret_bad_text = bad_text;
	return 0;
}

static void *allocate(void *arena, size_t size)
{
	return vb_arena_alloc(arena, size);
}

/* The arena forgets everything at once. */
static void release(void *arena, void *object)
{
	(void)arena;
	(void)object;
}

int vb_wire_arena_error(const struct vb_arena *arena, struct vb_error *err)
{
	if (vb_arena_is_exhausted(arena))
		return vb_error_say(err, ENOBUFS, "a message needs too much memory to decode");
	return vb_error_set(err, ENOMEM, "decode a message");
}

int vb_wire_unpack(struct vb_arena *arena, const ProtobufCMessageDescriptor *descriptor,
	const struct vb_wire_field *field, bool *ret_bad_text, ProtobufCMessage **ret_message,
	struct vb_error *err)
{
	ProtobufCAllocator allocator = {
		.alloc = allocate, .free = release, .allocator_data = arena};
	bool bad_text;

	if (vb_wire_check(descriptor, field->data, field->size, &bad_text) < 0)
		return vb_error_say(err, EBADMSG, "a malformed %s", descriptor->short_name);
	if (bad_text && ret_bad_text == NULL)
		return vb_error_say(
			err, EBADMSG, "a %s with text that is not UTF-8", descriptor->short_name);
	errno = 0;
	ProtobufCMessage *message =
		protobuf_c_message_unpack(descriptor, &allocator, field->size, field->data);
	if (message == NULL && (vb_arena_is_exhausted(arena) || errno == ENOMEM))
		return vb_wire_arena_error(arena, err);
	if (message == NULL)
		return vb_error_say(err, EBADMSG, "a malformed %s", descriptor->short_name);
	if (ret_bad_text != NULL)
		*ret_bad_text = bad_text;
	*ret_message = message;
	return 0;
}

int vb_wire_append(struct vb_buf *out, const void *prefix, size_t prefix_size,
	const ProtobufCMessage *message, struct vb_error *err)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *space;

	int r = vb_buf_reserve(out, prefix_size + size, &space);
	if (r < 0)
		return vb_error_set(err, -r, "encode %s", message->descriptor->short_name);
	if (prefix_size > 0)
		memcpy(space, prefix, prefix_size);
	vb_buf_commit(out, prefix_size + protobuf_c_message_pack(message, space + prefix_size));
	return 0;
}
