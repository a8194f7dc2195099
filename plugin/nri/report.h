/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_REPORT_H
#define VB_PLUGIN_NRI_REPORT_H

#include "auditor.h"
#include "finding.h"
#include "levels.h"
#include "log.h"
#include "metrics.h"
#include "refusals.h"
#include "status.h"
#include "task.h"
#include "vb/adjust/outcome.h"
#include "vb/proto/nri.h"

/* Tells of what happens to containers: log, audit log, status file, metrics. */
struct vb_reporter {
	struct vb_log *log;
	struct vb_auditor *audit;
	struct vb_refusals *refusals;
	struct vb_status *status;
	struct vb_metrics *metrics;
	struct vb_levels *levels;
};

/* request NULL: it could not be read. code NULL: ErrInternal. */
void vb_report_refusal(const struct vb_reporter *reporter, const struct vb_nri_request *request,
	const char *code, const char *line);

/* For struct vb_refusals: refusals that are due, as one frame; the context is a vb_auditor. */
void vb_report_due_refusal(void *context, const struct vb_refusal *refusal);

/* A CREATE whose seccomp opt-out is in the audit log is about to be answered with its plan. */
void vb_report_opt_out(const struct vb_reporter *reporter, const struct vb_task *task);

/* A CREATE was answered with the task's plan. */
void vb_report_admission(const struct vb_reporter *reporter, const struct vb_task *task);

/* A bundle was looked up; where a warning came of it, the container got its last good version. */
void vb_report_bundle(const struct vb_reporter *reporter, const struct vb_task *task);

void vb_report_outcome(const struct vb_reporter *reporter, const struct vb_outcome *outcome);

/* The container that it is of runs. */
void vb_report_running(const struct vb_reporter *reporter, const struct vb_outcome *outcome);

/* A request was answered, and not by a refusal. */
void vb_report_answer(const struct vb_reporter *reporter, const struct vb_task *task);

void vb_report_unhardened(const struct vb_reporter *reporter, const struct vb_finding *finding);

/* Whether a layer can still change, because it shows only after exec. */
bool vb_report_is_open(const struct vb_outcome *outcome);

#endif
