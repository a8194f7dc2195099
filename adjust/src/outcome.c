/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/outcome.h"

#include <errno.h>
#include <string.h>

#include "outcome_layers.h"
#include "vb/adjust/codes.h"

const char *vb_layer_state_name(enum vb_layer_state state)
{
	static const char *const names[] = {
		[VB_LAYER_SKIPPED] = "skipped",
		[VB_LAYER_APPLIED] = "applied",
		[VB_LAYER_UNSUPPORTED] = "unsupported",
		[VB_LAYER_FAILED] = "failed",
		[VB_LAYER_UNOBSERVED] = "unobserved",
	};

	return names[state];
}

const char *vb_level_name(enum vb_level level)
{
	static const char *const names[] = {
		[VB_LEVEL_NONE] = "none",
		[VB_LEVEL_PARTIAL] = "partial",
		[VB_LEVEL_FULL] = "full",
		[VB_LEVEL_BASELINE] = "baseline",
	};

	return names[level];
}

void vb_evidence_finish(struct vb_evidence *evidence)
{
	vb_mountinfo_finish(&evidence->mounts);
	vb_strv_finish(&evidence->destinations);
	free(evidence->limits);
	vb_spec_evidence_finish(&evidence->spec);
	*evidence = (struct vb_evidence){0};
}

void vb_outcome_finish(struct vb_outcome *outcome)
{
	free(outcome->container_id);
	free(outcome->namespace_name);
	free(outcome->pod);
	free(outcome->container);
	free(outcome->handler);
	free(outcome->runtime);
	free(outcome->bundle);
	free(outcome->bundle_digest);
	free(outcome->floor);
	free(outcome->floor_digest);
	free(outcome->note);
	free(outcome->problem);
	for (size_t i = 0; i < VB_LAYER_COUNT; i++) {
		vb_strv_finish(&outcome->layers[i].evidence);
		free(outcome->layers[i].reason);
	}
	vb_strv_finish(&outcome->writable_mounts);
	free(outcome->preload_verdict);
	*outcome = (struct vb_outcome){0};
}

static int copy_text(char **ret_copy, const char *text)
{
	if (text == NULL)
		return 0;
	*ret_copy = strdup(text);
	return *ret_copy == NULL ? -ENOMEM : 0;
}

static const char *find_note(const struct vb_outcome_case *subject)
{
	if (!subject->plan->hooked)
		return "partial (no hook)";
	return vb_outcome_is_newly_mitigated(subject) ? VB_OUTCOME_NEWLY_MITIGATED : NULL;
}

static int copy_identity(const struct vb_outcome_case *subject, struct vb_outcome *outcome)
{
	const struct vb_plan *plan = subject->plan;
	const struct vb_receipt *receipt = subject->receipt;
	const struct {
		char **to;
		const char *from;
	} copies[] = {
		{&outcome->container_id, subject->container_id},
		{&outcome->namespace_name, plan->namespace_name},
		{&outcome->pod, plan->pod},
		{&outcome->container, plan->container},
		{&outcome->handler, plan->handler},
		{&outcome->runtime, receipt != NULL ? receipt->runtime : NULL},
		{&outcome->bundle, plan->bundle_name},
		{&outcome->bundle_digest, plan->bundle_digest},
		{&outcome->floor, plan->floor_name},
		{&outcome->floor_digest, plan->floor_digest},
		{&outcome->preload_verdict, receipt != NULL ? receipt->preload_verdict : NULL},
		{&outcome->note, find_note(subject)},
	};

	for (size_t i = 0; i < VB_ARRAY_SIZE(copies); i++)
		if (copy_text(copies[i].to, copies[i].from) < 0)
			return -ENOMEM;
	outcome->bundle_is_default = plan->bundle_is_default;
	(void)snprintf(
		outcome->plan_digest, sizeof(outcome->plan_digest), "%s", subject->plan_digest);
	return 0;
}

/* What makes all layers doubtful at once. */
static const char *find_problem(const struct vb_outcome_case *subject)
{
	const struct vb_receipt *receipt = subject->receipt;
	const struct vb_spec_evidence *spec = &subject->evidence->spec;

	if (!subject->plan->hooked)
		return NULL;
	if (receipt == NULL)
		return "vambrace-oci left no receipt";
	if (strcmp(receipt->container_id, subject->container_id) != 0)
		return "the receipt is of another container";
	if (strcmp(receipt->plan_digest, subject->plan_digest) != 0)
		return "the receipt is of another plan";
	if (!spec->is_read)
		return "config.json could not be read again";
	if (strcmp(spec->digest, receipt->config_digest) != 0)
		return "config.json is not the one that vambrace-oci wrote";
	if (!vb_str_equal(spec->plan_digest, subject->plan_digest))
		return "config.json carries the digest of another plan, or none";
	return NULL;
}

static int judge_layers(const struct vb_outcome_case *subject, struct vb_outcome *outcome)
{
	for (enum vb_layer layer = 0; layer < VB_LAYER_COUNT; layer++) {
		struct vb_layer_outcome *out = &outcome->layers[layer];
		int r = vb_plan_has(subject->plan, layer)
				? vb_outcome_judge_layer(subject, layer, out)
				: vb_outcome_describe_skipped(subject, layer, out);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool only_the_starter_was_asked(const struct vb_plan *plan)
{
	for (enum vb_layer layer = 0; layer < VB_LAYER_COUNT; layer++)
		if (layer != VB_LAYER_SECCOMP && vb_plan_has(plan, layer))
			return false;
	return plan->seccomp.starter && !plan->seccomp.runtime_default;
}

/*
 * A layer that nobody could observe counts as not applied: `full` is a claim about the kernel. For
 * the same reason a container whose plan, receipt and config.json do not agree is never `full`.
 */
static enum vb_level find_level(const struct vb_plan *plan, const struct vb_outcome *outcome)
{
	unsigned int asked = 0;
	unsigned int applied = 0;

	for (enum vb_layer layer = 0; layer < VB_LAYER_COUNT; layer++) {
		asked += outcome->layers[layer].state != VB_LAYER_SKIPPED;
		applied += outcome->layers[layer].state == VB_LAYER_APPLIED;
	}
	if (applied == 0)
		return VB_LEVEL_NONE;
	/* Opted out, it lacks what would keep the other layers from being undone. */
	if (applied < asked || !plan->hooked || outcome->problem != NULL ||
		plan->opt_out_reason != NULL)
		return VB_LEVEL_PARTIAL;
	return only_the_starter_was_asked(plan) ? VB_LEVEL_BASELINE : VB_LEVEL_FULL;
}

int vb_outcome_judge(
	const struct vb_outcome_case *subject, struct vb_outcome *ret_outcome, struct vb_error *err)
{
	vb_auto_outcome struct vb_outcome outcome = {0};

	int r = copy_identity(subject, &outcome);
	if (r == 0)
		r = copy_text(&outcome.problem, find_problem(subject));
	if (r == 0)
		r = judge_layers(subject, &outcome);
	if (r == 0 && vb_plan_has(subject->plan, VB_LAYER_READ_ONLY_ROOTFS))
		r = vb_outcome_list_writable(subject, &outcome.writable_mounts);
	if (r < 0)
		return vb_error_set(err, -r, "judge the outcome");
	vb_outcome_find_speculation(subject, &outcome.speculation);
	outcome.level = find_level(subject->plan, &outcome);
	outcome.pid = subject->pid;
	*ret_outcome = outcome;
	outcome = (struct vb_outcome){0};
	return 0;
}

int vb_outcome_admit(const struct vb_outcome *outcome, struct vb_error *err)
{
	for (enum vb_layer layer = 0; layer < VB_LAYER_COUNT; layer++) {
		const struct vb_layer_outcome *out = &outcome->layers[layer];
		if (out->state != VB_LAYER_FAILED)
			continue;
		vb_error_refuse(err, VB_CODE_NOT_APPLIED, "layer %s is not in force: %s",
			vb_layer_name(layer), out->reason);
		return vb_error_fix(
			err, "look into the node's log for container %s", outcome->container_id);
	}
	if (outcome->problem == NULL)
		return 0;
	vb_error_refuse(err, VB_CODE_NOT_APPLIED, "%s", outcome->problem);
	return vb_error_fix(err,
		"check that runtime handler '%s' runs vambrace-oci, and see the node's log",
		outcome->handler);
}
