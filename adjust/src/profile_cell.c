/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_cell.h"

/* low to high, or, inverted, everything else. Empty when low > high. */
struct range {
	uint64_t low;
	uint64_t high;
	bool inverted;
};

/* Of a condition whose mask is a prefix. */
static struct range range_of(const struct vb_condition *condition)
{
	uint64_t value = condition->value;
	struct range empty = {1, 0, false};

	switch (condition->op) {
	case SCMP_CMP_LT:
		return value > 0 ? (struct range){0, value - 1, false} : empty;
	case SCMP_CMP_LE:
		return (struct range){0, value, false};
	case SCMP_CMP_GE:
		return (struct range){value, UINT64_MAX, false};
	case SCMP_CMP_GT:
		return value < UINT64_MAX ? (struct range){value + 1, UINT64_MAX, false} : empty;
	case SCMP_CMP_NE:
		return (struct range){value, value, true};
	case SCMP_CMP_EQ:
	case SCMP_CMP_MASKED_EQ:
		return (struct range){value, value | ~condition->mask, false};
	case _SCMP_CMP_MIN:
	case _SCMP_CMP_MAX:
	default:
		return empty;
	}
}

bool vb_condition_is_interval(const struct vb_condition *condition)
{
	uint64_t free_bits = ~condition->mask;

	return (free_bits & (free_bits + 1)) == 0;
}

/* Whether some value between low and high agrees with value in the bits of mask. */
static bool cube_reaches(uint64_t value, uint64_t mask, uint64_t low, uint64_t high)
{
	uint64_t best = value;

	if (low > high)
		return false;
	/* The smallest member that is at least low: follow low from the top bit down. */
	if (best < low) {
		uint64_t candidate = 0;
		bool found = false;
		for (int bit = 63; bit >= 0; bit--) {
			uint64_t one = UINT64_C(1) << bit;
			uint64_t above = ~(one | (one - 1));
			/* Members that agree with low above this bit and exceed it here. */
			bool agrees = ((low ^ value) & mask & above) == 0;
			bool can_set = (mask & one) == 0 || (value & one) != 0;
			if ((low & one) == 0 && agrees && can_set) {
				candidate = (low & above) | one | (value & (one - 1));
				found = true;
			}
		}
		if (((low ^ value) & mask) == 0) {
			candidate = low;
			found = true;
		}
		if (!found)
			return false;
		best = candidate;
	}
	return best <= high;
}

static bool cube_meets_range(uint64_t value, uint64_t mask, const struct range *range)
{
	if (!range->inverted)
		return cube_reaches(value, mask, range->low, range->high);
	return (range->low > 0 && cube_reaches(value, mask, 0, range->low - 1)) ||
	       (range->high < UINT64_MAX && cube_reaches(value, mask, range->high + 1, UINT64_MAX));
}

static bool ranges_meet(const struct range *a, const struct range *b)
{
	if (a->low > a->high || b->low > b->high)
		return false;
	if (a->inverted && b->inverted)
		return true; /* each leaves out one value */
	if (a->inverted)
		return b->low < a->low || b->high > a->high;
	if (b->inverted)
		return a->low < b->low || a->high > b->high;
	return a->low <= b->high && b->low <= a->high;
}

bool vb_conditions_meet(const struct vb_condition *a, const struct vb_condition *b)
{
	bool a_is_cube = a->op == SCMP_CMP_MASKED_EQ;
	bool b_is_cube = b->op == SCMP_CMP_MASKED_EQ;
	struct range range;

	if (a_is_cube && b_is_cube)
		return ((a->value ^ b->value) & a->mask & b->mask) == 0;
	if (a_is_cube) {
		range = range_of(b);
		return cube_meets_range(a->value, a->mask, &range);
	}
	range = range_of(a);
	if (b_is_cube)
		return cube_meets_range(b->value, b->mask, &range);
	struct range other = range_of(b);
	return ranges_meet(&range, &other);
}

static enum vb_truth invert(enum vb_truth truth)
{
	if (truth == VB_SOMETIMES)
		return truth;
	return truth == VB_ALWAYS ? VB_NEVER : VB_ALWAYS;
}

/* low and high are the cell's smallest and greatest value. */
static enum vb_truth range_on_values(const struct range *range, uint64_t low, uint64_t high)
{
	enum vb_truth truth = VB_SOMETIMES;

	if (range->low > range->high || high < range->low || low > range->high)
		truth = VB_NEVER;
	else if (range->low <= low && high <= range->high)
		truth = VB_ALWAYS;
	return range->inverted ? invert(truth) : truth;
}

enum vb_truth vb_condition_on_cell(const struct vb_condition *condition, const struct vb_cell *cell)
{
	if (cell->kind == VB_CELL_INTERVAL) {
		struct range range = range_of(condition);
		return range_on_values(&range, cell->low, cell->high);
	}
	uint64_t value = cell->low;
	uint64_t mask = cell->high;
	if (condition->op == SCMP_CMP_EQ || condition->op == SCMP_CMP_NE ||
		condition->op == SCMP_CMP_MASKED_EQ) {
		enum vb_truth truth = VB_SOMETIMES;
		if (((value ^ condition->value) & mask & condition->mask) != 0)
			truth = VB_NEVER;
		else if ((condition->mask & ~mask) == 0)
			truth = VB_ALWAYS;
		return condition->op == SCMP_CMP_NE ? invert(truth) : truth;
	}
	struct range range = range_of(condition);
	return range_on_values(&range, value, value | ~mask);
}

void vb_cell_split(const struct vb_condition *condition, const struct vb_cell *cell,
	struct vb_cell *ret_a, struct vb_cell *ret_b)
{
	*ret_a = *cell;
	*ret_b = *cell;
	if (cell->kind == VB_CELL_INTERVAL) {
		struct range range = range_of(condition);
		uint64_t start = cell->low < range.low ? range.low : range.high + 1;
		ret_a->high = start - 1;
		ret_b->low = start;
		return;
	}
	/* One bit at a time, from the top: that also narrows the span for ordered comparisons. */
	uint64_t undecided = condition->mask & ~cell->high;
	uint64_t bit = UINT64_C(1) << (63 - __builtin_clzll(undecided));
	ret_a->high |= bit;
	ret_b->high |= bit;
	ret_b->low |= bit;
}

bool vb_cell_join(const struct vb_cell *a, const struct vb_cell *b, struct vb_cell *ret_joined)
{
	if (a->kind != b->kind || a->kind == VB_CELL_EXCEPT)
		return false;
	if (a->kind == VB_CELL_INTERVAL) {
		const struct vb_cell *first = a->low < b->low ? a : b;
		const struct vb_cell *second = first == a ? b : a;
		if (first->high == UINT64_MAX || first->high + 1 != second->low)
			return false;
		*ret_joined = (struct vb_cell){VB_CELL_INTERVAL, first->low, second->high};
		return true;
	}
	uint64_t difference = a->low ^ b->low;
	if (a->high != b->high || difference == 0 || (difference & (difference - 1)) != 0)
		return false;
	*ret_joined = (struct vb_cell){VB_CELL_CUBE, a->low & ~difference, a->high & ~difference};
	return true;
}

bool vb_cell_is_all(const struct vb_cell *cell)
{
	if (cell->kind == VB_CELL_INTERVAL)
		return cell->low == 0 && cell->high == UINT64_MAX;
	return cell->kind == VB_CELL_CUBE && cell->high == 0;
}

static struct vb_condition masked(unsigned int index, uint64_t value, uint64_t mask)
{
	enum scmp_compare op = mask == UINT64_MAX ? SCMP_CMP_EQ : SCMP_CMP_MASKED_EQ;

	return (struct vb_condition){index, op, value & mask, mask};
}

/*
 * An interval as prefixes, the way a range of addresses becomes networks: two conditions on one
 * argument cannot stand in one rule. At most 2 * 63 of them.
 */
static size_t prefixes_of(uint64_t low, uint64_t high, unsigned int index,
	struct vb_condition conditions[VB_CELL_CONDITIONS_MAX])
{
	size_t count = 0;

	for (;;) {
		/* The largest aligned block that starts here and does not reach past the end. */
		uint64_t size_bits = low == 0 ? 63 : (uint64_t)__builtin_ctzll(low);
		while (size_bits > 0 && ((UINT64_C(1) << size_bits) - 1) > high - low)
			size_bits--;
		uint64_t last = (UINT64_C(1) << size_bits) - 1;
		conditions[count++] = masked(index, low, ~last);
		if (high - low == last)
			return count;
		low += last + 1;
	}
}

size_t vb_cell_conditions(const struct vb_cell *cell, unsigned int index, bool cubes,
	struct vb_condition conditions[VB_CELL_CONDITIONS_MAX])
{
	struct vb_condition one = {.index = index, .mask = UINT64_MAX};

	if (cell->kind == VB_CELL_CUBE) {
		conditions[0] = masked(index, cell->low, cell->high);
		return 1;
	}
	if (cell->kind == VB_CELL_EXCEPT) {
		one.op = SCMP_CMP_NE;
		one.value = cell->low;
	} else if (cell->low == cell->high) {
		one.op = SCMP_CMP_EQ;
		one.value = cell->low;
	} else if (!cubes && cell->low == 0) {
		/*
		 * LT, because libseccomp once mistook LE behind another condition on 32-bit
		 * architectures; LE at the end of 32 bits, where it would cut off LT's value.
		 */
		one.op = cell->high == UINT32_MAX ? SCMP_CMP_LE : SCMP_CMP_LT;
		one.value = cell->high == UINT32_MAX ? cell->high : cell->high + 1;
	} else if (!cubes && cell->high == UINT64_MAX) {
		one.op = cell->low == UINT32_MAX + UINT64_C(1) ? SCMP_CMP_GT : SCMP_CMP_GE;
		one.value = one.op == SCMP_CMP_GT ? UINT32_MAX : cell->low;
	} else {
		return prefixes_of(cell->low, cell->high, index, conditions);
	}
	conditions[0] = one;
	return 1;
}
