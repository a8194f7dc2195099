/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_STATUS_H
#define VB_PLUGIN_NRI_STATUS_H

#include <event2/event.h>
#include <stdbool.h>

#include "auditor.h"
#include "refusals.h"
#include "settings.h"
#include "vb/adjust/supply.h"
#include "vb/proto/nri.h"
#include "worker.h"

/*
 * What `vambrace status` shows of the daemon: /run/vambrace/daemon.json, replaced atomically by the
 * worker a moment after something changed. docs/daemon.schema.json describes it.
 */
struct vb_status;

struct vb_status_parts {
	struct event_base *base;
	struct vb_worker *worker;
	struct vb_log *log;
	const struct vb_auditor *audit;
	const struct vb_refusals *refusals;
	const char *version;
	const char *config_path;
};

/* The parts are borrowed and outlive it. NULL when out of memory. */
struct vb_status *vb_status_create(const struct vb_status_parts *parts) VB_WARN_UNUSED;

/* Stop the worker first; what has changed is written, and that the daemon has stopped. */
void vb_status_destroy(struct vb_status *status);

/* Something changed that it looks at itself: refusals, the audit log. */
void vb_status_touch(struct vb_status *status);

/* The runtime as it introduced itself; the texts are copied. */
void vb_status_set_runtime(
	struct vb_status *status, const struct vb_nri_configure *runtime, bool validates);
/* Whether there is a connection on which the runtime has told what runs. */
void vb_status_set_connected(struct vb_status *status, bool connected);
/* Why no connection came about; until there is one. */
void vb_status_set_unreachable(struct vb_status *status, const char *problem);

/* Whether the file is another daemon's, which serves the runtime; it is not written then. */
void vb_status_set_anothers(struct vb_status *status, bool is_anothers);

/* problem: why the file that is there now is not in force; NULL when it is. */
void vb_status_set_config(
	struct vb_status *status, const struct vb_settings *settings, const char *problem);

/* A bundle that was looked up; without warnings its problem is over. */
void vb_status_set_bundle(struct vb_status *status, const struct vb_bundle_note *note);

/* How many bundles were worked around at their last lookup. */
size_t vb_status_count_bundles(const struct vb_status *status);

#endif
