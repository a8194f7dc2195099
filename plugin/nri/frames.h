/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_FRAMES_H
#define VB_PLUGIN_NRI_FRAMES_H

#include "audit_frame.h"
#include "finding.h"
#include "refusals.h"
#include "vb/adjust/outcome.h"
#include "vb/adjust/plan.h"

/*
 * The frames of the audit log about containers; docs/contracts.md lists their members. Each is
 * begun and filled, and may be added to before it is ended.
 */

/* A container and its plan. Everything is borrowed. */
struct vb_admission {
	const char *container_id;
	const struct vb_plan *plan;
	const char *plan_digest;
};

/* CreateContainer was answered with the plan. */
void vb_frame_admission(struct vb_audit_frame *frame, const struct timespec *now,
	const struct vb_admission *admission);

/* An opt-out from seccomp is about to be admitted. */
void vb_frame_opt_out(struct vb_audit_frame *frame, const struct timespec *now,
	const struct vb_admission *admission);

/* As many refusals as are not reported yet. */
void vb_frame_refusal(
	struct vb_audit_frame *frame, const struct timespec *now, const struct vb_refusal *refusal);

void vb_frame_outcome(
	struct vb_audit_frame *frame, const struct timespec *now, const struct vb_outcome *outcome);

void vb_frame_unhardened(
	struct vb_audit_frame *frame, const struct timespec *now, const struct vb_finding *finding);

#endif
