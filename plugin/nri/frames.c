/* SPDX-License-Identifier: Apache-2.0 */
#include "frames.h"

static struct vb_audit_subject subject_of(const struct vb_admission *admission)
{
	const struct vb_plan *plan = admission->plan;

	return (struct vb_audit_subject){.namespace_name = plan->namespace_name,
		.pod = plan->pod,
		.container = plan->container,
		.container_id = admission->container_id,
		.handler = plan->handler,
		.bundle = plan->bundle_name,
		.bundle_digest = plan->bundle_digest,
		.plan_digest = admission->plan_digest};
}

/* What the node's rule brings. */
static void audit_rule(struct vb_audit_frame *frame, bool bundle_is_default, const char *floor,
	const char *floor_digest)
{
	vb_audit_flag(frame, "bundle_is_default", bundle_is_default);
	vb_audit_text(frame, "floor", floor);
	vb_audit_text(frame, "floor_digest", floor_digest);
}

void vb_frame_admission(struct vb_audit_frame *frame, const struct timespec *now,
	const struct vb_admission *admission)
{
	const struct vb_audit_subject subject = subject_of(admission);

	vb_audit_begin(frame, "admission", now);
	vb_audit_subject(frame, &subject);
	audit_rule(frame, admission->plan->bundle_is_default, admission->plan->floor_name,
		admission->plan->floor_digest);
	vb_audit_open(frame, "layers");
	for (enum vb_layer layer = 0; layer < VB_LAYER_COUNT; layer++)
		if (vb_plan_has(admission->plan, layer))
			vb_audit_text(frame, vb_layer_name(layer), "asked");
	vb_audit_close(frame);
}

void vb_frame_opt_out(struct vb_audit_frame *frame, const struct timespec *now,
	const struct vb_admission *admission)
{
	const struct vb_audit_subject subject = subject_of(admission);

	vb_audit_begin(frame, "seccomp-opt-out", now);
	vb_audit_subject(frame, &subject);
	vb_audit_text(frame, "reason", admission->plan->opt_out_reason);
}

void vb_frame_refusal(
	struct vb_audit_frame *frame, const struct timespec *now, const struct vb_refusal *refusal)
{
	const struct vb_audit_subject subject = {.namespace_name = refusal->namespace_name,
		.pod = refusal->pod,
		.container = refusal->container,
		.container_id = refusal->container_id,
		.handler = refusal->handler};

	vb_audit_begin(frame, "refusal", now);
	vb_audit_subject(frame, &subject);
	vb_audit_text(frame, "request", refusal->request);
	vb_audit_text(frame, "code", refusal->code);
	vb_audit_text(frame, "error", refusal->line);
	vb_audit_number(frame, "count", refusal->unreported);
	vb_audit_time(frame, "since", &refusal->unreported_since);
}

void vb_frame_outcome(
	struct vb_audit_frame *frame, const struct timespec *now, const struct vb_outcome *outcome)
{
	const struct vb_audit_subject subject = {.namespace_name = outcome->namespace_name,
		.pod = outcome->pod,
		.container = outcome->container,
		.container_id = outcome->container_id,
		.handler = outcome->handler,
		.bundle = outcome->bundle,
		.bundle_digest = outcome->bundle_digest,
		.plan_digest = outcome->plan_digest};

	vb_audit_begin(frame, "outcome", now);
	vb_audit_subject(frame, &subject);
	audit_rule(frame, outcome->bundle_is_default, outcome->floor, outcome->floor_digest);
	vb_audit_text(frame, "level", vb_level_name(outcome->level));
	vb_audit_open(frame, "layers");
	for (enum vb_layer layer = 0; layer < VB_LAYER_COUNT; layer++)
		vb_audit_text(frame, vb_layer_name(layer),
			vb_layer_state_name(outcome->layers[layer].state));
	vb_audit_close(frame);
	vb_audit_open(frame, "reasons");
	for (enum vb_layer layer = 0; layer < VB_LAYER_COUNT; layer++)
		if (outcome->layers[layer].reason != NULL)
			vb_audit_text(frame, vb_layer_name(layer), outcome->layers[layer].reason);
	vb_audit_close(frame);
	vb_audit_text(frame, "note", outcome->note);
	vb_audit_text(frame, "problem", outcome->problem);
}

void vb_frame_unhardened(
	struct vb_audit_frame *frame, const struct timespec *now, const struct vb_finding *finding)
{
	const struct vb_audit_subject subject = {.namespace_name = finding->namespace_name,
		.pod = finding->pod,
		.container = finding->container,
		.container_id = finding->container_id,
		.handler = finding->handler,
		.plan_digest = finding->plan_digest};

	vb_audit_begin(frame, "unhardened", now);
	vb_audit_subject(frame, &subject);
	vb_audit_text(frame, "reason", finding->reason);
	vb_audit_text(frame, "action", finding->action);
	vb_audit_text(frame, "error", finding->error);
}
