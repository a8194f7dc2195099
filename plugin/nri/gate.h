/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_GATE_H
#define VB_PLUGIN_NRI_GATE_H

#include <event2/event.h>
#include <stdint.h>

#include "reload.h"
#include "report.h"
#include "task.h"
#include "vb/base/buf.h"
#include "vb/proto/arena.h"
#include "vb/proto/nri.h"
#include "watch.h"
#include "worker.h"

/*
 * The events that can stop a container: CreateContainer, ValidateContainerAdjustment and
 * StartContainer. Each is answered exactly once and in time: by the worker's result, or by a
 * refusal when the deadline comes first, and then what the worker still brings is thrown away.
 */
struct vb_gate;

/* Where an answer goes. A session that has ended meanwhile takes none. */
struct vb_ticket {
	uint64_t session;
	uint32_t stream_id;
	int64_t started_us; /* CLOCK_MONOTONIC */
	int64_t timeout_ns; /* what the runtime gives; 0: it did not say */
};

/* The connection, as the gate sees it. Both return false when the ticket's session has ended. */
struct vb_gate_port {
	bool (*reply)(void *context, const struct vb_ticket *ticket, const struct vb_buf *payload);
	bool (*refuse)(void *context, const struct vb_ticket *ticket, const char *line);
	void *context;
};

struct vb_gate_parts {
	struct event_base *base;
	struct vb_worker *worker;
	struct vb_workshop *shop;
	struct vb_reload *reload;
	const struct vb_reporter *reporter;
	struct vb_watch *watch;
};

/* The parts are borrowed and outlive the gate. NULL when out of memory. */
struct vb_gate *vb_gate_create(
	const struct vb_gate_parts *parts, const struct vb_gate_port *port) VB_WARN_UNUSED;
void vb_gate_destroy(struct vb_gate *gate);

/* Takes one of the three events, and the arena that holds it. */
void vb_gate_take(struct vb_gate *gate, const struct vb_ticket *ticket,
	const struct vb_nri_request *request, struct vb_arena *arena);

/* Answers an event whose request could not be read. */
void vb_gate_take_unreadable(
	struct vb_gate *gate, const struct vb_ticket *ticket, const struct vb_error *err);

/* Writes one line of handling times for each event. */
void vb_gate_log_times(const struct vb_gate *gate);

#endif
