/* SPDX-License-Identifier: Apache-2.0 */
#include "task.h"

#include <errno.h>
#include <string.h>

#include "verdict.h"

static int probe(struct vb_task *task)
{
	int r = vb_speculation_probe(&task->shop->probe, &task->err);

	task->shop->is_probed = r == 0;
	return r;
}

static bool is_decision(enum vb_task_kind kind)
{
	return kind == VB_TASK_CREATE || kind == VB_TASK_VALIDATE || kind == VB_TASK_START;
}

static void run(struct vb_job *job)
{
	static int (*const kinds[])(struct vb_task *) = {
		[VB_TASK_PROBE] = probe,
		[VB_TASK_CREATE] = vb_task_create_container,
		[VB_TASK_VALIDATE] = vb_task_validate,
		[VB_TASK_START] = vb_task_start,
		[VB_TASK_OBSERVE] = vb_task_observe,
		[VB_TASK_REMOVE] = vb_task_remove,
		[VB_TASK_SWEEP] = vb_task_sweep,
		[VB_TASK_RELOAD] = vb_task_reload,
	};
	struct vb_task *task = vb_task_of(job);

	if (is_decision(task->kind)) {
		vb_task_refresh_settings(task, false);
		/* The loop went by the config before, or by none while it might have changed. */
		if (!vb_verdict_concerns(task->shop->config, &task->request)) {
			task->result = 0;
			task->is_passed = true;
			return;
		}
	}
	task->result = kinds[task->kind](task);
}

struct vb_task *vb_task_create(
	struct vb_workshop *shop, enum vb_task_kind kind, void (*done)(struct vb_job *job))
{
	struct vb_task *task = calloc(1, sizeof(*task));

	if (task == NULL)
		return NULL;
	task->shop = shop;
	task->kind = kind;
	task->job.run = run;
	task->job.done = done;
	/* What a task is that comes back without having run. */
	task->result = vb_error_say(&task->err, ECANCELED, "vambrace-nri is stopping");
	return task;
}

void vb_task_destroy(struct vb_task *task)
{
	if (task == NULL)
		return;
	vb_arena_destroy(task->arena);
	free(task->container_id);
	vb_strv_finish(&task->bundles_loaded);
	vb_supply_notes_finish(&task->notes);
	free(task->namespace_name);
	vb_plan_destroy(task->plan);
	vb_settings_destroy(task->news.settings);
	vb_case_destroy(task->subject);
	vb_strv_finish(&task->containers);
	vb_buf_destroy(task->reply);
	vb_outcome_finish(&task->outcome);
	if (task->deadline != NULL)
		event_free(task->deadline);
	free(task);
}

void vb_task_discard(struct vb_job *job)
{
	vb_task_destroy(vb_task_of(job));
}

void vb_task_submit_removal(
	struct vb_workshop *shop, struct vb_worker *worker, const char *container_id)
{
	struct vb_task *task = vb_task_create(shop, VB_TASK_REMOVE, vb_task_discard);

	if (task != NULL)
		task->container_id = strdup(container_id);
	if (task == NULL || task->container_id == NULL)
		vb_task_destroy(task);
	else
		vb_worker_submit(worker, &task->job, VB_JOB_URGENT);
}
