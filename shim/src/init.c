/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "raw.h"
#include "vb/shim/canon.h"
#include "vb/shim/env.h"
#include "vb/shim/policy.h"
#include "vb/shim/publish.h"

const void *_Atomic vb_shim_policy_word VB_SHIM_PUBLISHED;
static const void *_Atomic unprotected;
static const struct vb_shim_publication publication = {&vb_shim_policy_word, &unprotected};

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
	size_t bytes[VB_SHIM_STICKY_MAX];
	/* LD_LIBRARY_PATH; "" when it is unset. */
	const char *library_path;
	bool any;
};

/* A policy in the making. */
struct build {
	struct vb_shim_policy *policy;
	size_t bytes;
	struct vb_shim_arena arena;
};

static void read_values(struct values *values)
{
	const char *library_path = vb_shim_env_value(vb_shim_env_current(), "LD_LIBRARY_PATH");

	values->library_path = library_path != NULL ? library_path : "";
	values->any = false;
	for (int i = 0; i < VB_SHIM_STICKY_MAX; i++) {
		const char *value = vb_shim_env_value(vb_shim_env_current(), names[i]);

		values->of[i] = value != NULL && value[0] != '\0' ? value : NULL;
		values->bytes[i] = value != NULL ? strlen(value) : 0;
		values->any = values->any || values->of[i] != NULL;
	}
}

/* The value may grow to "none". */
static size_t assignment_space(size_t value_bytes)
{
	return sizeof(names[0]) + value_bytes + VB_SHIM_KEPT_BYTES_MIN;
}

static size_t space_needed(const struct values *values)
{
	size_t bytes = vb_shim_arena_space(sizeof(struct vb_shim_policy));

	for (int i = 0; i < VB_SHIM_STICKY_MAX; i++) {
		if (values->of[i] != NULL)
			bytes += vb_shim_arena_space(assignment_space(values->bytes[i]));
	}
	if (values->any)
		bytes += vb_shim_arena_space(VB_SHIM_PATH_MAX) +
			 vb_shim_arena_space(strlen(values->library_path) + 1);
	return bytes;
}

/* Copies one variable into the arena. NULL when it is unset, or when the arena is too small. */
static const char *keep_variable(struct build *build, const struct values *values, int i)
{
	struct vb_shim_policy *policy = build->policy;
	size_t name_bytes = strlen(names[i]) + 1;
	size_t space_bytes = assignment_space(values->bytes[i]);
	char *copy;

	if (values->of[i] == NULL)
		return NULL;
	copy = vb_shim_arena_take(&build->arena, space_bytes);
	if (copy == NULL)
		return NULL;
	memcpy(copy, names[i], name_bytes - 1);
	copy[name_bytes - 1] = '=';
	memcpy(copy + name_bytes, values->of[i], values->bytes[i] + 1);
	policy->sticky[policy->sticky_count++] = (struct vb_shim_sticky){
		.assignment = copy, .name_bytes = name_bytes, .space_bytes = space_bytes};
	return copy + name_bytes;
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
	const char *kept[VB_SHIM_STICKY_MAX];
	const char *self_name;

	vb_shim_next_resolve(&policy->next, &self_name);
	for (int i = 0; i < VB_SHIM_STICKY_MAX; i++) {
		kept[i] = keep_variable(build, values, i);
		if (kept[i] == NULL && values->of[i] != NULL)
			return -ENOMEM;
	}
	policy->active = values->any;
	policy->exec_audited = is(kept[EXEC_AUDIT], "1");
	policy->connect_audited = is(kept[CONNECT_AUDIT], "1");
	policy->dlopen_audited = is(kept[DLOPEN_AUDIT], "1");
	policy->library_path = policy->active ? keep_library_path(build, values->library_path) : "";
	policy->exec_list = kept[EXEC];
	policy->connect_list = kept[CONNECT];
	policy->dlopen_list = kept[DLOPEN];
	policy->exec_gated = kept[EXEC] != NULL;
	policy->connect_gated = kept[CONNECT] != NULL;
	policy->dlopen_gated = kept[DLOPEN] != NULL;
	policy->datagrams_watched =
		(policy->connect_gated || policy->connect_audited) && !is(kept[DATAGRAMS], "0");
	/* Its only value that means something is the one that lets datagrams pass. */
	if (policy->datagrams_watched && kept[DATAGRAMS] == NULL)
		policy->barred = VB_SHIM_ENV_DATAGRAMS "=";
	policy->self = policy->active ? keep_self(build, self_name) : "";
	return 0;
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
		VB_RAW_2(__NR_munmap, memory, build.bytes);
		return -ENOMEM;
	}
	VB_RAW_3(__NR_mprotect, memory, build.bytes, PROT_READ);
	*ret_build = build;
	return 0;
}

const struct vb_shim_policy *vb_shim_policy_first(void)
{
	struct values values;
	struct build build;

	if (vb_shim_published(&publication) != NULL)
		return vb_shim_published(&publication);
	if (vb_shim_is_alone())
		return &deny_all;
	read_values(&values);
	if (build_policy(&build, &values) < 0)
		return values.any ? &deny_all : &pass_all;
	if (vb_shim_publish(&publication, build.policy))
		return build.policy;
	VB_RAW_2(__NR_munmap, build.policy, build.bytes);
	return vb_shim_published(&publication);
}

int vb_shim_policy_hand_over(uintptr_t distance, const struct vb_shim_next *next)
{
	uintptr_t address = (uintptr_t)&vb_shim_policy_word + distance;
	struct vb_shim_policy *policy = vb_shim_map(sizeof(*policy));

	if (policy == NULL)
		return -ENOMEM;
	*policy = *vb_shim_policy_get();
	policy->next = *next;
	VB_RAW_3(__NR_mprotect, policy, sizeof(*policy), PROT_READ);
	if (vb_shim_protect_page(address, PROT_READ | PROT_WRITE) < 0) {
		VB_RAW_2(__NR_munmap, policy, sizeof(*policy));
		return -ENOMEM;
	}
	atomic_store((const void *_Atomic *)address, policy);
	vb_shim_protect_page(address, PROT_READ);
	return 0;
}

__attribute__((constructor)) static void initialise_at_load(void)
{
	vb_shim_policy_get();
}
