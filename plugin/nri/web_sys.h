/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_WEB_SYS_H
#define VB_PLUGIN_NRI_WEB_SYS_H

#include <event2/event.h>

#include "log.h"
#include "vb/adjust/connect.h"
#include "vb/base/buf.h"

/*
 * /metrics, /healthz and /readyz over HTTP, on the daemon's own loop and behind all else that it
 * has to do (VB_LOOP_LAST). Whoever connects gets little: sixteen connections at once, the next
 * wait in the kernel; ten seconds for each; 4 KiB of head and of body, one answer. No failure here
 * is one of the daemon.
 */
struct vb_web;

struct vb_web_parts {
	struct event_base *base;
	struct vb_log *log;
	/* What is asked for. why_unready is NULL when it is ready, else one line. */
	int (*render)(void *context, struct vb_buf *text);
	const char *(*why_unready)(void *context);
	void *context;
};

/* NULL when out of memory. */
struct vb_web *vb_web_create(const struct vb_web_parts *parts) VB_WARN_UNUSED;
void vb_web_destroy(struct vb_web *web);

/*
 * Listens there and no longer anywhere else; port 0: nowhere. An address that is not to be had
 * gives a line in the log, and is tried again every five seconds at least.
 */
void vb_web_listen(struct vb_web *web, const struct vb_connect_entry *address);

#endif
