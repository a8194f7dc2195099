/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_SHIM_EXEC_H
#define VB_SHIM_EXEC_H

#include <stdbool.h>

#include "vb/shim/policy.h"
#include "vb/shim/scratch.h"

/* The common core of every function that starts a program. */

/* What a call wants to execute. operation is the name in the log lines: execve or execveat. */
struct vb_shim_target {
	const char *operation;
	int dirfd;
	const char *path;
	int flags;
	/* By fexecve, which libc can do without execveat, too. */
	bool is_fexecve;
};

/* -ENAMETOOLONG; otherwise scratch->path holds the path, which nobody can change any more. */
int vb_shim_exec_copy_path(struct vb_shim_scratch *scratch, const char *path);

/*
 * May it run? 0, or -EPERM with the denial line written, or what canonicalising it gave (-ENOENT
 * and the like, without a line). With the exec list or audit set, scratch->canonical is its path
 * after a 0. target->path must not change meanwhile.
 */
int vb_shim_exec_judge(const struct vb_shim_policy *policy, struct vb_shim_scratch *scratch,
	const struct vb_shim_target *target);

/* The same for the shell that system, popen and others start. */
int vb_shim_exec_judge_shell(const struct vb_shim_policy *policy, struct vb_shim_scratch *scratch);

/* The next execve, or the kernel's. -1 with errno. */
int vb_shim_exec_call(const struct vb_shim_policy *policy, const char *path, char *const argv[],
	char *const envp[]);

/* execve with everything that the shim does; -1 with errno. */
int vb_shim_exec_run(const char *path, char *const argv[], char *const envp[]);

/* execvpe likewise. */
int vb_shim_exec_run_search(const char *file, char *const argv[], char *const envp[]);

/* PATH of the process, or what its libc takes without one. */
const char *vb_shim_exec_search_path(void);

/* Does libc try the next directory of PATH after this -errno? */
bool vb_shim_exec_search_goes_on(int error);

#define VB_SHIM_SHELL "/bin/sh"

#endif
