/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "profile_cell.h"
#include "profile_check.h"
#include "profile_model.h"
#include "profile_partition.h"

/*
 * The meet works name by name. Where one side alone decides, its rules are taken over as they are;
 * elsewhere the arguments are partitioned and every part gets the stricter action.
 */

struct meeting {
	const struct vb_profile *base;
	const struct vb_profile *tighter;
	uint32_t default_action;
	/* Write intervals as masked comparisons only: libseccomp has fewer ways to mistake them. */
	bool cubes;
	/* The result while it grows; its capacities, unlike a profile's, are not fixed. */
	struct vb_rule *rules;
	size_t rule_count;
	size_t rule_capacity;
	struct vb_condition *conditions;
	size_t condition_count;
	size_t condition_capacity;
};

static void meeting_finish(struct meeting *meeting)
{
	free(meeting->rules);
	free(meeting->conditions);
}

static int reserve(void **items, size_t *capacity, size_t needed, size_t item_size)
{
	if (needed <= *capacity)
		return 0;
	size_t wanted = *capacity == 0 ? 512 : *capacity * 2;
	void *grown = reallocarray(*items, wanted > needed ? wanted : needed, item_size);
	if (grown == NULL)
		return -ENOMEM;
	*items = grown;
	*capacity = wanted > needed ? wanted : needed;
	return 0;
}

static int emit(struct meeting *meeting, const struct vb_rule *model,
	const struct vb_condition *conditions, size_t count)
{
	void *rules = meeting->rules;
	void *all = meeting->conditions;
	int r = reserve(
		&rules, &meeting->rule_capacity, meeting->rule_count + 1, sizeof(*meeting->rules));

	meeting->rules = rules;
	/* One more: without any conditions there must be an address too. */
	if (r == 0)
		r = reserve(&all, &meeting->condition_capacity,
			meeting->condition_count + count + 1, sizeof(*meeting->conditions));
	meeting->conditions = all;
	if (r < 0)
		return r;
	struct vb_rule rule = *model;
	rule.first = meeting->condition_count;
	rule.count = count;
	meeting->rules[meeting->rule_count++] = rule;
	for (size_t i = 0; i < count; i++)
		meeting->conditions[meeting->condition_count++] = conditions[i];
	return 0;
}

static int emit_as_they_are(struct meeting *meeting, const struct vb_rules *rules)
{
	int r = 0;

	for (size_t i = 0; i < rules->count && r == 0; i++)
		r = emit(meeting, &rules->rules[i], vb_rules_conditions(rules, i),
			rules->rules[i].count);
	return r;
}

/* The strictest and loosest ranks that the rules can answer with. */
static void find_ranks(const struct vb_rules *rules, int32_t *ret_strictest, int32_t *ret_loosest)
{
	bool always = rules->count > 0 && !vb_rules_conditional(rules);
	int32_t first = vb_action_rank(always ? rules->rules[0].action : rules->default_action);

	*ret_strictest = first;
	*ret_loosest = first;
	for (size_t i = 0; i < rules->count; i++) {
		int32_t rank = vb_action_rank(rules->rules[i].action);
		*ret_strictest = rank < *ret_strictest ? rank : *ret_strictest;
		*ret_loosest = rank > *ret_loosest ? rank : *ret_loosest;
	}
}

/* Whether base's rules are the result as they are: nowhere looser than tighter's. */
static bool base_decides(const struct vb_rules *base, const struct vb_rules *tighter)
{
	int32_t strictest;
	int32_t loosest;
	int32_t unused;

	find_ranks(base, &unused, &loosest);
	find_ranks(tighter, &strictest, &unused);
	return loosest <= strictest;
}

/* The same for tighter's rules: everywhere stricter, or no different from a lone base action. */
static bool tighter_decides(const struct vb_rules *base, const struct vb_rules *tighter)
{
	int32_t strictest;
	int32_t loosest;
	int32_t unused;

	find_ranks(base, &strictest, &unused);
	find_ranks(tighter, &unused, &loosest);
	if (loosest < strictest)
		return true;
	if (loosest > strictest || vb_rules_conditional(base))
		return false;
	uint32_t lone = base->count > 0 ? base->rules[0].action : base->default_action;
	if (vb_action_rank(tighter->default_action) == strictest && tighter->default_action != lone)
		return false;
	for (size_t i = 0; i < tighter->count; i++)
		if (vb_action_rank(tighter->rules[i].action) == strictest &&
			tighter->rules[i].action != lone)
			return false;
	return true;
}

/* Without conditions on either side. */
static int meet_plain(struct meeting *meeting, const struct vb_rule *model,
	const struct vb_rules *base, const struct vb_rules *tighter)
{
	struct vb_rule rule = *model;

	rule.action =
		vb_action_stricter(base->count > 0 ? base->rules[0].action : base->default_action,
			tighter->count > 0 ? tighter->rules[0].action : tighter->default_action);
	return rule.action == meeting->default_action ? 0 : emit(meeting, &rule, NULL, 0);
}

/* The last argument that the box has a condition on; VB_PROFILE_ARGS when none. */
static unsigned int last_constrained(const struct vb_box *box)
{
	for (unsigned int i = VB_PROFILE_ARGS; i > 0; i--)
		if (!vb_cell_is_all(&box->cells[i - 1]))
			return i - 1;
	return VB_PROFILE_ARGS;
}

/* [0, v - 1] and [v + 1, end] of the last argument, all else equal, are "not v". */
static bool join_as_exception(struct vb_box *a, const struct vb_box *b)
{
	struct vb_cell *cell = NULL;
	const struct vb_cell *other = NULL;

	for (unsigned int i = 0; i < VB_PROFILE_ARGS; i++) {
		if (a->cells[i].low == b->cells[i].low && a->cells[i].high == b->cells[i].high)
			continue;
		if (cell != NULL)
			return false;
		cell = &a->cells[i];
		other = &b->cells[i];
	}
	if (cell == NULL || a->action != b->action || cell->kind != VB_CELL_INTERVAL ||
		other->kind != VB_CELL_INTERVAL || cell != &a->cells[last_constrained(a)])
		return false;
	const struct vb_cell *low = cell->low == 0 ? cell : other;
	const struct vb_cell *high = low == cell ? other : cell;
	if (low->low != 0 || high->high != UINT64_MAX || low->high + 2 != high->low)
		return false;
	*cell = (struct vb_cell){VB_CELL_EXCEPT, low->high + 1, 0};
	return true;
}

static void find_exceptions(struct vb_partition *partition)
{
	for (size_t i = 0; i < partition->count; i++) {
		for (size_t j = i + 1; j < partition->count;) {
			if (join_as_exception(&partition->boxes[i], &partition->boxes[j]))
				partition->boxes[j] = partition->boxes[--partition->count];
			else
				j++;
		}
	}
}

struct alternatives {
	struct vb_condition conditions[VB_CELL_CONDITIONS_MAX];
	size_t count;
};

/*
 * One rule for every combination of the arguments' alternatives. Ranges only on the last argument:
 * of those before it libseccomp makes trees with shared branches and then cannot merge them, see
 * vb_filter_guard().
 */
static int emit_box(struct meeting *meeting, const struct vb_rule *model, const struct vb_box *box)
{
	unsigned int last = last_constrained(box);
	struct alternatives choices[VB_PROFILE_ARGS];
	struct vb_rule rule = *model;
	size_t constrained = 0;
	size_t combinations = 1;

	rule.action = box->action;
	for (unsigned int i = 0; i < VB_PROFILE_ARGS; i++) {
		struct alternatives *choice = &choices[constrained];
		if (vb_cell_is_all(&box->cells[i]))
			continue;
		choice->count = vb_cell_conditions(
			&box->cells[i], i, meeting->cubes || i != last, choice->conditions);
		combinations *= choice->count;
		if (combinations > VB_PROFILE_RULES_MAX)
			return -E2BIG;
		constrained++;
	}
	for (size_t n = 0; n < combinations; n++) {
		struct vb_condition conditions[VB_PROFILE_ARGS];
		size_t rest = n;
		for (size_t i = 0; i < constrained; i++) {
			conditions[i] = choices[i].conditions[rest % choices[i].count];
			rest /= choices[i].count;
		}
		int r = emit(meeting, &rule, conditions, constrained);
		if (r < 0)
			return r;
	}
	return 0;
}

static int meet_by_partition(struct meeting *meeting, const struct vb_rule *model,
	const struct vb_rules *base, const struct vb_rules *tighter)
{
	vb_auto_partition struct vb_partition partition = {0};
	size_t before = meeting->rule_count;
	int r = vb_partition_make(&partition, base, tighter, meeting->default_action);

	if (r == 0 && !meeting->cubes)
		find_exceptions(&partition);
	for (size_t i = 0; i < partition.count && r == 0; i++) {
		r = emit_box(meeting, model, &partition.boxes[i]);
		if (meeting->rule_count - before > VB_PROFILE_RULES_MAX)
			return -E2BIG;
	}
	return r;
}

/* model carries the name; either side's rules may be none. */
static int meet_name(struct meeting *meeting, const struct vb_rule *model,
	const struct vb_rules *base, const struct vb_rules *tighter, struct vb_error *err)
{
	int r;

	if (!vb_rules_conditional(base) && !vb_rules_conditional(tighter))
		r = meet_plain(meeting, model, base, tighter);
	else if (base->default_action == meeting->default_action && base_decides(base, tighter))
		r = emit_as_they_are(meeting, base);
	else if (tighter->default_action == meeting->default_action &&
		 tighter_decides(base, tighter))
		r = emit_as_they_are(meeting, tighter);
	else
		r = meet_by_partition(meeting, model, base, tighter);
	if (r == -E2BIG) {
		vb_error_say(err, EOPNOTSUPP,
			"the conditions on '%s' of both profiles together need more than %d rules",
			model->name, VB_PROFILE_RULES_MAX);
		return vb_error_fix(err, "simplify the conditions on '%s'", model->name);
	}
	return r < 0 ? vb_error_set(err, -r, "meet '%s'", model->name) : 0;
}

/* Walks both sorted lists of names together. */
static int meet_names(struct meeting *meeting, struct vb_error *err)
{
	static const struct vb_profile unconfined = {.default_action = SCMP_ACT_ALLOW};
	const struct vb_profile *base = meeting->base != NULL ? meeting->base : &unconfined;
	const struct vb_profile *tighter = meeting->tighter;
	size_t b = 0;
	size_t t = 0;
	int r = 0;

	while (r == 0 && (b < base->rule_count || t < tighter->rule_count)) {
		struct vb_rules base_rules = {.default_action = base->default_action};
		struct vb_rules tighter_rules = {.default_action = tighter->default_action};
		int order = b == base->rule_count ? 1 : -1;
		if (b < base->rule_count && t < tighter->rule_count)
			order = strcmp(base->rules[b].name, tighter->rules[t].name);
		if (order <= 0)
			base_rules = vb_profile_rules_at(base, b);
		if (order >= 0)
			tighter_rules = vb_profile_rules_at(tighter, t);
		const struct vb_rule *model = order <= 0 ? &base->rules[b] : &tighter->rules[t];
		r = meet_name(meeting, model, &base_rules, &tighter_rules, err);
		b += base_rules.count;
		t += tighter_rules.count;
	}
	return r;
}

static int take_rules(
	const struct meeting *meeting, struct vb_profile *profile, struct vb_error *err)
{
	const char *name = NULL;

	for (size_t i = 0; i < meeting->rule_count; i++) {
		struct vb_rule rule = meeting->rules[i];
		if (name == NULL || strcmp(name, rule.name) != 0)
			name = vb_profile_store_name(profile, rule.name);
		rule.name = name;
		if (name == NULL ||
			vb_profile_add_rule(profile, &rule, &meeting->conditions[rule.first]) < 0)
			return vb_error_set(err, ENOSPC, "meet two profiles");
	}
	return 0;
}

static int take_archs(const struct meeting *meeting, struct vb_profile *profile)
{
	const struct vb_profile *tighter = meeting->tighter;
	int r = 0;

	profile->native = tighter->native;
	for (size_t i = 0; i < tighter->arch_count && r == 0; i++) {
		uint32_t arch = tighter->archs[i];
		/* x32 reaches 64-bit calls by other numbers: never open. */
		if (arch == SCMP_ARCH_X32 || !vb_arch_reachable(tighter->native, arch))
			continue;
		if (meeting->base == NULL || vb_profile_covers_arch(meeting->base, arch))
			r = vb_profile_add_arch(profile, arch);
	}
	return r;
}

static int copy_text(const char *text, char **ret_copy)
{
	if (text == NULL)
		return 0;
	*ret_copy = strdup(text);
	return *ret_copy != NULL ? 0 : -ENOMEM;
}

static bool same_text(const char *a, const char *b)
{
	return (a == NULL && b == NULL) || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* The listener belongs to the rules that notify; without any the runtimes refuse it. */
static int take_listener(
	const struct meeting *meeting, struct vb_profile *profile, struct vb_error *err)
{
	const struct vb_profile *base = meeting->base;
	const struct vb_profile *tighter = meeting->tighter;
	bool base_notifies = base != NULL && vb_profile_notifies(base);
	bool tighter_notifies = vb_profile_notifies(tighter);

	if (!vb_profile_notifies(profile)) {
		if (profile->flags > 0)
			profile->flags &= ~VB_PROFILE_FLAG_WAIT_KILLABLE_RECV;
		return 0;
	}
	if (base_notifies && tighter_notifies &&
		(!same_text(base->listener_path, tighter->listener_path) ||
			!same_text(base->listener_metadata, tighter->listener_metadata))) {
		vb_error_say(err, EOPNOTSUPP,
			"both profiles hand calls to a listener, and to different ones");
		return vb_error_fix(err, "a filter has one listener: give both the same "
					 "listenerPath and listenerMetadata");
	}
	const struct vb_profile *owner = base_notifies ? base : tighter;
	int r = copy_text(owner->listener_path, &profile->listener_path);
	if (r == 0)
		r = copy_text(owner->listener_metadata, &profile->listener_metadata);
	return r < 0 ? vb_error_set(err, -r, "meet two profiles") : 0;
}

static int conclude(struct meeting *meeting, struct vb_profile **ret_profile, struct vb_error *err)
{
	size_t names_bytes = meeting->tighter->names_size +
			     (meeting->base != NULL ? meeting->base->names_size : 0);
	vb_auto_profile struct vb_profile *profile =
		vb_profile_create(meeting->rule_count, meeting->condition_count, names_bytes);

	if (profile == NULL)
		return vb_error_set(err, ENOMEM, "meet two profiles");
	profile->default_action = meeting->default_action;
	profile->flags = (meeting->base != NULL ? meeting->base : meeting->tighter)->flags;
	int r = take_rules(meeting, profile, err);
	if (r == 0)
		r = take_archs(meeting, profile);
	if (r == 0)
		r = take_listener(meeting, profile, err);
	if (r < 0)
		return r;
	if (vb_profile_canonicalise(profile) < 0)
		return vb_error_set(err, ENOMEM, "meet two profiles");
	*ret_profile = VB_STEAL(profile);
	return 0;
}

static int meet_once(const struct vb_profile *base, const struct vb_profile *tighter, bool cubes,
	struct vb_profile **ret_profile, struct vb_error *err)
{
	vb_auto(meeting_finish) struct meeting meeting = {
		.base = base,
		.tighter = tighter,
		.default_action =
			vb_action_stricter(base != NULL ? base->default_action : SCMP_ACT_ALLOW,
				tighter->default_action),
		.cubes = cubes,
	};
	vb_auto_profile struct vb_profile *profile = NULL;
	int r = meet_names(&meeting, err);

	if (r == 0)
		r = conclude(&meeting, &profile, err);
	if (r == 0)
		r = vb_profile_check_quick(base, tighter, profile, err);
	if (r < 0)
		return r;
	*ret_profile = VB_STEAL(profile);
	return 0;
}

int vb_profile_meet(const struct vb_profile *base, const struct vb_profile *tighter,
	struct vb_profile **ret_profile, struct vb_error *err)
{
	if (base != NULL && base->native != tighter->native)
		return vb_error_say(err, EINVAL, "the two profiles are for different nodes: %s, %s",
			vb_profile_arch_name(base->native), vb_profile_arch_name(tighter->native));
	int r = meet_once(base, tighter, false, ret_profile, err);
	if (r != -EILSEQ)
		return r;
	/* libseccomp mistakes some combinations of intervals; masks it may get right. */
	return meet_once(base, tighter, true, ret_profile, NULL) == 0 ? 0 : r;
}
