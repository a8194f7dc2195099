/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PROTO_MUX_H
#define VB_PROTO_MUX_H

#include <stddef.h>
#include <stdint.h>

#include "vb/base/buf.h"
#include "vb/base/cleanup.h"
#include "vb/base/error.h"

/*
 * The NRI multiplexer: one socket carries two independent byte streams ("conns") in frames of
 * u32be conn id, u32be length, payload. docs/nri.md has the framing rules and their reasons.
 *
 * Life cycle: create one mux per socket; vb_mux_feed() it what was read; then, for each conn, take
 * whole ttrpc messages out of vb_mux_peek() and drop them with vb_mux_consume() until no whole
 * message is left; read again. vb_mux_append_message() makes the frames of an outgoing message.
 */

enum vb_mux_conn {
	VB_MUX_CONN_PLUGIN = 1,  /* the runtime calls us */
	VB_MUX_CONN_RUNTIME = 2, /* we call the runtime */
};

enum {
	/*
	 * The Go peer reads a message's start through a buffer of this size and drops the
	 * connection when a frame is bigger than what it offers.
	 */
	VB_MUX_FIRST_FRAME_MAX = 4096,
	/*
	 * Unread bytes a conn may hold: one message of VB_TTRPC_INCOMING_MAX with its header, and
	 * what one read from the socket may bring behind it.
	 */
	VB_MUX_UNREAD_MAX = 17 * 1024 * 1024,
};

struct vb_mux;

/* NULL when out of memory. */
struct vb_mux *vb_mux_create(void) VB_WARN_UNUSED;
void vb_mux_destroy(struct vb_mux *mux);

static inline void vb_cleanup_mux(struct vb_mux *const *mux)
{
	vb_mux_destroy(*mux);
}
#define vb_auto_mux vb_auto(vb_cleanup_mux)

/*
 * Takes the next bytes of the socket. Frames may be split anywhere; those of unknown conns are
 * dropped without being stored. -EMSGSIZE when a conn would hold more than VB_MUX_UNREAD_MAX,
 * -ENOMEM; after either the socket is to be closed.
 */
int vb_mux_feed(
	struct vb_mux *mux, const void *data, size_t size, struct vb_error *err) VB_WARN_UNUSED;

/*
 * The unread bytes of a conn, in order, as one run; returns how many. *ret_data is never NULL and
 * good until the next call on this mux that changes it.
 */
size_t vb_mux_peek(const struct vb_mux *mux, enum vb_mux_conn conn, const uint8_t **ret_data);

/*
 * Drops the next size bytes of a conn. That may be more than there are: the rest is dropped as it
 * arrives, which is how a message that is too long to hold is skipped.
 */
void vb_mux_consume(struct vb_mux *mux, enum vb_mux_conn conn, size_t size);

/*
 * Appends to out the frames that carry one whole ttrpc message: the first with at most
 * VB_MUX_FIRST_FRAME_MAX bytes, a second with all the rest. Never pass a part of a message or two
 * messages. All or nothing: -ENOSPC at the cap of out, -ENOMEM, -EINVAL for an empty message.
 */
int vb_mux_append_message(struct vb_buf *out, enum vb_mux_conn conn, const struct vb_buf *message,
	struct vb_error *err) VB_WARN_UNUSED;

#endif
