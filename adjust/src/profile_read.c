/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "profile_model.h"
#include "vb/adjust/oci_number.h"
#include "vb/base/str.h"

/* linux.seccomp of the OCI runtime specification, config-linux.md. */

enum {
	ENTRIES_MAX = 4096,
	RULES_MAX = 16384,
	NAME_MAX_BYTES = 64,
	LISTENER_MAX_BYTES = 4096,
	ERRNO_MAX = 4095,     /* MAX_ERRNO: the kernel returns no larger one */
	TRACE_MAX = INT16_MAX /* runc passes it as int16 */
};

static const char *const profile_keys[] = {"defaultAction", "defaultErrnoRet", "architectures",
	"flags", "listenerPath", "listenerMetadata", "syscalls", NULL};
static const char *const profile_docker_keys[] = {"archMap", "defaultErrno", NULL};
static const char *const entry_keys[] = {"names", "action", "errnoRet", "args", NULL};
static const char *const entry_docker_keys[] = {
	"includes", "excludes", "comment", "errno", "name", NULL};
static const char *const argument_keys[] = {"index", "value", "valueTwo", "op", NULL};
static const char *const no_keys[] = {NULL};
static const char whole[] =
	"the profile"; /* what errors call it; its keys are places by themselves */

static bool is_among(const char *const *keys, const char *key)
{
	for (; *keys != NULL; keys++)
		if (strcmp(*keys, key) == 0)
			return true;
	return false;
}

/* Adds to an error which key of `what` it is about. */
static int at_key(struct vb_error *err, const char *what, const char *key)
{
	return strcmp(what, whole) == 0 ? vb_error_at(err, "%s", key)
					: vb_error_at(err, "%s.%s", what, key);
}

/* Only known keys; the key of another format gets its own message. */
static int check_keys(const json_t *object, const char *const *keys, const char *const *docker_keys,
	const char *what, struct vb_error *err)
{
	const char *key;
	json_t *value;

	if (!json_is_object(object))
		return vb_error_say(err, EINVAL, "%s is not an object", what);
	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		if (is_among(docker_keys, key)) {
			vb_error_say(err, EINVAL,
				"%s has the key '%s' of Docker's profile format, which a runtime "
				"would ignore",
				what, key);
			(void)vb_error_fix(err, "resolve the profile for this node first, or "
						"write it in OCI format");
			return at_key(err, what, key);
		}
		if (is_among(keys, key))
			continue;
		vb_error_say(err, EINVAL, "%s has the unknown key '%s'", what, key);
		return at_key(err, what, key);
	}
	return 0;
}

/* An array or NULL; Go writes null for a missing one. */
static int read_array(const json_t *object, const char *key, const char *what,
	const json_t **ret_array, struct vb_error *err)
{
	const json_t *value = json_object_get(object, key);

	if (value == NULL || json_is_null(value)) {
		*ret_array = NULL;
		return 0;
	}
	if (!json_is_array(value)) {
		vb_error_say(err, EINVAL, "%s of %s is not a list", key, what);
		return at_key(err, what, key);
	}
	*ret_array = value;
	return 0;
}

/* key is that of the number: defaultErrnoRet or errnoRet. */
static int read_action(const json_t *object, const char *action_key, const char *errno_key,
	const char *what, uint32_t *ret_action, struct vb_error *err)
{
	const char *name = json_string_value(json_object_get(object, action_key));
	const json_t *data = json_object_get(object, errno_key);
	uint32_t action = 0;
	uint64_t number = EPERM; /* of all runtimes when nothing is said */

	if (name == NULL)
		return vb_error_say(err, EINVAL, "%s has no %s", what, action_key);
	if (vb_action_from_name(name, &action) < 0) {
		vb_error_say(err, EINVAL, "%s has the unknown %s '%s'", what, action_key, name);
		return at_key(err, what, action_key);
	}
	bool takes_data = action == SCMP_ACT_ERRNO(0) || action == SCMP_ACT_TRACE(0);
	if (data != NULL && !json_is_null(data)) {
		uint64_t max = action == SCMP_ACT_ERRNO(0) ? ERRNO_MAX : TRACE_MAX;
		int r = 0;
		if (!takes_data)
			r = vb_error_say(err, EINVAL, "%s has %s, which %s does not take", what,
				errno_key, name);
		else if (vb_oci_number_u64(data, &number) < 0 || number > max)
			r = vb_error_say(err, EINVAL, "%s: %s is not a number from 0 to %u", what,
				errno_key, (unsigned int)max);
		if (r < 0)
			return at_key(err, what, errno_key);
	}
	*ret_action = takes_data ? action | (uint32_t)number : action;
	return 0;
}

static int read_architectures(
	const json_t *seccomp, struct vb_profile *profile, struct vb_error *err)
{
	const json_t *list = NULL;
	int r = read_array(seccomp, "architectures", whole, &list, err);

	if (r < 0)
		return r;
	r = vb_profile_add_arch(profile, profile->native);
	for (size_t i = 0; i < json_array_size(list) && r == 0; i++) {
		const char *name = json_string_value(json_array_get(list, i));
		uint32_t arch = name != NULL ? vb_profile_arch_token(name) : 0;
		if (arch == 0) {
			vb_error_say(err, EINVAL, "architectures[%zu] is unknown: '%s'", i,
				name != NULL ? name : "not a string");
			return vb_error_at(err, "architectures[%zu]", i);
		}
		r = vb_profile_add_arch(profile, arch);
	}
	return r;
}

static int read_flags(const json_t *seccomp, struct vb_profile *profile, struct vb_error *err)
{
	const json_t *list = NULL;
	int flags = 0;
	int r = read_array(seccomp, "flags", whole, &list, err);

	if (r < 0 || list == NULL)
		return r;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = json_string_value(json_array_get(list, i));
		int bit = name != NULL ? vb_flag_from_name(name) : 0;
		if (bit == 0) {
			vb_error_say(err, EINVAL, "flags[%zu] is unknown: '%s'", i,
				name != NULL ? name : "not a string");
			return vb_error_at(err, "flags[%zu]", i);
		}
		flags |= bit;
	}
	profile->flags = flags;
	return 0;
}

static int read_text(const json_t *seccomp, const char *key, char **ret_text, struct vb_error *err)
{
	const json_t *value = json_object_get(seccomp, key);
	const char *text = json_string_value(value);

	if (value == NULL || json_is_null(value))
		return 0;
	if (text == NULL || strlen(text) > LISTENER_MAX_BYTES) {
		vb_error_say(err, EINVAL, "%s is not a string of at most %d bytes", key,
			LISTENER_MAX_BYTES);
		return vb_error_at(err, "%s", key);
	}
	if (text[0] == '\0')
		return 0;
	*ret_text = strdup(text);
	return *ret_text != NULL ? 0 : vb_error_set(err, ENOMEM, "read %s", key);
}

static int read_condition(const json_t *argument, const char *what,
	struct vb_condition *ret_condition, struct vb_error *err)
{
	struct vb_condition condition = {.mask = UINT64_MAX};
	const json_t *two = json_object_get(argument, "valueTwo");
	const char *op = json_string_value(json_object_get(argument, "op"));
	uint64_t index = 0;
	uint64_t value_two = 0;
	int r = check_keys(argument, argument_keys, no_keys, what, err);

	if (r < 0)
		return r;
	if (op == NULL || vb_compare_from_name(op, &condition.op) < 0)
		return vb_error_say(err, EINVAL, "%s has the unknown operator '%s'", what,
			op != NULL ? op : "(none)");
	if (vb_oci_number_u64(json_object_get(argument, "index"), &index) < 0 ||
		index >= VB_PROFILE_ARGS)
		return vb_error_say(err, EINVAL, "%s: index is not a number from 0 to 5", what);
	if (vb_oci_number_u64(json_object_get(argument, "value"), &condition.value) < 0 ||
		(two != NULL && vb_oci_number_u64(two, &value_two) < 0))
		return vb_error_say(err, EINVAL,
			"%s: value or valueTwo is not an unsigned 64-bit number", what);
	condition.index = (unsigned int)index;
	if (condition.op == SCMP_CMP_MASKED_EQ) {
		condition.mask = condition.value;
		condition.value = value_two & condition.mask;
	}
	*ret_condition = condition;
	return 0;
}

static int read_conditions(const json_t *args, const char *what,
	struct vb_condition conditions[VB_PROFILE_ARGS], size_t *ret_count, struct vb_error *err)
{
	size_t count = json_array_size(args);

	/* crun looks at the first six only, runc at all. */
	if (count > VB_PROFILE_ARGS)
		return vb_error_say(
			err, EINVAL, "%s has %zu args, more than a call has", what, count);
	for (size_t i = 0; i < count; i++) {
		char which[VB_ERROR_FIX_MAX];
		(void)snprintf(which, sizeof(which), "%s.args[%zu]", what, i);
		int r = read_condition(json_array_get(args, i), which, &conditions[i], err);
		if (r < 0)
			return vb_error_at(err, "%s", which);
	}
	*ret_count = count;
	return 0;
}

static bool repeats_index(const struct vb_condition *conditions, size_t count)
{
	unsigned int seen = 0;

	for (size_t i = 0; i < count; i++) {
		if ((seen & (1U << conditions[i].index)) != 0)
			return true;
		seen |= 1U << conditions[i].index;
	}
	return false;
}

/* libseccomp drops a condition that looks at no bit; without any left the rule is unconditional. */
static size_t drop_empty_masks(struct vb_condition *conditions, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (conditions[i].mask != 0)
			conditions[kept++] = conditions[i];
	return kept;
}

static int compare_conditions(const void *left, const void *right)
{
	const struct vb_condition *a = left;
	const struct vb_condition *b = right;

	return (a->index > b->index) - (a->index < b->index);
}

/* What runc and crun add to the filter for one name of one entry. */
static int add_name(struct vb_profile *profile, struct vb_rule *rule,
	const struct vb_condition *conditions, size_t count)
{
	struct vb_condition usable[VB_PROFILE_ARGS] = {0};
	int r = 0;

	if (repeats_index(conditions, count)) {
		for (size_t i = 0; i < count && r == 0; i++) {
			usable[0] = conditions[i];
			rule->count = drop_empty_masks(usable, 1);
			r = vb_profile_add_rule(profile, rule, usable);
		}
		return r;
	}
	for (size_t i = 0; i < count; i++)
		usable[i] = conditions[i];
	rule->count = drop_empty_masks(usable, count);
	qsort(usable, rule->count, sizeof(usable[0]), compare_conditions);
	return vb_profile_add_rule(profile, rule, usable);
}

static bool is_name(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_";
	size_t length = name != NULL ? strlen(name) : 0;

	return length > 0 && length <= NAME_MAX_BYTES && strspn(name, letters) == length;
}

static int read_entry(
	const json_t *entry, uint32_t source, struct vb_profile *profile, struct vb_error *err)
{
	char what[32];
	const json_t *names = NULL;
	const json_t *args = NULL;
	struct vb_condition conditions[VB_PROFILE_ARGS] = {0};
	size_t count = 0;
	struct vb_rule rule = {.source = source};
	int r;

	(void)snprintf(what, sizeof(what), "syscalls[%u]", source);
	r = check_keys(entry, entry_keys, entry_docker_keys, what, err);
	if (r == 0)
		r = read_array(entry, "names", what, &names, err);
	if (r == 0)
		r = read_array(entry, "args", what, &args, err);
	if (r == 0)
		r = read_action(entry, "action", "errnoRet", what, &rule.action, err);
	if (r == 0)
		r = read_conditions(args, what, conditions, &count, err);
	if (r < 0)
		return r;
	if (json_array_size(names) == 0)
		return vb_error_say(err, EINVAL, "%s has no names", what);
	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));
		if (!is_name(name)) {
			vb_error_say(err, EINVAL, "%s.names[%zu] is no system call name: '%s'",
				what, i, name != NULL ? name : "not a string");
			return vb_error_at(err, "%s.names[%zu]", what, i);
		}
		/* The runtimes skip such a rule; for libseccomp it is an error. */
		if (rule.action == profile->default_action)
			continue;
		rule.name = vb_profile_store_name(profile, name);
		if (rule.name == NULL || add_name(profile, &rule, conditions, count) < 0)
			return vb_error_set(err, ENOSPC, "%s", what);
	}
	return 0;
}

/* sources: the entries' numbers, or NULL when they are those that they have. */
static int read_entries(const json_t *entries, const uint32_t *sources, struct vb_profile *profile,
	struct vb_error *err)
{
	for (size_t i = 0; i < json_array_size(entries); i++) {
		uint32_t source = sources != NULL ? sources[i] : (uint32_t)i;
		int r = read_entry(json_array_get(entries, i), source, profile, err);
		if (r < 0) {
			(void)vb_error_at(err, "syscalls[%u]", source);
			return r;
		}
	}
	return 0;
}

struct demand {
	size_t rules;
	size_t conditions;
	size_t names_bytes;
};

/* What the list will take at most. */
static int measure(const json_t *entries, struct demand *ret_demand, struct vb_error *err)
{
	struct demand demand = {0};
	size_t i;
	size_t j;
	const json_t *entry;
	const json_t *name;

	if (json_array_size(entries) > ENTRIES_MAX)
		return vb_error_say(err, EINVAL, "syscalls has more than %d entries", ENTRIES_MAX);
	json_array_foreach(entries, i, entry) {
		size_t args = json_array_size(json_object_get(entry, "args"));
		const json_t *names = json_object_get(entry, "names");
		size_t per_name = args < VB_PROFILE_ARGS ? args : VB_PROFILE_ARGS;
		demand.conditions += json_array_size(names) * per_name;
		demand.rules += json_array_size(names) * (per_name > 0 ? per_name : 1);
		json_array_foreach(names, j, name)
			demand.names_bytes += json_string_length(name) + 1;
		if (demand.rules > RULES_MAX)
			return vb_error_say(
				err, EINVAL, "the profile has more than %d rules", RULES_MAX);
	}
	*ret_demand = demand;
	return 0;
}

static int read_header(const json_t *seccomp, struct vb_profile *profile, struct vb_error *err)
{
	int r = read_action(
		seccomp, "defaultAction", "defaultErrnoRet", whole, &profile->default_action, err);

	if (r == 0)
		r = read_architectures(seccomp, profile, err);
	if (r == 0)
		r = read_flags(seccomp, profile, err);
	if (r == 0)
		r = read_text(seccomp, "listenerPath", &profile->listener_path, err);
	if (r == 0)
		r = read_text(seccomp, "listenerMetadata", &profile->listener_metadata, err);
	return r;
}

int vb_profile_from_entries(const json_t *seccomp, const uint32_t *sources, uint32_t native,
	struct vb_profile **ret_profile, struct vb_error *err)
{
	const json_t *entries = NULL;
	struct demand demand = {0};
	int r = check_keys(seccomp, profile_keys, profile_docker_keys, whole, err);

	if (r == 0)
		r = read_array(seccomp, "syscalls", whole, &entries, err);
	if (r == 0)
		r = measure(entries, &demand, err);
	if (r < 0)
		return r;
	vb_auto_profile struct vb_profile *profile =
		vb_profile_create(demand.rules, demand.conditions, demand.names_bytes);
	if (profile == NULL)
		return vb_error_set(err, ENOMEM, "read a seccomp profile");
	profile->native = vb_arch_native(native);
	if (vb_profile_arch_name(profile->native) == NULL)
		return vb_error_say(err, EINVAL, "unknown native architecture 0x%x", native);
	r = read_header(seccomp, profile, err);
	if (r == 0)
		r = read_entries(entries, sources, profile, err);
	if (r == 0)
		r = vb_profile_settle(profile, err);
	if (r < 0)
		return r;
	*ret_profile = VB_STEAL(profile);
	return 0;
}

int vb_profile_from_json(const json_t *seccomp, uint32_t native, struct vb_profile **ret_profile,
	struct vb_error *err)
{
	return vb_profile_from_entries(seccomp, NULL, native, ret_profile, err);
}
