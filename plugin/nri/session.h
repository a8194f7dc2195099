/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_SESSION_H
#define VB_PLUGIN_NRI_SESSION_H

#include <event2/event.h>

#include "reload.h"
#include "report.h"
#include "task.h"
#include "worker.h"

/*
 * Being a plugin of a runtime: connects, registers, answers Configure and Synchronize, hands events
 * on, and connects again whenever the runtime goes away. docs/nri.md has the protocol.
 */
struct vb_session;

struct vb_session_options {
	const char *socket_path; /* of the runtime */
	int launched_fd; /* the socket that a launching runtime left us; -1: there is none */
	int runtime_pid; /* the only process to register with; 0: whoever has the socket */
	const char *name;
	const char *index; /* two digits */
};

struct vb_session_parts {
	struct event_base *base;
	struct vb_worker *worker;
	struct vb_workshop *shop;
	struct vb_reload *reload;
	const struct vb_reporter *reporter;
};

/* Options and parts are borrowed and outlive the session. NULL when out of memory. */
struct vb_session *vb_session_create(const struct vb_session_options *options,
	const struct vb_session_parts *parts) VB_WARN_UNUSED;

/* Stop the worker first: its jobs come back to parts of the session. */
void vb_session_destroy(struct vb_session *session);

/*
 * Begins. Without a launching runtime this goes on until the loop ends; with one, the loop is
 * ended when the runtime closes the connection or rejects us.
 */
void vb_session_start(struct vb_session *session);

/*
 * Why the runtime does not send us its events, as one line; NULL when it does. Good until the
 * loop's next turn.
 */
const char *vb_session_problem(const struct vb_session *session);

/* Whether a launching runtime rejected us. */
bool vb_session_is_rejected(const struct vb_session *session);

/* Whether a runtime brings us up, which a plugin that ends must not do without. */
static inline bool vb_session_is_launched(const struct vb_session_options *options)
{
	return options->launched_fd >= 0 || options->runtime_pid > 0;
}

void vb_session_log_times(const struct vb_session *session);

#endif
