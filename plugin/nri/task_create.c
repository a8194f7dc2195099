/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "render.h"
#include "clock.h"
#include "task.h"
#include "vb/adjust/codes.h"
#include "vb/adjust/decide.h"
#include "vb/adjust/state.h"

/* As much as a message may be; a plan's mounts and variables are far below. */
enum { REPLY_MAX = 4 << 20 };

/* "rro": with all mounts below it, as recursiveReadOnly asks for. */
static bool is_read_only(const struct vb_nri_mount *mount)
{
	for (size_t i = 0; i < mount->options.count; i++)
		if (strcmp(mount->options.items[i], "ro") == 0 ||
			strcmp(mount->options.items[i], "rro") == 0)
			return true;
	return false;
}

static int view_mounts(struct vb_task *task, struct vb_subject *subject)
{
	const struct vb_nri_mounts *mounts = &task->request.container.mounts;
	struct vb_subject_mount *views =
		vb_arena_alloc(task->arena, (mounts->count + 1) * sizeof(*views));

	if (views == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < mounts->count; i++) {
		const struct vb_nri_mount *mount = &mounts->items[i];
		views[i] = (struct vb_subject_mount){.destination = mount->destination,
			.type = mount->type,
			.source = mount->source,
			.read_only = is_read_only(mount)};
	}
	subject->mounts = views;
	subject->mount_count = mounts->count;
	return 0;
}

static int view_env(struct vb_task *task, struct vb_subject *subject)
{
	const struct vb_nri_strings *env = &task->request.container.env;
	const char **views = vb_arena_alloc(task->arena, (env->count + 1) * sizeof(*views));

	if (views == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < env->count; i++)
		views[i] = env->items[i];
	subject->env = views;
	subject->env_count = env->count;
	return 0;
}

static bool shim_is_installed(void)
{
	struct stat st;

	return stat(VB_SHIM_HOST_PATH, &st) == 0 && S_ISREG(st.st_mode);
}

static int view_subject(struct vb_task *task, struct vb_subject *ret_subject)
{
	const struct vb_nri_request *request = &task->request;
	struct vb_subject subject = {
		.namespace_name = request->pod.name_space,
		.pod = request->pod.name,
		.container = request->container.name,
		.handler = request->pod.runtime_handler,
		.shim_installed = shim_is_installed(),
	};

	if (view_mounts(task, &subject) < 0 || view_env(task, &subject) < 0)
		return vb_error_set(&task->err, ENOMEM, "look at the container");
	*ret_subject = subject;
	return 0;
}

int vb_task_parse_request(struct vb_task *task, struct vb_request *ret_request)
{
	const struct vb_nri_pairs *pairs = &task->request.pod.annotations;
	struct vb_annotation *items =
		vb_arena_alloc(task->arena, (pairs->count + 1) * sizeof(*items));

	if (items == NULL)
		return vb_error_set(&task->err, ENOMEM, "read the annotations");
	for (size_t i = 0; i < pairs->count; i++)
		items[i] = (struct vb_annotation){
			.key = pairs->items[i].key, .value = pairs->items[i].value};
	struct vb_annotations annotations = {.items = items, .count = pairs->count};
	return vb_request_parse(
		&annotations, task->request.container.name, ret_request, &task->err);
}

static int gather(
	struct vb_task *task, const struct vb_request *request, struct vb_supply *ret_supply)
{
	const struct vb_supply_question question = {task->request.pod.name_space, request};
	const struct vb_workshop *shop = task->shop;

	int r = vb_supply_gather(
		&shop->stores, shop->config, &question, &task->notes, ret_supply, &task->err);
	vb_bundle_store_take_loaded(shop->stores.bundles, &task->bundles_loaded);
	task->bundles = vb_bundle_store_usage(shop->stores.bundles);
	return r;
}

static int decide(struct vb_task *task, struct vb_plan **ret_plan)
{
	vb_auto_request struct vb_request request = {0};
	vb_auto_supply struct vb_supply supply = {0};
	struct vb_subject subject = {0};

	int r = vb_task_parse_request(task, &request);
	if (r == 0)
		r = gather(task, &request, &supply);
	if (r == 0)
		r = view_subject(task, &subject);
	if (r < 0)
		return r;
	return vb_plan_decide(
		&subject, &request, &supply, task->shop->config, ret_plan, &task->err);
}

/* Nobody is let out of seccomp without a trace that outlives the machine. */
static int audit_opt_out(struct vb_task *task)
{
	const struct vb_admission admission = vb_task_admission(task);
	struct vb_audit_frame frame;
	struct vb_error err = {0};
	const struct timespec now = vb_clock_now();

	if (task->plan->opt_out_reason == NULL)
		return 0;
	vb_frame_opt_out(&frame, &now, &admission);
	vb_audit_end(&frame);
	if (vb_audit_file_append(
		    task->shop->audit, frame.text, frame.used, VB_AUDIT_SYNCED, &err) == 0)
		return 0;
	(void)vb_error_refuse(&task->err, VB_CODE_NOT_PERMITTED,
		"seccomp.vambrace.dev asks for opt-out, which the audit log has to show, and it "
		"cannot be written: %s",
		err.what);
	return vb_error_fix(
		&task->err, "remove the annotation, or make room for the audit log on the node");
}

/* The reply is ready before the file is there, so that nothing can fail behind the file. */
static int record(struct vb_task *task, const struct vb_plan *plan)
{
	struct vb_nri_adjustment adjustment = {0};
	vb_auto_free char *text = vb_plan_to_json(plan);
	vb_auto_buf struct vb_buf *reply = vb_buf_create(REPLY_MAX);

	if (text == NULL || reply == NULL)
		return vb_error_set(&task->err, ENOMEM, "write the plan");
	vb_digest(text, strlen(text), task->plan_digest);
	int r = vb_render_adjustment(task->arena, plan, task->plan_digest, &adjustment, &task->err);
	if (r == 0)
		r = vb_nri_encode_create(reply, &adjustment, &task->err);
	if (r == 0)
		r = audit_opt_out(task);
	if (r == 0)
		r = vb_state_write(VB_STATE_PLAN, task->container_id, text, &task->err);
	if (r < 0)
		return r;
	task->reply = VB_STEAL(reply);
	task->has_plan = true;
	return 0;
}

static int check_text(struct vb_task *task)
{
	if (task->shop->config_problem != NULL) {
		(void)vb_error_refuse(&task->err, VB_CODE_INTERNAL, "the node config is bad: %s",
			task->shop->config_problem);
		return vb_error_fix(
			&task->err, "correct the file; vambrace-nri reads it again by itself");
	}
	if (!task->request.pod.has_bad_text && !task->request.container.has_bad_text)
		return 0;
	(void)vb_error_refuse(&task->err, VB_CODE_INVALID_VALUE,
		"the pod or container has a text with a NUL or bytes that are not UTF-8");
	return vb_error_fix(&task->err, "remove it from annotations, env and mounts");
}

int vb_task_create_container(struct vb_task *task)
{
	int r = check_text(task);
	if (r == 0)
		r = decide(task, &task->plan);
	if (r == 0 && task->plan != NULL)
		r = record(task, task->plan);
	/* A plan of an earlier attempt must not stand in for this one. */
	if (task->has_plan)
		return r;
	int removed = vb_state_remove(VB_STATE_PLAN, task->container_id, r < 0 ? NULL : &task->err);
	return r < 0 ? r : removed;
}
