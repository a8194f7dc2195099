/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_TASK_H
#define VB_PLUGIN_NRI_TASK_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "audit_sys.h"
#include "case.h"
#include "frames.h"
#include "settings.h"
#include "vb/adjust/config.h"
#include "vb/adjust/outcome.h"
#include "vb/adjust/request.h"
#include "vb/adjust/speculation.h"
#include "vb/adjust/supply.h"
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
	struct vb_settings_file *settings_file; /* where config comes from */
	struct vb_stores stores;
	struct vb_spec_cache *specs;
	struct vb_audit_file *audit;
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
	VB_TASK_RELOAD,   /* nothing but the look at the config that others begin with */
};

/* A container that was found running is without what START demands: why, and what was done. */
struct vb_task_lapse {
	struct vb_error why;
	struct vb_error kill_err;
	int kill_result; /* as vb_kill_container() */
	bool is_there;
	bool was_to_be_killed;
};

/* What a look at the config's file brought. */
struct vb_task_news {
	struct vb_settings *settings; /* in force from this task on; NULL: no new ones */
	struct vb_error err;          /* why the new ones are bad */
	int result;
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
	char *namespace_name;      /* OBSERVE: of a found one; NULL: not known */
	bool is_found;             /* OBSERVE: of a container that was found running */
	bool is_last;              /* OBSERVE: what is not seen now was not there */
	bool is_forced;            /* RELOAD: though nothing has changed; the audit log too */

	/* The answer. */
	bool has_outcome;
	bool has_plan;  /* CREATE: a plan file was written */
	bool is_passed; /* a decision: the container is none of our business */
	bool planless;  /* OBSERVE: there is no plan for this container */
	bool again;     /* OBSERVE: not everything could be seen yet */
	int result;     /* 0 or -errno */
	struct vb_error err;
	struct vb_outcome outcome;
	struct vb_buf *reply;           /* payload; NULL: an empty one */
	struct vb_plan *plan;           /* CREATE: what was decided; NULL: nothing */
	struct vb_bundle_usage bundles; /* CREATE: what the store keeps */
	struct vb_strv bundles_loaded;  /* CREATE: versions not known before, "<name>@<digest>" */
	struct vb_supply_notes notes;   /* CREATE: what was looked up and worked around */
	struct vb_task_lapse lapse;     /* OBSERVE */
	struct vb_task_news news;       /* RELOAD, and the three decisions */
	char plan_digest[VB_DIGEST_SIZE];

	/* The loop's. */
	bool answered; /* the deadline came first */
	uint32_t stream_id;
	uint64_t session;
	int64_t started_us;
	void *owner;
	struct event *deadline;
	unsigned int deadline_ms;
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

/*
 * Has the worker remove the files of a container that is no more. Out of memory they stay, until
 * the runtime tells what there is.
 */
void vb_task_submit_removal(
	struct vb_workshop *shop, struct vb_worker *worker, const char *container_id);

/* What is done with a task that has nothing to tell. */
void vb_task_discard(struct vb_job *job);

static inline struct vb_task *vb_task_of(struct vb_job *job)
{
	return (struct vb_task *)job;
}

/* What the first probe of this node says; NULL: it was not to be had. */
static inline const struct vb_speculation_probe *vb_task_probe_result(const struct vb_task *task)
{
	return task->shop->is_probed ? &task->shop->probe : NULL;
}

static inline struct vb_admission vb_task_admission(const struct vb_task *task)
{
	return (struct vb_admission){.container_id = task->container_id,
		.plan = task->plan,
		.plan_digest = task->plan_digest};
}

/* Parses the pod's annotations for the request's container; as vb_request_parse(). */
int vb_task_parse_request(struct vb_task *task, struct vb_request *ret_request) VB_WARN_UNUSED;

/*
 * Looks at the config's file and puts a new one in force, for this task on. What came of it is for
 * vb_reload_take().
 */
void vb_task_refresh_settings(struct vb_task *task, bool forced);

/* A store of the config's bundles that trusts the config's keys. NULL when out of memory. */
struct vb_bundle_store *vb_task_create_bundles(const struct vb_config *config) VB_WARN_UNUSED;

/* Private to task.c: the kinds that have a file of their own. */
int vb_task_create_container(struct vb_task *task);
int vb_task_validate(struct vb_task *task);
int vb_task_start(struct vb_task *task);
int vb_task_observe(struct vb_task *task);
int vb_task_remove(struct vb_task *task);
int vb_task_sweep(struct vb_task *task);
int vb_task_reload(struct vb_task *task);

#endif
