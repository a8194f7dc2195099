/* SPDX-License-Identifier: Apache-2.0 */
#include "case.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "evidence_sys.h"
#include "vb/adjust/state.h"

void vb_case_destroy(struct vb_case *subject)
{
	if (subject == NULL)
		return;
	free(subject->container_id);
	vb_plan_destroy(subject->plan);
	vb_receipt_finish(&subject->receipt);
	vb_evidence_finish(&subject->evidence);
	free(subject);
}

static int load_plan(struct vb_case *subject, struct vb_error *err)
{
	vb_auto_free char *text = NULL;
	size_t size = 0;

	int r = vb_state_read(VB_STATE_PLAN, subject->container_id, &text, &size, err);
	if (r < 0)
		return r;
	vb_digest(text, size, subject->plan_digest);
	return vb_plan_from_json(text, size, &subject->plan, err);
}

static int load_receipt(struct vb_case *subject, struct vb_error *err)
{
	vb_auto_free char *text = NULL;
	size_t size = 0;

	int r = vb_state_read(VB_STATE_RECEIPT, subject->container_id, &text, &size, err);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = vb_receipt_from_json(text, size, &subject->receipt, err);
	subject->has_receipt = r == 0;
	return r;
}

int vb_case_load(const char *container_id, struct vb_case **ret_subject, struct vb_error *err)
{
	vb_auto_case struct vb_case *subject = calloc(1, sizeof(*subject));

	if (subject != NULL)
		subject->container_id = strdup(container_id);
	if (subject == NULL || subject->container_id == NULL)
		return vb_error_set(err, ENOMEM, "load the plan");
	int r = load_plan(subject, err);
	if (r == 0)
		r = load_receipt(subject, err);
	if (r < 0)
		return r;
	*ret_subject = VB_STEAL(subject);
	return 0;
}

int vb_case_find_process(struct vb_case *subject, pid_t pid, struct vb_error *err)
{
	if (pid > 0) {
		subject->pid = pid;
		return 0;
	}
	if (!subject->has_receipt || subject->receipt.pid_file == NULL)
		return vb_error_say(err, ESRCH, "the container's process is not known");
	return vb_evidence_read_pid_file(subject->receipt.pid_file, &subject->pid, err);
}

/*
 * With the hook, the environment is in the config.json that the runtime was given; without, the
 * running process shows it, and before that the caller has set what the runtime announced.
 */
static int examine_spec(struct vb_case *subject, enum vb_stage stage, struct vb_spec_cache *cache,
	struct vb_error *err)
{
	struct vb_spec_evidence *spec = &subject->evidence.spec;

	if (subject->plan->hooked)
		return spec->is_read || !subject->has_receipt
			       ? 0
			       : vb_evidence_read_spec(subject->receipt.bundle_dir, subject->plan,
					 cache, spec, err);
	if (stage != VB_STAGE_RUNNING)
		return 0;
	vb_strv_finish(&spec->env);
	return vb_evidence_read_environ(subject->pid, subject->container_id, &spec->env, err);
}

int vb_case_examine(struct vb_case *subject, enum vb_stage stage, struct vb_spec_cache *cache,
	struct vb_error *err)
{
	struct vb_evidence *evidence = &subject->evidence;

	int r = vb_evidence_read_process(
		subject->pid, subject->container_id, subject->plan, stage, evidence, err);
	if (r == 0)
		r = examine_spec(subject, stage, cache, err);
	if (r == -ESRCH && subject->has_evidence) {
		evidence->stage = VB_STAGE_GONE;
		return 0;
	}
	subject->has_evidence = subject->has_evidence || r == 0;
	return r;
}

int vb_case_judge(const struct vb_case *subject, const struct vb_speculation_probe *probe,
	struct vb_outcome *ret_outcome, struct vb_error *err)
{
	const struct vb_outcome_case question = {
		.container_id = subject->container_id,
		.pid = subject->pid,
		.plan = subject->plan,
		.plan_digest = subject->plan_digest,
		.receipt = subject->has_receipt ? &subject->receipt : NULL,
		.evidence = &subject->evidence,
		.probe = probe,
	};

	return vb_outcome_judge(&question, ret_outcome, err);
}

int vb_case_store(const struct vb_case *subject, struct vb_outcome *outcome, struct vb_error *err)
{
	vb_auto_free char *previous = NULL;
	size_t size = 0;
	const struct timespec now = vb_clock_now();

	/* At START there was none before. */
	if (subject->evidence.stage != VB_STAGE_START &&
		vb_state_read(VB_STATE_OUTCOME, subject->container_id, &previous, &size, NULL) < 0)
		previous = NULL;
	vb_outcome_stamp(outcome, &now, previous);
	vb_auto_free char *text = vb_outcome_to_json(outcome);
	if (text == NULL)
		return vb_error_set(err, ENOMEM, "write the outcome");
	return vb_state_write(VB_STATE_OUTCOME, subject->container_id, text, err);
}
