/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_SHIM_ENV_H
#define VB_SHIM_ENV_H

#include <stddef.h>

#include "vb/shim/policy.h"
#include "vb/shim/scratch.h"

/* The process's environment as it is now; NULL when there is none. */
char **vb_shim_env_current(void);

/* What follows the prefix in the string, or NULL when it does not start so. */
const char *vb_shim_env_skip(const char *string, const char *prefix);

/* The value of a variable in an environment (NULL is an empty one), or NULL. */
const char *vb_shim_env_value(char *const envp[], const char *name);

/*
 * The environment that a child gets: envp with the policy's variables as they were at start, and
 * the shim in front of LD_PRELOAD unless it is in there, each once, and without the one that the
 * policy bars. Everything else stays, in its order. The result lives in scratch. envp may be NULL.
 * NULL when there is no memory.
 */
char *const *vb_shim_env_build(
	const struct vb_shim_policy *policy, struct vb_shim_scratch *scratch, char *const envp[]);

/*
 * The same for the process's own environment, for libc functions that take it from there (system,
 * popen, wordexp). -ENOMEM.
 */
int vb_shim_env_restore(const struct vb_shim_policy *policy, struct vb_shim_scratch *scratch);

#endif
