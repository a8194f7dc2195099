/* SPDX-License-Identifier: Apache-2.0 */
#include "gate.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "vb/adjust/codes.h"
#include "vb/adjust/refusal.h"
#include "vb/adjust/state.h"
#include "verdict.h"

enum {
	/* Kept from the runtime's own timeout, for the way back. */
	TIMEOUT_MARGIN_MS = 300,
	DEADLINE_MIN_MS = 50,
};

struct vb_gate {
	struct vb_gate_parts parts;
	struct vb_gate_port port;
};

static enum vb_metrics_request metrics_request_of(enum vb_task_kind kind)
{
	if (kind == VB_TASK_CREATE)
		return VB_METRICS_CREATE;
	return kind == VB_TASK_VALIDATE ? VB_METRICS_VALIDATE : VB_METRICS_START;
}

static enum vb_task_kind kind_of(enum vb_nri_event event)
{
	if (event == VB_NRI_EVENT_CREATE_CONTAINER)
		return VB_TASK_CREATE;
	return event == VB_NRI_EVENT_VALIDATE_ADJUSTMENT ? VB_TASK_VALIDATE : VB_TASK_START;
}

struct vb_gate *vb_gate_create(const struct vb_gate_parts *parts, const struct vb_gate_port *port)
{
	struct vb_gate *gate = calloc(1, sizeof(*gate));

	if (gate == NULL)
		return NULL;
	gate->parts = *parts;
	gate->port = *port;
	return gate;
}

void vb_gate_destroy(struct vb_gate *gate)
{
	free(gate);
}

static struct vb_ticket ticket_of(const struct vb_task *task)
{
	return (struct vb_ticket){.session = task->session,
		.stream_id = task->stream_id,
		.started_us = task->started_us};
}

/* Before the answer is sent: the runtime, woken by it, may run in our place first. */
static void note_time(const struct vb_gate *gate, const struct vb_task *task)
{
	int64_t us = vb_clock_us() - task->started_us;

	vb_histogram_add(&gate->parts.reporter->metrics->times[metrics_request_of(task->kind)],
		us > 0 ? (uint64_t)us : 0);
}

static bool refuse(struct vb_gate *gate, struct vb_task *task, const struct vb_error *err)
{
	const struct vb_nri_request *request = &task->request;
	const struct vb_ticket ticket = ticket_of(task);
	char line[VB_REFUSAL_LINE_MAX];

	vb_refusal_format(
		line, err, request->pod.name_space, request->pod.name, request->container.name);
	note_time(gate, task);
	bool sent = gate->port.refuse(gate->port.context, &ticket, line);
	vb_report_refusal(gate->parts.reporter, request, err->code, line);
	return sent;
}

/* Nothing of a container that was not made may stay behind. */
static void clear_up(const struct vb_gate *gate, const struct vb_task *task)
{
	if (task->has_plan)
		vb_task_submit_removal(gate->parts.shop, gate->parts.worker, task->container_id);
}

static void finish_start(struct vb_gate *gate, struct vb_task *task, bool admitted)
{
	if (!task->has_outcome)
		return;
	if (admitted)
		vb_report_running(gate->parts.reporter, &task->outcome);
	if (admitted && vb_report_is_open(&task->outcome))
		vb_watch_keep(gate->parts.watch, VB_STEAL(task->subject));
	else
		vb_report_outcome(gate->parts.reporter, &task->outcome);
}

static void answer(struct vb_gate *gate, struct vb_task *task)
{
	const struct vb_ticket ticket = ticket_of(task);
	bool admitted = vb_verdict_after(task->request.event, task->result) == VB_VERDICT_ADMIT;
	bool sent = false;

	if (admitted) {
		if (task->has_plan && task->plan->opt_out_reason != NULL)
			vb_report_opt_out(gate->parts.reporter, task);
		note_time(gate, task);
		vb_report_answer(gate->parts.reporter, task);
		sent = gate->port.reply(gate->port.context, &ticket, task->reply);
	} else {
		sent = refuse(gate, task, &task->err);
	}
	vb_report_bundle(gate->parts.reporter, task);
	if (task->kind == VB_TASK_START)
		finish_start(gate, task, admitted && sent);
	else if (task->has_plan && sent)
		vb_report_admission(gate->parts.reporter, task);
	else
		clear_up(gate, task);
}

static void on_done(struct vb_job *job)
{
	vb_auto_task struct vb_task *task = vb_task_of(job);
	struct vb_gate *gate = task->owner;

	vb_reload_take(gate->parts.reload, task);
	if (!task->answered)
		answer(gate, task);
	else
		clear_up(gate, task);
}

static void on_deadline(evutil_socket_t fd, short what, void *context)
{
	struct vb_task *task = context;
	struct vb_error err = {0};

	(void)fd;
	(void)what;
	task->answered = true;
	/* The same text for each retry of kubelet's. */
	(void)vb_error_refuse(
		&err, VB_CODE_DEADLINE, "the node did not answer within %u ms", task->deadline_ms);
	(void)vb_error_fix(&err, "look for a slow disk under the bundles or /run on this node");
	refuse(task->owner, task, &err);
}

static unsigned int deadline_ms(const struct vb_gate *gate, const struct vb_ticket *ticket)
{
	int64_t deadline = vb_reload_config(gate->parts.reload)->deadline_ms;
	int64_t given = ticket->timeout_ns / 1000000 - TIMEOUT_MARGIN_MS;

	if (ticket->timeout_ns > 0 && given < deadline)
		deadline = given;
	return deadline > DEADLINE_MIN_MS ? (unsigned int)deadline : DEADLINE_MIN_MS;
}

static int arm_deadline(struct vb_gate *gate, struct vb_task *task, const struct vb_ticket *ticket)
{
	unsigned int ms = deadline_ms(gate, ticket);
	const struct timeval interval = vb_clock_interval(ms);

	task->deadline_ms = ms;
	task->deadline = evtimer_new(gate->parts.base, on_deadline, task);
	return task->deadline == NULL || evtimer_add(task->deadline, &interval) < 0 ? -ENOMEM : 0;
}

/* A new task for the request, the arena's owner from now on. NULL when out of memory. */
static struct vb_task *make_task(struct vb_gate *gate, const struct vb_ticket *ticket,
	const struct vb_nri_request *request, struct vb_arena *arena)
{
	struct vb_task *task = vb_task_create(gate->parts.shop, kind_of(request->event), on_done);

	if (task == NULL) {
		vb_arena_destroy(arena);
		return NULL;
	}
	task->arena = arena;
	task->request = *request;
	task->owner = gate;
	task->session = ticket->session;
	task->stream_id = ticket->stream_id;
	task->started_us = ticket->started_us;
	task->container_id = strdup(request->container.id);
	if (task->container_id == NULL) {
		vb_task_destroy(task);
		return NULL;
	}
	return task;
}

void vb_gate_take(struct vb_gate *gate, const struct vb_ticket *ticket,
	const struct vb_nri_request *request, struct vb_arena *arena)
{
	vb_auto_task struct vb_task *task = make_task(gate, ticket, request, arena);
	struct vb_error err = {0};

	if (task == NULL) {
		(void)vb_error_set(&err, ENOMEM, "handle a request");
		vb_gate_take_unreadable(gate, ticket, &err);
		return;
	}
	bool concerns = vb_verdict_concerns(vb_reload_config(gate->parts.reload), request) ||
			vb_reload_is_pending(gate->parts.reload);
	int r = 0;
	if (concerns && !vb_container_id_is_valid(request->container.id))
		r = vb_error_say(&task->err, EINVAL, "'%.128s' is not a container id",
			request->container.id);
	else if (concerns && arm_deadline(gate, task, ticket) < 0)
		r = vb_error_set(&task->err, ENOMEM, "handle a request");
	if (!concerns || r < 0) {
		task->result = r;
		task->is_passed = !concerns;
		answer(gate, task);
		return;
	}
	struct vb_task *submitted = VB_STEAL(task);
	vb_worker_submit(gate->parts.worker, &submitted->job, VB_JOB_URGENT);
}

void vb_gate_take_unreadable(
	struct vb_gate *gate, const struct vb_ticket *ticket, const struct vb_error *err)
{
	char line[VB_REFUSAL_LINE_MAX];

	vb_refusal_format(line, err, "", "", "");
	if (vb_verdict_after(VB_NRI_EVENT_UNKNOWN, -err->errnum) == VB_VERDICT_REFUSE)
		(void)gate->port.refuse(gate->port.context, ticket, line);
	vb_report_refusal(gate->parts.reporter, NULL, err->code, line);
}

void vb_gate_log_times(const struct vb_gate *gate)
{
	const struct vb_reporter *reporter = gate->parts.reporter;

	for (enum vb_metrics_request request = 0; request < VB_METRICS_REQUESTS; request++) {
		const struct vb_histogram *times = &reporter->metrics->times[request];
		struct vb_log_line line;
		vb_log_begin(&line, NULL, "times");
		vb_log_word(&line, "request", vb_metrics_request_name(request));
		vb_log_number(&line, "count", (int64_t)times->count);
		vb_log_number(&line, "p50_us", (int64_t)vb_histogram_percentile(times, 50));
		vb_log_number(&line, "p99_us", (int64_t)vb_histogram_percentile(times, 99));
		vb_log_number(&line, "max_us", (int64_t)times->max_us);
		vb_log_write(reporter->log, &line);
	}
}
