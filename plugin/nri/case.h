/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_CASE_H
#define VB_PLUGIN_NRI_CASE_H

#include <stdbool.h>
#include <sys/types.h>

#include "vb/adjust/evidence.h"
#include "vb/adjust/outcome.h"
#include "vb/adjust/plan.h"
#include "vb/adjust/receipt.h"

/*
 * One planned container under examination: its plan, the hook's receipt, and what was seen of it
 * so far. Load it, examine it at START, keep it until the workload runs, examine it again.
 * Everything here reads files, so it belongs on the worker's thread; a case itself passes between
 * the threads, and only one has it at a time.
 */
struct vb_case {
	char *container_id;
	struct vb_plan *plan;
	char plan_digest[VB_DIGEST_SIZE];
	bool has_receipt;
	struct vb_receipt receipt;
	pid_t pid;
	bool has_evidence;
	struct vb_evidence evidence;
};

void vb_case_destroy(struct vb_case *subject);

static inline void vb_cleanup_case(struct vb_case *const *subject)
{
	vb_case_destroy(*subject);
}
#define vb_auto_case vb_auto(vb_cleanup_case)

/*
 * Reads plan and receipt. -ENOENT when there is no plan; a missing receipt is no error, an
 * unreadable one is. Errnos of vb_state_read(), -EINVAL, -ENOMEM.
 */
int vb_case_load(const char *container_id, struct vb_case **ret_subject,
	struct vb_error *err) VB_WARN_UNUSED;

/*
 * Sets the process to look at: the one that the runtime named, or when that is 0 the one of the
 * receipt's pid file. -ESRCH when neither is known.
 */
int vb_case_find_process(struct vb_case *subject, pid_t pid, struct vb_error *err) VB_WARN_UNUSED;

/*
 * Gathers evidence. A process that has exited turns evidence that is already there into that of
 * stage GONE. -ESRCH when it has exited and nothing is known of it, else as evidence_sys.h.
 */
int vb_case_examine(struct vb_case *subject, enum vb_stage stage, struct vb_spec_cache *cache,
	struct vb_error *err) VB_WARN_UNUSED;

/* Judges what has been seen so far; probe: of the node, or NULL. -ENOMEM. */
int vb_case_judge(const struct vb_case *subject, const struct vb_speculation_probe *probe,
	struct vb_outcome *ret_outcome, struct vb_error *err) VB_WARN_UNUSED;

/* Stamps the outcome with the time and writes its file. Errnos of vb_state_write(). */
int vb_case_store(const struct vb_case *subject, struct vb_outcome *outcome,
	struct vb_error *err) VB_WARN_UNUSED;

#endif
