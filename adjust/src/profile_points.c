/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_points.h"

#include <errno.h>

enum { COMBINATIONS_MAX = 8192, ANCHORS_MAX = 64 };

/* The values themselves need no zeros. */
static void empty_axis(struct vb_axis *axis)
{
	axis->count = 0;
	axis->full = false;
}

struct vb_points *vb_points_create(bool narrow)
{
	struct vb_points *points = malloc(sizeof(*points));

	if (points == NULL)
		return NULL;
	points->anchors = NULL;
	points->anchor_count = 0;
	points->anchor_capacity = 0;
	points->narrow = narrow;
	empty_axis(&points->halves);
	for (unsigned int i = 0; i < VB_PROFILE_ARGS; i++) {
		empty_axis(&points->edges[i]);
		empty_axis(&points->mixtures[i]);
		empty_axis(&points->derived[i]);
	}
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

	qsort(axis->values, axis->count, sizeof(axis->values[0]), compare_values);
	for (size_t i = 0; i < axis->count; i++)
		if (kept == 0 || axis->values[kept - 1] != axis->values[i])
			axis->values[kept++] = axis->values[i];
	axis->count = kept;
}

static void add_value(struct vb_axis *axis, uint64_t value)
{
	if (axis->full)
		return;
	if (axis->count == VB_AXIS_MAX)
		settle_axis(axis);
	axis->full = axis->count == VB_AXIS_MAX;
	if (!axis->full)
		axis->values[axis->count++] = value;
}

static uint64_t cut(const struct vb_points *points, uint64_t value)
{
	return points->narrow ? value & UINT32_MAX : value;
}

void vb_points_add_value(struct vb_points *points, unsigned int index, uint64_t value)
{
	add_value(&points->edges[index], cut(points, value));
}

static void add_halves(struct vb_points *points, uint64_t value)
{
	for (unsigned int shift = 0; shift < 64; shift += 32) {
		uint64_t half = (value >> shift) & UINT32_MAX;
		add_value(&points->halves, (half - 1) & UINT32_MAX);
		add_value(&points->halves, half);
		add_value(&points->halves, (half + 1) & UINT32_MAX);
	}
}

/* bits: each bit of a mask, too. */
static void add_edges(struct vb_points *points, struct vb_axis *axis,
	const struct vb_condition *condition, bool bits)
{
	uint64_t value = condition->value;

	add_value(axis, cut(points, value));
	if (condition->op != SCMP_CMP_MASKED_EQ) {
		add_value(axis, cut(points, value - 1));
		add_value(axis, cut(points, value + 1));
	} else {
		add_value(axis, cut(points, value | ~condition->mask));
	}
	if (!bits)
		return;
	/* The same lower half under another upper half. */
	add_value(axis, cut(points, value ^ (UINT64_C(1) << 32)));
	if (condition->op != SCMP_CMP_MASKED_EQ)
		return;
	add_value(axis, cut(points, condition->mask));
	for (uint64_t rest = condition->mask; rest != 0; rest &= rest - 1)
		add_value(axis, cut(points, value ^ (rest & (~rest + 1))));
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
	if (points->anchor_count == ANCHORS_MAX)
		return 0;
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
	for (size_t i = 0; i < count; i++)
		anchor[conditions[i].index] = cut(points, fulfil(&conditions[i]));
	return 0;
}

int vb_points_add(struct vb_points *points, const struct vb_rules *rules, bool derived)
{
	int r = 0;

	for (size_t i = 0; i < rules->count && r == 0; i++) {
		const struct vb_condition *conditions = vb_rules_conditions(rules, i);
		for (size_t j = 0; j < rules->rules[i].count; j++) {
			struct vb_axis *axes = derived ? points->derived : points->edges;
			add_edges(points, &axes[conditions[j].index], &conditions[j], !derived);
			if (!derived)
				add_halves(points, conditions[j].value);
		}
		if (rules->rules[i].count > 0)
			r = add_anchor(points, conditions, rules->rules[i].count);
	}
	return r;
}

/* An argument without conditions stays at one value. */
static void complete_axes(struct vb_points *points)
{
	static const uint64_t corners[] = {
		0, 1, INT32_MAX, UINT32_MAX, UINT32_MAX + UINT64_C(1), INT64_MAX, UINT64_MAX};

	add_halves(points, 0);
	settle_axis(&points->halves);
	for (unsigned int i = 0; i < VB_PROFILE_ARGS; i++) {
		bool used = points->edges[i].count > 0;
		for (size_t j = 0; j < VB_ARRAY_SIZE(corners) && (used || j == 0); j++)
			vb_points_add_value(points, i, corners[j]);
		settle_axis(&points->edges[i]);
		for (size_t j = 0; j < points->halves.count && used; j++)
			for (size_t k = 0; k < points->halves.count; k++)
				add_value(&points->mixtures[i],
					cut(points, points->halves.values[j] << 32 |
							    points->halves.values[k]));
		settle_axis(&points->mixtures[i]);
		settle_axis(&points->derived[i]);
	}
}

/* Combinations, from a generator that always starts the same (xorshift64). */
static int walk_some(
	const struct vb_axis *const axes[VB_PROFILE_ARGS], vb_points_visit *visit, void *context)
{
	uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
	int r = 0;

	for (size_t n = 0; n < COMBINATIONS_MAX && r == 0; n++) {
		uint64_t args[VB_PROFILE_ARGS];
		for (unsigned int i = 0; i < VB_PROFILE_ARGS; i++) {
			state ^= state << 13;
			state ^= state >> 7;
			state ^= state << 17;
			args[i] = axes[i]->values[state % axes[i]->count];
		}
		r = visit(context, args);
	}
	return r;
}

static int walk_product(
	const struct vb_axis *const axes[VB_PROFILE_ARGS], vb_points_visit *visit, void *context)
{
	size_t product = 1;
	int r = 0;

	for (unsigned int i = 0; i < VB_PROFILE_ARGS && product <= COMBINATIONS_MAX; i++)
		product *= axes[i]->count;
	if (product > COMBINATIONS_MAX)
		return walk_some(axes, visit, context);
	for (size_t n = 0; n < product && r == 0; n++) {
		uint64_t args[VB_PROFILE_ARGS];
		size_t rest = n;
		for (unsigned int i = 0; i < VB_PROFILE_ARGS; i++) {
			args[i] = axes[i]->values[rest % axes[i]->count];
			rest /= axes[i]->count;
		}
		r = visit(context, args);
	}
	return r;
}

/* Around every rule, one argument at a time. */
static int walk_anchors(const struct vb_points *points, const struct vb_axis axes[VB_PROFILE_ARGS],
	vb_points_visit *visit, void *context)
{
	int r = 0;

	for (size_t n = 0; n < points->anchor_count * VB_PROFILE_ARGS; n++) {
		const struct vb_axis *axis = &axes[n % VB_PROFILE_ARGS];
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

/* Every combination of the edges, where one argument takes other values instead. */
static int walk_with(const struct vb_points *points, const struct vb_axis others[VB_PROFILE_ARGS],
	vb_points_visit *visit, void *context)
{
	const struct vb_axis *axes[VB_PROFILE_ARGS];
	int r = 0;

	for (unsigned int i = 0; i < VB_PROFILE_ARGS; i++)
		axes[i] = &points->edges[i];
	for (unsigned int i = 0; i < VB_PROFILE_ARGS && r == 0; i++) {
		if (others[i].count == 0)
			continue;
		axes[i] = &others[i];
		r = walk_product(axes, visit, context);
		axes[i] = &points->edges[i];
	}
	return r;
}

int vb_points_walk(struct vb_points *points, vb_points_visit *visit, void *context)
{
	const struct vb_axis *const kinds[] = {points->edges, points->mixtures, points->derived};
	const struct vb_axis *axes[VB_PROFILE_ARGS];
	unsigned int used = 0;

	complete_axes(points);
	for (unsigned int i = 0; i < VB_PROFILE_ARGS; i++) {
		axes[i] = &points->edges[i];
		used += points->mixtures[i].count > 0;
	}
	int r = walk_product(axes, visit, context);
	for (size_t i = 1; i < VB_ARRAY_SIZE(kinds) && r == 0; i++)
		r = walk_with(points, kinds[i], visit, context);
	/* With one argument the anchors would only repeat the axes. */
	for (size_t i = 0; i < VB_ARRAY_SIZE(kinds) && r == 0 && used > 1; i++)
		r = walk_anchors(points, kinds[i], visit, context);
	return r;
}
