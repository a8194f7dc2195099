/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "evidence_sys.h"
#include "render.h"
#include "task.h"
#include "vb/adjust/codes.h"
#include "vb/adjust/state.h"
#include "verdict.h"

/*
 * The checks behind CreateContainer: VALIDATE, where the runtime has it, before the container is
 * made, and START before its process runs.
 */

enum { REASON_MAX = 4096 };

static bool is_covered(const struct vb_task *task)
{
	const struct vb_nri_pod *pod = &task->request.pod;

	return vb_verdict_covers(task->shop->config, pod->name_space, pod->runtime_handler);
}

static int refuse_planless(struct vb_task *task)
{
	(void)vb_error_refuse(&task->err, VB_CODE_NO_PLAN,
		"there is no plan for this container: it was created without vambrace-nri");
	return vb_error_fix(&task->err,
		"delete the pod so that it is made again, and check that vambrace-nri runs");
}

/* Without a plan only a container goes on that would not have got one. */
static int judge_planless(struct vb_task *task)
{
	vb_auto_request struct vb_request request = {0};

	if (is_covered(task) || vb_nri_pairs_get(&task->request.container.annotations,
					VB_PLAN_DIGEST_ANNOTATION) != NULL)
		return refuse_planless(task);
	int r = vb_task_parse_request(task, &request);
	if (r < 0)
		return r;
	return request.asked ? refuse_planless(task) : 0;
}

/* Whether the plan of that file was made for what the runtime shows now. */
static int match_plan(struct vb_task *task, const struct vb_plan *plan)
{
	const struct vb_nri_pod *pod = &task->request.pod;

	if (strcmp(plan->namespace_name, pod->name_space) == 0 &&
		strcmp(plan->pod, pod->name) == 0 &&
		strcmp(plan->container, task->request.container.name) == 0 &&
		strcmp(plan->handler, pod->runtime_handler) == 0)
		return 0;
	(void)vb_error_refuse(&task->err, VB_CODE_PLAN_MISMATCH,
		"the plan is of %s/%s, container %s, handler '%s'", plan->namespace_name, plan->pod,
		plan->container, plan->handler);
	return vb_error_fix(&task->err, "delete the pod so that it is made again");
}

static int match_digest(struct vb_task *task)
{
	const char *digest =
		vb_nri_pairs_get(&task->request.container.annotations, VB_PLAN_DIGEST_ANNOTATION);

	if (vb_str_equal(digest, task->subject->plan_digest))
		return 0;
	(void)vb_error_refuse(&task->err, VB_CODE_PLAN_MISMATCH, "the container was made %s",
		digest == NULL ? "without its plan" : "with another plan");
	return vb_error_fix(&task->err,
		"delete the pod so that it is made again, and check the node's other NRI plugins");
}

static int encode_verdict(struct vb_task *task)
{
	vb_auto_buf struct vb_buf *reply = vb_buf_create(REASON_MAX);

	if (reply == NULL)
		return vb_error_set(&task->err, ENOMEM, "answer the validation");
	int r = vb_nri_encode_validate(reply, NULL, &task->err);
	if (r < 0)
		return r;
	task->reply = VB_STEAL(reply);
	return 0;
}

static int validate(struct vb_task *task)
{
	const struct vb_nri_adjustment *final = &task->request.adjustment;
	struct vb_error missing = {0};

	if (task->request.adjustment_has_bad_text) {
		(void)vb_error_refuse(&task->err, VB_CODE_PLAN_MISMATCH,
			"an adjustment holds a text with a NUL or bytes that are not UTF-8");
		return vb_error_fix(&task->err, "check the node's other NRI plugins");
	}
	int r = match_plan(task, task->subject->plan);
	if (r < 0)
		return r;
	r = vb_render_verify(final, task->subject->plan, task->subject->plan_digest, &missing);
	if (r == -ENOENT) {
		(void)vb_error_refuse(&task->err, VB_CODE_PLAN_MISMATCH,
			"what the plan adds does not reach the container: %s", missing.what);
		return vb_error_fix(&task->err, "check the node's other NRI plugins");
	}
	if (r < 0)
		task->err = missing;
	return r;
}

int vb_task_validate(struct vb_task *task)
{
	int r = vb_case_load(task->container_id, &task->subject, &task->err);

	if (r == 0)
		r = validate(task);
	else if (r == -ENOENT)
		r = judge_planless(task);
	return r < 0 ? r : encode_verdict(task);
}

/* Evidence that could not be had is a layer that is not proven. */
static int refuse_unproven(struct vb_task *task, int r)
{
	if (task->err.code == NULL)
		task->err.code = VB_CODE_NOT_APPLIED;
	(void)vb_error_wrap(&task->err, "the container's process cannot be examined");
	return r;
}

/* What the runtime announces as environment stands in where no hook left a receipt. */
static int take_announced_env(struct vb_task *task)
{
	const struct vb_nri_strings *env = &task->request.container.env;

	for (size_t i = 0; i < env->count; i++)
		if (vb_strv_add(&task->subject->evidence.spec.env, env->items[i]) < 0)
			return vb_error_set(&task->err, ENOMEM, "read the environment");
	return 0;
}

static int examine(struct vb_task *task)
{
	struct vb_case *subject = task->subject;

	int r = subject->plan->hooked ? 0 : take_announced_env(task);
	if (r == 0)
		r = vb_case_find_process(subject, (pid_t)task->request.container.pid, &task->err);
	if (r == 0)
		r = vb_case_examine(subject, VB_STAGE_START, task->shop->specs, &task->err);
	if (r < 0)
		return refuse_unproven(task, r);
	r = vb_case_judge(subject, vb_task_probe_result(task), &task->outcome, &task->err);
	if (r == 0)
		r = vb_case_store(subject, &task->outcome, &task->err);
	if (r < 0)
		return r;
	task->has_outcome = true;
	return vb_outcome_admit(&task->outcome, &task->err);
}

/* A plan file that does not parse is not what vambrace-nri wrote. */
static int refuse_spoiled(struct vb_task *task)
{
	task->err.code = VB_CODE_PLAN_MISMATCH;
	task->err.errnum = EPERM;
	return vb_error_fix(&task->err, "delete the pod so that it is made again");
}

int vb_task_start(struct vb_task *task)
{
	int r = vb_case_load(task->container_id, &task->subject, &task->err);

	if (r == -ENOENT)
		return judge_planless(task);
	if (r == -EINVAL)
		return refuse_spoiled(task);
	if (r == 0)
		r = match_plan(task, task->subject->plan);
	if (r == 0)
		r = match_digest(task);
	return r < 0 ? r : examine(task);
}
