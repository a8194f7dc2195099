/* SPDX-License-Identifier: Apache-2.0 */
#include "bundle_internal.h"

#include <errno.h>
#include <string.h>

#include "vb/adjust/caps.h"
#include "vb/adjust/values.h"

static const char *const rlimit_names[] = {"AS", "CORE", "CPU", "DATA", "FSIZE", "LOCKS", "MEMLOCK",
	"MSGQUEUE", "NICE", "NOFILE", "NPROC", "RSS", "RTPRIO", "RTTIME", "SIGPENDING", "STACK",
	NULL};

/* Checked on the parsed array, so that none of a list that is too long is looked at. */
static int check_length(const json_t *array, const char *where, struct vb_error *err)
{
	if (json_array_size(array) <= VB_BUNDLE_LIST_MAX)
		return 0;
	return vb_error_say(err, EINVAL, "%s has more than %d entries", where, VB_BUNDLE_LIST_MAX);
}

static int read_seccomp(const json_t *seccomp, struct vb_bundle *bundle, struct vb_error *err)
{
	static const char *const known[] = {"profile", "spec_allow", "log", NULL};
	static const char where[] = "hardening.seccomp";
	const char *profile = NULL;
	const char *spec_allow = NULL;

	int r = vb_json_check_keys(seccomp, where, known, err);
	if (r == 0)
		r = vb_json_get_string(seccomp, where, "profile", &profile, err);
	if (r == 0)
		r = vb_json_get_string(seccomp, where, "spec_allow", &spec_allow, err);
	if (r == 0)
		r = vb_json_get_bool(seccomp, where, "log", &bundle->seccomp_log, err);
	if (r == 0 && spec_allow != NULL) {
		r = vb_value_spec_allow(spec_allow, &bundle->spec_allow, err);
		if (r < 0)
			(void)vb_error_wrap(err, "%s.spec_allow", where);
	}
	if (r < 0 || profile == NULL)
		return r;
	bundle->seccomp_profile = strdup(profile);
	return bundle->seccomp_profile == NULL ? vb_error_set(err, ENOMEM, "read a manifest") : 0;
}

static int read_capabilities(const json_t *caps, struct vb_bundle *bundle, struct vb_error *err)
{
	static const char *const known[] = {"drop", NULL};
	static const char where[] = "hardening.capabilities";
	vb_auto_strv struct vb_strv names = {0};

	int r = vb_json_check_keys(caps, where, known, err);
	if (r == 0)
		r = check_length(json_object_get(caps, "drop"), "hardening.capabilities.drop", err);
	if (r == 0)
		r = vb_json_get_strings(caps, where, "drop", &names, err);
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		uint64_t cap = 0;
		r = vb_cap_parse(names.items[i], &cap, err);
		if (r < 0)
			(void)vb_error_wrap(err, "%s.drop[%zu]", where, i);
		bundle->cap_drop |= cap;
	}
	return r;
}

/* "hardening.tmpfs[3]": where in a manifest an array's item is. */
struct place {
	char text[48];
};

static struct place item_place(const char *array, size_t index)
{
	struct place place;

	(void)snprintf(place.text, sizeof(place.text), "hardening.%s[%zu]", array, index);
	return place;
}

static int read_tmpfs_values(const json_t *item, const char *path, struct vb_tmpfs *tmpfs,
	const char *where, struct vb_error *err)
{
	const char *size = NULL;
	const char *mode = NULL;
	bool noexec = false;

	int r = vb_json_get_string(item, where, "size", &size, err);
	if (r == 0)
		r = vb_json_get_string(item, where, "mode", &mode, err);
	if (r == 0)
		r = vb_json_get_bool(item, where, "noexec", &noexec, err);
	if (r < 0)
		return r;
	r = vb_value_tmpfs_path(path, tmpfs, err);
	if (r == 0 && size != NULL)
		r = vb_value_size(size, &tmpfs->size_bytes, err);
	if (r == 0 && mode != NULL)
		r = vb_value_mode(mode, &tmpfs->mode, err);
	tmpfs->noexec = noexec;
	if (r < 0)
		(void)vb_error_wrap(err, "%s", where);
	return r;
}

static int read_tmpfs_item(
	const json_t *item, const char *where, struct vb_bundle *bundle, struct vb_error *err)
{
	static const char *const known[] = {"path", "size", "mode", "noexec", NULL};
	const char *path = NULL;
	struct vb_tmpfs tmpfs = {0};

	int r = vb_json_check_keys(item, where, known, err);
	if (r == 0)
		r = vb_json_get_string(item, where, "path", &path, err);
	if (r == 0 && path == NULL)
		r = vb_error_say(err, EINVAL, "%s.path is missing", where);
	if (r < 0)
		return r;
	r = read_tmpfs_values(item, path, &tmpfs, where, err);
	if (r == 0 && vb_tmpfs_list_add(&bundle->tmpfs, &tmpfs) < 0)
		r = vb_error_set(err, ENOMEM, "read a manifest");
	free(tmpfs.path);
	return r;
}

static int read_tmpfs(const json_t *array, struct vb_bundle *bundle, struct vb_error *err)
{
	const json_t *item;
	size_t i;

	int r = check_length(array, "hardening.tmpfs", err);
	if (r < 0)
		return r;
	json_array_foreach(array, i, item) {
		const struct place place = item_place("tmpfs", i);
		if (!json_is_object(item))
			return vb_error_say(err, EINVAL, "%s must be an object", place.text);
		r = read_tmpfs_item(item, place.text, bundle, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_limit(const json_t *item, const char *where, const char *key, uint64_t *ret_value,
	struct vb_error *err)
{
	const json_t *value = json_object_get(item, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return vb_error_say(
			err, EINVAL, "%s.%s must be a number, not negative", where, key);
	*ret_value = (uint64_t)json_integer_value(value);
	return 0;
}

static int check_rlimit_type(const char *type, const char *where, struct vb_error *err)
{
	if (type == NULL)
		return vb_error_say(err, EINVAL, "%s.type is missing", where);
	for (size_t i = 0; rlimit_names[i] != NULL; i++)
		if (strcmp(type, rlimit_names[i]) == 0)
			return 0;
	return vb_error_say(err, EINVAL, "%s: unknown rlimit '%.32s', did you mean %s?", where,
		type, vb_json_nearest(type, rlimit_names));
}

static int read_rlimit_item(
	const json_t *item, const char *where, struct vb_bundle *bundle, struct vb_error *err)
{
	static const char *const known[] = {"type", "soft", "hard", NULL};
	const char *name = NULL;
	struct vb_rlimit rlimit = {0};

	int r = vb_json_check_keys(item, where, known, err);
	if (r == 0)
		r = vb_json_get_string(item, where, "type", &name, err);
	if (r == 0)
		r = check_rlimit_type(name, where, err);
	if (r == 0)
		r = read_limit(item, where, "soft", &rlimit.soft, err);
	if (r == 0)
		r = read_limit(item, where, "hard", &rlimit.hard, err);
	if (r == 0 && rlimit.soft > rlimit.hard)
		r = vb_error_say(
			err, EINVAL, "%s: soft limit of %s is above the hard one", where, name);
	if (r < 0)
		return r;
	for (size_t i = 0; i < bundle->rlimits.count; i++)
		if (vb_str_equal(vb_str_after(bundle->rlimits.items[i].type, "RLIMIT_"), name))
			return vb_error_say(err, EINVAL, "%s: %s is listed twice", where, name);
	rlimit.type = vb_str_format("RLIMIT_%s", name);
	if (rlimit.type == NULL || vb_rlimit_list_add(&bundle->rlimits, &rlimit) < 0)
		r = vb_error_set(err, ENOMEM, "read a manifest");
	free(rlimit.type);
	return r;
}

static int read_rlimits(const json_t *array, struct vb_bundle *bundle, struct vb_error *err)
{
	const json_t *item;
	size_t i;

	json_array_foreach(array, i, item) {
		const struct place place = item_place("rlimits", i);
		if (!json_is_object(item))
			return vb_error_say(err, EINVAL, "%s must be an object", place.text);
		int r = read_rlimit_item(item, place.text, bundle, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_audit(const json_t *preload, unsigned int *ret_audit, struct vb_error *err)
{
	vb_auto_strv struct vb_strv subjects = {0};

	int r = check_length(json_object_get(preload, "audit"), "hardening.preload.audit", err);
	if (r == 0)
		r = vb_json_get_strings(preload, "hardening.preload", "audit", &subjects, err);
	for (size_t i = 0; r == 0 && i < subjects.count; i++) {
		unsigned int bit = 0;
		r = vb_value_audit(subjects.items[i], &bit, err);
		if (r < 0)
			(void)vb_error_wrap(err, "hardening.preload.audit[%zu]", i);
		*ret_audit |= bit;
	}
	return r;
}

static int read_preload(const json_t *preload, struct vb_bundle *bundle, struct vb_error *err)
{
	static const char *const known[] = {
		"exec_allowlist", "connect_allowlist", "datagrams", "require", "audit", NULL};
	static const char where[] = "hardening.preload";
	struct vb_plan_preload *settings = &bundle->preload_settings;

	bundle->preload = true;
	int r = vb_json_check_keys(preload, where, known, err);
	if (r == 0)
		r = vb_bundle_read_list(preload, where, "exec_allowlist", vb_value_exec_entry,
			&settings->exec, err);
	if (r == 0)
		r = vb_bundle_read_list(preload, where, "connect_allowlist", vb_value_connect_entry,
			&settings->connect, err);
	if (r == 0)
		r = vb_json_get_bool(preload, where, "datagrams", &settings->datagrams, err);
	if (r == 0)
		r = vb_json_get_bool(preload, where, "require", &settings->require, err);
	if (r == 0)
		r = read_audit(preload, &settings->audit, err);
	return r;
}

typedef int (*part_fn)(const json_t *part, struct vb_bundle *bundle, struct vb_error *err);

static int read_part(const json_t *hardening, const char *key, part_fn read,
	struct vb_bundle *bundle, struct vb_error *err)
{
	static const char *const arrays[] = {"tmpfs", "rlimits"};
	const json_t *part = NULL;
	bool is_array = vb_str_equal(key, arrays[0]) || vb_str_equal(key, arrays[1]);

	int r = is_array ? vb_json_get_array(hardening, "hardening", key, &part, err)
			 : vb_json_get_object(hardening, "hardening", key, &part, err);
	return r < 0 || part == NULL ? r : read(part, bundle, err);
}

int vb_bundle_parse_hardening(
	const json_t *hardening, struct vb_bundle *bundle, struct vb_error *err)
{
	static const char *const known[] = {"seccomp", "capabilities", "read_only_rootfs", "tmpfs",
		"no_new_privileges", "rlimits", "preload", NULL};
	static const struct {
		const char *key;
		part_fn read;
	} parts[] = {{"seccomp", read_seccomp}, {"capabilities", read_capabilities},
		{"tmpfs", read_tmpfs}, {"rlimits", read_rlimits}, {"preload", read_preload}};

	int r = vb_json_check_keys(hardening, "hardening", known, err);
	for (size_t i = 0; r == 0 && i < VB_ARRAY_SIZE(parts); i++)
		r = read_part(hardening, parts[i].key, parts[i].read, bundle, err);
	if (r == 0)
		r = vb_json_get_bool(
			hardening, "hardening", "read_only_rootfs", &bundle->read_only_rootfs, err);
	if (r == 0)
		r = vb_json_get_bool(hardening, "hardening", "no_new_privileges",
			&bundle->no_new_privileges, err);
	return r;
}
