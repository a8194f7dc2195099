/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_WATCH_H
#define VB_PLUGIN_NRI_WATCH_H

#include <event2/event.h>

#include "case.h"
#include "report.h"
#include "task.h"
#include "worker.h"

/*
 * Follows containers until all that can be seen of them has been seen. After START a case is kept
 * until the workload runs; then it is looked at immediately and, while something is missing, again
 * after 10, 50, 200, 1000 and 4000 ms. Containers found running when a connection begins are looked
 * at one after the other. Never blocks the loop.
 */
struct vb_watch;

struct vb_watch_parts {
	struct event_base *base;
	struct vb_worker *worker;
	struct vb_workshop *shop;
	const struct vb_reporter *reporter;
};

/* The parts are borrowed and outlive the watch. NULL when out of memory. */
struct vb_watch *vb_watch_create(const struct vb_watch_parts *parts) VB_WARN_UNUSED;
void vb_watch_destroy(struct vb_watch *watch);

/* Takes over a case that passed START and has something left to see. */
void vb_watch_keep(struct vb_watch *watch, struct vb_case *subject);

/* The workload of a kept case runs now. Others are not of interest. */
void vb_watch_started(struct vb_watch *watch, const char *container_id);

/* The container ends. */
void vb_watch_forget(struct vb_watch *watch, const char *container_id);

/* A container that was found running; the texts are copied. */
struct vb_found {
	const char *container_id;
	const char *name;
	const char *namespace_name;
	const char *pod;
	const char *handler;
	pid_t pid;
};
void vb_watch_found(struct vb_watch *watch, const struct vb_found *found);

#endif
