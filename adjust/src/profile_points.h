/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_SRC_PROFILE_POINTS_H
#define VB_ADJUST_SRC_PROFILE_POINTS_H

#include "profile_model.h"
#include "vb/base/cleanup.h"

/*
 * The calls at which a filter's conditions can go wrong: for every argument the values around each
 * comparison and each bit of each mask, and their combinations; then, because a filter looks at 32
 * bits at a time and may look at the wrong ones, values made up of any two halves. Always the same
 * points for the same conditions.
 */

enum { VB_AXIS_MAX = 1024 };

/* Values of one argument. */
struct vb_axis {
	uint64_t values[VB_AXIS_MAX];
	size_t count;
	bool full; /* all values differ: sorting again would make no room */
};

struct vb_points {
	struct vb_axis edges[VB_PROFILE_ARGS];    /* around the comparisons */
	struct vb_axis mixtures[VB_PROFILE_ARGS]; /* of halves */
	struct vb_axis derived[VB_PROFILE_ARGS];  /* edges of derived rules */
	struct vb_axis halves;                    /* of all arguments */
	/* Calls that fulfil one rule each. */
	uint64_t (*anchors)[VB_PROFILE_ARGS];
	size_t anchor_count;
	size_t anchor_capacity;
	bool narrow;
};

typedef int vb_points_visit(void *context, const uint64_t args[VB_PROFILE_ARGS]);

/* narrow: only 32-bit values. NULL when out of memory. */
struct vb_points *vb_points_create(bool narrow);
void vb_points_destroy(struct vb_points *points);

static inline void vb_cleanup_points(struct vb_points *const *points)
{
	vb_points_destroy(*points);
}
#define vb_auto_points vb_auto(vb_cleanup_points)

/*
 * Adds what the conditions of these rules look at. derived: the rules were computed from others
 * that are added too, so their edges are not combined with each other. -ENOMEM.
 */
int vb_points_add(
	struct vb_points *points, const struct vb_rules *rules, bool derived) VB_WARN_UNUSED;

void vb_points_add_value(struct vb_points *points, unsigned int index, uint64_t value);

/*
 * Calls visit for every point until it returns other than 0, and returns that. Combinations are
 * complete up to some thousands, else a fixed selection.
 */
int vb_points_walk(struct vb_points *points, vb_points_visit *visit, void *context);

#endif
