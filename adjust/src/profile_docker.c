/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/profile_docker.h"

#include <errno.h>
#include <string.h>

#include "profile_model.h"
#include "vb/adjust/caps.h"
#include "vb/adjust/json.h"

/* The format is defined by its readers, profiles/seccomp of moby and pkg/seccomp of containers. */

enum { ERRNO_LAST = 133, VERSION_MAX = 65535 };

static const char *const profile_keys[] = {"defaultAction", "defaultErrnoRet", "defaultErrno",
	"archMap", "architectures", "flags", "listenerPath", "listenerMetadata", "syscalls", NULL};
static const char *const entry_keys[] = {"names", "name", "action", "errnoRet", "errno", "args",
	"comment", "includes", "excludes", NULL};
static const char *const filter_keys[] = {"caps", "arches", "minKernel", NULL};
static const char *const map_keys[] = {"architecture", "subArchitectures", NULL};

/* As GOARCH and the profiles call them. */
static const struct {
	uint32_t arch;
	const char *name;
} arch_names[] = {
	{SCMP_ARCH_X86_64, "amd64"},
	{SCMP_ARCH_X86, "x86"},
	{SCMP_ARCH_AARCH64, "arm64"},
	{SCMP_ARCH_ARM, "arm"},
	{SCMP_ARCH_MIPS, "mips"},
	{SCMP_ARCH_MIPS64, "mips64"},
	{SCMP_ARCH_MIPS64N32, "mips64n32"},
	{SCMP_ARCH_MIPSEL, "mipsel"},
	{SCMP_ARCH_MIPSEL64, "mipsel64"},
	{SCMP_ARCH_MIPSEL64N32, "mipsel64n32"},
	{SCMP_ARCH_PPC, "ppc"},
	{SCMP_ARCH_PPC64, "ppc64"},
	{SCMP_ARCH_PPC64LE, "ppc64le"},
	{SCMP_ARCH_RISCV64, "riscv64"},
	{SCMP_ARCH_S390, "s390"},
	{SCMP_ARCH_S390X, "s390x"},
};

static const char *native_name(uint32_t native)
{
	for (size_t i = 0; i < VB_ARRAY_SIZE(arch_names); i++)
		if (arch_names[i].arch == native)
			return arch_names[i].name;
	return "";
}

bool vb_profile_is_docker(const json_t *profile)
{
	static const char *const marks[] = {"includes", "excludes", "comment", "errno", "name"};
	const json_t *entries = json_object_get(profile, "syscalls");
	size_t i;
	const json_t *entry;

	if (json_object_get(profile, "archMap") != NULL ||
		json_object_get(profile, "defaultErrno") != NULL)
		return true;
	json_array_foreach(entries, i, entry)
		for (size_t j = 0; j < VB_ARRAY_SIZE(marks); j++)
			if (json_object_get(entry, marks[j]) != NULL)
				return true;
	return false;
}

static int check_keys(
	const json_t *object, const char *what, const char *const *keys, struct vb_error *err)
{
	if (!json_is_object(object))
		return vb_error_say(err, EINVAL, "%s is not an object", what);
	return vb_json_check_keys(object, what, keys, err);
}

/* NULL when absent or null. */
static const json_t *get(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_null(value) ? NULL : value;
}

/* Sets the key to a borrowed value, if there is one. 0 or -ENOMEM. */
static int copy_key(json_t *to, const json_t *from, const char *key)
{
	const json_t *value = get(from, key);

	if (value == NULL)
		return 0;
	json_t *copy = json_deep_copy(value);
	return json_object_set_new(to, key, copy) < 0 ? -ENOMEM : 0;
}

static int set_number(json_t *to, const char *key, int number)
{
	return json_object_set_new(to, key, json_integer(number)) < 0 ? -ENOMEM : 0;
}

/* "EPERM", or a number as text. */
static int find_errno(const char *name)
{
	char *end = NULL;

	for (int number = 1; number <= ERRNO_LAST; number++) {
		const char *known = strerrorname_np(number);
		if (known != NULL && strcmp(known, name) == 0)
			return number;
	}
	unsigned long number = strtoul(name, &end, 10);
	return name[0] >= '0' && name[0] <= '9' && *end == '\0' && number <= ERRNO_LAST
		       ? (int)number
		       : -EINVAL;
}

/* containers-common names the errno in a key of its own, which wins over the number. */
static int resolve_errno(json_t *to, const json_t *from, const char *name_key,
	const char *number_key, struct vb_error *err)
{
	const json_t *named = get(from, name_key);

	if (named == NULL)
		return copy_key(to, from, number_key);
	const char *name = json_string_value(named);
	if (name != NULL && name[0] == '\0')
		return copy_key(to, from, number_key);
	int number = name != NULL ? find_errno(name) : -EINVAL;
	if (number < 0)
		return vb_error_say(err, EINVAL, "unknown %s '%s'", name_key,
			name != NULL ? name : "(not a string)");
	return set_number(to, number_key, number);
}

/* Whether the list has the text; -EINVAL when it is no list of strings. */
static int list_has(const json_t *list, const char *text, const char *what, struct vb_error *err)
{
	size_t i;
	const json_t *item;
	int found = 0;

	if (list != NULL && !json_is_array(list))
		return vb_error_say(err, EINVAL, "%s is not a list", what);
	json_array_foreach(list, i, item) {
		if (!json_is_string(item))
			return vb_error_say(
				err, EINVAL, "%s has something that is no string", what);
		if (strcmp(json_string_value(item), text) == 0)
			found = 1;
	}
	return found;
}

/* How many of the listed capabilities the target has. */
static int count_caps(const json_t *list, const struct vb_docker_target *target, const char *what,
	struct vb_error *err)
{
	int count = 0;

	if (list != NULL && !json_is_array(list))
		return vb_error_say(err, EINVAL, "%s is not a list", what);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = json_string_value(json_array_get(list, i));
		uint64_t set = 0;
		if (name == NULL || strncmp(name, "CAP_", 4) != 0 ||
			vb_cap_parse(name, &set, NULL) < 0)
			return vb_error_say(err, EINVAL, "%s has the unknown capability '%s'", what,
				name != NULL ? name : "(not a string)");
		count += (set & ~target->capabilities) == 0;
	}
	return count;
}

/* Whether the target's kernel is at least "MAJOR.MINOR". */
static int kernel_is_new(const json_t *version, const struct vb_docker_target *target,
	const char *what, struct vb_error *err)
{
	const char *text = json_string_value(version);
	unsigned long parts[2] = {0, 0};

	for (size_t i = 0; i < VB_ARRAY_SIZE(parts) && text != NULL; i++) {
		char *end = NULL;
		if (*text < '0' || *text > '9') {
			text = NULL;
			break;
		}
		parts[i] = strtoul(text, &end, 10);
		bool ends_well = *end == (i == 0 ? '.' : '\0');
		text = ends_well && parts[i] <= VERSION_MAX ? end + 1 : NULL;
	}
	if (text == NULL)
		return vb_error_say(err, EINVAL, "%s is no kernel version like \"4.8\"", what);
	return target->kernel_major > parts[0] ||
	       (target->kernel_major == parts[0] && target->kernel_minor >= parts[1]);
}

/* What a filter finds in the target: 1 or 0, and -1 where the filter has no such list. */
struct findings {
	int arch;
	int some_caps;
	int all_caps;
	int kernel;
};

static int evaluate(const json_t *filter, const struct vb_docker_target *target, const char *what,
	struct findings *ret_findings, struct vb_error *err)
{
	struct findings findings = {-1, -1, -1, -1};
	const json_t *caps = get(filter, "caps");
	const json_t *arches = get(filter, "arches");
	const json_t *version = get(filter, "minKernel");
	int r = check_keys(filter, what, filter_keys, err);

	if (r < 0)
		return r;
	r = list_has(arches, native_name(vb_arch_native(target->native)), what, err);
	if (r >= 0 && json_array_size(arches) > 0)
		findings.arch = r;
	if (r >= 0)
		r = count_caps(caps, target, what, err);
	if (r >= 0 && json_array_size(caps) > 0) {
		findings.some_caps = r > 0;
		findings.all_caps = (size_t)r == json_array_size(caps);
	}
	if (r >= 0 && version != NULL) {
		r = kernel_is_new(version, target, what, err);
		findings.kernel = r;
	}
	*ret_findings = findings;
	return r < 0 ? r : 0;
}

/* Whether the entry applies: any exclusion keeps it out, all inclusions must hold. */
static int entry_applies(const json_t *entry, const struct vb_docker_target *target,
	const char *what, struct vb_error *err)
{
	const json_t *includes = get(entry, "includes");
	const json_t *excludes = get(entry, "excludes");
	struct findings found = {-1, -1, -1, -1};
	char which[64];

	if (excludes != NULL) {
		(void)snprintf(which, sizeof(which), "%s.excludes", what);
		int r = evaluate(excludes, target, which, &found, err);
		if (r < 0)
			return vb_error_at(err, "%s", which);
		if (found.arch == 1 || found.some_caps == 1 || found.kernel == 1)
			return 0;
	}
	if (includes == NULL)
		return 1;
	(void)snprintf(which, sizeof(which), "%s.includes", what);
	int r = evaluate(includes, target, which, &found, err);
	if (r < 0)
		return vb_error_at(err, "%s", which);
	return found.arch != 0 && found.all_caps != 0 && found.kernel != 0;
}

static int resolve_names(json_t *to, const json_t *entry, const char *what, struct vb_error *err)
{
	const json_t *name = get(entry, "name");

	if (name == NULL)
		return copy_key(to, entry, "names");
	if (get(entry, "names") != NULL)
		return vb_error_say(err, EINVAL, "%s has both name and names", what);
	if (!json_is_string(name))
		return vb_error_say(err, EINVAL, "%s: name is not a string", what);
	json_t *names = json_pack("[s]", json_string_value(name));
	return json_object_set_new(to, "names", names) < 0 ? -ENOMEM : 0;
}

/* Appends what the entry comes to, if anything. */
static int resolve_entry(const json_t *entry, const char *what,
	const struct vb_docker_target *target, json_t *entries, struct vb_error *err)
{
	int r = check_keys(entry, what, entry_keys, err);
	if (r == 0)
		r = entry_applies(entry, target, what, err);
	if (r <= 0)
		return r;
	vb_auto_json json_t *resolved = json_object();
	r = resolve_names(resolved, entry, what, err);
	if (r == 0)
		r = copy_key(resolved, entry, "action");
	if (r == 0)
		r = resolve_errno(resolved, entry, "errno", "errnoRet", err);
	if (r == 0)
		r = copy_key(resolved, entry, "args");
	if (r < 0)
		return r;
	return json_array_append_new(entries, VB_STEAL(resolved)) < 0 ? -ENOMEM : 0;
}

/* sources: room for the number of each entry that is left, or NULL. */
static int resolve_entries(const json_t *profile, const struct vb_docker_target *target,
	json_t *seccomp, uint32_t *sources, struct vb_error *err)
{
	const json_t *list = get(profile, "syscalls");
	json_t *entries = json_array();
	int r = json_object_set_new(seccomp, "syscalls", entries) < 0 ? -ENOMEM : 0;

	if (list != NULL && !json_is_array(list)) {
		vb_error_say(err, EINVAL, "syscalls is not a list");
		return vb_error_at(err, "syscalls");
	}
	for (size_t i = 0; i < json_array_size(list) && r == 0; i++) {
		size_t before = json_array_size(entries);
		char what[32];
		(void)snprintf(what, sizeof(what), "syscalls[%zu]", i);
		r = resolve_entry(json_array_get(list, i), what, target, entries, err);
		if (r < 0 && r != -ENOMEM)
			return vb_error_at(err, "%s", what);
		if (sources != NULL && json_array_size(entries) > before)
			sources[before] = (uint32_t)i;
	}
	return r;
}

/* The architectures that the map gives the native one; none when it is not in the map. */
static int resolve_map(const json_t *map, uint32_t native, json_t *seccomp, struct vb_error *err)
{
	json_t *archs = json_array();
	int r = json_object_set_new(seccomp, "architectures", archs) < 0 ? -ENOMEM : 0;

	if (!json_is_array(map)) {
		vb_error_say(err, EINVAL, "archMap is not a list");
		return vb_error_at(err, "archMap");
	}
	for (size_t i = 0; i < json_array_size(map) && r == 0; i++) {
		const json_t *item = json_array_get(map, i);
		const char *name = json_string_value(json_object_get(item, "architecture"));
		r = check_keys(item, "archMap", map_keys, err);
		if (r == 0 && (name == NULL || vb_profile_arch_token(name) == 0))
			r = vb_error_say(err, EINVAL,
				"archMap[%zu] has the unknown architecture '%s'", i,
				name != NULL ? name : "(not a string)");
		if (r < 0)
			return vb_error_at(err, "archMap[%zu]", i);
		if (vb_profile_arch_token(name) != native || json_array_size(archs) > 0)
			continue;
		json_t *others = json_object_get(item, "subArchitectures");
		if (json_array_append_new(archs, json_string(name)) < 0)
			return -ENOMEM;
		if (json_is_array(others) && json_array_extend(archs, others) < 0)
			return -ENOMEM;
	}
	return r;
}

static int resolve(const json_t *profile, const struct vb_docker_target *target, json_t *seccomp,
	uint32_t *sources, struct vb_error *err)
{
	static const char *const same[] = {
		"defaultAction", "architectures", "flags", "listenerPath", "listenerMetadata"};
	const json_t *map = get(profile, "archMap");
	int r = check_keys(profile, "the profile", profile_keys, err);

	for (size_t i = 0; i < VB_ARRAY_SIZE(same) && r == 0; i++)
		r = copy_key(seccomp, profile, same[i]);
	if (r == 0)
		r = resolve_errno(seccomp, profile, "defaultErrno", "defaultErrnoRet", err);
	if (r == 0 && map != NULL && json_array_size(get(profile, "architectures")) > 0)
		return vb_error_say(err, EINVAL, "the profile has both archMap and architectures");
	if (r == 0 && map != NULL)
		r = resolve_map(map, vb_arch_native(target->native), seccomp, err);
	return r == 0 ? resolve_entries(profile, target, seccomp, sources, err) : r;
}

static int resolve_all(const json_t *profile, const struct vb_docker_target *target,
	uint32_t *sources, json_t **ret_seccomp, struct vb_error *err)
{
	vb_auto_json json_t *seccomp = json_object();
	int r = resolve(profile, target, seccomp, sources, err);

	if (r == -ENOMEM)
		return vb_error_set(err, ENOMEM, "resolve a profile");
	if (r < 0)
		return r;
	*ret_seccomp = VB_STEAL(seccomp);
	return 0;
}

int vb_profile_resolve_docker(const json_t *profile, const struct vb_docker_target *target,
	json_t **ret_seccomp, struct vb_error *err)
{
	return resolve_all(profile, target, NULL, ret_seccomp, err);
}

int vb_profile_from_docker(const json_t *profile, const struct vb_docker_target *target,
	struct vb_profile **ret_profile, struct vb_error *err)
{
	vb_auto_json json_t *seccomp = NULL;
	size_t entries = json_array_size(json_object_get(profile, "syscalls"));
	vb_auto_free uint32_t *sources = calloc(entries + 1, sizeof(uint32_t));

	if (sources == NULL)
		return vb_error_set(err, ENOMEM, "resolve a profile");
	int r = resolve_all(profile, target, sources, &seccomp, err);
	if (r < 0)
		return r;
	return vb_profile_from_entries(seccomp, sources, target->native, ret_profile, err);
}
