/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_CLI_NODE_CRI_H
#define VB_PLUGIN_CLI_NODE_CRI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vb/base/buf.h"
#include "vb/base/error.h"
#include "vb/base/str.h"

/*
 * Just enough of a CRI client for three questions, each one unary call on a connection of its own:
 * gRPC over HTTP/2 without TLS (RFC 9113), requests with literal headers (RFC 7541 section 6.2.2).
 * Answers' headers are not decoded: a unary call that fails sends no message, so a whole message
 * and the end of the stream are success, and the end without a message is failure. Of a failure the
 * reason is therefore not known; containerd's log has it.
 */

enum { VB_CRI_MESSAGE_MAX = 16 << 20 };

/* Appends all that the client says for one call. method as in "Version". -ENOSPC, -ENOMEM. */
int vb_cri_request(
	const char *method, const void *message, size_t size, struct vb_buf *out) VB_WARN_UNUSED;

/* An answer as it comes in. */
struct vb_cri_answer {
	struct vb_buf *body; /* of VB_CRI_MESSAGE_MAX + VB_CRI_BODY_EXTRA at most; the caller's */
	bool is_done;
};

/* The length in front of a message in the body. */
enum { VB_CRI_BODY_EXTRA = 5 };

/*
 * Takes whole frames from the front of input and appends what must be said back to output. More
 * input may be needed when it returns 0 with is_done unset. -ECONNRESET when the peer ends the
 * call, -EBADMSG for what is no HTTP/2, -ENOSPC for too long an answer, -ENOMEM.
 */
int vb_cri_take_frames(
	struct vb_cri_answer *answer, struct vb_buf *input, struct vb_buf *output) VB_WARN_UNUSED;

/* The message of an answer that is done. -ENODATA when the call failed, -EBADMSG. */
int vb_cri_message(const struct vb_cri_answer *answer, const uint8_t **ret_message,
	size_t *ret_size) VB_WARN_UNUSED;

/* What StatusResponse says. */
struct vb_cri_status {
	bool is_ready; /* RuntimeReady */
	struct vb_strv handlers;
};

/*
 * Handlers come from runtime_handlers, or with containerd before 2.0 from the configuration in the
 * verbose information. -EBADMSG, -ENOMEM.
 */
int vb_cri_parse_status(
	const uint8_t *message, size_t size, struct vb_cri_status *ret_status) VB_WARN_UNUSED;
void vb_cri_status_finish(struct vb_cri_status *status);
#define vb_auto_cri_status vb_auto(vb_cri_status_finish)

/*
 * Of ListPodSandboxResponse: adds "handler<TAB>namespace/name" for each sandbox whose handler is
 * not the default. -EBADMSG, -ENOMEM.
 */
int vb_cri_parse_sandboxes(
	const uint8_t *message, size_t size, struct vb_strv *sandboxes) VB_WARN_UNUSED;

#endif
