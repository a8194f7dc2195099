/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "raw.h"
#include "vb/shim/canon.h"
#include "vb/shim/env.h"
#include "vb/shim/log.h"
#include "vb/shim/policy.h"

/* How often a thread looks again for the policy that another one is publishing. */
enum { PUBLISH_WAITS = 1000, LINK_BYTES = 64 };

/*
 * It lives among the relocated constants, which the loader has made read-only, and is written once,
 * by store_root().
 */
const struct vb_shim_policy *_Atomic vb_shim_policy_root __attribute__((section(".data.rel.ro")));
/* In its place where that page cannot be made writable. */
static const struct vb_shim_policy *_Atomic unprotected_root;
static atomic_bool publishing;

/* Only where not even a page for the policy is to be had: with a list, everything is denied. */
static const struct vb_shim_policy pass_all = {.self = "", .library_path = ""};
static const struct vb_shim_policy deny_all = {.active = true,
	.exec_gated = true,
	.connect_gated = true,
	.dlopen_gated = true,
	.datagrams_watched = true,
	.self = "",
	.library_path = ""};

enum variable { EXEC, CONNECT, DLOPEN, EXEC_AUDIT, CONNECT_AUDIT, DLOPEN_AUDIT, DATAGRAMS };

static const char names[VB_SHIM_STICKY_MAX][40] = {VB_SHIM_ENV_EXEC, VB_SHIM_ENV_CONNECT,
	VB_SHIM_ENV_DLOPEN, VB_SHIM_ENV_EXEC_AUDIT, VB_SHIM_ENV_CONNECT_AUDIT,
	VB_SHIM_ENV_DLOPEN_AUDIT, VB_SHIM_ENV_DATAGRAMS};

/* The values at start; NULL for what is unset or empty. */
struct values {
	const char *of[VB_SHIM_STICKY_MAX];
	/* LD_LIBRARY_PATH; "" when it is unset. */
	const char *library_path;
	bool any;
};

/* A policy in the making, and what there is to say about it once it is in force. */
struct build {
	struct vb_shim_policy *policy;
	size_t bytes;
	struct vb_shim_arena arena;
	struct vb_shim_review exec_review;
	struct vb_shim_review connect_review;
	struct vb_shim_review dlopen_review;
};

static void read_values(struct values *values)
{
	const char *library_path = vb_shim_env_value(vb_shim_env_current(), "LD_LIBRARY_PATH");

	values->library_path = library_path != NULL ? library_path : "";
	values->any = false;
	for (int i = 0; i < VB_SHIM_STICKY_MAX; i++) {
		const char *value = vb_shim_env_value(vb_shim_env_current(), names[i]);

		values->of[i] = value != NULL && value[0] != '\0' ? value : NULL;
		values->any = values->any || values->of[i] != NULL;
	}
}

/* The value may grow to "none". */
static size_t assignment_space(const char *value)
{
	return sizeof(names[0]) + strlen(value) + VB_SHIM_KEPT_BYTES_MIN;
}

static size_t space_needed(const struct values *values)
{
	size_t bytes = vb_shim_arena_space(sizeof(struct vb_shim_policy));

	for (int i = 0; i < VB_SHIM_STICKY_MAX; i++) {
		if (values->of[i] != NULL)
			bytes += vb_shim_arena_space(assignment_space(values->of[i]));
	}
	if (values->any)
		bytes += vb_shim_arena_space(VB_SHIM_PATH_MAX) +
			 vb_shim_arena_space(strlen(values->library_path) + 1);
	if (values->of[DLOPEN] != NULL)
		bytes += vb_shim_paths_space(values->of[DLOPEN]);
	if (values->of[EXEC] != NULL)
		bytes += vb_shim_paths_space(values->of[EXEC]);
	if (values->of[CONNECT] != NULL)
		bytes += vb_shim_nets_space(values->of[CONNECT]);
	return bytes;
}

/*
 * Copies one variable into the arena; returns the copied value, which has room to become "none".
 * NULL when it is unset, or when the arena is too small.
 */
static char *keep_variable(struct build *build, const char *name, const char *value)
{
	struct vb_shim_policy *policy = build->policy;
	size_t name_bytes = strlen(name) + 1;
	char *copy;

	if (value == NULL)
		return NULL;
	copy = vb_shim_arena_take(&build->arena, assignment_space(value));
	if (copy == NULL)
		return NULL;
	memcpy(copy, name, name_bytes - 1);
	copy[name_bytes - 1] = '=';
	memcpy(copy + name_bytes, value, strlen(value) + 1);
	policy->sticky[policy->sticky_count++] =
		(struct vb_shim_sticky){.assignment = copy, .name_bytes = name_bytes};
	return copy + name_bytes;
}

static void read_aliases(struct vb_shim_aliases *aliases)
{
	static const char directories[VB_SHIM_ALIAS_MAX][8] = {"/bin", "/sbin", "/lib", "/lib64"};

	for (int i = 0; i < VB_SHIM_ALIAS_MAX; i++) {
		char target[LINK_BYTES];
		long length =
			VB_RAW_4(__NR_readlinkat, AT_FDCWD, directories[i], target, sizeof(target));

		if (length > 0)
			vb_shim_aliases_add(aliases, directories[i], target, (size_t)length);
	}
}

/*
 * The lists are read from the environment itself, and what children get is written over the copies:
 * without the malformed entries, so that one process warns of them and not each of its children.
 */
static int build_lists(
	struct build *build, const struct values *values, char *const kept[VB_SHIM_STICKY_MAX])
{
	struct vb_shim_policy *policy = build->policy;
	struct vb_shim_aliases aliases = {.count = 0};
	int result = 0;

	policy->exec_gated = kept[EXEC] != NULL;
	policy->connect_gated = kept[CONNECT] != NULL;
	policy->dlopen_gated = kept[DLOPEN] != NULL;
	build->exec_review.kept = kept[EXEC];
	build->connect_review.kept = kept[CONNECT];
	build->dlopen_review.kept = kept[DLOPEN];
	/* Without aliases: what an entry leads to is looked up when the list is asked. */
	if (policy->dlopen_gated)
		result = vb_shim_paths_build(&policy->dlopen, values->of[DLOPEN], &aliases,
			&build->arena, &build->dlopen_review);
	if (result == 0 && policy->exec_gated) {
		read_aliases(&aliases);
		result = vb_shim_paths_build(&policy->exec, values->of[EXEC], &aliases,
			&build->arena, &build->exec_review);
	}
	if (result == 0 && policy->connect_gated)
		result = vb_shim_nets_build(&policy->connect, values->of[CONNECT], &build->arena,
			&build->connect_review);
	return result;
}

/* The loader's name of the shim, made absolute: children may start in another directory. */
static const char *keep_self(struct build *build, const char *name)
{
	struct vb_shim_scratch *scratch = NULL;
	const char *path = name;
	char *copy = NULL;

	if (name[0] != '/' && name[0] != '\0') {
		scratch = vb_shim_scratch_claim();
		if (scratch != NULL && vb_shim_canon(scratch, AT_FDCWD, name) == 0)
			path = scratch->canonical;
	}
	if (path[0] == '/' && strlen(path) < VB_SHIM_PATH_MAX)
		copy = vb_shim_arena_take(&build->arena, strlen(path) + 1);
	if (copy != NULL)
		memcpy(copy, path, strlen(path) + 1);
	vb_shim_scratch_release(scratch);
	return copy != NULL ? copy : "";
}

static const char *keep_library_path(struct build *build, const char *value)
{
	char *copy = vb_shim_arena_take(&build->arena, strlen(value) + 1);

	if (copy == NULL)
		return "";
	memcpy(copy, value, strlen(value) + 1);
	return copy;
}

static bool is(const char *value, const char *wanted)
{
	return value != NULL && strcmp(value, wanted) == 0;
}

static int fill(struct build *build, const struct values *values)
{
	struct vb_shim_policy *policy = build->policy;
	char *kept[VB_SHIM_STICKY_MAX];
	const char *self_name;

	vb_shim_next_resolve(&policy->next, &self_name);
	for (int i = 0; i < VB_SHIM_STICKY_MAX; i++) {
		kept[i] = keep_variable(build, names[i], values->of[i]);
		if (kept[i] == NULL && values->of[i] != NULL)
			return -ENOMEM;
	}
	policy->active = values->any;
	policy->exec_audited = is(kept[EXEC_AUDIT], "1");
	policy->connect_audited = is(kept[CONNECT_AUDIT], "1");
	policy->dlopen_audited = is(kept[DLOPEN_AUDIT], "1");
	policy->library_path = policy->active ? keep_library_path(build, values->library_path) : "";
	if (build_lists(build, values, kept) < 0)
		return -ENOMEM;
	policy->datagrams_watched =
		(policy->connect_gated || policy->connect_audited) && !is(kept[DATAGRAMS], "0");
	policy->self = policy->active ? keep_self(build, self_name) : "";
	if (policy->dlopen_gated)
		policy->libraries = vb_shim_map(sizeof(*policy->libraries));
	return policy->dlopen_gated && policy->libraries == NULL ? -ENOMEM : 0;
}

static void drop(const struct vb_shim_policy *policy, size_t bytes)
{
	if (policy->libraries != NULL)
		VB_RAW_2(__NR_munmap, policy->libraries, sizeof(*policy->libraries));
	VB_RAW_2(__NR_munmap, policy, bytes);
}

static int build_policy(struct build *ret_build, const struct values *values)
{
	struct build build = {.bytes = space_needed(values)};
	unsigned char *memory = vb_shim_map(build.bytes);

	if (memory == NULL)
		return -ENOMEM;
	build.arena = (struct vb_shim_arena){.next = memory, .left_bytes = build.bytes};
	build.policy = vb_shim_arena_take(&build.arena, sizeof(*build.policy));
	if (build.policy == NULL || fill(&build, values) < 0) {
		drop((const struct vb_shim_policy *)memory, build.bytes);
		return -ENOMEM;
	}
	VB_RAW_3(__NR_mprotect, memory, build.bytes, PROT_READ);
	*ret_build = build;
	return 0;
}

/* The page size is one of these; with a smaller one than the kernel's the start is refused. */
static int protect_page(uintptr_t address, int protection)
{
	for (uintptr_t page = 4096; page <= 65536; page *= 4) {
		uintptr_t start = address & ~(page - 1);

		if (VB_RAW_3(__NR_mprotect, start, page, protection) == 0)
			return 0;
	}
	return -EINVAL;
}

static void store_root(const struct vb_shim_policy *policy)
{
	if (protect_page((uintptr_t)&vb_shim_policy_root, PROT_READ | PROT_WRITE) < 0) {
		atomic_store(&unprotected_root, policy);
		return;
	}
	atomic_store(&vb_shim_policy_root, policy);
	protect_page((uintptr_t)&vb_shim_policy_root, PROT_READ);
}

static const struct vb_shim_policy *published(void)
{
	const struct vb_shim_policy *policy = atomic_load(&vb_shim_policy_root);

	return policy != NULL ? policy : atomic_load(&unprotected_root);
}

/*
 * Puts one policy in force, once per process: its page is writable for a moment, and two
 * publishers would take it away from each other. Signals wait, since a handler that came here
 * would wait for itself. Returns whether it was this one.
 */
static bool publish(const struct vb_shim_policy *policy)
{
	vb_shim_sigset old = vb_shim_block_signals();
	bool first = !atomic_exchange(&publishing, true);

	if (first)
		store_root(policy);
	vb_shim_restore_signals(old);
	for (int i = 0; published() == NULL && i < PUBLISH_WAITS; i++)
		VB_RAW_0(__NR_sched_yield);
	/* The publisher is gone: this process was forked off in the middle of it. */
	if (published() == NULL)
		atomic_store(&unprotected_root, policy);
	return published() == policy;
}

const struct vb_shim_policy *vb_shim_policy_first(void)
{
	struct values values;
	struct build build;

	if (published() != NULL)
		return published();
	if (vb_shim_is_alone())
		return &deny_all;
	read_values(&values);
	if (build_policy(&build, &values) < 0)
		return values.any ? &deny_all : &pass_all;
	if (!publish(build.policy)) {
		drop(build.policy, build.bytes);
		return published();
	}
	vb_shim_log_review(VB_SHIM_ENV_EXEC, &build.exec_review, build.policy->exec.count);
	vb_shim_log_review(VB_SHIM_ENV_CONNECT, &build.connect_review, build.policy->connect.count);
	vb_shim_log_review(VB_SHIM_ENV_DLOPEN, &build.dlopen_review, build.policy->dlopen.count);
	return build.policy;
}

int vb_shim_policy_hand_over(uintptr_t distance, const struct vb_shim_next *next)
{
	uintptr_t address = (uintptr_t)&vb_shim_policy_root + distance;
	struct vb_shim_policy *policy = vb_shim_map(sizeof(*policy));

	if (policy == NULL)
		return -ENOMEM;
	*policy = *vb_shim_policy_get();
	policy->next = *next;
	VB_RAW_3(__NR_mprotect, policy, sizeof(*policy), PROT_READ);
	if (protect_page(address, PROT_READ | PROT_WRITE) < 0) {
		VB_RAW_2(__NR_munmap, policy, sizeof(*policy));
		return -ENOMEM;
	}
	atomic_store((const struct vb_shim_policy *_Atomic *)address, policy);
	protect_page(address, PROT_READ);
	return 0;
}

__attribute__((constructor)) static void initialise_at_load(void)
{
	vb_shim_policy_get();
}
