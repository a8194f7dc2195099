/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_LEVELS_H
#define VB_PLUGIN_NRI_LEVELS_H

#include <stddef.h>

#include "vb/adjust/outcome.h"
#include "vb/base/cleanup.h"

/* The level of each container that runs, by its last outcome. No I/O. */
struct vb_levels;

/* NULL when out of memory. */
struct vb_levels *vb_levels_create(void) VB_WARN_UNUSED;
void vb_levels_destroy(struct vb_levels *levels);

/* Copies the id. Out of memory, the container is not counted. */
void vb_levels_set(struct vb_levels *levels, const char *container_id, enum vb_level level);

/* The container has ended; others are not of interest. */
void vb_levels_forget(struct vb_levels *levels, const char *container_id);
/* Nothing is known any more of what runs. */
void vb_levels_clear(struct vb_levels *levels);

size_t vb_levels_count(const struct vb_levels *levels, enum vb_level level);

#endif
