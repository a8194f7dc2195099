/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>

#include "profile_check.h"

void vb_subjects_finish(struct vb_subjects *subjects)
{
	free(subjects->items);
	*subjects = (struct vb_subjects){0};
}

/* The next name of a profile, when it is the smallest so far. */
static void find_next(const struct vb_profile *profile, size_t at, const char **name)
{
	if (profile == NULL || at == profile->rule_count)
		return;
	if (*name == NULL || strcmp(profile->rules[at].name, *name) < 0)
		*name = profile->rules[at].name;
}

static struct vb_rules take(const struct vb_profile *profile, size_t *at, const char *name)
{
	struct vb_rules rules = {
		.default_action = profile != NULL ? profile->default_action : SCMP_ACT_ALLOW,
	};

	if (profile == NULL || *at == profile->rule_count ||
		strcmp(profile->rules[*at].name, name) != 0)
		return rules;
	rules = vb_profile_rules_at(profile, *at);
	*at += rules.count;
	return rules;
}

int vb_subjects_collect(struct vb_subjects *subjects, const struct vb_profile *base,
	const struct vb_profile *tighter, const struct vb_profile *result)
{
	size_t b = 0;
	size_t t = 0;
	size_t r = 0;
	size_t most =
		(base != NULL ? base->rule_count : 0) + tighter->rule_count + result->rule_count;

	subjects->items = calloc(most + 1, sizeof(*subjects->items));
	if (subjects->items == NULL)
		return -ENOMEM;
	for (;;) {
		const char *name = NULL;
		find_next(base, b, &name);
		find_next(tighter, t, &name);
		find_next(result, r, &name);
		if (name == NULL)
			return 0;
		struct vb_subject *subject = &subjects->items[subjects->count++];
		subject->name = name;
		subject->base = take(base, &b, name);
		subject->tighter = take(tighter, &t, name);
		subject->result = take(result, &r, name);
	}
}

void vb_call_data(uint32_t arch, int number, const uint64_t args[VB_PROFILE_ARGS],
	struct seccomp_data *ret_data)
{
	bool x32 = arch == SCMP_ARCH_X32;

	*ret_data = (struct seccomp_data){
		.nr = x32 ? number | 0x40000000 : number,
		.arch = x32 ? SCMP_ARCH_X86_64 : arch,
	};
	for (unsigned int i = 0; i < VB_PROFILE_ARGS; i++)
		ret_data->args[i] = args[i];
}
