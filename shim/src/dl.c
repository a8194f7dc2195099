/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "dl_entry.h"
#include "object.h"
#include "raw.h"
#include "vb/shim/canon.h"
#include "vb/shim/exec.h"
#include "vb/shim/load.h"
#include "vb/shim/log.h"
#include "vb/shim/search.h"
#include "vb/shim/token.h"

/* No such file can be: what follows is for dlerror to print. */
#define NOWHERE "/dev/null/"

static const char denied_text[] = NOWHERE "denied by " VB_SHIM_ENV_DLOPEN ": ";
static const char too_long_text[] = NOWHERE "the file name is too long";
static const char no_function_text[] = NOWHERE "no dlmopen in this libc";
static const char no_memory_text[] = NOWHERE "no memory for the preload shim";

/* libdl of glibc before 2.34 may have come later than the policy. */
static const struct vb_shim_next *next_of(
	const struct vb_shim_policy *policy, struct vb_shim_next *again)
{
	const char *self;

	if (policy->next.dlopen != NULL)
		return &policy->next;
	vb_shim_next_resolve(again, &self);
	return again;
}

/* Callers print dlerror() without asking whether there is one: it must not be NULL. */
static void *refuse(const struct vb_shim_policy *policy, const char *text, int error)
{
	struct vb_shim_next again;
	const struct vb_shim_next *next = next_of(policy, &again);

	if (next->dlopen != NULL)
		next->dlopen(text, VB_SHIM_LOAD_LAZY | VB_SHIM_LOAD_ONLY_LOADED);
	vb_shim_set_errno(error);
	return NULL;
}

void *vb_shim_load_call(const struct vb_shim_policy *policy, const struct vb_shim_load *load,
	const char *file, int flags)
{
	struct vb_shim_next again;
	const struct vb_shim_next *next = next_of(policy, &again);

	if (load->has_lmid && next->dlmopen != NULL)
		return next->dlmopen(load->lmid, file, flags);
	if (!load->has_lmid && next->dlopen != NULL)
		return next->dlopen(file, flags);
	return refuse(policy, no_function_text, ENOSYS);
}

/* The loader would make another path of it than the one that is judged. */
static bool is_rewritten(const char *file)
{
	return vb_shim_is_glibc() && vb_shim_token_has_any(file, strlen(file));
}

/* A path at which nothing is: *flags become such that nothing is loaded if there is by then. */
static bool is_missing(const char *file, int *flags)
{
	if (!vb_shim_search_is_direct(file) || is_rewritten(file) ||
		VB_RAW_3(__NR_faccessat, AT_FDCWD, file, 0) == 0)
		return false;
	*flags |= VB_SHIM_LOAD_ONLY_LOADED;
	return true;
}

/*
 * The name under which the loader can be asked, or NULL: denied. *flags become such that nothing is
 * loaded where there was no file to judge.
 */
static const char *judge_path(const struct vb_shim_libraries *list, struct vb_shim_scratch *scratch,
	const char *file, int *flags)
{
	int result = vb_shim_canon(scratch, AT_FDCWD, file);

	if (result == 0)
		return vb_shim_libraries_match(list, scratch->canonical) ? file : NULL;
	return is_missing(file, flags) ? file : NULL;
}

/* A bare name: the list picks the file, no search path does. */
static const char *judge_name(
	const struct vb_shim_libraries *list, struct vb_shim_scratch *scratch, const char *name)
{
	const char *entry;

	for (uint32_t position = 0;
		(entry = vb_shim_libraries_named(list, name, &position)) != NULL;) {
		if (!is_rewritten(entry) && vb_shim_canon(scratch, AT_FDCWD, entry) == 0)
			return vb_shim_libraries_match(list, scratch->canonical) ? entry : NULL;
	}
	return NULL;
}

static const char *judge(const struct vb_shim_policy *policy, struct vb_shim_scratch *scratch,
	const struct vb_shim_load *load, int *flags)
{
	const struct vb_shim_libraries *list = vb_shim_load_list(policy, scratch);
	const char *file;

	if (list == NULL)
		return NULL;
	if (!vb_shim_search_is_direct(load->file))
		return judge_name(list, scratch, load->file);
	file = vb_shim_load_expand(scratch, load);
	return file == NULL || is_rewritten(file) ? NULL : judge_path(list, scratch, file, flags);
}

static void audit(const struct vb_shim_policy *policy, const struct vb_shim_load *load,
	const char *file, const char *result)
{
	const struct vb_shim_load_line line = {.operation = load->operation,
		.has_lmid = load->has_lmid,
		.lmid = load->lmid,
		.file = file,
		.flags = load->flags,
		.result = result};

	if (policy->dlopen_audited)
		vb_shim_log_load_audit(&line);
}

static void *deny(const struct vb_shim_policy *policy, struct vb_shim_scratch *scratch,
	const struct vb_shim_load *load)
{
	size_t bytes = strlen(load->file) + 1;
	char *text = vb_shim_scratch_take(scratch, sizeof(denied_text) - 1 + bytes);

	audit(policy, load, load->file, "denied");
	vb_shim_log_load_denied(load->operation, load->file);
	if (text == NULL)
		return refuse(policy, no_memory_text, EPERM);
	memcpy(text, denied_text, sizeof(denied_text) - 1);
	memcpy(text + sizeof(denied_text) - 1, load->file, bytes);
	return refuse(policy, text, EPERM);
}

/* Absolute, and without "//", "/./" and "/../": as a list can hold it. */
static bool is_clean(const char *path)
{
	if (path[0] != '/')
		return false;
	for (; *path != '\0'; path++) {
		if (path[0] == '/' && path[1] == '.' && path[2] == '.' && path[3] == '/')
			return false;
		if (path[0] == '/' && (path[1] == '/' || (path[1] == '.' && path[2] == '/')))
			return false;
	}
	return true;
}

/*
 * The path in the form that a list holds. Its last component stays as it is, since bare names are
 * looked up by that.
 */
static const char *shortest_path(struct vb_shim_scratch *scratch, const char *name)
{
	size_t length = strlen(name);
	size_t directory = length;
	size_t used;

	if (is_clean(name) || length + 3 > VB_SHIM_PATH_MAX)
		return name;
	while (directory > 0 && name[directory - 1] != '/')
		directory--;
	memcpy(scratch->path, name, directory);
	memcpy(scratch->path + directory, ".", 2);
	if (vb_shim_canon(scratch, AT_FDCWD, scratch->path) < 0)
		return name;
	used = strlen(scratch->canonical);
	if (used > 1)
		scratch->canonical[used++] = '/';
	if (used + length - directory >= VB_SHIM_PATH_MAX)
		return name;
	memcpy(scratch->canonical + used, name + directory, length - directory + 1);
	return scratch->canonical;
}

/*
 * By which path a list would have let it load: the one that was asked for, as the loader may have
 * the file under another name; of a bare name, where the loader found it.
 */
static const char *loaded_path(
	struct vb_shim_scratch *scratch, const char *file, const struct vb_shim_link_map *object)
{
	bool is_path = vb_shim_search_is_direct(file) && !is_rewritten(file);
	bool has_name = object->name != NULL && object->name[0] != '\0';

	return shortest_path(scratch, is_path || !has_name ? file : object->name);
}

/* The outcome of a call that was made. The lines change no errno. */
static void audit_call(const struct vb_shim_policy *policy, struct vb_shim_scratch *scratch,
	const struct vb_shim_load *load, const char *file, const void *handle)
{
	if (!policy->dlopen_audited)
		return;
	if (handle == NULL)
		audit(policy, load, load->file, "load_failed");
	else
		audit(policy, load, loaded_path(scratch, file, handle), "loaded");
}

static bool opens_space(const struct vb_shim_policy *policy, const struct vb_shim_load *load)
{
	return load->has_lmid && load->lmid == VB_SHIM_NEW_NAMESPACE && policy->active;
}

/* The number of the new namespace, or -1 with errno and dlerror. */
static long open_space(const struct vb_shim_policy *policy)
{
	struct vb_shim_next again;
	const char *text = NULL;
	long lmid = vb_shim_space_open(policy, next_of(policy, &again), &text);

	if (text != NULL)
		refuse(policy, text, EPERM);
	return lmid;
}

static void *load_copied(const struct vb_shim_policy *policy, struct vb_shim_scratch *scratch,
	const struct vb_shim_load *load)
{
	struct vb_shim_load made = *load;
	int flags = load->flags;
	const char *file;
	void *handle = NULL;

	/* The program itself. */
	if (load->file[0] == '\0')
		return vb_shim_load_call(policy, load, load->file, flags);
	file = policy->dlopen_gated ? judge(policy, scratch, load, &flags)
				    : vb_shim_load_name(policy, scratch, load, &handle);
	if (file == NULL && policy->dlopen_gated)
		return deny(policy, scratch, load);
	if (file == NULL)
		return refuse(policy, too_long_text, ENAMETOOLONG);
	/* What is not there fails in the namespace that is there. */
	if (opens_space(policy, load))
		made.lmid = is_missing(file, &flags) ? 0 : open_space(policy);
	if (handle == NULL && made.lmid != VB_SHIM_NEW_NAMESPACE)
		handle = vb_shim_load_call(policy, &made, file, flags);
	audit_call(policy, scratch, load, file, handle);
	return handle;
}

/* Judges, loads and tells; load->file is the caller's own. */
static void *load_for_caller(const struct vb_shim_policy *policy, struct vb_shim_load *load)
{
	struct vb_shim_scratch *scratch = vb_shim_scratch_claim();
	void *handle;

	if (scratch == NULL)
		return refuse(policy, no_memory_text, ENOMEM);
	if (vb_shim_exec_copy_path(scratch, load->file) < 0) {
		handle = refuse(policy, too_long_text, ENAMETOOLONG);
	} else {
		/* scratch->path is needed again, by the audit line. */
		char *copy = vb_shim_scratch_take(scratch, VB_SHIM_PATH_MAX);

		if (copy != NULL)
			memcpy(copy, scratch->path, strlen(scratch->path) + 1);
		load->file = copy;
		handle = copy != NULL ? load_copied(policy, scratch, load)
				      : refuse(policy, no_memory_text, ENOMEM);
	}
	vb_shim_scratch_release(scratch);
	return handle;
}

struct vb_shim_turn vb_shim_dlopen_enter(const uintptr_t arguments[3], const void *caller)
{
	const struct vb_shim_policy *policy = vb_shim_policy_get();
	struct vb_shim_load load = {.operation = "dlopen",
		.file = (const char *)arguments[0],
		.flags = (int)arguments[1],
		.caller = caller};
	struct vb_shim_next again;

	if (load.file != NULL && (policy->dlopen_gated || policy->dlopen_audited))
		return (struct vb_shim_turn){.handle = load_for_caller(policy, &load)};
	return (struct vb_shim_turn){.function = (void *)next_of(policy, &again)->dlopen};
}

struct vb_shim_turn vb_shim_dlmopen_enter(uintptr_t arguments[3], const void *caller)
{
	const struct vb_shim_policy *policy = vb_shim_policy_get();
	struct vb_shim_load load = {.operation = "dlmopen",
		.has_lmid = true,
		.lmid = (long)arguments[0],
		.file = (const char *)arguments[1],
		.flags = (int)arguments[2],
		.caller = caller};
	struct vb_shim_next again;

	if (load.file != NULL && (policy->dlopen_gated || policy->dlopen_audited))
		return (struct vb_shim_turn){.handle = load_for_caller(policy, &load)};
	if (load.file != NULL && opens_space(policy, &load)) {
		bool missing = is_missing(load.file, &load.flags);

		arguments[0] = missing ? 0 : (uintptr_t)open_space(policy);
		arguments[2] = (uintptr_t)load.flags;
		if ((long)arguments[0] == VB_SHIM_NEW_NAMESPACE)
			return (struct vb_shim_turn){.handle = NULL};
	}
	if (next_of(policy, &again)->dlmopen == NULL)
		return (struct vb_shim_turn){.handle = refuse(policy, no_function_text, ENOSYS)};
	return (struct vb_shim_turn){.function = (void *)next_of(policy, &again)->dlmopen};
}
