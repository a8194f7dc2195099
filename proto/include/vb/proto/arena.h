/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PROTO_ARENA_H
#define VB_PROTO_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "vb/base/cleanup.h"

/*
 * Memory for what was decoded from one message, with a hard budget. A few bytes of protobuf can
 * ask for hundreds of bytes of structs; past the budget an allocation fails instead.
 *
 * Everything in an arena lives until vb_arena_reset() or vb_arena_destroy(). Make one per
 * connection and reset it after every message.
 */

/* Enough for any message that a runtime may send (VB_TTRPC_INCOMING_MAX) once decoded. */
enum { VB_ARENA_DEFAULT_BYTES = 32 * 1024 * 1024 };

struct vb_arena;

/* max_bytes caps what is handed out between two resets. NULL when out of memory. */
struct vb_arena *vb_arena_create(size_t max_bytes) VB_WARN_UNUSED;
void vb_arena_destroy(struct vb_arena *arena);

static inline void vb_cleanup_arena(struct vb_arena *const *arena)
{
	vb_arena_destroy(*arena);
}
#define vb_auto_arena vb_auto(vb_cleanup_arena)

/* Invalidates all that was handed out. One small block is kept, the rest goes back to malloc(). */
void vb_arena_reset(struct vb_arena *arena);

/* Not zeroed, aligned for any object. NULL when out of memory or over the budget. */
void *vb_arena_alloc(struct vb_arena *arena, size_t size) VB_WARN_UNUSED;

/* Bytes counted against the budget since the last reset. */
size_t vb_arena_used(const struct vb_arena *arena);

/* Whether an allocation since the last reset was refused because of the budget. */
bool vb_arena_is_exhausted(const struct vb_arena *arena);

#endif
