/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_SRC_PROFILE_MODEL_H
#define VB_ADJUST_SRC_PROFILE_MODEL_H

#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vb/adjust/profile.h"

/* What the files of the seccomp engine share. */

enum { VB_PROFILE_ARCHS_MAX = 24 };

/* One comparison of one argument. For every operator but MASKED_EQ the mask is all ones. */
struct vb_condition {
	unsigned int index;
	enum scmp_compare op;
	uint64_t value; /* within the mask */
	uint64_t mask;
};

/* All conditions must hold; they are at profile->conditions[first]. Each index occurs once. */
struct vb_rule {
	const char *name; /* in profile->names */
	uint32_t action;
	uint32_t source; /* entry of syscalls[] it came from, or will be in */
	size_t first;
	size_t count;
};

/*
 * Rules are sorted by name and effective: none has the default action; a name has either one rule
 * without conditions or only rules with conditions, and those overlap only with equal actions.
 */
struct vb_profile {
	uint32_t default_action;
	uint32_t native;
	uint32_t archs[VB_PROFILE_ARCHS_MAX]; /* sorted, native among them */
	size_t arch_count;
	int flags;
	char *listener_path;
	char *listener_metadata;
	struct vb_rule *rules;
	size_t rule_count;
	size_t rule_capacity;
	struct vb_condition *conditions;
	size_t condition_count;
	size_t condition_capacity;
	char *names;
	size_t names_size;
	size_t names_capacity;
};

/* The rules of one name. */
struct vb_rules {
	const struct vb_rule *rules;
	size_t count;
	const struct vb_condition *conditions; /* of the whole profile */
	uint32_t default_action;
};

/* Capacities are fixed, so that names and rules can be pointed at. NULL when out of memory. */
struct vb_profile *vb_profile_create(size_t rules, size_t conditions, size_t names_bytes);

/* Copies the name; NULL when the capacity is used up. */
const char *vb_profile_store_name(struct vb_profile *profile, const char *name);

/* Each returns -ENOSPC when the capacity is used up. The name is not copied. */
int vb_profile_add_rule(struct vb_profile *profile, const struct vb_rule *rule,
	const struct vb_condition *conditions);

/* Adds an architecture once, keeping the list sorted; -ENOSPC. */
int vb_profile_add_arch(struct vb_profile *profile, uint32_t arch);

/*
 * vb_profile_from_json() for an object whose entries came from others: sources has the number of
 * each, for rules and errors; NULL: they are numbered as they stand.
 */
int vb_profile_from_entries(const json_t *seccomp, const uint32_t *sources, uint32_t native,
	struct vb_profile **ret_profile, struct vb_error *err) VB_WARN_UNUSED;

/* Sorts rules and makes them effective. -EINVAL when rules overlap with different actions. */
int vb_profile_settle(struct vb_profile *profile, struct vb_error *err);

/*
 * Puts every name's rules into the order in which vb_profile_to_json() writes them, and numbers
 * them by the entry they will be in: what libseccomp makes of several rules may depend on it.
 * -ENOMEM.
 */
int vb_profile_canonicalise(struct vb_profile *profile) VB_WARN_UNUSED;

/* The rules of a name; none when the default applies. profile NULL: allows everything. */
struct vb_rules vb_profile_rules_of(const struct vb_profile *profile, const char *name);

/* The rules at rules[at] and behind it that have the same name. */
struct vb_rules vb_profile_rules_at(const struct vb_profile *profile, size_t at);

static inline bool vb_rules_conditional(const struct vb_rules *rules)
{
	return rules->count > 0 && rules->rules[0].count > 0;
}

static inline const struct vb_condition *vb_rules_conditions(
	const struct vb_rules *rules, size_t rule)
{
	return rules->conditions + rules->rules[rule].first;
}

static inline bool vb_condition_equal(const struct vb_condition *a, const struct vb_condition *b)
{
	return a->index == b->index && a->op == b->op && a->value == b->value && a->mask == b->mask;
}

/*
 * narrow: a 32-bit architecture, where libseccomp compares the lower halves of value and mask.
 * vb_rules_action() says what the rules answer; ret_source may be NULL.
 */
bool vb_condition_matches(const struct vb_condition *condition, uint64_t argument, bool narrow);
uint32_t vb_rules_action(const struct vb_rules *rules, const uint64_t args[VB_PROFILE_ARGS],
	bool narrow, int *ret_source);

/* The order of seccomp(2): smaller is stricter. Data such as the errno does not count. */
static inline int32_t vb_action_rank(uint32_t action)
{
	return (int32_t)(action & SECCOMP_RET_ACTION_FULL);
}

/* The stricter of two; equally strict: the first. */
static inline uint32_t vb_action_stricter(uint32_t first, uint32_t second)
{
	return vb_action_rank(second) < vb_action_rank(first) ? second : first;
}

/* Architectures. */
bool vb_arch_is_narrow(uint32_t arch);
uint32_t vb_arch_native(uint32_t arch);    /* resolves VB_PROFILE_NATIVE */
uint32_t vb_arch_sibling(uint32_t native); /* its 32-bit ABI that a kernel can offer; 0: none */
bool vb_arch_reachable(uint32_t native, uint32_t arch);

/* The bit of a flag's name; 0 when it is unknown. */
int vb_flag_from_name(const char *name);

/* The action of a name such as SCMP_ACT_KILL, without data; -ENOENT. */
int vb_action_from_name(const char *name, uint32_t *ret_action);

/* The call with the most similar name; empty when none is similar. */
enum { VB_CALL_NAME_MAX = 64 };
void vb_call_nearest(const char *name, char ret_nearest[VB_CALL_NAME_MAX]);

/* OCI's name of an operator and back; NULL, -ENOENT. */
const char *vb_compare_name(enum scmp_compare op);
int vb_compare_from_name(const char *name, enum scmp_compare *ret_op);

#endif
