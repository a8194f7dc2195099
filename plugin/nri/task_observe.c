/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "kill_sys.h"
#include "task.h"
#include "vb/adjust/state.h"
#include "verdict.h"

/* What happens behind the runtime's back: looking at running containers, and clearing up. */

/* Whether looking again may show more: right after START the workload may not be there yet. */
static bool is_unsettled(const struct vb_task *task)
{
	if (task->is_last || task->subject->evidence.stage != VB_STAGE_RUNNING)
		return false;
	for (enum vb_layer layer = 0; layer < VB_LAYER_COUNT; layer++)
		if (task->outcome.layers[layer].state == VB_LAYER_FAILED ||
			task->outcome.layers[layer].state == VB_LAYER_UNOBSERVED)
			return true;
	return false;
}

static int load(struct vb_task *task)
{
	int r = vb_case_load(task->container_id, &task->subject, &task->err);

	if (r == -ENOENT) {
		task->planless = true;
		return 0;
	}
	return r < 0 ? r : vb_case_find_process(task->subject, task->pid, &task->err);
}

/* The files go with the container; an outcome written behind that would stay for ever. */
static bool is_removed(const struct vb_case *subject)
{
	vb_auto_free char *text = NULL;
	size_t size = 0;

	return vb_state_read(VB_STATE_PLAN, subject->container_id, &text, &size, NULL) == -ENOENT;
}

static void act_on_unhardened(struct vb_task *task)
{
	const struct vb_case *subject = task->subject;
	const char *namespace_name = task->namespace_name != NULL ? task->namespace_name : "";

	task->lapse.is_there = true;
	if (vb_verdict_on_unhardened(task->shop->config, namespace_name) != VB_UNHARDENED_KILL)
		return;
	task->lapse.was_to_be_killed = true;
	task->lapse.kill_result = vb_kill_container(subject != NULL ? subject->pid : task->pid,
		task->container_id, &task->lapse.kill_err);
}

/* Of one that was just let through, START has judged. */
static void judge_found(struct vb_task *task)
{
	if (!task->is_found)
		return;
	if (task->planless)
		(void)vb_error_say(&task->lapse.why, ENOENT, "it runs without a plan of Vambrace");
	if (task->planless || vb_outcome_admit(&task->outcome, &task->lapse.why) < 0)
		act_on_unhardened(task);
}

int vb_task_observe(struct vb_task *task)
{
	int r = task->subject == NULL ? load(task) : 0;

	if (r == 0 && task->planless)
		judge_found(task);
	if (r < 0 || task->planless || is_removed(task->subject))
		return r;
	r = vb_case_examine(task->subject, VB_STAGE_RUNNING, task->shop->specs, &task->err);
	/* It exited before the daemon, new on this node, could look at it. */
	if (r == -ESRCH)
		return 0;
	if (r == 0)
		r = vb_case_judge(
			task->subject, vb_task_probe_result(task), &task->outcome, &task->err);
	if (r < 0)
		return r;
	task->again = is_unsettled(task);
	/* What may look different in a moment is not written down. */
	if (!task->again)
		r = vb_case_store(task->subject, &task->outcome, &task->err);
	task->has_outcome = r == 0;
	if (r == 0 && !task->again)
		judge_found(task);
	return r;
}

int vb_task_remove(struct vb_task *task)
{
	int result = 0;

	for (enum vb_state_kind kind = 0; kind < VB_STATE_KINDS; kind++) {
		int r = vb_state_remove(kind, task->container_id, &task->err);
		if (r < 0)
			result = r;
	}
	return result;
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The id that a file's name starts with; temporary files of atomic writes count too. */
static char *id_of_file(const char *name)
{
	const char *end = strstr(name, ".json");

	return end == NULL || end == name || name[0] == '.' ? NULL
							    : strndup(name, (size_t)(end - name));
}

static bool is_listed(const struct vb_strv *containers, const char *id)
{
	return containers->count > 0 && bsearch(&id, containers->items, containers->count,
						sizeof(*containers->items), compare_ids) != NULL;
}

/* The hook writes files of containers that were made since, at any time. */
static bool is_older(int dirfd, const char *name, const struct timespec *than)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	return st.st_mtim.tv_sec < than->tv_sec ||
	       (st.st_mtim.tv_sec == than->tv_sec && st.st_mtim.tv_nsec < than->tv_nsec);
}

static int sweep_directory(struct vb_task *task, const char *path)
{
	DIR *directory = opendir(path);

	if (directory == NULL)
		return errno == ENOENT ? 0 : vb_error_set(&task->err, errno, "open '%s'", path);
	for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
		vb_auto_free char *id = id_of_file(entry->d_name);
		if (id != NULL && !is_listed(&task->containers, id) &&
			is_older(dirfd(directory), entry->d_name, &task->listed_at))
			(void)unlinkat(dirfd(directory), entry->d_name, 0);
	}
	(void)closedir(directory);
	return 0;
}

int vb_task_sweep(struct vb_task *task)
{
	int result = 0;

	for (enum vb_state_kind kind = 0; kind < VB_STATE_KINDS; kind++) {
		int r = sweep_directory(task, vb_state_directory(kind));
		if (r < 0)
			result = r;
	}
	return result;
}
