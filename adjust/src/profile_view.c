/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_model.h"

/* What a profile shows to those who do not know how it is held. */

static void view_rule(const struct vb_profile *profile, const struct vb_rule *rule,
	struct vb_profile_rule *ret_rule)
{
	*ret_rule = (struct vb_profile_rule){
		.name = rule->name,
		.action = rule->action,
		.entry = rule->source,
		.condition_count = rule->count,
	};
	for (size_t i = 0; i < rule->count; i++) {
		const struct vb_condition *condition = &profile->conditions[rule->first + i];
		ret_rule->conditions[i] = (struct vb_profile_condition){
			.index = condition->index,
			.op = vb_compare_name(condition->op),
			.value = condition->value,
			.mask = condition->mask,
		};
	}
}

int vb_profile_walk(const struct vb_profile *profile, vb_profile_rule_fn function, void *context)
{
	int r = 0;

	for (size_t i = 0; i < profile->rule_count && r == 0; i++) {
		struct vb_profile_rule rule;
		view_rule(profile, &profile->rules[i], &rule);
		r = function(context, &rule);
	}
	return r;
}

int vb_profile_walk_archs(
	const struct vb_profile *profile, vb_profile_arch_fn function, void *context)
{
	int r = function(context, profile->native);

	for (size_t i = 0; i < profile->arch_count && r == 0; i++)
		if (profile->archs[i] != profile->native)
			r = function(context, profile->archs[i]);
	return r;
}
