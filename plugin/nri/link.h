/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_LINK_H
#define VB_PLUGIN_NRI_LINK_H

#include <event2/event.h>
#include <stdint.h>

#include "vb/base/buf.h"
#include "vb/base/cleanup.h"
#include "vb/base/error.h"
#include "vb/proto/ttrpc.h"

/*
 * One connection to the runtime: a socket, the multiplexer and ttrpc on it. Knows nothing of NRI.
 *
 * Life cycle: create on a connected socket; callbacks come from the event loop; when on_closed has
 * been called, or when the owner has had enough, vb_link_destroy(), from on_closed too. Sending
 * never calls back: a failure shows as on_closed from the loop later.
 */

struct vb_link;

struct vb_link_callbacks {
	/* The request's texts and payload live only during the call. */
	void (*on_request)(
		void *context, uint32_t stream_id, const struct vb_ttrpc_request *request);
	/* To a request of ours; request_id is what vb_link_call() returned. */
	void (*on_response)(
		void *context, uint32_t request_id, const struct vb_ttrpc_response *response);
	/* The peer sent something that could not be read; it has been answered where it can be. */
	void (*on_garbage)(void *context, const struct vb_error *err);
	/* The connection is of no more use. The last call. */
	void (*on_closed)(void *context, const struct vb_error *err);
	void *context;
};

/* Takes the socket over, on success only. The callbacks are copied. */
int vb_link_create(struct event_base *base, int fd, const struct vb_link_callbacks *callbacks,
	struct vb_link **ret_link, struct vb_error *err) VB_WARN_UNUSED;
void vb_link_destroy(struct vb_link *link);

/* Calls the Runtime service. The id is what on_response will name; 0 when nothing was sent. */
uint32_t vb_link_call(struct vb_link *link, const char *method, const struct vb_buf *payload);

/* Answers a request. payload NULL: an empty one. */
void vb_link_reply(struct vb_link *link, uint32_t stream_id, const struct vb_buf *payload);
void vb_link_refuse(
	struct vb_link *link, uint32_t stream_id, enum vb_ttrpc_code code, const char *message);

#endif
