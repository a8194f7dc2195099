/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_WORKER_H
#define VB_PLUGIN_NRI_WORKER_H

#include <event2/event.h>

#include "vb/base/cleanup.h"

/*
 * The one thread on which everything happens that can block: reading bundles, /proc and
 * config.json, writing state files. The loop submits jobs and gets each back when it has run, so
 * it can always answer the runtime in time, whatever a disk does.
 *
 * A job belongs to whoever holds it: the worker from submit until done() is called on the loop's
 * thread, then the loop again. Jobs of one class run in the order of submission; all urgent ones
 * that wait run before any in the background.
 */

enum vb_job_class {
	VB_JOB_URGENT, /* the runtime waits for it, or for one behind it */
	VB_JOB_BACKGROUND,
	VB_JOB_CLASSES,
};

struct vb_job {
	struct vb_job *next;              /* private */
	void (*run)(struct vb_job *job);  /* on the worker's thread */
	void (*done)(struct vb_job *job); /* on the loop's thread */
};

struct vb_worker;

/* Starts the thread. NULL when it cannot be made. */
struct vb_worker *vb_worker_create(struct event_base *base) VB_WARN_UNUSED;

void vb_worker_submit(struct vb_worker *worker, struct vb_job *job, enum vb_job_class job_class);

/*
 * Waits for the job that runs, at most timeout_ms, and ends the thread. Jobs that have not started
 * are handed to done() without having run. Returns -ETIMEDOUT when the job does not end: then the
 * worker lives on and the process has to end without it.
 */
int vb_worker_stop(struct vb_worker *worker, unsigned int timeout_ms) VB_WARN_UNUSED;

#endif
