/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PROTO_TTRPC_H
#define VB_PROTO_TTRPC_H

#include <stddef.h>
#include <stdint.h>

#include "vb/base/buf.h"
#include "vb/base/cleanup.h"
#include "vb/base/error.h"

/*
 * ttrpc messages: a 10-byte header (u32be length, u32be stream id, u8 type, u8 flags) and a
 * protobuf envelope, Request or Response (proto/ttrpc.proto).
 *
 * Receiving: vb_ttrpc_peek() the stream of a conn; when it returns 1, decode the body according
 * to the type and drop header.total bytes from the stream. Every request that could be peeked must
 * be answered, also when decoding it failed: a runtime that gets no answer to CreateContainer
 * creates the container as if there were no plugin. vb_ttrpc_append_error() needs only the stream
 * id for that.
 */

enum {
	VB_TTRPC_HEADER_SIZE = 10,
	/* containerd 1.7.24 sends more than the 4 MiB that the specification allows. */
	VB_TTRPC_INCOMING_MAX = 16 * 1024 * 1024,
	VB_TTRPC_OUTGOING_MAX = 4 * 1024 * 1024,
	VB_TTRPC_NAME_MAX = 127,            /* of a service or method */
	VB_TTRPC_STATUS_MESSAGE_MAX = 1023, /* of an incoming status; longer ones are cut */
	/* Ids of requests that we make on a conn: odd, each greater than the last. */
	VB_TTRPC_STREAM_ID_FIRST = 1,
	VB_TTRPC_STREAM_ID_STEP = 2,
};

enum vb_ttrpc_type {
	VB_TTRPC_REQUEST = 1,
	VB_TTRPC_RESPONSE = 2,
	VB_TTRPC_DATA = 3, /* streaming; NRI does not use it */
};

/* google.rpc.Code, as far as ttrpc peers use it. The runtime treats all but 0 and 12 alike. */
enum vb_ttrpc_code {
	VB_TTRPC_OK = 0,
	VB_TTRPC_UNKNOWN = 2, /* what a Go plugin sends for any error */
	VB_TTRPC_INVALID_ARGUMENT = 3,
	VB_TTRPC_DEADLINE_EXCEEDED = 4,
	VB_TTRPC_RESOURCE_EXHAUSTED = 8,
	VB_TTRPC_UNIMPLEMENTED = 12, /* to a dedicated call: makes NRI 0.12 use StateChange */
	VB_TTRPC_INTERNAL = 13,
};

struct vb_ttrpc_header {
	uint32_t stream_id;
	uint8_t type;        /* enum vb_ttrpc_type, or anything else the peer made up */
	size_t body_size;    /* bytes after the header */
	size_t total;        /* header and body */
	const uint8_t *body; /* inside the peeked data */
};

/*
 * Looks at the start of a conn's stream. Returns 1 and fills *ret_header when a whole message is
 * there, 0 when more bytes are needed. -EMSGSIZE when the message is longer than
 * VB_TTRPC_INCOMING_MAX: then all but body is filled, so that a request can be refused and the
 * message skipped with vb_mux_consume(mux, conn, header.total).
 */
int vb_ttrpc_peek(
	const uint8_t *data, size_t size, struct vb_ttrpc_header *ret_header) VB_WARN_UNUSED;

struct vb_ttrpc_request {
	char service[VB_TTRPC_NAME_MAX + 1];
	char method[VB_TTRPC_NAME_MAX + 1];
	int64_t timeout_ns; /* what is left of the caller's time; 0 when it set none */
	const uint8_t *payload;
	size_t payload_size;
};

struct vb_ttrpc_response {
	int32_t code; /* VB_TTRPC_OK when it succeeded */
	char message[VB_TTRPC_STATUS_MESSAGE_MAX + 1];
	const uint8_t *payload;
	size_t payload_size;
};

/*
 * Decode the body of a message. The payload points into the body. Metadata is ignored. -EBADMSG
 * when it is not a well-formed envelope or a name is too long or not printable.
 */
int vb_ttrpc_decode_request(const struct vb_ttrpc_header *header,
	struct vb_ttrpc_request *ret_request, struct vb_error *err) VB_WARN_UNUSED;
int vb_ttrpc_decode_response(const struct vb_ttrpc_header *header,
	struct vb_ttrpc_response *ret_response, struct vb_error *err) VB_WARN_UNUSED;

/*
 * Each appends one message to out; hand it whole to vb_mux_append_message(). -EMSGSIZE above
 * VB_TTRPC_OUTGOING_MAX, -ENOSPC at the cap of out, -ENOMEM; out is unchanged then.
 */
int vb_ttrpc_append_request(struct vb_buf *out, uint32_t stream_id,
	const struct vb_ttrpc_request *request, struct vb_error *err) VB_WARN_UNUSED;

/* A success. payload may be empty. */
int vb_ttrpc_append_response(struct vb_buf *out, uint32_t stream_id, const struct vb_buf *payload,
	struct vb_error *err) VB_WARN_UNUSED;

/* A failure. code must not be VB_TTRPC_OK. The message is made valid UTF-8 where it is not. */
int vb_ttrpc_append_error(struct vb_buf *out, uint32_t stream_id, enum vb_ttrpc_code code,
	const char *message, struct vb_error *err) VB_WARN_UNUSED;

#endif
