/* SPDX-License-Identifier: Apache-2.0 */
#include "outcome_layers.h"

#include <linux/prctl.h>
#include <string.h>

/*
 * spec_allow: what the kernel shows of a process in /proc/<pid>/status (fs/proc/array.c has the
 * words), against what was asked and against what the probe says that a filter does on this node.
 */

enum sight {
	NOT_SHOWN,
	NOT_AFFECTED, /* the processor has no such flaw */
	REVOCABLE,    /* not mitigated, or only as long as the process likes */
	MITIGATED,    /* for ever */
};

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(text, *words) == 0)
			return true;
	return false;
}

static enum sight look(const char *text)
{
	static const char *const nothing[] = {"", "unknown", "unsupported", NULL};
	static const char *const immune[] = {"not vulnerable", "not affected", NULL};
	static const char *const final[] = {"thread force mitigated", "globally mitigated",
		"conditional force disabled", "always disabled", NULL};

	if (is_one_of(text, nothing))
		return NOT_SHOWN;
	if (is_one_of(text, immune))
		return NOT_AFFECTED;
	return is_one_of(text, final) ? MITIGATED : REVOCABLE;
}

struct view {
	enum sight store_bypass;
	enum sight indirect_branch;
};

static struct view view_of(const struct vb_outcome_case *subject)
{
	const struct vb_proc_status *status = &subject->evidence->status;

	return (struct view){look(status->store_bypass), look(status->indirect_branch)};
}

static bool has_sight(const struct view *view, enum sight sight)
{
	return view->store_bypass == sight || view->indirect_branch == sight;
}

static const struct vb_receipt_speculation *receipt_of(const struct vb_outcome_case *subject)
{
	return subject->receipt != NULL && subject->receipt->speculation.is_set
		       ? &subject->receipt->speculation
		       : NULL;
}

enum vb_spec_effect vb_outcome_spec_effect(const struct vb_outcome_case *subject)
{
	const struct vb_receipt_speculation *receipt = receipt_of(subject);

	return vb_speculation_effect(subject->probe, receipt != NULL ? &receipt->inherited : NULL);
}

/* What the container has: by the kernel where that tells, else by the flags. */
static enum vb_spec_state find_state(const struct vb_outcome_case *subject)
{
	const struct vb_receipt_speculation *receipt = receipt_of(subject);
	struct view view = view_of(subject);

	if (has_sight(&view, MITIGATED))
		return VB_SPEC_STATE_MITIGATE;
	if (has_sight(&view, REVOCABLE))
		return VB_SPEC_STATE_ALLOW;
	return receipt != NULL ? receipt->has : VB_SPEC_STATE_UNKNOWN;
}

bool vb_outcome_is_newly_mitigated(const struct vb_outcome_case *subject)
{
	const struct vb_receipt_speculation *receipt = receipt_of(subject);

	return receipt != NULL && receipt->had == VB_SPEC_STATE_ALLOW &&
	       receipt->has == VB_SPEC_STATE_MITIGATE &&
	       !vb_plan_has(subject->plan, VB_LAYER_SPEC_ALLOW) &&
	       vb_outcome_spec_effect(subject) == VB_SPEC_EFFECT_MATTERS;
}

static int see_status(const struct vb_outcome_case *subject, struct vb_layer_outcome *out)
{
	const struct vb_proc_status *status = &subject->evidence->status;
	const char *store_bypass = status->store_bypass;

	int r = vb_outcome_see(out, "Speculation_Store_Bypass: %s",
		store_bypass[0] != '\0' ? store_bypass : "not shown");
	if (r == 0 && status->indirect_branch[0] != '\0')
		r = vb_outcome_see(out, "SpeculationIndirectBranch: %s", status->indirect_branch);
	return r;
}

static bool becomes_forced(int before, int after)
{
	return before >= 0 && ((unsigned int)before & PR_SPEC_FORCE_DISABLE) == 0 && after >= 0 &&
	       ((unsigned int)after & PR_SPEC_FORCE_DISABLE) != 0;
}

/* A line that is otherwise than the probe has seen this kernel do for a filter without the flag. */
static const char *find_unmitigated(const struct vb_outcome_case *subject)
{
	const struct vb_speculation_probe *probe = subject->probe;
	struct view view = view_of(subject);

	if (probe == NULL)
		return NULL;
	if (becomes_forced(probe->before.store_bypass, probe->plain.store_bypass) &&
		view.store_bypass == REVOCABLE)
		return "Speculation_Store_Bypass";
	if (becomes_forced(probe->before.indirect_branch, probe->plain.indirect_branch) &&
		view.indirect_branch == REVOCABLE)
		return "SpeculationIndirectBranch";
	return NULL;
}

static int judge_mitigate(const struct vb_outcome_case *subject, struct vb_layer_outcome *out)
{
	const char *lacking = find_unmitigated(subject);
	struct view view = view_of(subject);

	if (subject->evidence->spec.allows_speculation)
		return vb_outcome_conclude(
			out, VB_LAYER_FAILED, "config.json has the flag SPEC_ALLOW");
	if (lacking != NULL)
		return vb_outcome_conclude(out, VB_LAYER_FAILED,
			"this kernel mitigates for a filter without SPEC_ALLOW, but %s does not "
			"show it",
			lacking);
	if (has_sight(&view, MITIGATED) || !has_sight(&view, REVOCABLE))
		return 0;
	return vb_outcome_conclude(out, VB_LAYER_UNSUPPORTED,
		"this kernel does not mitigate for seccomp filters (since Linux 5.16, unless "
		"told)");
}

static bool is_global(const struct vb_proc_status *status)
{
	return strcmp(status->store_bypass, "globally mitigated") == 0 ||
	       strcmp(status->indirect_branch, "always disabled") == 0;
}

static int judge_allow(const struct vb_outcome_case *subject, struct vb_layer_outcome *out)
{
	struct view view = view_of(subject);

	if (!has_sight(&view, MITIGATED))
		return 0;
	if (vb_outcome_spec_effect(subject) == VB_SPEC_EFFECT_FORCED ||
		is_global(&subject->evidence->status))
		return vb_outcome_conclude(out, VB_LAYER_UNSUPPORTED,
			"the node mitigates before the filter is installed");
	/* Every process may give the speed away, by prctl(2) or by a filter of its own. */
	if (subject->evidence->stage != VB_STAGE_START)
		return vb_outcome_conclude(
			out, VB_LAYER_UNSUPPORTED, "the running process is mitigated");
	return vb_outcome_conclude(
		out, VB_LAYER_FAILED, "the process is mitigated in spite of the flag SPEC_ALLOW");
}

int vb_outcome_judge_spec_allow(const struct vb_outcome_case *subject, struct vb_layer_outcome *out)
{
	struct view view = view_of(subject);

	int r = see_status(subject, out);
	if (r < 0)
		return r;
	if (vb_outcome_filter_comes_with_exec(subject))
		return vb_outcome_conclude(out, VB_LAYER_UNOBSERVED, "the filter comes with exec");
	if (view.store_bypass == NOT_SHOWN && view.indirect_branch == NOT_SHOWN)
		return vb_outcome_conclude(
			out, VB_LAYER_UNSUPPORTED, "the kernel does not show the state");
	return subject->plan->spec_allow == VB_SPEC_ALLOW_ALLOW ? judge_allow(subject, out)
								: judge_mitigate(subject, out);
}

int vb_outcome_describe_spec_allow(
	const struct vb_outcome_case *subject, struct vb_layer_outcome *out)
{
	const struct vb_receipt_speculation *receipt = receipt_of(subject);
	enum vb_spec_state state = find_state(subject);
	const char *text = subject->evidence->status.store_bypass;
	int r = 0;

	if (state != VB_SPEC_STATE_UNKNOWN)
		r = vb_outcome_see(out, "inherit:%s (Speculation_Store_Bypass: %s)",
			vb_spec_state_name(state), text[0] != '\0' ? text : "not shown");
	if (r == 0 && receipt != NULL && !receipt->takes_flag)
		r = vb_outcome_see(out, "the flag SPEC_ALLOW is unsupported by runtime %s",
			subject->receipt->runtime);
	if (r == 0 && vb_outcome_is_newly_mitigated(subject))
		r = vb_outcome_see(out, "newly mitigated: " VB_OUTCOME_NEWLY_MITIGATED);
	return r;
}

void vb_outcome_find_speculation(
	const struct vb_outcome_case *subject, struct vb_spec_outcome *ret_speculation)
{
	enum vb_spec_state state = find_state(subject);
	bool is_asked = vb_plan_has(subject->plan, VB_LAYER_SPEC_ALLOW);

	ret_speculation->effect = vb_outcome_spec_effect(subject);
	if (is_asked)
		state = subject->plan->spec_allow == VB_SPEC_ALLOW_ALLOW ? VB_SPEC_STATE_ALLOW
									 : VB_SPEC_STATE_MITIGATE;
	(void)snprintf(ret_speculation->value, sizeof(ret_speculation->value), "%s%s",
		is_asked ? "" : "inherit:", vb_spec_state_name(state));
}
