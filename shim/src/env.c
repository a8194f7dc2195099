/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/shim/env.h"

#include <linux/errno.h>
#include <string.h>

enum { NAME_BYTES = 48 };

static const char preload_name[] = "LD_PRELOAD=";

char **vb_shim_env_current(void)
{
	return vb_shim_environment();
}

const char *vb_shim_env_skip(const char *string, const char *prefix)
{
	for (; *prefix != '\0'; string++, prefix++) {
		if (*string != *prefix)
			return NULL;
	}
	return string;
}

const char *vb_shim_env_value(char *const envp[], const char *name)
{
	for (; envp != NULL && *envp != NULL; envp++) {
		const char *rest = vb_shim_env_skip(*envp, name);

		if (rest != NULL && *rest == '=')
			return rest + 1;
	}
	return NULL;
}

/* Is path one of the elements of an LD_PRELOAD value (ld.so(8): colons or spaces)? */
static bool preload_holds(const char *value, const char *path)
{
	while (*value != '\0') {
		const char *rest = vb_shim_env_skip(value, path);

		if (rest != NULL && (*rest == '\0' || *rest == ':' || *rest == ' '))
			return true;
		while (*value != '\0' && *value != ':' && *value != ' ')
			value++;
		while (*value == ':' || *value == ' ')
			value++;
	}
	return false;
}

/* The assignment with the shim in it; `given` itself where it holds the shim. NULL: no memory. */
static const char *merge_preload(
	const struct vb_shim_policy *policy, struct vb_shim_scratch *scratch, const char *given)
{
	const char *value = given == NULL ? "" : given + sizeof(preload_name) - 1;
	size_t self_bytes = strlen(policy->self);
	size_t value_bytes = strlen(value);
	char *merged;
	char *at;

	if (self_bytes == 0 || preload_holds(value, policy->self))
		return given;
	merged = vb_shim_scratch_take(scratch, sizeof(preload_name) + self_bytes + 1 + value_bytes);
	if (merged == NULL)
		return NULL;
	memcpy(merged, preload_name, sizeof(preload_name) - 1);
	at = merged + sizeof(preload_name) - 1;
	memcpy(at, policy->self, self_bytes);
	at += self_bytes;
	if (value_bytes > 0)
		*at++ = ':';
	memcpy(at, value, value_bytes + 1);
	return merged;
}

/*
 * One variable that the child's environment must have, and whether it was placed already; or one
 * that it must not have: an empty assignment that counts as placed.
 */
struct wanted {
	const char *name;
	size_t name_bytes;
	const char *assignment;
	bool placed;
};

struct wanted_set {
	struct wanted list[VB_SHIM_STICKY_MAX + 1];
	size_t count;
};

static void add_wanted(
	struct wanted_set *set, const char *name, size_t name_bytes, const char *assignment)
{
	set->list[set->count++] =
		(struct wanted){.name = name, .name_bytes = name_bytes, .assignment = assignment};
}

/* The loaders take the last LD_PRELOAD when there are several. */
static const char *last_preload(char *const envp[])
{
	const char *last = NULL;

	for (; envp != NULL && *envp != NULL; envp++) {
		if (vb_shim_env_skip(*envp, preload_name) != NULL)
			last = *envp;
	}
	return last;
}

static int collect_wanted(const struct vb_shim_policy *policy, struct vb_shim_scratch *scratch,
	char *const envp[], struct wanted_set *ret_set)
{
	const struct vb_shim_sticky *sticky = vb_shim_lists_sticky(policy);
	struct wanted_set set = {.count = 0};

	for (size_t i = 0; i < policy->sticky_count; i++)
		add_wanted(&set, sticky[i].assignment, sticky[i].name_bytes, sticky[i].assignment);
	if (policy->self[0] != '\0') {
		const char *merged = merge_preload(policy, scratch, last_preload(envp));

		if (merged == NULL)
			return -ENOMEM;
		add_wanted(&set, preload_name, sizeof(preload_name) - 1, merged);
	}
	if (policy->barred != NULL) {
		add_wanted(&set, policy->barred, strlen(policy->barred), policy->barred);
		set.list[set.count - 1].placed = true;
	}
	*ret_set = set;
	return 0;
}

static struct wanted *find_wanted(struct wanted_set *set, const char *assignment)
{
	/* The names start with these letters; nearly all others are told apart by one comparison.
	 */
	if (assignment[0] != 'A' && assignment[0] != 'L')
		return NULL;
	for (size_t i = 0; i < set->count; i++) {
		size_t at = 0;

		while (at < set->list[i].name_bytes && assignment[at] == set->list[i].name[at])
			at++;
		if (at == set->list[i].name_bytes)
			return &set->list[i];
	}
	return NULL;
}

char *const *vb_shim_env_build(
	const struct vb_shim_policy *policy, struct vb_shim_scratch *scratch, char *const envp[])
{
	struct wanted_set set;
	size_t count = 0;
	const char **built;
	const char **out;

	while (envp != NULL && envp[count] != NULL)
		count++;
	built = vb_shim_scratch_take(scratch, (count + VB_SHIM_STICKY_MAX + 2) * sizeof(*built));
	if (built == NULL || collect_wanted(policy, scratch, envp, &set) < 0)
		return NULL;
	out = built;
	for (size_t i = 0; i < count; i++) {
		struct wanted *wanted = find_wanted(&set, envp[i]);

		if (wanted == NULL)
			*out++ = envp[i];
		else if (!wanted->placed)
			*out++ = wanted->assignment;
		if (wanted != NULL)
			wanted->placed = true;
	}
	for (size_t i = 0; i < set.count; i++) {
		if (!set.list[i].placed)
			*out++ = set.list[i].assignment;
	}
	*out = NULL;
	return (char *const *)(void *)built;
}

/* setenv changes the first of several assignments; a loader, or a shell, may take the last. */
static void repeat_first(const char *name)
{
	char *first = NULL;

	for (char **entry = vb_shim_env_current(); entry != NULL && *entry != NULL; entry++) {
		const char *rest = vb_shim_env_skip(*entry, name);

		if (rest == NULL || *rest != '=')
			continue;
		if (first == NULL)
			first = *entry;
		else if (strcmp(*entry, first) != 0)
			*entry = first;
	}
}

static int restore_one(const struct wanted *wanted)
{
	char name[NAME_BYTES] = {0};
	const char *value = wanted->assignment + wanted->name_bytes;
	const char *present;
	int result = 0;

	memcpy(name, wanted->name, wanted->name_bytes - 1);
	present = vb_shim_env_value(vb_shim_env_current(), name);
	if (present == NULL && wanted->placed)
		return 0;
	if (present == NULL || strcmp(present, value) != 0)
		result = vb_shim_setenv(name, value);
	repeat_first(name);
	return result;
}

int vb_shim_env_restore(const struct vb_shim_policy *policy, struct vb_shim_scratch *scratch)
{
	struct wanted_set set;
	int result = collect_wanted(policy, scratch, vb_shim_env_current(), &set);

	for (size_t i = 0; result == 0 && i < set.count; i++)
		result = restore_one(&set.list[i]);
	return result;
}
