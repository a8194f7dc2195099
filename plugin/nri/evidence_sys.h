/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_EVIDENCE_SYS_H
#define VB_PLUGIN_NRI_EVIDENCE_SYS_H

#include <sys/types.h>

#include "vb/adjust/evidence.h"
#include "vb/adjust/plan.h"
#include "vb/adjust/receipt.h"

/*
 * Reads the evidence files of a process. /proc/<pid> is opened once and everything is read below
 * that descriptor, so all of it is of one process, and of the container's: its cgroup is checked
 * first. Needs uid 0 and CAP_SYS_PTRACE.
 */

/*
 * Replaces status, mounts, destinations, limits and, in stage RUNNING, the shim's mapping; leaves
 * the rest of *evidence alone. -ESRCH when the process is gone or is not one of the container;
 * other errnos of open(2) and read(2), -EINVAL, -ENOMEM. On failure *evidence is unchanged.
 */
int vb_evidence_read_process(pid_t pid, const char *container_id, const struct vb_plan *plan,
	enum vb_stage stage, struct vb_evidence *evidence, struct vb_error *err) VB_WARN_UNUSED;

/* Whether the process is one of the container: 0, -ESRCH, or errnos as above. */
int vb_evidence_check_process(
	pid_t pid, const char *container_id, struct vb_error *err) VB_WARN_UNUSED;

/* The environment with which the process was started. Errors as above. */
int vb_evidence_read_environ(pid_t pid, const char *container_id, struct vb_strv *ret_env,
	struct vb_error *err) VB_WARN_UNUSED;

/* Reads `<bundle_dir>/config.json`. Errnos of open(2), -EFBIG, -EINVAL, -ENOMEM. */
int vb_evidence_read_spec(const char *bundle_dir, const struct vb_plan *plan,
	struct vb_spec_cache *cache, struct vb_spec_evidence *ret_spec,
	struct vb_error *err) VB_WARN_UNUSED;

/* Reads a pid file. -EINVAL when it is not a pid. */
int vb_evidence_read_pid_file(
	const char *path, pid_t *ret_pid, struct vb_error *err) VB_WARN_UNUSED;

#endif
