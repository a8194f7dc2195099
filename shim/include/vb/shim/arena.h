/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_SHIM_ARENA_H
#define VB_SHIM_ARENA_H

#include <stddef.h>

/*
 * Memory that is filled once, front to back, and never given back piecewise. The owner of the
 * memory makes it read-only when the policy is complete.
 */
struct vb_shim_arena {
	unsigned char *next;
	size_t left_bytes;
};

enum { VB_SHIM_ARENA_ALIGN = 16 };

/* Room that one take of `bytes` may use up, for adding up the size of an arena. */
static inline size_t vb_shim_arena_space(size_t bytes)
{
	return (bytes + VB_SHIM_ARENA_ALIGN - 1) & ~(size_t)(VB_SHIM_ARENA_ALIGN - 1);
}

/* `bytes` aligned to 16 (when the arena itself is), or NULL when the arena has not enough left. */
static inline void *vb_shim_arena_take(struct vb_shim_arena *arena, size_t bytes)
{
	size_t space = vb_shim_arena_space(bytes);
	void *taken = arena->next;

	if (space < bytes || space > arena->left_bytes)
		return NULL;
	arena->next += space;
	arena->left_bytes -= space;
	return taken;
}

#endif
