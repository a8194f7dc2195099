/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/plan.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "vb/adjust/values.h"

static const char *const layer_names[VB_LAYER_COUNT] = {
	[VB_LAYER_SECCOMP] = "seccomp",
	[VB_LAYER_SPEC_ALLOW] = "spec_allow",
	[VB_LAYER_CAPABILITIES] = "capabilities",
	[VB_LAYER_READ_ONLY_ROOTFS] = "read_only_rootfs",
	[VB_LAYER_TMPFS] = "tmpfs",
	[VB_LAYER_NO_NEW_PRIVILEGES] = "no_new_privileges",
	[VB_LAYER_RLIMITS] = "rlimits",
	[VB_LAYER_PRELOAD] = "preload",
};

const char *vb_layer_name(enum vb_layer layer)
{
	return layer_names[layer];
}

int vb_tmpfs_list_add(struct vb_tmpfs_list *list, const struct vb_tmpfs *tmpfs)
{
	struct vb_tmpfs *items = reallocarray(list->items, list->count + 1, sizeof(*items));

	if (items == NULL)
		return -ENOMEM;
	list->items = items;
	items[list->count] = *tmpfs;
	items[list->count].path = strdup(tmpfs->path);
	if (items[list->count].path == NULL)
		return -ENOMEM;
	list->count++;
	return 0;
}

void vb_tmpfs_list_finish(struct vb_tmpfs_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].path);
	free(list->items);
	*list = (struct vb_tmpfs_list){0};
}

int vb_rlimit_list_add(struct vb_rlimit_list *list, const struct vb_rlimit *rlimit)
{
	struct vb_rlimit *items = reallocarray(list->items, list->count + 1, sizeof(*items));

	if (items == NULL)
		return -ENOMEM;
	list->items = items;
	items[list->count] = *rlimit;
	items[list->count].type = strdup(rlimit->type);
	if (items[list->count].type == NULL)
		return -ENOMEM;
	list->count++;
	return 0;
}

void vb_rlimit_list_finish(struct vb_rlimit_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].type);
	free(list->items);
	*list = (struct vb_rlimit_list){0};
}

void vb_plan_preload_finish(struct vb_plan_preload *preload)
{
	vb_allowlist_finish(&preload->dlopen);
	vb_allowlist_finish(&preload->exec);
	vb_allowlist_finish(&preload->connect);
}

int vb_plan_profiles_add(
	struct vb_plan_profiles *profiles, unsigned int sources, const char *name, const char *text)
{
	for (size_t i = 0; i < profiles->count; i++) {
		struct vb_plan_profile *known = &profiles->items[i];
		if (strcmp(known->name, name) != 0 || strcmp(known->text, text) != 0)
			continue;
		known->sources |= sources;
		return 0;
	}
	struct vb_plan_profile *items =
		reallocarray(profiles->items, profiles->count + 1, sizeof(*items));
	if (items == NULL)
		return -ENOMEM;
	profiles->items = items;
	/* Counted before it is complete, so that finish frees what was allocated of it. */
	struct vb_plan_profile *profile = &items[profiles->count++];
	*profile = (struct vb_plan_profile){
		.name = strdup(name), .sources = sources, .text = strdup(text)};
	vb_digest(text, strlen(text), profile->digest);
	return profile->name != NULL && profile->text != NULL ? 0 : -ENOMEM;
}

static void finish_profiles(struct vb_plan_profiles *profiles)
{
	for (size_t i = 0; i < profiles->count; i++) {
		free(profiles->items[i].name);
		free(profiles->items[i].text);
	}
	free(profiles->items);
}

struct vb_plan_mount *vb_plan_mounts_add(struct vb_plan_mounts *mounts, const char *destination,
	const char *type, const char *source)
{
	struct vb_plan_mount *items =
		reallocarray(mounts->items, mounts->count + 1, sizeof(*items));

	if (items == NULL)
		return NULL;
	mounts->items = items;
	/* Counted before it is complete, so that finish frees what was allocated of it. */
	struct vb_plan_mount *mount = &items[mounts->count++];
	*mount = (struct vb_plan_mount){
		.destination = strdup(destination), .type = strdup(type), .source = strdup(source)};
	return mount->destination != NULL && mount->type != NULL && mount->source != NULL ? mount
											  : NULL;
}

static void finish_mounts(struct vb_plan_mounts *mounts)
{
	for (size_t i = 0; i < mounts->count; i++) {
		struct vb_plan_mount *mount = &mounts->items[i];
		free(mount->destination);
		free(mount->type);
		free(mount->source);
		vb_strv_finish(&mount->options);
	}
	free(mounts->items);
}

struct vb_plan *vb_plan_create(void)
{
	return calloc(1, sizeof(struct vb_plan));
}

void vb_plan_destroy(struct vb_plan *plan)
{
	if (plan == NULL)
		return;
	free(plan->namespace_name);
	free(plan->pod);
	free(plan->container);
	free(plan->handler);
	free(plan->bundle_name);
	free(plan->bundle_version);
	free(plan->bundle_digest);
	free(plan->floor_name);
	free(plan->floor_version);
	free(plan->floor_digest);
	free(plan->opt_out_reason);
	finish_profiles(&plan->seccomp.profiles);
	vb_tmpfs_list_finish(&plan->tmpfs);
	vb_rlimit_list_finish(&plan->rlimits);
	vb_plan_preload_finish(&plan->preload);
	vb_strv_finish(&plan->env);
	finish_mounts(&plan->mounts);
	free(plan);
}

void vb_digest(const void *data, size_t size, char ret_digest[VB_DIGEST_SIZE])
{
	static const char prefix[] = "sha256:";
	unsigned char hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, data, size);
	memcpy(ret_digest, prefix, sizeof(prefix));
	sodium_bin2hex(ret_digest + sizeof(prefix) - 1, VB_DIGEST_SIZE - (sizeof(prefix) - 1), hash,
		sizeof(hash));
}

bool vb_digest_is_valid(const char *text)
{
	const char *hex = vb_str_after(text, "sha256:");

	return hex != NULL && strlen(hex) == 64 && strspn(hex, "0123456789abcdef") == 64;
}
