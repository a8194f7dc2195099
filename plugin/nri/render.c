/* SPDX-License-Identifier: Apache-2.0 */
#include "render.h"

#include <errno.h>
#include <string.h>

static int split_env(struct vb_arena *arena, const char *variable, struct vb_nri_pair *pair)
{
	size_t key_length = strcspn(variable, "=");
	char *key = vb_arena_alloc(arena, key_length + 1);

	if (key == NULL)
		return -ENOMEM;
	memcpy(key, variable, key_length);
	key[key_length] = '\0';
	pair->key = key;
	pair->value = variable[key_length] == '=' ? variable + key_length + 1 : "";
	return 0;
}

static int render_env(
	struct vb_arena *arena, const struct vb_strv *env, struct vb_nri_pairs *ret_env)
{
	struct vb_nri_pair *pairs = vb_arena_alloc(arena, (env->count + 1) * sizeof(*pairs));

	if (pairs == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < env->count; i++)
		if (split_env(arena, env->items[i], &pairs[i]) < 0)
			return -ENOMEM;
	*ret_env = (struct vb_nri_pairs){.items = pairs, .count = env->count};
	return 0;
}

static int render_mounts(struct vb_arena *arena, const struct vb_plan_mounts *planned,
	struct vb_nri_mounts *ret_mounts)
{
	struct vb_nri_mount *mounts = vb_arena_alloc(arena, (planned->count + 1) * sizeof(*mounts));

	if (mounts == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < planned->count; i++) {
		const struct vb_plan_mount *mount = &planned->items[i];
		mounts[i] = (struct vb_nri_mount){
			.destination = mount->destination,
			.type = mount->type,
			.source = mount->source,
			.options = {.items = mount->options.items, .count = mount->options.count},
		};
	}
	*ret_mounts = (struct vb_nri_mounts){.items = mounts, .count = planned->count};
	return 0;
}

int vb_render_adjustment(struct vb_arena *arena, const struct vb_plan *plan,
	const char *plan_digest, struct vb_nri_adjustment *ret_adjustment, struct vb_error *err)
{
	struct vb_nri_adjustment adjustment = {0};
	struct vb_nri_pair *annotation = vb_arena_alloc(arena, sizeof(*annotation));

	if (annotation == NULL || render_env(arena, &plan->env, &adjustment.env) < 0 ||
		render_mounts(arena, &plan->mounts, &adjustment.mounts) < 0)
		return vb_error_set(err, ENOMEM, "render the plan for NRI");
	*annotation = (struct vb_nri_pair){.key = VB_PLAN_DIGEST_ANNOTATION, .value = plan_digest};
	adjustment.annotations = (struct vb_nri_pairs){.items = annotation, .count = 1};
	*ret_adjustment = adjustment;
	return 0;
}

/* The runtime applies the entries of one key in an order of its own, so there may be only one. */
static bool holds_pair(
	const struct vb_nri_pairs *pairs, const char *key, size_t key_length, const char *value)
{
	size_t equal = 0;

	for (size_t i = 0; i < pairs->count; i++) {
		const struct vb_nri_pair *pair = &pairs->items[i];
		const char *name = pair->key[0] == '-' ? pair->key + 1 : pair->key;
		if (strlen(name) != key_length || memcmp(name, key, key_length) != 0)
			continue;
		if (name != pair->key || strcmp(pair->value, value) != 0)
			return false;
		equal++;
	}
	return equal > 0;
}

static bool equal_options(const struct vb_nri_strings *seen, const struct vb_strv *planned)
{
	if (seen->count != planned->count)
		return false;
	for (size_t i = 0; i < planned->count; i++)
		if (strcmp(seen->items[i], planned->items[i]) != 0)
			return false;
	return true;
}

static bool equal_mount(const struct vb_nri_mount *seen, const struct vb_plan_mount *planned)
{
	return strcmp(seen->destination, planned->destination) == 0 &&
	       strcmp(seen->type, planned->type) == 0 &&
	       strcmp(seen->source, planned->source) == 0 &&
	       equal_options(&seen->options, &planned->options);
}

/*
 * Ours has to be there, and nothing else at the same place, however spelled: of two mounts on one
 * place the later one hides the other, and "/tmp/" is another key than "/tmp" to the runtime.
 */
static int verify_mount(const struct vb_nri_mounts *mounts, const struct vb_plan_mount *planned,
	struct vb_error *err)
{
	bool found = false;

	for (size_t i = 0; i < mounts->count; i++) {
		const struct vb_nri_mount *mount = &mounts->items[i];
		const char *destination =
			mount->destination[0] == '-' ? mount->destination + 1 : mount->destination;
		/* Runtimes take a relative destination as one below the root. */
		vb_auto_free char *absolute = vb_str_format("/%s", destination);
		vb_auto_free char *clean = NULL;
		if (!found && equal_mount(mount, planned)) {
			found = true;
			continue;
		}
		if (absolute == NULL || vb_path_clean(absolute, &clean) < 0)
			return vb_error_set(err, ENOMEM, "compare mounts");
		if (strcmp(clean, planned->destination) == 0)
			return vb_error_say(err, ENOENT, "another plugin changes the mount at %s",
				planned->destination);
	}
	if (!found)
		return vb_error_say(
			err, ENOENT, "the mount at %s is missing", planned->destination);
	return 0;
}

int vb_render_verify(const struct vb_nri_adjustment *final, const struct vb_plan *plan,
	const char *plan_digest, struct vb_error *err)
{
	if (!holds_pair(&final->annotations, VB_PLAN_DIGEST_ANNOTATION,
		    strlen(VB_PLAN_DIGEST_ANNOTATION), plan_digest))
		return vb_error_say(err, ENOENT, "the annotation %s is missing or another one",
			VB_PLAN_DIGEST_ANNOTATION);
	for (size_t i = 0; i < plan->env.count; i++) {
		const char *variable = plan->env.items[i];
		size_t key_length = strcspn(variable, "=");
		const char *value = variable[key_length] == '=' ? variable + key_length + 1 : "";
		if (!holds_pair(&final->env, variable, key_length, value))
			return vb_error_say(err, ENOENT,
				"the variable %.*s is missing or has another value",
				(int)key_length, variable);
	}
	for (size_t i = 0; i < plan->mounts.count; i++) {
		int r = verify_mount(&final->mounts, &plan->mounts.items[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}
