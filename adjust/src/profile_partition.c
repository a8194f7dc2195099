/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_partition.h"

#include <errno.h>

enum { BOXES_MAX = 1024 };

/* What one side's rules can answer within a box. */
struct answer {
	bool decided;
	uint32_t action;                      /* when decided */
	uint32_t strictest;                   /* else: of those possible */
	bool mixed;                           /* else: as strict ones with other data too */
	const struct vb_condition *undecided; /* else: a condition to split at */
};

void vb_partition_finish(struct vb_partition *partition)
{
	free(partition->boxes);
	*partition = (struct vb_partition){0};
}

static int add_box(struct vb_partition *partition, const struct vb_box *box)
{
	if (partition->count == BOXES_MAX)
		return -E2BIG;
	if (partition->count == partition->capacity) {
		size_t capacity = partition->capacity == 0 ? 16 : partition->capacity * 2;
		struct vb_box *boxes = reallocarray(partition->boxes, capacity, sizeof(*boxes));
		if (boxes == NULL)
			return -ENOMEM;
		partition->boxes = boxes;
		partition->capacity = capacity;
	}
	partition->boxes[partition->count++] = *box;
	return 0;
}

/* Whether a rule holds in the box; when only for a part, at which condition to split. */
static enum vb_truth rule_on_box(const struct vb_rules *rules, size_t rule,
	const struct vb_box *box, const struct vb_condition **ret_undecided)
{
	const struct vb_condition *conditions = vb_rules_conditions(rules, rule);
	enum vb_truth truth = VB_ALWAYS;

	for (size_t i = 0; i < rules->rules[rule].count; i++) {
		enum vb_truth one =
			vb_condition_on_cell(&conditions[i], &box->cells[conditions[i].index]);
		if (one == VB_NEVER)
			return VB_NEVER;
		if (one == VB_SOMETIMES && truth == VB_ALWAYS) {
			truth = VB_SOMETIMES;
			*ret_undecided = &conditions[i];
		}
	}
	return truth;
}

static void widen(struct answer *answer, uint32_t action)
{
	if (vb_action_rank(action) < vb_action_rank(answer->strictest)) {
		answer->strictest = action;
		answer->mixed = false;
	} else if (vb_action_rank(action) == vb_action_rank(answer->strictest)) {
		answer->mixed = answer->mixed || action != answer->strictest;
	}
}

static struct answer answer_on_box(const struct vb_rules *rules, const struct vb_box *box)
{
	struct answer answer = {
		.decided = true,
		.action = rules->default_action,
		.strictest = rules->default_action,
	};

	for (size_t i = 0; i < rules->count; i++) {
		const struct vb_condition *undecided = NULL;
		switch (rule_on_box(rules, i, box, &undecided)) {
		case VB_NEVER:
			break;
		case VB_ALWAYS:
			/* Rules that overlap with this one have the same action. */
			answer.decided = true;
			answer.action = rules->rules[i].action;
			return answer;
		case VB_SOMETIMES:
			answer.decided = false;
			widen(&answer, rules->rules[i].action);
			if (answer.undecided == NULL)
				answer.undecided = undecided;
			break;
		}
	}
	return answer;
}

/* Whether the stricter action is the same all over the box. */
static bool combine(const struct answer *base, const struct answer *tighter, uint32_t *ret_action)
{
	if (base->decided && tighter->decided) {
		*ret_action = vb_action_stricter(base->action, tighter->action);
		return true;
	}
	if (base->decided && vb_action_rank(base->action) <= vb_action_rank(tighter->strictest)) {
		*ret_action = base->action;
		return true;
	}
	/* A tie would keep base's data, so it must be the same everywhere. */
	if (tighter->decided &&
		(vb_action_rank(tighter->action) < vb_action_rank(base->strictest) ||
			(tighter->action == base->strictest && !base->mixed))) {
		*ret_action = tighter->action;
		return true;
	}
	return false;
}

static bool index_is_cube(const struct vb_rules *rules, unsigned int index)
{
	for (size_t i = 0; i < rules->count; i++) {
		const struct vb_condition *conditions = vb_rules_conditions(rules, i);
		for (size_t j = 0; j < rules->rules[i].count; j++)
			if (conditions[j].index == index &&
				!vb_condition_is_interval(&conditions[j]))
				return true;
	}
	return false;
}

static struct vb_box whole_box(const struct vb_rules *base, const struct vb_rules *tighter)
{
	struct vb_box box = {0};

	for (unsigned int i = 0; i < VB_PROFILE_ARGS; i++) {
		if (index_is_cube(base, i) || index_is_cube(tighter, i))
			box.cells[i] = (struct vb_cell){VB_CELL_CUBE, 0, 0};
		else
			box.cells[i] = (struct vb_cell){VB_CELL_INTERVAL, 0, UINT64_MAX};
	}
	return box;
}

/* Whether a and b are one box, when they differ in one argument only. */
static bool join_boxes(const struct vb_box *a, const struct vb_box *b, struct vb_box *ret_joined)
{
	unsigned int differing = VB_PROFILE_ARGS;

	if (a->action != b->action)
		return false;
	for (unsigned int i = 0; i < VB_PROFILE_ARGS; i++) {
		if (a->cells[i].low == b->cells[i].low && a->cells[i].high == b->cells[i].high)
			continue;
		if (differing != VB_PROFILE_ARGS)
			return false;
		differing = i;
	}
	if (differing == VB_PROFILE_ARGS)
		return false;
	struct vb_cell joined;
	if (!vb_cell_join(&a->cells[differing], &b->cells[differing], &joined))
		return false;
	*ret_joined = *a;
	ret_joined->cells[differing] = joined;
	return true;
}

/* Joins the box at `at` with another one; the gap is filled from the end. */
static bool join_with_any(struct vb_partition *partition, size_t at)
{
	for (size_t i = 0; i < partition->count; i++) {
		struct vb_box joined;
		if (i == at || !join_boxes(&partition->boxes[at], &partition->boxes[i], &joined))
			continue;
		partition->boxes[at] = joined;
		partition->boxes[i] = partition->boxes[--partition->count];
		return true;
	}
	return false;
}

static void join_all(struct vb_partition *partition)
{
	bool again = true;

	while (again) {
		again = false;
		for (size_t i = 0; i < partition->count; i++)
			again = join_with_any(partition, i) || again;
	}
}

/* Handles one box of the work list: done, or replaced by its two halves. */
static int visit_box(struct vb_partition *partition, struct vb_partition *work,
	const struct vb_rules *base, const struct vb_rules *tighter, uint32_t default_action)
{
	struct vb_box box = work->boxes[--work->count];
	struct answer base_answer = answer_on_box(base, &box);
	struct answer tighter_answer = answer_on_box(tighter, &box);

	if (combine(&base_answer, &tighter_answer, &box.action))
		return box.action == default_action ? 0 : add_box(partition, &box);
	const struct vb_condition *at =
		tighter_answer.decided ? base_answer.undecided : tighter_answer.undecided;
	if (at == NULL)
		return -EINVAL; /* two decided answers are always combined */
	struct vb_box other = box;
	struct vb_cell cell = box.cells[at->index];
	vb_cell_split(at, &cell, &box.cells[at->index], &other.cells[at->index]);
	/* The lower half is visited first. */
	int r = add_box(work, &other);
	return r == 0 ? add_box(work, &box) : r;
}

int vb_partition_make(struct vb_partition *partition, const struct vb_rules *base,
	const struct vb_rules *tighter, uint32_t default_action)
{
	vb_auto_partition struct vb_partition work = {0};
	struct vb_box whole = whole_box(base, tighter);
	unsigned int visited = 0;
	int r = add_box(&work, &whole);

	while (r == 0 && work.count > 0) {
		if (++visited > 8 * BOXES_MAX)
			return -E2BIG;
		r = visit_box(partition, &work, base, tighter, default_action);
	}
	if (r == 0)
		join_all(partition);
	return r;
}
