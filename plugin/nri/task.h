/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_TASK_H
#define VB_PLUGIN_NRI_TASK_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "case.h"
#include "vb/adjust/bundle_store.h"
#include "vb/adjust/config.h"
#include "vb/adjust/outcome.h"
#include "vb/adjust/request.h"
#include "vb/adjust/speculation.h"
#include "vb/proto/nri.h"
#include "worker.h"

/*
 * What the worker does for the loop, one struct a piece of work. The loop fills in the question,
 * submits task->job, and finds the answer in done(). In between, the task is the worker's.
 */

/* What the tasks work with; the worker's thread alone uses it. */
struct vb_workshop {
	const struct vb_config *config;
	const char *config_problem; /* the node config is bad: every create is refused; or NULL */
	struct vb_bundle_store *bundles;
	struct vb_spec_cache *specs;
	bool is_probed;
	struct vb_speculation_probe probe; /* of this node */
};

enum vb_task_kind {
	VB_TASK_PROBE,    /* shop->probe */
	VB_TASK_CREATE,   /* request -> plan, plan file, reply */
	VB_TASK_VALIDATE, /* request -> reply; a refusal where ours is not all there */
	VB_TASK_START,    /* request -> subject examined, outcome */
	VB_TASK_OBSERVE,  /* subject, or container_id and pid -> outcome */
	VB_TASK_REMOVE,   /* container_id: its files go */
	VB_TASK_SWEEP,    /* containers: the files of all others go */
};

struct vb_task {
	struct vb_job job; /* first */
	struct vb_workshop *shop;
	enum vb_task_kind kind;

	/* The question. */
	pid_t pid;
	struct vb_arena *arena; /* holds request, and what the reply is made of */
	struct vb_nri_request request;
	char *container_id;
	struct vb_case *subject;
	struct vb_strv containers; /* SWEEP: sorted */
	struct timespec listed_at; /* SWEEP: by the clock that file times are taken from */

	/* The answer. */
	struct vb_buf *reply; /* payload; NULL: an empty one */
	struct vb_outcome outcome;
	struct vb_error err;
	int result; /* 0 or -errno */
	char plan_digest[VB_DIGEST_SIZE];
	bool has_outcome;
	bool has_plan; /* CREATE: a plan file was written */
	char *warning; /* CREATE: what the bundle store worked around; or NULL */
	bool planless; /* OBSERVE: there is no plan for this container */
	bool again;    /* OBSERVE: not everything could be seen yet */

	bool is_last;  /* OBSERVE, of the question: what is not seen now was not there */
	bool answered; /* the loop's, as the rest: the deadline came first */
	uint32_t stream_id;
	uint64_t session;
	int64_t started_us;
	void *owner;
	struct event *deadline;
};

/* done is called on the loop's thread. NULL when out of memory. */
struct vb_task *vb_task_create(struct vb_workshop *shop, enum vb_task_kind kind,
	void (*done)(struct vb_job *job)) VB_WARN_UNUSED;
void vb_task_destroy(struct vb_task *task);

static inline void vb_cleanup_task(struct vb_task *const *task)
{
	vb_task_destroy(*task);
}
#define vb_auto_task vb_auto(vb_cleanup_task)

static inline struct vb_task *vb_task_of(struct vb_job *job)
{
	return (struct vb_task *)job;
}

/* What the first probe of this node says; NULL: it was not to be had. */
static inline const struct vb_speculation_probe *vb_task_probe_result(const struct vb_task *task)
{
	return task->shop->is_probed ? &task->shop->probe : NULL;
}

/* Parses the pod's annotations for the request's container; as vb_request_parse(). */
int vb_task_parse_request(struct vb_task *task, struct vb_request *ret_request) VB_WARN_UNUSED;

/* Private to task.c: the kinds that have a file of their own. */
int vb_task_create_container(struct vb_task *task);
int vb_task_validate(struct vb_task *task);
int vb_task_start(struct vb_task *task);
int vb_task_observe(struct vb_task *task);
int vb_task_remove(struct vb_task *task);
int vb_task_sweep(struct vb_task *task);

#endif
