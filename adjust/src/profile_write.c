/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "profile_model.h"
#include "vb/adjust/json.h"
#include "vb/adjust/oci_number.h"
#include "vb/adjust/oci_text.h"

static int compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_one_condition(const struct vb_condition *a, const struct vb_condition *b)
{
	int order = compare_u64(a->index, b->index);

	if (order == 0)
		order = compare_u64(a->op, b->op);
	if (order == 0)
		order = compare_u64(a->mask, b->mask);
	return order != 0 ? order : compare_u64(a->value, b->value);
}

/* Whether two rules go into one entry: equal actions and conditions. */
static int compare_groups(
	const struct vb_profile *profile, const struct vb_rule *a, const struct vb_rule *b)
{
	int order = compare_u64(a->count, b->count);

	if (order == 0)
		order = compare_u64(a->action, b->action);
	for (size_t i = 0; i < a->count && order == 0; i++)
		order = compare_one_condition(
			&profile->conditions[a->first + i], &profile->conditions[b->first + i]);
	return order;
}

static int compare_for_output(const void *left, const void *right, void *profile)
{
	const struct vb_rule *const *a = left;
	const struct vb_rule *const *b = right;
	int order = compare_groups(profile, *a, *b);

	return order != 0 ? order : strcmp((*a)->name, (*b)->name);
}

static int compare_in_profile(const void *left, const void *right, void *profile)
{
	const struct vb_rule *a = left;
	const struct vb_rule *b = right;
	int order = strcmp(a->name, b->name);

	return order != 0 ? order : compare_groups(profile, a, b);
}

/* In the order of the output. NULL when out of memory. */
static struct vb_rule **sort_for_output(struct vb_profile *profile)
{
	struct vb_rule **sorted = calloc(profile->rule_count + 1, sizeof(struct vb_rule *));

	for (size_t i = 0; i < profile->rule_count && sorted != NULL; i++)
		sorted[i] = &profile->rules[i];
	if (sorted != NULL)
		qsort_r(sorted, profile->rule_count, sizeof(struct vb_rule *), compare_for_output,
			profile);
	return sorted;
}

int vb_profile_canonicalise(struct vb_profile *profile)
{
	uint32_t entry = 0;

	qsort_r(profile->rules, profile->rule_count, sizeof(profile->rules[0]), compare_in_profile,
		profile);
	vb_auto_free struct vb_rule **sorted = sort_for_output(profile);
	if (sorted == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < profile->rule_count; i++) {
		if (i > 0 && compare_groups(profile, sorted[i - 1], sorted[i]) != 0)
			entry++;
		sorted[i]->source = entry;
	}
	return 0;
}

/* Sets the action's keys; 0 or -1. */
static int set_action(
	json_t *object, const char *action_key, const char *errno_key, uint32_t action)
{
	uint32_t kind = action & SECCOMP_RET_ACTION_FULL;

	if (json_object_set_new(object, action_key, json_string(vb_profile_action_name(action))) <
		0)
		return -1;
	if (kind != SCMP_ACT_ERRNO(0) && kind != SCMP_ACT_TRACE(0))
		return 0;
	return json_object_set_new(
		object, errno_key, json_integer((json_int_t)(action & SECCOMP_RET_DATA)));
}

static json_t *condition_to_json(const struct vb_condition *condition)
{
	vb_auto_json json_t *object = json_object();
	bool masked = condition->op == SCMP_CMP_MASKED_EQ;

	if (json_object_set_new(object, "index", json_integer((json_int_t)condition->index)) < 0 ||
		json_object_set_new(object, "value",
			vb_oci_number_new(masked ? condition->mask : condition->value)) < 0 ||
		json_object_set_new(object, "op", json_string(vb_compare_name(condition->op))) < 0)
		return NULL;
	if (masked &&
		json_object_set_new(object, "valueTwo", vb_oci_number_new(condition->value)) < 0)
		return NULL;
	return VB_STEAL(object);
}

/* One entry for rules that differ in their names only. */
static json_t *entry_to_json(
	const struct vb_profile *profile, struct vb_rule *const *rules, size_t count)
{
	vb_auto_json json_t *entry = json_object();
	json_t *names = json_array();

	if (json_object_set_new(entry, "names", names) < 0)
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (json_array_append_new(names, json_string(rules[i]->name)) < 0)
			return NULL;
	if (set_action(entry, "action", "errnoRet", rules[0]->action) < 0)
		return NULL;
	if (rules[0]->count == 0)
		return VB_STEAL(entry);
	json_t *args = json_array();
	if (json_object_set_new(entry, "args", args) < 0)
		return NULL;
	for (size_t i = 0; i < rules[0]->count; i++)
		if (json_array_append_new(
			    args, condition_to_json(&profile->conditions[rules[0]->first + i])) < 0)
			return NULL;
	return VB_STEAL(entry);
}

static json_t *entries_to_json(const struct vb_profile *profile)
{
	vb_auto_json json_t *entries = json_array();
	size_t count = profile->rule_count;
	/* Only read. */
	vb_auto_free struct vb_rule **sorted =
		sort_for_output((struct vb_profile *)(uintptr_t)profile);

	if (entries == NULL || sorted == NULL)
		return NULL;
	for (size_t at = 0; at < count;) {
		size_t end = at + 1;
		while (end < count && compare_groups(profile, sorted[at], sorted[end]) == 0)
			end++;
		if (json_array_append_new(entries, entry_to_json(profile, &sorted[at], end - at)) <
			0)
			return NULL;
		at = end;
	}
	return VB_STEAL(entries);
}

static json_t *archs_to_json(const struct vb_profile *profile)
{
	vb_auto_json json_t *archs = json_array();
	/* The native one first, as people write it. */
	if (json_array_append_new(archs, json_string(vb_profile_arch_name(profile->native))) < 0)
		return NULL;
	for (size_t i = 0; i < profile->arch_count; i++)
		if (profile->archs[i] != profile->native &&
			json_array_append_new(
				archs, json_string(vb_profile_arch_name(profile->archs[i]))) < 0)
			return NULL;
	return VB_STEAL(archs);
}

static json_t *flags_to_json(int flags)
{
	vb_auto_json json_t *list = json_array();

	for (const char *name; (name = vb_profile_next_flag(&flags)) != NULL;)
		if (json_array_append_new(list, json_string(name)) < 0)
			return NULL;
	return VB_STEAL(list);
}

json_t *vb_profile_to_json(const struct vb_profile *profile)
{
	vb_auto_json json_t *object = json_object();

	if (set_action(object, "defaultAction", "defaultErrnoRet", profile->default_action) < 0 ||
		json_object_set_new(object, "architectures", archs_to_json(profile)) < 0)
		return NULL;
	if (profile->flags >= 0 &&
		json_object_set_new(object, "flags", flags_to_json(profile->flags)) < 0)
		return NULL;
	if (profile->listener_path != NULL && json_object_set_new(object, "listenerPath",
						      json_string(profile->listener_path)) < 0)
		return NULL;
	if (profile->listener_metadata != NULL &&
		json_object_set_new(
			object, "listenerMetadata", json_string(profile->listener_metadata)) < 0)
		return NULL;
	if (json_object_set_new(object, "syscalls", entries_to_json(profile)) < 0)
		return NULL;
	return VB_STEAL(object);
}

int vb_profile_to_text(const struct vb_profile *profile, char **ret_text, struct vb_error *err)
{
	vb_auto_json json_t *json = vb_profile_to_json(profile);
	size_t size;

	if (json == NULL)
		return vb_error_set(err, ENOMEM, "write a seccomp profile");
	return vb_oci_text_write_indented(json, ret_text, &size, err);
}
