/* SPDX-License-Identifier: Apache-2.0 */
#include "auditor.h"

#include <errno.h>
#include <string.h>

#include "clock.h"

enum {
	/* Of frames that wait for the worker: what some hundred of them need. */
	WAITING_MAX_BYTES = 512 * 1024,
	ALARM_EVERY_US = 60 * 1000 * 1000,
};

struct vb_auditor {
	struct vb_auditor_parts parts;
	struct vb_auditor_state state;
	size_t waiting_bytes;
	uint64_t overrun; /* frames that found no room, not yet told to the file */
	int64_t alarmed_us;
};

struct writing {
	struct vb_job job; /* first */
	struct vb_auditor *audit;
	bool is_written; /* or was tried to */
	int result;
	struct vb_error err;
	struct vb_audit_counters counters;
	uint64_t overrun;
	size_t size;
	char text[];
};

struct vb_auditor *vb_auditor_create(const struct vb_auditor_parts *parts)
{
	struct vb_auditor *audit = calloc(1, sizeof(*audit));

	if (audit != NULL)
		audit->parts = *parts;
	return audit;
}

void vb_auditor_destroy(struct vb_auditor *audit)
{
	free(audit);
}

static void run(struct vb_job *job)
{
	struct writing *writing = (struct writing *)job;
	struct vb_audit_file *file = writing->audit->parts.file;

	vb_audit_file_count_lost(file, writing->overrun);
	writing->result = vb_audit_file_append(
		file, writing->text, writing->size, VB_AUDIT_WRITTEN, &writing->err);
	writing->counters = *vb_audit_file_counters(file);
	writing->is_written = true;
}

static void raise_alarm(struct vb_auditor *audit, const char *event)
{
	struct vb_log_line line;

	vb_log_begin(&line, NULL, event);
	vb_log_number(&line, "lost", (int64_t)audit->state.counters.lost);
	if (audit->state.problem[0] != '\0')
		vb_log_text(&line, "error", audit->state.problem);
	vb_log_write(audit->parts.log, &line);
	audit->alarmed_us = vb_clock_us();
}

static void note_result(struct vb_auditor *audit, int result, const struct vb_error *err)
{
	bool was_failing = audit->state.problem[0] != '\0';

	if (result == 0) {
		audit->state.problem[0] = '\0';
		if (was_failing)
			raise_alarm(audit, "audit-restored");
		return;
	}
	memcpy(audit->state.problem, err->what, sizeof(audit->state.problem));
	if (!was_failing || vb_clock_us() - audit->alarmed_us >= ALARM_EVERY_US)
		raise_alarm(audit, "audit-failed");
}

static void done(struct vb_job *job)
{
	struct writing *writing = (struct writing *)job;
	struct vb_auditor *audit = writing->audit;

	/* The worker has ended, so its things are ours. */
	if (!writing->is_written)
		run(job);
	audit->waiting_bytes -= sizeof(*writing) + writing->size;
	audit->state.counters = writing->counters;
	note_result(audit, writing->result, &writing->err);
	free(writing);
}

void vb_auditor_write(struct vb_auditor *audit, struct vb_audit_frame *frame)
{
	vb_audit_end(frame);
	size_t bytes = sizeof(struct writing) + frame->used;
	struct writing *writing =
		audit->waiting_bytes + bytes > WAITING_MAX_BYTES ? NULL : calloc(1, bytes);
	if (writing == NULL) {
		audit->overrun++;
		return;
	}
	audit->waiting_bytes += bytes;
	writing->job.run = run;
	writing->job.done = done;
	writing->audit = audit;
	writing->overrun = audit->overrun;
	audit->overrun = 0;
	writing->size = frame->used;
	memcpy(writing->text, frame->text, frame->used);
	vb_worker_submit(audit->parts.worker, &writing->job, VB_JOB_BACKGROUND);
}

const struct vb_auditor_state *vb_auditor_get_state(const struct vb_auditor *audit)
{
	return &audit->state;
}
