/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_AUDITOR_H
#define VB_PLUGIN_NRI_AUDITOR_H

#include "audit_frame.h"
#include "audit_sys.h"
#include "log.h"
#include "worker.h"

/*
 * The loop's side of the audit log: frames are handed to the worker's thread, which writes them
 * when nothing urgent waits, in the order in which they came. What waits is bounded; a frame that
 * finds no room, or that cannot be written, is counted, and the log says so: when it begins, once
 * a minute while it goes on, and when it is over.
 */
struct vb_auditor;

struct vb_auditor_parts {
	struct vb_worker *worker;
	struct vb_audit_file *file; /* the worker's */
	struct vb_log *log;
};

/* What is known of the file; as of the last frame that came back from the worker. */
struct vb_auditor_state {
	struct vb_audit_counters counters;
	char problem[VB_ERROR_WHAT_MAX]; /* why the last frame could not be written; or empty */
};

/* The parts are borrowed and outlive it. NULL when out of memory. */
struct vb_auditor *vb_auditor_create(const struct vb_auditor_parts *parts) VB_WARN_UNUSED;

/* Stop the worker first: frames that it did not come to are written then. */
void vb_auditor_destroy(struct vb_auditor *audit);

/* Ends the frame and hands it on. */
void vb_auditor_write(struct vb_auditor *audit, struct vb_audit_frame *frame);

const struct vb_auditor_state *vb_auditor_get_state(const struct vb_auditor *audit);

#endif
