/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/shim/policy_path.h"

#include <linux/errno.h>
#include <string.h>

static const char usr[] = "/usr/";

void vb_shim_aliases_add(
	struct vb_shim_aliases *aliases, const char *from, const char *target, size_t target_bytes)
{
	struct vb_shim_alias *alias = &aliases->alias[aliases->count];
	size_t lead = target_bytes > 0 && target[0] == '/' ? 0 : 1;
	size_t from_bytes = strlen(from);

	if (aliases->count == VB_SHIM_ALIAS_MAX || from_bytes >= sizeof(alias->from) ||
		target_bytes + lead >= sizeof(alias->to))
		return;
	memset(alias, 0, sizeof(*alias));
	memcpy(alias->from, from, from_bytes);
	alias->to[0] = '/';
	memcpy(alias->to + lead, target, target_bytes);
	if (memcmp(alias->to, usr, sizeof(usr) - 1) != 0)
		return;
	/* One component below /usr: anything else is no merged layout that we know. */
	for (const char *at = alias->to + sizeof(usr) - 1; *at != '\0'; at++) {
		if (*at == '/' || *at == '.')
			return;
	}
	aliases->count++;
}

/* Per entry: its text, what an alias adds in front at most, and the NUL. */
static size_t string_space(const char *list, size_t entries)
{
	size_t per_entry = sizeof(((struct vb_shim_alias *)0)->to) + 1;

	return 1 + strlen(list) + entries * per_entry;
}

size_t vb_shim_paths_space(const char *list)
{
	size_t entries = vb_shim_list_count(list, ':');

	return vb_shim_arena_space(string_space(list, entries)) +
	       vb_shim_arena_space(vb_shim_list_slots(entries) * sizeof(uint32_t));
}

/* Eight bytes at a time: the paths of one image begin alike and are long. */
uint32_t vb_shim_paths_hash(const char *path)
{
	size_t bytes = strlen(path);
	uint64_t hash = bytes;
	uint64_t word = 0;

	for (; bytes >= sizeof(word); path += sizeof(word), bytes -= sizeof(word)) {
		__builtin_memcpy(&word, path, sizeof(word));
		hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 32;
	}
	word = 0;
	for (size_t i = 0; i < bytes; i++)
		word = word << 8 | (unsigned char)path[i];
	hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(hash >> 32);
}

static uint32_t find_slot(const struct vb_shim_paths *paths, const char *path)
{
	uint32_t slot = vb_shim_paths_hash(path) & paths->slot_mask;

	while (paths->slots[slot] != 0) {
		if (strcmp(paths->strings + paths->slots[slot], path) == 0)
			break;
		slot = (slot + 1) & paths->slot_mask;
	}
	return slot;
}

static const struct vb_shim_alias *find_alias(
	const struct vb_shim_aliases *aliases, const char *path, size_t bytes)
{
	for (size_t i = 0; i < aliases->count; i++) {
		const struct vb_shim_alias *alias = &aliases->alias[i];
		size_t from_bytes = strlen(alias->from);

		if (bytes > from_bytes && memcmp(path, alias->from, from_bytes) == 0 &&
			path[from_bytes] == '/')
			return alias;
	}
	return NULL;
}

/* Lexical: drops empty and "." components. False for "..", and when the last one is dropped. */
static bool clean(const char *entry, size_t bytes, char *out, size_t *ret_bytes)
{
	const char *end = entry + bytes;
	size_t written = 0;
	bool last_kept = false;

	while (entry < end) {
		const char *start = ++entry;
		size_t length;

		while (entry < end && *entry != '/')
			entry++;
		length = (size_t)(entry - start);
		last_kept = length > 0 && !(length == 1 && start[0] == '.');
		if (length == 2 && start[0] == '.' && start[1] == '.')
			return false;
		if (!last_kept)
			continue;
		out[written++] = '/';
		memcpy(out + written, start, length);
		written += length;
	}
	*ret_bytes = written;
	return last_kept;
}

/* Writes the entry as it will be matched, NUL-terminated. out has room as string_space counts it.
 */
static int normalise(const char *entry, size_t bytes, const struct vb_shim_aliases *aliases,
	char *out, size_t *ret_bytes)
{
	const struct vb_shim_alias *alias;
	size_t written;

	if (entry[0] != '/' || !clean(entry, bytes, out, &written))
		return -EINVAL;
	alias = find_alias(aliases, out, written);
	if (alias != NULL) {
		size_t from_bytes = strlen(alias->from);
		size_t to_bytes = strlen(alias->to);

		memmove(out + to_bytes, out + from_bytes, written - from_bytes);
		memcpy(out, alias->to, to_bytes);
		written += to_bytes - from_bytes;
	}
	if (written >= VB_SHIM_PATH_MAX)
		return -EINVAL;
	out[written] = '\0';
	*ret_bytes = written;
	return 0;
}

int vb_shim_paths_build(struct vb_shim_paths *paths, const char *list,
	const struct vb_shim_aliases *aliases, struct vb_shim_arena *arena,
	struct vb_shim_review *review)
{
	size_t entries = vb_shim_list_count(list, ':');
	uint32_t slot_count = vb_shim_list_slots(entries);
	char *strings = vb_shim_arena_take(arena, string_space(list, entries));
	uint32_t *slots = vb_shim_arena_take(arena, slot_count * sizeof(*slots));
	const char *position = vb_shim_list_is_none(list) ? NULL : list;
	const char *entry;
	size_t bytes;
	uint32_t used = 1;

	if (strings == NULL || slots == NULL)
		return -ENOMEM;
	strings[0] = '\0';
	memset(slots, 0, slot_count * sizeof(*slots));
	*paths = (struct vb_shim_paths){
		.strings = strings, .slots = slots, .slot_mask = slot_count - 1};
	while (vb_shim_list_next(&position, ':', &entry, &bytes)) {
		size_t written;
		uint32_t slot;

		if (bytes == 0)
			continue;
		if (normalise(entry, bytes, aliases, strings + used, &written) < 0) {
			vb_shim_review_reject(review, entry, bytes);
			continue;
		}
		vb_shim_review_accept(review, ':', entry, bytes);
		slot = find_slot(paths, strings + used);
		if (slots[slot] != 0)
			continue;
		slots[slot] = used;
		used += (uint32_t)written + 1;
		paths->count++;
	}
	vb_shim_review_finish(review);
	return 0;
}

bool vb_shim_paths_match(const struct vb_shim_paths *paths, const char *path)
{
	return paths->count > 0 && paths->slots[find_slot(paths, path)] != 0;
}
