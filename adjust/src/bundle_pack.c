/* SPDX-License-Identifier: Apache-2.0 */
#include "bundle_pack.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

enum {
	LISTS = 3,
	/* What malloc(3) adds to each piece, and rounds it up by on average. */
	PIECE_OVERHEAD = 16,
	/* Level 6 takes twice as long for a twentieth less. */
	DEFLATE_LEVEL = 3,
};

static const struct vb_strv *view_list(const struct vb_bundle *bundle, size_t list)
{
	const struct vb_plan_preload *preload = &bundle->preload_settings;
	const struct vb_allowlist *const lists[LISTS] = {
		&preload->dlopen, &preload->exec, &preload->connect};

	return &lists[list]->entries;
}

static struct vb_strv *list_of(struct vb_bundle *bundle, size_t list)
{
	/* The bundle itself is not const. */
	return (struct vb_strv *)(uintptr_t)view_list(bundle, list);
}

void vb_bundle_pack_finish(struct vb_bundle_pack *pack)
{
	free(pack->data);
}

/* All entries of all lists, each with its NUL. */
static char *join(const struct vb_bundle *bundle, size_t size)
{
	char *text = malloc(size);
	char *at = text;

	if (text == NULL)
		return NULL;
	for (size_t list = 0; list < LISTS; list++)
		for (size_t i = 0; i < view_list(bundle, list)->count; i++) {
			const char *entry = view_list(bundle, list)->items[i];
			size_t entry_size = strlen(entry) + 1;
			memcpy(at, entry, entry_size);
			at += entry_size;
		}
	return text;
}

int vb_bundle_pack(const struct vb_bundle *bundle, struct vb_bundle_pack *ret_pack)
{
	struct vb_bundle_pack pack = {0};

	for (size_t list = 0; list < LISTS; list++) {
		pack.counts[list] = view_list(bundle, list)->count;
		for (size_t i = 0; i < pack.counts[list]; i++)
			pack.text_size += strlen(view_list(bundle, list)->items[i]) + 1;
	}
	if (pack.text_size == 0) {
		*ret_pack = pack;
		return 0;
	}
	vb_auto_free char *text = join(bundle, pack.text_size);
	uLongf size = compressBound(pack.text_size);
	vb_auto_free unsigned char *data = malloc(size);
	if (text == NULL || data == NULL ||
		compress2(data, &size, (const Bytef *)text, pack.text_size, DEFLATE_LEVEL) != Z_OK)
		return -ENOMEM;
	unsigned char *fitting = realloc(data, size);
	if (fitting == NULL)
		return -ENOMEM;
	data = NULL;
	pack.data = fitting;
	pack.size = size;
	*ret_pack = pack;
	return 0;
}

void vb_bundle_fold(struct vb_bundle *bundle)
{
	for (size_t list = 0; list < LISTS; list++)
		vb_strv_finish(list_of(bundle, list));
}

static int split(const char *text, size_t count, struct vb_strv *list, const char **ret_rest)
{
	/* Room for all of them at once. */
	list->items = calloc(count + 1, sizeof(*list->items));
	if (list->items == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		list->items[i] = strdup(text);
		if (list->items[i] == NULL)
			return -ENOMEM;
		list->count++;
		text += strlen(text) + 1;
	}
	*ret_rest = text;
	return 0;
}

int vb_bundle_unfold(struct vb_bundle *bundle, const struct vb_bundle_pack *pack)
{
	vb_auto_free char *text = malloc(pack->text_size + 1);
	uLongf size = pack->text_size;
	const char *rest = text;

	if (pack->data == NULL)
		return 0;
	/* What we packed ourselves unpacks, when there is memory. */
	if (text == NULL || uncompress((Bytef *)text, &size, pack->data, pack->size) != Z_OK)
		return -ENOMEM;
	text[pack->text_size] = '\0';
	for (size_t list = 0; list < LISTS; list++) {
		int r = split(rest, pack->counts[list], list_of(bundle, list), &rest);
		if (r < 0) {
			vb_bundle_fold(bundle);
			return r;
		}
	}
	return 0;
}

static size_t strv_bytes(const struct vb_strv *strv)
{
	size_t bytes = strv->count * (sizeof(char *) + PIECE_OVERHEAD);

	for (size_t i = 0; i < strv->count; i++)
		bytes += strlen(strv->items[i]);
	return bytes;
}

size_t vb_bundle_lists_bytes(const struct vb_bundle *bundle)
{
	size_t bytes = 0;

	for (size_t list = 0; list < LISTS; list++)
		bytes += strv_bytes(view_list(bundle, list));
	return bytes;
}

size_t vb_bundle_rest_bytes(const struct vb_bundle *bundle)
{
	size_t bytes = sizeof(*bundle) + strlen(bundle->name) + strlen(bundle->version) +
		       strv_bytes(&bundle->warnings);

	for (size_t i = 0; i < bundle->tmpfs.count; i++)
		bytes += sizeof(bundle->tmpfs.items[i]) + PIECE_OVERHEAD +
			 strlen(bundle->tmpfs.items[i].path);
	for (size_t i = 0; i < bundle->profiles.count; i++)
		bytes += sizeof(bundle->profiles.items[i]) + PIECE_OVERHEAD +
			 strlen(bundle->profiles.items[i].name);
	return bytes + bundle->rlimits.count * (sizeof(bundle->rlimits.items[0]) + PIECE_OVERHEAD);
}
