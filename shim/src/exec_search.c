/* SPDX-License-Identifier: Apache-2.0 */
/* The functions that search PATH, and those that take their arguments one by one. */
#include <stdarg.h>
#include <string.h>

#include "raw.h"
#include "vb/shim/env.h"
#include "vb/shim/exec.h"
#include "vb/shim/interposed.h"
#include "vb/shim/search.h"

/* One search under way. */
struct attempt {
	const struct vb_shim_policy *policy;
	struct vb_shim_scratch *scratch;
	char *const *argv;
	char *const *envp;
};

bool vb_shim_exec_search_goes_on(int error)
{
	return error == -ENOENT || error == -ENOTDIR || error == -EACCES || error == -ESTALE ||
	       error == -ENODEV || error == -ETIMEDOUT;
}

/* glibc runs a file that the kernel does not know as a shell script; musl does not. */
static int run_as_script(const struct attempt *attempt, const char *path)
{
	size_t count = 0;
	size_t out = 0;
	const char **argv;
	int result;

	while (attempt->argv != NULL && attempt->argv[count] != NULL)
		count++;
	argv = vb_shim_scratch_take(attempt->scratch, (count + 3) * sizeof(*argv));
	if (argv == NULL)
		return -ENOMEM;
	argv[out++] = VB_SHIM_SHELL;
	argv[out++] = path;
	for (size_t i = 1; i < count; i++)
		argv[out++] = attempt->argv[i];
	argv[out] = NULL;
	result = vb_shim_exec_judge_shell(attempt->policy, attempt->scratch);
	if (result < 0)
		return result;
	vb_shim_exec_call(
		attempt->policy, VB_SHIM_SHELL, (char *const *)(void *)argv, attempt->envp);
	return -vb_shim_errno();
}

/* Returns -errno; comes back only when the candidate in scratch->path was not executed. */
static int try_candidate(const struct attempt *attempt)
{
	const char *path = attempt->scratch->path;
	struct vb_shim_target target = {.operation = "execve", .dirfd = AT_FDCWD, .path = path};
	int result = vb_shim_exec_judge(attempt->policy, attempt->scratch, &target);

	if (result < 0)
		return result;
	vb_shim_exec_call(attempt->policy, path, attempt->argv, attempt->envp);
	result = -vb_shim_errno();
	if (result == -ENOEXEC && vb_shim_is_glibc())
		return run_as_script(attempt, path);
	return result;
}

const char *vb_shim_exec_search_path(void)
{
	const char *path = vb_shim_env_value(vb_shim_env_current(), "PATH");

	if (path != NULL)
		return path;
	/* What each libc falls back to. */
	return vb_shim_is_glibc() ? "/bin:/usr/bin" : "/usr/local/bin:/bin:/usr/bin";
}

static int search_and_run(const struct attempt *attempt, const char *file)
{
	struct vb_shim_search search;
	bool not_permitted = false;
	int result = vb_shim_search_start(&search, file, vb_shim_exec_search_path());

	if (result < 0)
		return result;
	result = -ENOENT;
	while (vb_shim_search_next(&search, attempt->scratch->path)) {
		result = try_candidate(attempt);
		if (!vb_shim_exec_search_goes_on(result))
			return result;
		not_permitted = not_permitted || result == -EACCES;
	}
	return not_permitted ? -EACCES : result;
}

int vb_shim_exec_run_search(const char *file, char *const argv[], char *const envp[])
{
	struct attempt attempt = {.policy = vb_shim_policy_get(), .argv = argv};
	bool plain = !attempt.policy->active || file == NULL;
	int result = -ENOMEM;

	if (plain && attempt.policy->next.execvpe != NULL)
		return attempt.policy->next.execvpe(file, argv, envp);
	attempt.scratch = vb_shim_scratch_claim();
	if (attempt.scratch == NULL)
		return vb_shim_fail(-ENOMEM);
	attempt.envp = plain ? envp : vb_shim_env_build(attempt.policy, attempt.scratch, envp);
	if (plain || attempt.envp != NULL)
		result = search_and_run(&attempt, file);
	vb_shim_scratch_release(attempt.scratch);
	return vb_shim_fail(result);
}

int execvpe(const char *file, char *const argv[], char *const envp[])
{
	return vb_shim_exec_run_search(file, argv, envp);
}

int execvp(const char *file, char *const argv[])
{
	return vb_shim_exec_run_search(file, argv, vb_shim_env_current());
}

/* How many arguments an execl call has in front of the null pointer. */
static size_t count_list(const char *first, va_list rest)
{
	size_t count = 0;

	if (first == NULL)
		return 0;
	do {
		count++;
	} while (va_arg(rest, const char *) != NULL);
	return count;
}

enum list_call { LIST_PATH, LIST_PATH_ENV, LIST_SEARCH };

static int run_list(
	enum list_call call, const char *name, const char *first, size_t count, va_list rest)
{
	struct vb_shim_scratch *scratch = vb_shim_scratch_claim();
	const char **list = NULL;
	char *const *argv;
	int result;

	if (scratch != NULL)
		list = vb_shim_scratch_take(scratch, (count + 1) * sizeof(*list));
	if (list == NULL) {
		vb_shim_scratch_release(scratch);
		return vb_shim_fail(-ENOMEM);
	}
	list[0] = first;
	for (size_t i = 1; i <= count; i++)
		list[i] = va_arg(rest, const char *);
	argv = (char *const *)(void *)list;
	if (call == LIST_SEARCH)
		result = vb_shim_exec_run_search(name, argv, vb_shim_env_current());
	else if (call == LIST_PATH_ENV)
		result = vb_shim_exec_run(name, argv, va_arg(rest, char *const *));
	else
		result = vb_shim_exec_run(name, argv, vb_shim_env_current());
	vb_shim_scratch_release(scratch);
	return result;
}

int execl(const char *path, const char *argument, ...)
{
	va_list rest;
	size_t count;
	int result;

	va_start(rest, argument);
	count = count_list(argument, rest);
	va_end(rest);
	va_start(rest, argument);
	result = run_list(LIST_PATH, path, argument, count, rest);
	va_end(rest);
	return result;
}

int execle(const char *path, const char *argument, ...)
{
	va_list rest;
	size_t count;
	int result;

	va_start(rest, argument);
	count = count_list(argument, rest);
	va_end(rest);
	va_start(rest, argument);
	result = run_list(LIST_PATH_ENV, path, argument, count, rest);
	va_end(rest);
	return result;
}

int execlp(const char *file, const char *argument, ...)
{
	va_list rest;
	size_t count;
	int result;

	va_start(rest, argument);
	count = count_list(argument, rest);
	va_end(rest);
	va_start(rest, argument);
	result = run_list(LIST_SEARCH, file, argument, count, rest);
	va_end(rest);
	return result;
}
