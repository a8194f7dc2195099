/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/shim/exec.h"

#include <string.h>

#include "raw.h"
#include "vb/shim/canon.h"
#include "vb/shim/env.h"
#include "vb/shim/interposed.h"
#include "vb/shim/log.h"

int vb_shim_exec_copy_path(struct vb_shim_scratch *scratch, const char *path)
{
	for (size_t i = 0; i < VB_SHIM_PATH_MAX; i++) {
		scratch->path[i] = path[i];
		/* What was copied, not path again: another thread may be changing it. */
		if (scratch->path[i] == '\0')
			return 0;
	}
	return -ENAMETOOLONG;
}

static bool is_execveat(const struct vb_shim_target *target)
{
	return strcmp(target->operation, "execveat") == 0;
}

static int resolve(struct vb_shim_scratch *scratch, const struct vb_shim_target *target)
{
	if (target->path[0] == '\0' && (target->flags & AT_EMPTY_PATH) == 0)
		return is_execveat(target) ? -ENOTRECOVERABLE : -ENOENT;
	return vb_shim_canon(scratch, target->dirfd, target->path);
}

static int refuse_unresolved(const struct vb_shim_target *target)
{
	if (!is_execveat(target))
		return -ENOENT;
	vb_shim_log_exec_unresolved(target->dirfd, target->path, target->flags);
	return -EPERM;
}

int vb_shim_exec_judge(const struct vb_shim_policy *policy, struct vb_shim_scratch *scratch,
	const struct vb_shim_target *target)
{
	bool allowed;
	int result;

	if (!policy->exec_gated && !policy->exec_audited)
		return 0;
	result = resolve(scratch, target);
	if (result < 0 && !policy->exec_gated)
		return 0;
	if (result == -ENOTRECOVERABLE)
		return refuse_unresolved(target);
	if (result < 0)
		return result;
	allowed = !policy->exec_gated ||
		  vb_shim_paths_match(&vb_shim_lists_get(policy)->exec, scratch->canonical);
	if (policy->exec_audited)
		vb_shim_log_exec_audit(target->operation, scratch->canonical, allowed);
	if (allowed)
		return 0;
	vb_shim_log_exec_denied(
		target->operation, target->path[0] == '\0' ? scratch->canonical : target->path);
	return -EPERM;
}

int vb_shim_exec_judge_shell(const struct vb_shim_policy *policy, struct vb_shim_scratch *scratch)
{
	struct vb_shim_target shell = {
		.operation = "execve", .dirfd = AT_FDCWD, .path = VB_SHIM_SHELL};

	return vb_shim_exec_judge(policy, scratch, &shell);
}

int vb_shim_exec_call(const struct vb_shim_policy *policy, const char *path, char *const argv[],
	char *const envp[])
{
	if (policy->next.execve != NULL)
		return policy->next.execve(path, argv, envp);
	return vb_shim_fail((int)VB_RAW_3(__NR_execve, path, argv, envp));
}

static int call_execveat(const struct vb_shim_policy *policy, const struct vb_shim_target *target,
	char *const argv[], char *const envp[])
{
	if (target->is_fexecve && policy->next.fexecve != NULL)
		return policy->next.fexecve(target->dirfd, argv, envp);
	if (policy->next.execveat != NULL)
		return policy->next.execveat(
			target->dirfd, target->path, argv, envp, target->flags);
	return vb_shim_fail((int)VB_RAW_5(
		__NR_execveat, target->dirfd, target->path, argv, envp, target->flags));
}

/* Judges and calls; the path in target is copied already. */
static int run(const struct vb_shim_policy *policy, struct vb_shim_scratch *scratch,
	const struct vb_shim_target *target, char *const argv[], char *const envp[])
{
	int result = vb_shim_exec_judge(policy, scratch, target);
	char *const *child_env;

	if (result < 0)
		return vb_shim_fail(result);
	child_env = vb_shim_env_build(policy, scratch, envp);
	if (child_env == NULL)
		return vb_shim_fail(-ENOMEM);
	if (is_execveat(target))
		return call_execveat(policy, target, argv, child_env);
	return vb_shim_exec_call(policy, target->path, argv, child_env);
}

static int copy_and_run(const struct vb_shim_policy *policy, struct vb_shim_target target,
	char *const argv[], char *const envp[])
{
	struct vb_shim_scratch *scratch = vb_shim_scratch_claim();
	int result;

	if (scratch == NULL)
		return vb_shim_fail(-ENOMEM);
	result = vb_shim_exec_copy_path(scratch, target.path);
	target.path = scratch->path;
	if (result < 0)
		result = vb_shim_fail(result);
	else
		result = run(policy, scratch, &target, argv, envp);
	vb_shim_scratch_release(scratch);
	return result;
}

int vb_shim_exec_run(const char *path, char *const argv[], char *const envp[])
{
	const struct vb_shim_policy *policy = vb_shim_policy_get();
	struct vb_shim_target target = {.operation = "execve", .dirfd = AT_FDCWD, .path = path};

	/* The kernel answers a null path with EFAULT. */
	if (!policy->active || path == NULL)
		return vb_shim_exec_call(policy, path, argv, envp);
	return copy_and_run(policy, target, argv, envp);
}

int execve(const char *path, char *const argv[], char *const envp[])
{
	return vb_shim_exec_run(path, argv, envp);
}

int execv(const char *path, char *const argv[])
{
	return vb_shim_exec_run(path, argv, vb_shim_env_current());
}

int execveat(int dirfd, const char *path, char *const argv[], char *const envp[], int flags)
{
	const struct vb_shim_policy *policy = vb_shim_policy_get();
	struct vb_shim_target target = {
		.operation = "execveat", .dirfd = dirfd, .path = path, .flags = flags};

	if (!policy->active || path == NULL)
		return call_execveat(policy, &target, argv, envp);
	return copy_and_run(policy, target, argv, envp);
}

int fexecve(int fd, char *const argv[], char *const envp[])
{
	const struct vb_shim_policy *policy = vb_shim_policy_get();
	struct vb_shim_target target = {.operation = "execveat",
		.dirfd = fd,
		.path = "",
		.flags = AT_EMPTY_PATH,
		.is_fexecve = true};

	if (!policy->active)
		return call_execveat(policy, &target, argv, envp);
	return copy_and_run(policy, target, argv, envp);
}
