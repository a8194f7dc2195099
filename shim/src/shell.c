/* SPDX-License-Identifier: Apache-2.0 */
/* The functions that run /bin/sh inside libc, where no wrapper of exec sees them. */
#include "raw.h"
#include "vb/shim/env.h"
#include "vb/shim/exec.h"
#include "vb/shim/interposed.h"

enum {
	/* <wordexp.h>, the same in glibc and musl. */
	NO_COMMANDS = 1 << 2,
	HAS_COMMANDS = 4,
};

/*
 * Judges the shell and puts the policy back into the environment that it inherits. 0 or -EPERM,
 * with its line, or -ENOMEM. A missing shell is left to libc, which has an answer for it.
 */
static int prepare(const struct vb_shim_policy *policy)
{
	struct vb_shim_scratch *scratch = vb_shim_scratch_claim();
	int result = -ENOMEM;

	if (scratch == NULL)
		return -ENOMEM;
	result = vb_shim_exec_judge_shell(policy, scratch);
	if (result != -EPERM)
		result = vb_shim_env_restore(policy, scratch);
	vb_shim_scratch_release(scratch);
	return result;
}

int system(const char *command)
{
	const struct vb_shim_policy *policy = vb_shim_policy_get();
	int result = policy->active ? prepare(policy) : 0;

	if (policy->next.system == NULL)
		result = -ENOSYS;
	if (result == 0)
		return policy->next.system(command);
	vb_shim_fail(result);
	/* Without a command the question is whether there is a shell. */
	return command == NULL ? 0 : -1;
}

void *popen(const char *command, const char *mode)
{
	const struct vb_shim_policy *policy = vb_shim_policy_get();
	int result = policy->active ? prepare(policy) : 0;

	if (policy->next.popen == NULL)
		result = -ENOSYS;
	if (result == 0)
		return policy->next.popen(command, mode);
	vb_shim_fail(result);
	return NULL;
}

/* glibc's own name for popen, in programs linked long ago. */
void *_IO_popen(const char *command, const char *mode) // NOLINT(readability-identifier-naming)
	__attribute__((alias("popen")));

/* glibc starts a shell only for a command substitution, musl for any expansion. */
int wordexp(const char *words, void *result, int flags)
{
	const struct vb_shim_policy *policy = vb_shim_policy_get();
	int error;

	if (policy->next.wordexp == NULL)
		return HAS_COMMANDS;
	if (!policy->active)
		return policy->next.wordexp(words, result, flags);
	if (vb_shim_is_glibc()) {
		error = policy->next.wordexp(words, result, flags | NO_COMMANDS);
		if (error != HAS_COMMANDS || (flags & NO_COMMANDS) != 0)
			return error;
	}
	error = prepare(policy);
	if (error == 0)
		return policy->next.wordexp(words, result, flags);
	vb_shim_fail(error);
	return HAS_COMMANDS;
}
