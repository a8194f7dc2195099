/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_SRC_PROFILE_PARTITION_H
#define VB_ADJUST_SRC_PROFILE_PARTITION_H

#include "profile_cell.h"
#include "profile_model.h"

/*
 * The arguments of one system call, divided into boxes in each of which two sets of rules give one
 * combined action.
 */

/* One cell for each argument. */
struct vb_box {
	struct vb_cell cells[VB_PROFILE_ARGS];
	uint32_t action;
};

struct vb_partition {
	struct vb_box *boxes;
	size_t count;
	size_t capacity;
};

void vb_partition_finish(struct vb_partition *partition);
#define vb_auto_partition vb_auto(vb_partition_finish)

/*
 * Disjoint boxes that cover every call whose stricter action is not default_action; equally
 * strict: base's. -E2BIG when that takes more boxes than any profile is worth, -ENOMEM.
 */
int vb_partition_make(struct vb_partition *partition, const struct vb_rules *base,
	const struct vb_rules *tighter, uint32_t default_action) VB_WARN_UNUSED;

#endif
