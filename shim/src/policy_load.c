/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/shim/policy_load.h"

#include <linux/errno.h>
#include <string.h>

/* How much longer than the entry its canonical path is guessed to be. */
enum { GROWTH_BYTES = 64 };

static const char *last_component(const char *path)
{
	const char *last = path;

	for (; *path != '\0'; path++) {
		if (*path == '/')
			last = path + 1;
	}
	return last;
}

size_t vb_shim_libraries_space(const struct vb_shim_paths *list)
{
	size_t slots = vb_shim_list_slots(list->count);
	size_t bytes = 2 * vb_shim_arena_space(slots * sizeof(uint32_t)) + VB_SHIM_ARENA_ALIGN;
	const char *entry = list->strings + 1;

	for (uint32_t i = 0; i < list->count; i++) {
		bytes += strlen(entry) + GROWTH_BYTES;
		entry += strlen(entry) + 1;
	}
	return bytes;
}

static uint32_t find_file(
	const struct vb_shim_libraries *libraries, const char *strings, const char *path)
{
	uint32_t slot = vb_shim_paths_hash(path) & libraries->slot_mask;

	while (libraries->files[slot] != 0 && strcmp(strings + libraries->files[slot], path) != 0)
		slot = (slot + 1) & libraries->slot_mask;
	return slot;
}

/* Entries of one name keep their order: each goes behind the ones that came before. */
static void add_name(const struct vb_shim_libraries *libraries, uint32_t *names, uint32_t entry)
{
	const char *name = last_component(libraries->list->strings + entry);
	uint32_t slot = vb_shim_paths_hash(name) & libraries->slot_mask;

	while (names[slot] != 0)
		slot = (slot + 1) & libraries->slot_mask;
	names[slot] = entry;
}

int vb_shim_libraries_build(struct vb_shim_libraries *libraries, const struct vb_shim_paths *list,
	vb_shim_canonical_fn canonical, void *data, struct vb_shim_arena *arena)
{
	uint32_t slot_count = vb_shim_list_slots(list->count);
	uint32_t *files = vb_shim_arena_take(arena, slot_count * sizeof(*files));
	uint32_t *names = vb_shim_arena_take(arena, slot_count * sizeof(*names));
	char *strings = (char *)arena->next;
	uint32_t used = 1;
	uint32_t entry = 1;

	if (files == NULL || names == NULL)
		return -ENOMEM;
	memset(files, 0, slot_count * sizeof(*files));
	memset(names, 0, slot_count * sizeof(*names));
	*libraries = (struct vb_shim_libraries){.strings = strings,
		.files = files,
		.names = names,
		.list = list,
		.slot_mask = slot_count - 1};
	for (uint32_t i = 0; i < list->count; i++) {
		const char *path = list->strings + entry;
		const char *file = canonical(data, path);
		size_t bytes;

		file = file != NULL ? file : path;
		bytes = strlen(file) + 1;
		if (bytes >= arena->left_bytes || used >= arena->left_bytes - bytes)
			return -ENOMEM;
		memcpy(strings + used, file, bytes);
		files[find_file(libraries, strings, strings + used)] = used;
		add_name(libraries, names, entry);
		used += (uint32_t)bytes;
		entry += (uint32_t)strlen(path) + 1;
	}
	return 0;
}

bool vb_shim_libraries_match(const struct vb_shim_libraries *libraries, const char *canonical)
{
	return libraries->files[find_file(libraries, libraries->strings, canonical)] != 0;
}

const char *vb_shim_libraries_named(
	const struct vb_shim_libraries *libraries, const char *name, uint32_t *position)
{
	uint32_t start = vb_shim_paths_hash(name) & libraries->slot_mask;

	for (;;) {
		uint32_t entry = libraries->names[(start + *position) & libraries->slot_mask];
		const char *path = libraries->list->strings + entry;

		if (entry == 0)
			return NULL;
		++*position;
		if (strcmp(last_component(path), name) == 0)
			return path;
	}
}
