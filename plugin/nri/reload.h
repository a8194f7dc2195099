/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_RELOAD_H
#define VB_PLUGIN_NRI_RELOAD_H

#include <event2/event.h>
#include <stdbool.h>

#include "auditor.h"
#include "log.h"
#include "metrics.h"
#include "settings.h"
#include "status.h"
#include "task.h"
#include "web_sys.h"
#include "worker.h"

/*
 * The node config as the loop sees it, and how a new one comes into force without a restart. The
 * worker looks at the file ahead of each decision, when its directory changes, and on demand; what
 * it finds is in force for that decision already, and comes back to the loop with the task.
 */
struct vb_reload;

struct vb_reload_parts {
	struct event_base *base;
	struct vb_worker *worker;
	struct vb_workshop *shop;
	struct vb_log *log;
	struct vb_auditor *audit;
	struct vb_status *status;
	struct vb_metrics *metrics;
	struct vb_web *web;
	const char *path;
};

/*
 * The parts are borrowed and outlive it; settings, those in force at the shop too, are taken over
 * on success. NULL when out of memory.
 */
struct vb_reload *vb_reload_create_take(
	const struct vb_reload_parts *parts, struct vb_settings *settings) VB_WARN_UNUSED;

/* Stop the worker first. */
void vb_reload_destroy(struct vb_reload *reload);

/* Good until the loop's next turn. */
const struct vb_config *vb_reload_config(const struct vb_reload *reload);

/*
 * Whether the file may have changed and was not looked at yet. Until it was, whom the config
 * concerns is for the worker to say.
 */
bool vb_reload_is_pending(const struct vb_reload *reload);

/* SIGHUP: reads the config and opens the audit log again. */
void vb_reload_force(struct vb_reload *reload);

/* Takes what a task that came back has found; tasks of every kind go through here. */
void vb_reload_take(struct vb_reload *reload, struct vb_task *task);

#endif
