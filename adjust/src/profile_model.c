/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_model.h"

#include <errno.h>
#include <string.h>

#include "profile_cell.h"

struct vb_profile *vb_profile_create(size_t rules, size_t conditions, size_t names_bytes)
{
	vb_auto_profile struct vb_profile *profile = calloc(1, sizeof(*profile));

	if (profile == NULL)
		return NULL;
	/* One more of each: calloc(0) may return NULL. */
	profile->rules = calloc(rules + 1, sizeof(*profile->rules));
	profile->conditions = calloc(conditions + 1, sizeof(*profile->conditions));
	profile->names = malloc(names_bytes + 1);
	if (profile->rules == NULL || profile->conditions == NULL || profile->names == NULL)
		return NULL;
	profile->rule_capacity = rules;
	profile->condition_capacity = conditions;
	profile->names_capacity = names_bytes;
	profile->flags = -1;
	return VB_STEAL(profile);
}

void vb_profile_destroy(struct vb_profile *profile)
{
	if (profile == NULL)
		return;
	free(profile->listener_path);
	free(profile->listener_metadata);
	free(profile->rules);
	free(profile->conditions);
	free(profile->names);
	free(profile);
}

const char *vb_profile_store_name(struct vb_profile *profile, const char *name)
{
	size_t size = strlen(name) + 1;

	if (size > profile->names_capacity - profile->names_size)
		return NULL;
	char *copy = memcpy(profile->names + profile->names_size, name, size);
	profile->names_size += size;
	return copy;
}

int vb_profile_add_rule(struct vb_profile *profile, const struct vb_rule *rule,
	const struct vb_condition *conditions)
{
	if (profile->rule_count == profile->rule_capacity ||
		rule->count > profile->condition_capacity - profile->condition_count)
		return -ENOSPC;
	struct vb_rule *added = &profile->rules[profile->rule_count++];
	*added = *rule;
	added->first = profile->condition_count;
	for (size_t i = 0; i < rule->count; i++)
		profile->conditions[profile->condition_count++] = conditions[i];
	return 0;
}

int vb_profile_add_arch(struct vb_profile *profile, uint32_t arch)
{
	size_t at = 0;

	while (at < profile->arch_count && profile->archs[at] < arch)
		at++;
	if (at < profile->arch_count && profile->archs[at] == arch)
		return 0;
	if (profile->arch_count == VB_PROFILE_ARCHS_MAX)
		return -ENOSPC;
	memmove(&profile->archs[at + 1], &profile->archs[at],
		(profile->arch_count - at) * sizeof(profile->archs[0]));
	profile->archs[at] = arch;
	profile->arch_count++;
	return 0;
}

/* By name, then as the runtimes add them: conditions are stored in that order. */
static int compare_rules(const void *left, const void *right)
{
	const struct vb_rule *a = left;
	const struct vb_rule *b = right;
	int order = strcmp(a->name, b->name);

	if (order != 0)
		return order;
	if (a->source != b->source)
		return a->source < b->source ? -1 : 1;
	return a->first < b->first ? -1 : a->first > b->first;
}

static bool covers_narrow(const struct vb_profile *profile)
{
	for (size_t i = 0; i < profile->arch_count; i++)
		if (vb_arch_is_narrow(profile->archs[i]))
			return true;
	return false;
}

static bool same_conditions(
	const struct vb_profile *profile, const struct vb_rule *a, const struct vb_rule *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!vb_condition_equal(
			    &profile->conditions[a->first + i], &profile->conditions[b->first + i]))
			return false;
	return true;
}

/* What libseccomp makes of a condition on a 32-bit architecture. */
static struct vb_condition halve(const struct vb_condition *condition)
{
	struct vb_condition half = *condition;

	half.value &= UINT32_MAX;
	if (half.op == SCMP_CMP_MASKED_EQ)
		half.mask &= UINT32_MAX;
	return half;
}

/* narrow: as a 32-bit architecture sees them. */
static bool rules_overlap(const struct vb_profile *profile, const struct vb_rule *a,
	const struct vb_rule *b, bool narrow)
{
	for (size_t i = 0; i < a->count; i++) {
		struct vb_condition x = profile->conditions[a->first + i];
		for (size_t j = 0; j < b->count; j++) {
			struct vb_condition y = profile->conditions[b->first + j];
			if (narrow) {
				x = halve(&x);
				y = halve(&y);
			}
			if (x.index == y.index && !vb_conditions_meet(&x, &y))
				return false;
		}
	}
	return true;
}

/* Whether the rule adds nothing to those kept before it; -EINVAL when it contradicts one. */
static int judge_rule(const struct vb_profile *profile, const struct vb_rule *kept, size_t count,
	const struct vb_rule *rule, struct vb_error *err)
{
	bool narrow = covers_narrow(profile);

	for (size_t i = 0; i < count; i++) {
		if (kept[i].action == rule->action) {
			if (same_conditions(profile, &kept[i], rule))
				return 1;
			continue;
		}
		if (!rules_overlap(profile, &kept[i], rule, false) &&
			!(narrow && rules_overlap(profile, &kept[i], rule, true)))
			continue;
		vb_error_say(err, EINVAL,
			"syscalls[%u] and syscalls[%u] give '%s' different actions for the same "
			"arguments",
			kept[i].source, rule->source, rule->name);
		(void)vb_error_fix(err, "make their conditions exclude each other");
		(void)vb_error_at(err, "syscalls[%u]", rule->source);
		return -EINVAL;
	}
	return 0;
}

/* Whether all that the rule looks at are upper halves of arguments. */
static bool vanishes_when_narrow(const struct vb_profile *profile, const struct vb_rule *rule)
{
	for (size_t i = 0; i < rule->count; i++)
		if ((profile->conditions[rule->first + i].mask & UINT32_MAX) != 0)
			return false;
	return rule->count > 0;
}

/*
 * On a 32-bit architecture such a rule has no conditions, so it may win over all others there and
 * only there.
 */
static int refuse_vanishing(const struct vb_profile *profile, const struct vb_rule *rules,
	size_t count, struct vb_error *err)
{
	for (size_t i = 0; i < count; i++) {
		if (!vanishes_when_narrow(profile, &rules[i]))
			continue;
		for (size_t j = 0; j < count; j++) {
			if (rules[j].action == rules[i].action)
				continue;
			vb_error_say(err, EINVAL,
				"syscalls[%u] looks only at upper halves of the arguments of '%s', "
				"which the 32-bit architectures of the profile do not have",
				rules[i].source, rules[i].name);
			(void)vb_error_fix(err, "list only 64-bit architectures");
			(void)vb_error_at(err, "syscalls[%u]", rules[i].source);
			return -EINVAL;
		}
	}
	return 0;
}

/* Moves what is effective of one name's rules to kept. */
static int settle_name(struct vb_profile *profile, struct vb_rule *kept,
	const struct vb_rule *rules, size_t count, struct vb_error *err)
{
	size_t kept_count = 0;
	if (count > VB_PROFILE_NAME_RULES_MAX) {
		vb_error_say(err, EINVAL, "'%s' has more than %d rules", rules[0].name,
			VB_PROFILE_NAME_RULES_MAX);
		return vb_error_at(err, "syscalls[%u]", rules[0].source);
	}
	int r = covers_narrow(profile) ? refuse_vanishing(profile, rules, count, err) : 0;
	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++) {
		if (rules[i].count == 0) {
			kept[0] = rules[i];
			return 1;
		}
	}
	for (size_t i = 0; i < count; i++) {
		struct vb_rule rule = rules[i];
		int redundant = judge_rule(profile, kept, kept_count, &rule, err);
		if (redundant < 0)
			return redundant;
		if (redundant == 0)
			kept[kept_count++] = rule;
	}
	return (int)kept_count;
}

int vb_profile_settle(struct vb_profile *profile, struct vb_error *err)
{
	size_t kept = 0;

	qsort(profile->rules, profile->rule_count, sizeof(profile->rules[0]), compare_rules);
	for (size_t at = 0; at < profile->rule_count;) {
		size_t count = vb_profile_rules_at(profile, at).count;
		int n = settle_name(
			profile, &profile->rules[kept], &profile->rules[at], count, err);
		if (n < 0)
			return n;
		kept += (size_t)n;
		at += count;
	}
	profile->rule_count = kept;
	return 0;
}

struct vb_rules vb_profile_rules_at(const struct vb_profile *profile, size_t at)
{
	struct vb_rules rules = {
		.rules = &profile->rules[at],
		.conditions = profile->conditions,
		.default_action = profile->default_action,
	};

	while (at + rules.count < profile->rule_count &&
		strcmp(rules.rules[rules.count].name, rules.rules[0].name) == 0)
		rules.count++;
	return rules;
}

struct vb_rules vb_profile_rules_of(const struct vb_profile *profile, const char *name)
{
	size_t low = 0;
	size_t high = profile != NULL ? profile->rule_count : 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(profile->rules[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (profile != NULL && low < profile->rule_count &&
		strcmp(profile->rules[low].name, name) == 0)
		return vb_profile_rules_at(profile, low);
	return (struct vb_rules){
		.default_action = profile != NULL ? profile->default_action : SCMP_ACT_ALLOW,
	};
}

bool vb_condition_matches(const struct vb_condition *condition, uint64_t argument, bool narrow)
{
	uint64_t half = narrow ? UINT32_MAX : UINT64_MAX;
	uint64_t left = argument & condition->mask & half;
	uint64_t right = condition->value & half;

	switch (condition->op) {
	case SCMP_CMP_NE:
		return left != right;
	case SCMP_CMP_LT:
		return left < right;
	case SCMP_CMP_LE:
		return left <= right;
	case SCMP_CMP_EQ:
	case SCMP_CMP_MASKED_EQ:
		return left == right;
	case SCMP_CMP_GE:
		return left >= right;
	case SCMP_CMP_GT:
		return left > right;
	case _SCMP_CMP_MIN:
	case _SCMP_CMP_MAX:
	default:
		return false;
	}
}

uint32_t vb_rules_action(const struct vb_rules *rules, const uint64_t args[VB_PROFILE_ARGS],
	bool narrow, int *ret_source)
{
	for (size_t i = 0; i < rules->count; i++) {
		const struct vb_condition *conditions = vb_rules_conditions(rules, i);
		size_t held = 0;
		while (held < rules->rules[i].count &&
			vb_condition_matches(
				&conditions[held], args[conditions[held].index], narrow))
			held++;
		if (held < rules->rules[i].count)
			continue;
		if (ret_source != NULL)
			*ret_source = (int)rules->rules[i].source;
		return rules->rules[i].action;
	}
	if (ret_source != NULL)
		*ret_source = -1;
	return rules->default_action;
}

void vb_profile_native_only(struct vb_profile *profile)
{
	profile->archs[0] = profile->native;
	profile->arch_count = 1;
}

int vb_profile_flags(const struct vb_profile *profile)
{
	return profile->flags;
}

void vb_profile_set_flags(struct vb_profile *profile, int flags)
{
	profile->flags = flags;
}

uint32_t vb_profile_default_action(const struct vb_profile *profile)
{
	return profile->default_action;
}

bool vb_profile_covers_arch(const struct vb_profile *profile, uint32_t arch)
{
	for (size_t i = 0; i < profile->arch_count; i++)
		if (profile->archs[i] == vb_arch_native(arch))
			return true;
	return false;
}

bool vb_profile_notifies(const struct vb_profile *profile)
{
	if (profile->default_action == SCMP_ACT_NOTIFY)
		return true;
	for (size_t i = 0; i < profile->rule_count; i++)
		if (profile->rules[i].action == SCMP_ACT_NOTIFY)
			return true;
	return false;
}
