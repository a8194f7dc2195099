/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_SHIM_POLICY_PATH_H
#define VB_SHIM_POLICY_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vb/shim/arena.h"
#include "vb/shim/list.h"

/* A list of paths: parsed once into a hash set that lives in an arena, then only read. */
struct vb_shim_paths {
	/* The paths, each NUL-terminated, behind each other; offset 0 is never one. */
	const char *strings;
	/* Open addressing; 0 is empty, otherwise an offset into strings. */
	const uint32_t *slots;
	uint32_t slot_mask;
	uint32_t count;
};

/* A directory that is a symlink into /usr on this system ("/bin" and "/usr/bin"). */
struct vb_shim_alias {
	char from[8];
	char to[24];
};

enum { VB_SHIM_ALIAS_MAX = 4, VB_SHIM_PATH_MAX = 4096 };

struct vb_shim_aliases {
	struct vb_shim_alias alias[VB_SHIM_ALIAS_MAX];
	size_t count;
};

/*
 * Adds the alias that a symlink `from` with the target `target` makes; a target outside /usr, or
 * too long, makes none. The target is not NUL-terminated (readlink).
 */
void vb_shim_aliases_add(
	struct vb_shim_aliases *aliases, const char *from, const char *target, size_t target_bytes);

/* Arena room that vb_shim_paths_build needs for this list. */
size_t vb_shim_paths_space(const char *list);

/*
 * Parses a colon-separated list of absolute paths. The directory part is normalised ("//", "/./"
 * and the aliases), the last component is kept as it is. Malformed entries (relative, with "..",
 * without a last component, too long) are skipped and reported in review, empty ones silently
 * skipped; the single token "none" is the empty list. review points into `list`.
 * -ENOMEM: the arena has less than vb_shim_paths_space(list) left.
 */
int vb_shim_paths_build(struct vb_shim_paths *paths, const char *list,
	const struct vb_shim_aliases *aliases, struct vb_shim_arena *arena,
	struct vb_shim_review *review);

/* The hash of a path or a name that the sets of the shim are built on. */
uint32_t vb_shim_paths_hash(const char *path);

/* Is this canonical path in the list? */
bool vb_shim_paths_match(const struct vb_shim_paths *paths, const char *path);

#endif
