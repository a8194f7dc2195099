/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PROTO_SRC_WIRE_H
#define VB_PROTO_SRC_WIRE_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vb/base/buf.h"
#include "vb/base/cleanup.h"
#include "vb/base/error.h"
#include "vb/proto/arena.h"

/*
 * Protobuf's wire format, read with bounds. protobuf-c limits neither memory nor depth and takes
 * any bytes for a string, so nothing reaches it that was not walked here first.
 */

enum vb_wire_type {
	VB_WIRE_VARINT = 0,
	VB_WIRE_FIXED64 = 1,
	VB_WIRE_BYTES = 2,
	VB_WIRE_FIXED32 = 5,
};

struct vb_wire_field {
	uint32_t number;
	enum vb_wire_type type;
	uint64_t value;      /* of a varint */
	const uint8_t *data; /* of bytes, inside what is read */
	size_t size;
};

/* Returns 1 and the next field, 0 at the end, -EBADMSG. */
int vb_wire_next(struct vb_reader *reader, struct vb_wire_field *ret_field) VB_WARN_UNUSED;

/*
 * Checks a message and all within against its descriptor: well-formed, known fields of the right
 * wire type. *ret_bad_text tells whether a string in it holds a NUL or is not UTF-8.
 * -EBADMSG.
 */
int vb_wire_check(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data, size_t size,
	bool *ret_bad_text) VB_WARN_UNUSED;

/*
 * vb_wire_check() and then protobuf-c's unpacking into the arena. NULL ret_bad_text: bad text is
 * an error. -EBADMSG, -ENOBUFS over the arena's budget, -ENOMEM.
 */
int vb_wire_unpack(struct vb_arena *arena, const ProtobufCMessageDescriptor *descriptor,
	const struct vb_wire_field *field, bool *ret_bad_text, ProtobufCMessage **ret_message,
	struct vb_error *err) VB_WARN_UNUSED;

/* Why an allocation of the arena failed, as an error. */
int vb_wire_arena_error(const struct vb_arena *arena, struct vb_error *err);

/* Appends the packed message behind a prefix of the caller's. -ENOSPC, -ENOMEM; all or nothing. */
int vb_wire_append(struct vb_buf *out, const void *prefix, size_t prefix_size,
	const ProtobufCMessage *message, struct vb_error *err) VB_WARN_UNUSED;

#endif
