/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_SRC_PROFILE_CELL_H
#define VB_ADJUST_SRC_PROFILE_CELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profile_model.h"

/*
 * Sets of values of one argument. A cell is an interval, or, where conditions look at single bits,
 * a cube: the values that agree with `value` in the bits of `mask`.
 */

enum vb_cell_kind {
	VB_CELL_INTERVAL, /* low to high, both included */
	VB_CELL_CUBE,     /* low is the value, high the mask */
	VB_CELL_EXCEPT,   /* all but low; only in what is about to be written */
};

struct vb_cell {
	enum vb_cell_kind kind;
	uint64_t low;
	uint64_t high;
};

enum vb_truth { VB_NEVER, VB_SOMETIMES, VB_ALWAYS };

/* Whether one value fulfils both. */
bool vb_conditions_meet(const struct vb_condition *a, const struct vb_condition *b);

/* Whether the condition is about an interval of values (its mask is a prefix), or its complement.
 */
bool vb_condition_is_interval(const struct vb_condition *condition);

/* For which of the cell's values the condition holds. */
enum vb_truth vb_condition_on_cell(
	const struct vb_condition *condition, const struct vb_cell *cell);

/*
 * Splits a cell for which the condition holds sometimes. Repeated, this leads to cells for which
 * it holds always or never.
 */
void vb_cell_split(const struct vb_condition *condition, const struct vb_cell *cell,
	struct vb_cell *ret_a, struct vb_cell *ret_b);

/* Whether a and b together are one cell, and which. */
bool vb_cell_join(const struct vb_cell *a, const struct vb_cell *b, struct vb_cell *ret_joined);

enum { VB_CELL_CONDITIONS_MAX = 128 };

/*
 * Writes a cell that leaves something out as alternative conditions on argument index and returns
 * how many. With cubes, an interval becomes masked comparisons only.
 */
size_t vb_cell_conditions(const struct vb_cell *cell, unsigned int index, bool cubes,
	struct vb_condition conditions[VB_CELL_CONDITIONS_MAX]);

/* Whether every value is in the cell. */
bool vb_cell_is_all(const struct vb_cell *cell);

#endif
