/* SPDX-License-Identifier: Apache-2.0 */
#include "sync.h"

#include <errno.h>
#include <string.h>

#include "vb/adjust/request.h"
#include "verdict.h"

struct known_pod {
	char *id;
	char *namespace_name;
	char *name;
	char *handler;
	struct vb_annotation *items;
	struct vb_annotations annotations; /* those of ours, in items */
};

struct known_container {
	char *id;
	char *pod_id;
	char *name;
	pid_t pid;
	bool is_running;
	bool has_digest;
};

struct vb_sync {
	struct known_pod *pods;
	size_t pod_count;
	struct known_container *containers;
	size_t container_count;
	bool incomplete;
	struct timespec began_at;
};

struct vb_sync *vb_sync_create(void)
{
	struct vb_sync *sync = calloc(1, sizeof(*sync));

	if (sync != NULL)
		(void)clock_gettime(CLOCK_REALTIME_COARSE, &sync->began_at);
	return sync;
}

static void finish_pod(struct known_pod *pod)
{
	free(pod->id);
	free(pod->namespace_name);
	free(pod->name);
	free(pod->handler);
	for (size_t i = 0; i < pod->annotations.count; i++) {
		free((char *)(uintptr_t)pod->items[i].key);
		free((char *)(uintptr_t)pod->items[i].value);
	}
	free(pod->items);
}

static void finish_container(struct known_container *container)
{
	free(container->id);
	free(container->pod_id);
	free(container->name);
}

void vb_sync_destroy(struct vb_sync *sync)
{
	if (sync == NULL)
		return;
	for (size_t i = 0; i < sync->pod_count; i++)
		finish_pod(&sync->pods[i]);
	free(sync->pods);
	for (size_t i = 0; i < sync->container_count; i++)
		finish_container(&sync->containers[i]);
	free(sync->containers);
	free(sync);
}

/* Room for one more at the end; capacity is the next power of two, so it need not be stored. */
static void *grow(void *items, size_t count, size_t size)
{
	if ((count & (count - 1)) != 0)
		return items;
	return reallocarray(items, count == 0 ? 1 : count * 2, size);
}

static int copy_annotations(const struct vb_nri_pairs *pairs, struct known_pod *known)
{
	struct vb_annotations *annotations = &known->annotations;
	size_t count = 0;

	for (size_t i = 0; i < pairs->count; i++)
		count += vb_annotation_is_ours(pairs->items[i].key);
	if (count == 0)
		return 0;
	known->items = calloc(count, sizeof(*known->items));
	if (known->items == NULL)
		return -ENOMEM;
	annotations->items = known->items;
	for (size_t i = 0; i < pairs->count; i++) {
		if (!vb_annotation_is_ours(pairs->items[i].key))
			continue;
		struct vb_annotation *copy = &known->items[annotations->count++];
		copy->key = strdup(pairs->items[i].key);
		copy->value = strdup(pairs->items[i].value);
		if (copy->key == NULL || copy->value == NULL)
			return -ENOMEM;
	}
	return 0;
}

static int add_pod(struct vb_sync *sync, const struct vb_nri_pod *pod)
{
	struct known_pod *pods = grow(sync->pods, sync->pod_count, sizeof(*pods));
	struct known_pod known = {
		.id = strdup(pod->id),
		.namespace_name = strdup(pod->name_space),
		.name = strdup(pod->name),
		.handler = strdup(pod->runtime_handler),
	};

	if (pods != NULL)
		sync->pods = pods;
	if (pods == NULL || known.id == NULL || known.namespace_name == NULL ||
		known.name == NULL || known.handler == NULL ||
		copy_annotations(&pod->annotations, &known) < 0) {
		finish_pod(&known);
		return -ENOMEM;
	}
	pods[sync->pod_count++] = known;
	return 0;
}

static int add_container(struct vb_sync *sync, const struct vb_nri_container *container)
{
	struct known_container *containers =
		grow(sync->containers, sync->container_count, sizeof(*containers));
	struct known_container known = {
		.id = strdup(container->id),
		.pod_id = strdup(container->pod_sandbox_id),
		.name = strdup(container->name),
		.pid = (pid_t)container->pid,
		.is_running = container->state == VB_NRI_CONTAINER_RUNNING ||
			      container->state == VB_NRI_CONTAINER_PAUSED,
		.has_digest = vb_nri_pairs_get(
				      &container->annotations, VB_PLAN_DIGEST_ANNOTATION) != NULL,
	};

	if (containers != NULL)
		sync->containers = containers;
	if (containers == NULL || known.id == NULL || known.pod_id == NULL || known.name == NULL) {
		finish_container(&known);
		return -ENOMEM;
	}
	containers[sync->container_count++] = known;
	return 0;
}

int vb_sync_add(struct vb_sync *sync, const uint8_t *payload, size_t size, bool *ret_more,
	struct vb_error *err)
{
	struct vb_nri_synchronize chunk = {0};
	vb_auto_arena struct vb_arena *arena = vb_arena_create(VB_ARENA_DEFAULT_BYTES);

	if (arena == NULL)
		return vb_error_set(err, ENOMEM, "read the runtime's state");
	int r = vb_nri_decode_synchronize(payload, size, &chunk, err);
	if (r < 0)
		return r;
	for (;;) {
		struct vb_nri_item item = {0};
		vb_arena_reset(arena);
		r = vb_nri_synchronize_next(&chunk, arena, &item, err);
		if (r == 0)
			break;
		if (r > 0)
			r = item.is_container ? add_container(sync, &item.container)
					      : add_pod(sync, &item.pod);
		if (r == -ENOMEM)
			return vb_error_set(err, ENOMEM, "read the runtime's state");
		if (r < 0)
			sync->incomplete = true;
	}
	*ret_more = chunk.more;
	return 0;
}

static const struct known_pod *pod_of(
	const struct vb_sync *sync, const struct known_container *container)
{
	for (size_t i = 0; i < sync->pod_count; i++)
		if (strcmp(sync->pods[i].id, container->pod_id) == 0)
			return &sync->pods[i];
	return NULL;
}

/* Ahead of all later requests, so that it meets no plan of a container made meanwhile. */
static int sweep(const struct vb_sync *sync, struct vb_workshop *shop, struct vb_worker *worker)
{
	vb_auto_task struct vb_task *task = vb_task_create(shop, VB_TASK_SWEEP, vb_task_discard);

	if (task == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < sync->container_count; i++)
		if (vb_strv_add(&task->containers, sync->containers[i].id) < 0)
			return -ENOMEM;
	vb_strv_sort_unique(&task->containers);
	task->listed_at = sync->began_at;
	struct vb_task *submitted = VB_STEAL(task);
	vb_worker_submit(worker, &submitted->job, VB_JOB_URGENT);
	return 0;
}

/* Whether CREATE would have given it a plan, or refused it. */
static bool is_to_have_plan(const struct vb_config *config, const struct known_pod *pod,
	const struct known_container *container)
{
	vb_auto_request struct vb_request request = {0};

	if (container->has_digest)
		return true;
	if (pod == NULL)
		return false;
	return vb_verdict_covers(config, pod->namespace_name, pod->handler) ||
	       vb_request_parse(&pod->annotations, container->name, &request, NULL) < 0 ||
	       request.asked;
}

static void examine(const struct known_pod *pod, const struct known_container *container,
	struct vb_watch *watch)
{
	struct vb_found found = {
		.container_id = container->id, .name = container->name, .pid = container->pid};

	if (pod != NULL) {
		found.namespace_name = pod->namespace_name;
		found.pod = pod->name;
		found.handler = pod->handler;
	}
	vb_watch_found(watch, &found);
}

void vb_sync_finish(const struct vb_sync *sync, const struct vb_config *config,
	const struct vb_sync_parts *parts)
{
	struct vb_log_line line;

	vb_log_begin(&line, NULL, "synchronized");
	vb_log_number(&line, "pods", (int64_t)sync->pod_count);
	vb_log_number(&line, "containers", (int64_t)sync->container_count);
	vb_log_word(&line, "complete", sync->incomplete ? "false" : "true");
	vb_log_write_limited(parts->log, &line);
	if (!sync->incomplete && sweep(sync, parts->shop, parts->worker) < 0) {
		vb_log_begin(&line, NULL, "not-swept");
		vb_log_write_limited(parts->log, &line);
	}
	for (size_t i = 0; i < sync->container_count; i++) {
		const struct known_container *container = &sync->containers[i];
		const struct known_pod *pod = pod_of(sync, container);
		if (container->is_running && is_to_have_plan(config, pod, container))
			examine(pod, container, parts->watch);
	}
}
