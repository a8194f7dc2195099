/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_points.h"

#include <errno.h>

enum { COMBINATIONS_MAX = 4096 };

struct vb_points *vb_points_create(bool narrow)
{
	struct vb_points *points = malloc(sizeof(*points));

	if (points == NULL)
		return NULL;
	points->anchors = NULL;
	points->anchor_count = 0;
	points->anchor_capacity = 0;
	points->narrow = narrow;
	for (unsigned int i = 0; i < VB_PROFILE_ARGS; i++)
		points->axes[i].count = 0;
	return points;
}

void vb_points_destroy(struct vb_points *points)
{
	if (points == NULL)
		return;
	free(points->anchors);
	free(points);
}

static int compare_values(const void *left, const void *right)
{
	const uint64_t *a = left;
	const uint64_t *b = right;

	return (*a > *b) - (*a < *b);
}

static void settle_axis(struct vb_axis *axis)
{
	size_t kept = 0;

	if (axis->count == 0)
		axis->values[axis->count++] = 0;
	qsort(axis->values, axis->count, sizeof(axis->values[0]), compare_values);
	for (size_t i = 0; i < axis->count; i++)
		if (kept == 0 || axis->values[kept - 1] != axis->values[i])
			axis->values[kept++] = axis->values[i];
	axis->count = kept;
}

void vb_points_add_value(struct vb_points *points, unsigned int index, uint64_t value)
{
	struct vb_axis *axis = &points->axes[index];

	if (points->narrow)
		value &= UINT32_MAX;
	if (axis->count == VB_AXIS_MAX)
		settle_axis(axis);
	if (axis->count < VB_AXIS_MAX)
		axis->values[axis->count++] = value;
}

static void add_around(struct vb_points *points, const struct vb_condition *condition)
{
	static const uint64_t corners[] = {
		0, 1, INT32_MAX, UINT32_MAX, UINT32_MAX + UINT64_C(1), INT64_MAX, UINT64_MAX};
	unsigned int index = condition->index;
	uint64_t value = condition->value;

	if (points->axes[index].count == 0)
		for (size_t i = 0; i < VB_ARRAY_SIZE(corners); i++)
			vb_points_add_value(points, index, corners[i]);
	vb_points_add_value(points, index, value);
	/* The same lower half under another upper half. */
	vb_points_add_value(points, index, value ^ (UINT64_C(1) << 32));
	if (condition->op != SCMP_CMP_MASKED_EQ) {
		vb_points_add_value(points, index, value - 1);
		vb_points_add_value(points, index, value + 1);
		return;
	}
	vb_points_add_value(points, index, value | ~condition->mask);
	vb_points_add_value(points, index, condition->mask);
	for (uint64_t rest = condition->mask; rest != 0; rest &= rest - 1)
		vb_points_add_value(points, index, value ^ (rest & (~rest + 1)));
}

/* A value for which the condition holds, where there is one. */
static uint64_t fulfil(const struct vb_condition *condition)
{
	if (condition->op == SCMP_CMP_NE || condition->op == SCMP_CMP_LT)
		return condition->value - 1;
	return condition->op == SCMP_CMP_GT ? condition->value + 1 : condition->value;
}

static int add_anchor(struct vb_points *points, const struct vb_condition *conditions, size_t count)
{
	if (points->anchor_count == points->anchor_capacity) {
		size_t capacity = points->anchor_capacity == 0 ? 8 : points->anchor_capacity * 2;
		void *anchors = reallocarray(points->anchors, capacity, sizeof(points->anchors[0]));
		if (anchors == NULL)
			return -ENOMEM;
		points->anchors = anchors;
		points->anchor_capacity = capacity;
	}
	uint64_t *anchor = points->anchors[points->anchor_count++];
	for (unsigned int i = 0; i < VB_PROFILE_ARGS; i++)
		anchor[i] = 0;
	for (size_t i = 0; i < count; i++) {
		uint64_t value = fulfil(&conditions[i]);
		anchor[conditions[i].index] = points->narrow ? value & UINT32_MAX : value;
	}
	return 0;
}

int vb_points_add(struct vb_points *points, const struct vb_rules *rules)
{
	int r = 0;

	for (size_t i = 0; i < rules->count && r == 0; i++) {
		const struct vb_condition *conditions = vb_rules_conditions(rules, i);
		for (size_t j = 0; j < rules->rules[i].count; j++)
			add_around(points, &conditions[j]);
		if (rules->rules[i].count > 0)
			r = add_anchor(points, conditions, rules->rules[i].count);
	}
	return r;
}

/* How many combinations there are; more than the maximum when too many. */
static size_t combinations(const struct vb_points *points)
{
	size_t product = 1;

	for (unsigned int i = 0; i < VB_PROFILE_ARGS && product <= COMBINATIONS_MAX; i++)
		product *= points->axes[i].count;
	return product;
}

static int walk_all(const struct vb_points *points, size_t count,
	int (*visit)(void *context, const uint64_t args[VB_PROFILE_ARGS]), void *context)
{
	int r = 0;

	for (size_t n = 0; n < count && r == 0; n++) {
		uint64_t args[VB_PROFILE_ARGS];
		size_t rest = n;
		for (unsigned int i = 0; i < VB_PROFILE_ARGS; i++) {
			args[i] = points->axes[i].values[rest % points->axes[i].count];
			rest /= points->axes[i].count;
		}
		r = visit(context, args);
	}
	return r;
}

/* Around every rule, one argument at a time. */
static int walk_anchors(const struct vb_points *points,
	int (*visit)(void *context, const uint64_t args[VB_PROFILE_ARGS]), void *context)
{
	int r = 0;

	for (size_t n = 0; n < points->anchor_count * VB_PROFILE_ARGS; n++) {
		const struct vb_axis *axis = &points->axes[n % VB_PROFILE_ARGS];
		uint64_t args[VB_PROFILE_ARGS];
		for (unsigned int i = 0; i < VB_PROFILE_ARGS; i++)
			args[i] = points->anchors[n / VB_PROFILE_ARGS][i];
		for (size_t i = 0; i < axis->count && r == 0; i++) {
			args[n % VB_PROFILE_ARGS] = axis->values[i];
			r = visit(context, args);
		}
	}
	return r;
}

/* Any combinations, from a generator that always starts the same (xorshift64). */
static int walk_some(const struct vb_points *points,
	int (*visit)(void *context, const uint64_t args[VB_PROFILE_ARGS]), void *context)
{
	uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
	int r = 0;

	for (size_t n = 0; n < COMBINATIONS_MAX && r == 0; n++) {
		uint64_t args[VB_PROFILE_ARGS];
		for (unsigned int i = 0; i < VB_PROFILE_ARGS; i++) {
			state ^= state << 13;
			state ^= state >> 7;
			state ^= state << 17;
			args[i] = points->axes[i].values[state % points->axes[i].count];
		}
		r = visit(context, args);
	}
	return r;
}

int vb_points_walk(struct vb_points *points,
	int (*visit)(void *context, const uint64_t args[VB_PROFILE_ARGS]), void *context)
{
	for (unsigned int i = 0; i < VB_PROFILE_ARGS; i++)
		settle_axis(&points->axes[i]);
	size_t count = combinations(points);
	if (count <= COMBINATIONS_MAX)
		return walk_all(points, count, visit, context);
	int r = walk_anchors(points, visit, context);
	return r == 0 ? walk_some(points, visit, context) : r;
}
