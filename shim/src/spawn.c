/* SPDX-License-Identifier: Apache-2.0 */
/* posix_spawn and its kin: they return the error number and leave errno alone. */
#include <linux/openat2.h>

#include "raw.h"
#include "vb/shim/env.h"
#include "vb/shim/exec.h"
#include "vb/shim/interposed.h"
#include "vb/shim/search.h"

typedef int spawn_function(int *id, const char *path, const void *actions, const void *attributes,
	char *const argv[], char *const envp[]);

/* One call: the arguments that are passed on, and the functions of libc to pass them to. */
struct request {
	const struct vb_shim_policy *policy;
	/* For a path, and for a name that is searched in PATH; NULL where libc has no such
	 * function. */
	spawn_function *spawn;
	spawn_function *spawn_search;
	/* The process id or its descriptor. */
	int *id;
	const void *actions;
	const void *attributes;
	char *const *argv;
	char *const *envp;
};

/*
 * Would another directory or other descriptors make another file of this path? Of a relative one
 * they do, and of one that goes by a link in /proc that is none of names: /proc/self/cwd,
 * /dev/fd/3. Before Linux 5.6 that cannot be asked, so it may be any.
 */
static bool may_change(const char *path)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_MAGICLINKS};
	long fd = -ELOOP;

	if (path[0] == '/')
		fd = VB_RAW_4(__NR_openat2, AT_FDCWD, path, &how, sizeof(how));
	if (fd >= 0)
		VB_RAW_1(__NR_close, fd);
	return fd < 0;
}

/*
 * Spawns what scratch->path names. File actions change the child's directory and descriptors before
 * it executes, so a path that depends on these is replaced by the canonical one that was judged.
 */
static int spawn_judged(const struct request *request, struct vb_shim_scratch *scratch)
{
	const char *path = scratch->path;
	struct vb_shim_target target = {.operation = "execve", .dirfd = AT_FDCWD, .path = path};
	int result = vb_shim_exec_judge(request->policy, scratch, &target);

	if (result < 0)
		return -result;
	if (request->actions != NULL && request->policy->exec_gated && may_change(path))
		path = scratch->canonical;
	return request->spawn(request->id, path, request->actions, request->attributes,
		request->argv, request->envp);
}

static int spawn_path(
	const struct request *request, struct vb_shim_scratch *scratch, const char *path)
{
	int result = vb_shim_exec_copy_path(scratch, path);

	return result < 0 ? -result : spawn_judged(request, scratch);
}

static int spawn_search(
	const struct request *request, struct vb_shim_scratch *scratch, const char *file)
{
	struct vb_shim_search search;
	bool not_permitted = false;
	int result;

	if (!request->policy->exec_gated && !request->policy->exec_audited)
		return request->spawn_search(request->id, file, request->actions,
			request->attributes, request->argv, request->envp);
	result = -vb_shim_search_start(&search, file, vb_shim_exec_search_path());
	if (result > 0)
		return result;
	result = ENOENT;
	while (vb_shim_search_next(&search, scratch->path)) {
		result = spawn_judged(request, scratch);
		if (result == 0 || !vb_shim_exec_search_goes_on(-result))
			return result;
		not_permitted = not_permitted || result == EACCES;
	}
	return not_permitted ? EACCES : result;
}

typedef int spawn_step(
	const struct request *request, struct vb_shim_scratch *scratch, const char *name);

/* With the policy in force: a scratch, the child's environment, then the step. */
static int spawn_guarded(struct request *request, spawn_step *step, const char *name)
{
	struct vb_shim_scratch *scratch = vb_shim_scratch_claim();
	int result = ENOMEM;

	if (scratch == NULL)
		return ENOMEM;
	request->envp = vb_shim_env_build(request->policy, scratch, request->envp);
	if (request->envp != NULL)
		result = step(request, scratch, name);
	vb_shim_scratch_release(scratch);
	return result;
}

static int spawn(struct request *request, const char *path)
{
	/* pidfd_spawn is new in glibc 2.39, and this symbol may be all that a program probes for.
	 */
	if (request->spawn == NULL)
		return ENOSYS;
	if (!request->policy->active || path == NULL)
		return request->spawn(request->id, path, request->actions, request->attributes,
			request->argv, request->envp);
	return spawn_guarded(request, spawn_path, path);
}

static int spawn_by_name(struct request *request, const char *file)
{
	if (request->spawn == NULL || request->spawn_search == NULL)
		return ENOSYS;
	if (!request->policy->active || file == NULL)
		return request->spawn_search(request->id, file, request->actions,
			request->attributes, request->argv, request->envp);
	return spawn_guarded(request, spawn_search, file);
}

int posix_spawn(int *pid, const char *path, const void *actions, const void *attributes,
	char *const argv[], char *const envp[])
{
	const struct vb_shim_policy *policy = vb_shim_policy_get();
	struct request request = {policy, policy->next.posix_spawn, policy->next.posix_spawnp, pid,
		actions, attributes, argv, envp};

	return spawn(&request, path);
}

int posix_spawnp(int *pid, const char *file, const void *actions, const void *attributes,
	char *const argv[], char *const envp[])
{
	const struct vb_shim_policy *policy = vb_shim_policy_get();
	struct request request = {policy, policy->next.posix_spawn, policy->next.posix_spawnp, pid,
		actions, attributes, argv, envp};

	return spawn_by_name(&request, file);
}

int pidfd_spawn(int *pidfd, const char *path, const void *actions, const void *attributes,
	char *const argv[], char *const envp[])
{
	const struct vb_shim_policy *policy = vb_shim_policy_get();
	struct request request = {policy, policy->next.pidfd_spawn, policy->next.pidfd_spawnp,
		pidfd, actions, attributes, argv, envp};

	return spawn(&request, path);
}

int pidfd_spawnp(int *pidfd, const char *file, const void *actions, const void *attributes,
	char *const argv[], char *const envp[])
{
	const struct vb_shim_policy *policy = vb_shim_policy_get();
	struct request request = {policy, policy->next.pidfd_spawn, policy->next.pidfd_spawnp,
		pidfd, actions, attributes, argv, envp};

	return spawn_by_name(&request, file);
}
