/* SPDX-License-Identifier: Apache-2.0 */
/* The lists, parsed for the first call that asks one of them: most programs never ask. */
#include <string.h>

#include "raw.h"
#include "vb/shim/log.h"
#include "vb/shim/policy.h"
#include "vb/shim/publish.h"

enum { LINK_BYTES = 64 };

const void *_Atomic vb_shim_lists_word VB_SHIM_PUBLISHED;
static const void *_Atomic unprotected;
static const struct vb_shim_publication publication = {&vb_shim_lists_word, &unprotected};

/* Where there are none, or no memory for them. */
static const struct vb_shim_lists nothing;

/* Lists in the making, and what there is to say about them once they are in force. */
struct build {
	const struct vb_shim_policy *policy;
	struct vb_shim_lists *lists;
	size_t bytes;
	struct vb_shim_arena arena;
	struct vb_shim_review exec_review;
	struct vb_shim_review connect_review;
	struct vb_shim_review dlopen_review;
};

static bool has_lists(const struct vb_shim_policy *policy)
{
	return policy->exec_list != NULL || policy->connect_list != NULL ||
	       policy->dlopen_list != NULL;
}

static size_t space_needed(const struct vb_shim_policy *policy)
{
	size_t bytes = vb_shim_arena_space(sizeof(struct vb_shim_lists));

	for (size_t i = 0; i < policy->sticky_count; i++)
		bytes += vb_shim_arena_space(policy->sticky[i].space_bytes);
	if (policy->exec_list != NULL)
		bytes += vb_shim_paths_space(policy->exec_list);
	if (policy->connect_list != NULL)
		bytes += vb_shim_nets_space(policy->connect_list);
	if (policy->dlopen_list != NULL)
		bytes += vb_shim_paths_space(policy->dlopen_list);
	return bytes;
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
 * What children get is written without the malformed entries: so one process warns of them and not
 * each of its children. `review` is that of the list in this variable, or NULL.
 */
static int keep_variable(struct build *build, size_t index, struct vb_shim_review *review)
{
	const struct vb_shim_sticky *given = &build->policy->sticky[index];
	struct vb_shim_sticky *kept = &build->lists->sticky[index];
	char *copy;

	*kept = *given;
	if (review == NULL)
		return 0;
	copy = vb_shim_arena_take(&build->arena, given->space_bytes);
	if (copy == NULL)
		return -ENOMEM;
	memcpy(copy, given->assignment, given->name_bytes);
	kept->assignment = copy;
	review->kept = copy + given->name_bytes;
	return 0;
}

static struct vb_shim_review *review_of(struct build *build, const struct vb_shim_sticky *sticky)
{
	const char *value = sticky->assignment + sticky->name_bytes;

	if (value == build->policy->exec_list)
		return &build->exec_review;
	if (value == build->policy->connect_list)
		return &build->connect_review;
	return value == build->policy->dlopen_list ? &build->dlopen_review : NULL;
}

static int parse(struct build *build)
{
	const struct vb_shim_policy *policy = build->policy;
	struct vb_shim_lists *lists = build->lists;
	struct vb_shim_aliases aliases = {.count = 0};
	int result = 0;

	/* Without aliases: what an entry leads to is looked up when the list is asked. */
	if (policy->dlopen_list != NULL)
		result = vb_shim_paths_build(&lists->dlopen, policy->dlopen_list, &aliases,
			&build->arena, &build->dlopen_review);
	if (result == 0 && policy->exec_list != NULL) {
		read_aliases(&aliases);
		result = vb_shim_paths_build(&lists->exec, policy->exec_list, &aliases,
			&build->arena, &build->exec_review);
	}
	if (result == 0 && policy->connect_list != NULL)
		result = vb_shim_nets_build(&lists->connect, policy->connect_list, &build->arena,
			&build->connect_review);
	return result;
}

static int fill(struct build *build)
{
	build->lists = vb_shim_arena_take(&build->arena, sizeof(*build->lists));
	if (build->lists == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < build->policy->sticky_count; i++) {
		int result = keep_variable(build, i, review_of(build, &build->policy->sticky[i]));

		if (result < 0)
			return result;
	}
	return parse(build);
}

static int build_lists(const struct vb_shim_policy *policy, struct build *ret_build)
{
	struct build build = {.policy = policy, .bytes = space_needed(policy)};
	unsigned char *memory = vb_shim_map(build.bytes);

	if (memory == NULL)
		return -ENOMEM;
	build.arena = (struct vb_shim_arena){.next = memory, .left_bytes = build.bytes};
	if (fill(&build) < 0) {
		VB_RAW_2(__NR_munmap, memory, build.bytes);
		return -ENOMEM;
	}
	VB_RAW_3(__NR_mprotect, memory, build.bytes, PROT_READ);
	*ret_build = build;
	return 0;
}

const struct vb_shim_lists *vb_shim_lists_first(const struct vb_shim_policy *policy)
{
	struct build build;

	if (vb_shim_published(&publication) != NULL)
		return vb_shim_published(&publication);
	if (!has_lists(policy) || build_lists(policy, &build) < 0)
		return &nothing;
	if (!vb_shim_publish(&publication, build.lists)) {
		VB_RAW_2(__NR_munmap, build.lists, build.bytes);
		return vb_shim_published(&publication);
	}
	vb_shim_log_review(VB_SHIM_ENV_EXEC, &build.exec_review, build.lists->exec.count);
	vb_shim_log_review(VB_SHIM_ENV_CONNECT, &build.connect_review, build.lists->connect.count);
	vb_shim_log_review(VB_SHIM_ENV_DLOPEN, &build.dlopen_review, build.lists->dlopen.count);
	return build.lists;
}

const struct vb_shim_sticky *vb_shim_lists_sticky(const struct vb_shim_policy *policy)
{
	const struct vb_shim_lists *lists = vb_shim_lists_get(policy);

	return lists == &nothing ? policy->sticky : lists->sticky;
}
