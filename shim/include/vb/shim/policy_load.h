/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_SHIM_POLICY_LOAD_H
#define VB_SHIM_POLICY_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vb/shim/arena.h"
#include "vb/shim/policy_path.h"

/*
 * The dlopen list as it is asked: by the canonical path of a file, and by the bare name of a
 * library. Built once from the parsed list, then only read.
 */
struct vb_shim_libraries {
	/* What the entries lead to, each NUL-terminated, behind each other; offset 0 is none. */
	const char *strings;
	/* Open addressing; 0 is empty, otherwise an offset into strings. */
	const uint32_t *files;
	/* The same by last component: offsets into the strings of the list. */
	const uint32_t *names;
	const struct vb_shim_paths *list;
	uint32_t slot_mask;
};

/*
 * The canonical path of the entry; NULL when it leads nowhere. The result stays until the next
 * call.
 */
typedef const char *(*vb_shim_canonical_fn)(void *data, const char *entry);

/*
 * An entry that leads nowhere stands for itself, so that a file that is made later at that path is
 * in the list. `list` must stay. -ENOMEM: the arena is too small; how much is needed depends on
 * where the entries lead, so start from vb_shim_libraries_space and double.
 */
int vb_shim_libraries_build(struct vb_shim_libraries *libraries, const struct vb_shim_paths *list,
	vb_shim_canonical_fn canonical, void *data, struct vb_shim_arena *arena);

/* Arena room to start with. */
size_t vb_shim_libraries_space(const struct vb_shim_paths *list);

/* Does an entry lead to this canonical path? */
bool vb_shim_libraries_match(const struct vb_shim_libraries *libraries, const char *canonical);

/*
 * The entries whose last component is this name, in the order of the list: start with *position 0;
 * NULL at the end.
 */
const char *vb_shim_libraries_named(
	const struct vb_shim_libraries *libraries, const char *name, uint32_t *position);

#endif
