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

/* The getters of vb/adjust/json.h, going on behind a problem. */
static int get_string(struct vb_bundle_reader *reader, const json_t *object, const char *where,
	const char *key, const char **ret_text, struct vb_error *err)
{
	int r = vb_json_get_string(object, where, key, ret_text, err);

	return vb_bundle_settle(reader, r, err, "%s.%s", where, key);
}

static int get_bool(struct vb_bundle_reader *reader, const json_t *object, const char *where,
	const char *key, bool *ret_value, struct vb_error *err)
{
	int r = vb_json_get_bool(object, where, key, ret_value, err);

	return vb_bundle_settle(reader, r, err, "%s.%s", where, key);
}

static int read_spec_allow(const char *text, struct vb_bundle_reader *reader, struct vb_error *err)
{
	static const char place[] = "hardening.seccomp.spec_allow";
	int r = vb_value_spec_allow(text, &reader->bundle->spec_allow, err);

	if (r < 0)
		(void)vb_error_wrap(err, "%s", place);
	return vb_bundle_settle(reader, r, err, "%s", place);
}

static int read_seccomp(
	const json_t *seccomp, struct vb_bundle_reader *reader, struct vb_error *err)
{
	static const char *const known[] = {"profile", "spec_allow", "log", NULL};
	static const char where[] = "hardening.seccomp";
	struct vb_bundle *bundle = reader->bundle;
	const char *profile = NULL;
	const char *spec_allow = NULL;

	int r = vb_bundle_check_keys(reader, seccomp, where, known, err);
	if (r == 0)
		r = get_string(reader, seccomp, where, "profile", &profile, err);
	if (r == 0)
		r = get_string(reader, seccomp, where, "spec_allow", &spec_allow, err);
	if (r == 0)
		r = get_bool(reader, seccomp, where, "log", &bundle->seccomp_log, err);
	if (r == 0 && spec_allow != NULL)
		r = read_spec_allow(spec_allow, reader, err);
	if (r != 0 || profile == NULL)
		return r;
	bundle->seccomp_profile = strdup(profile);
	return bundle->seccomp_profile == NULL ? vb_error_set(err, ENOMEM, "read a manifest") : 0;
}

static int add_capability(void *context, const char *name, struct vb_error *err)
{
	uint64_t cap = 0;
	int r = vb_cap_parse(name, &cap, err);

	*(uint64_t *)context |= cap;
	return r;
}

static int read_capabilities(
	const json_t *caps, struct vb_bundle_reader *reader, struct vb_error *err)
{
	static const char *const known[] = {"drop", NULL};
	static const char where[] = "hardening.capabilities";
	const struct vb_bundle_array array = {
		caps, where, "drop", add_capability, &reader->bundle->cap_drop};

	int r = vb_bundle_check_keys(reader, caps, where, known, err);
	if (r != 0)
		return r;
	r = check_length(json_object_get(caps, "drop"), "hardening.capabilities.drop", err);
	return r < 0 ? vb_bundle_settle(reader, r, err, "hardening.capabilities.drop")
		     : vb_bundle_read_array(reader, &array, err);
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

static int read_tmpfs_path(
	const json_t *item, const char *where, struct vb_tmpfs *tmpfs, struct vb_error *err)
{
	const char *path = NULL;

	int r = vb_json_get_string(item, where, "path", &path, err);
	if (r < 0)
		return r;
	if (path == NULL)
		return vb_error_say(err, EINVAL, "%s.path is missing", where);
	r = vb_value_tmpfs_path(path, tmpfs, err);
	return r < 0 ? vb_error_wrap(err, "%s", where) : 0;
}

static int read_tmpfs_size(
	const json_t *item, const char *where, struct vb_tmpfs *tmpfs, struct vb_error *err)
{
	const char *size = NULL;

	int r = vb_json_get_string(item, where, "size", &size, err);
	if (r < 0 || size == NULL)
		return r;
	r = vb_value_size(size, &tmpfs->size_bytes, err);
	return r < 0 ? vb_error_wrap(err, "%s", where) : 0;
}

static int read_tmpfs_mode(
	const json_t *item, const char *where, struct vb_tmpfs *tmpfs, struct vb_error *err)
{
	const char *mode = NULL;

	int r = vb_json_get_string(item, where, "mode", &mode, err);
	if (r < 0 || mode == NULL)
		return r;
	r = vb_value_mode(mode, &tmpfs->mode, err);
	return r < 0 ? vb_error_wrap(err, "%s", where) : 0;
}

/* The path first: it brings the defaults. tmpfs->path is to be freed in any case. */
static int read_tmpfs_values(struct vb_bundle_reader *reader, const json_t *item, const char *where,
	struct vb_tmpfs *tmpfs, struct vb_error *err)
{
	int r = read_tmpfs_path(item, where, tmpfs, err);

	r = vb_bundle_settle(reader, r, err, "%s.path", where);
	if (r == 0)
		r = vb_bundle_settle(
			reader, read_tmpfs_size(item, where, tmpfs, err), err, "%s.size", where);
	if (r == 0)
		r = vb_bundle_settle(
			reader, read_tmpfs_mode(item, where, tmpfs, err), err, "%s.mode", where);
	if (r == 0)
		r = get_bool(reader, item, where, "noexec", &tmpfs->noexec, err);
	return r;
}

static int read_tmpfs_item(const json_t *item, const char *where, struct vb_bundle_reader *reader,
	struct vb_error *err)
{
	static const char *const known[] = {"path", "size", "mode", "noexec", NULL};
	size_t problems = reader->problems;
	struct vb_tmpfs tmpfs = {0};

	int r = vb_bundle_check_keys(reader, item, where, known, err);
	if (r == 0)
		r = read_tmpfs_values(reader, item, where, &tmpfs, err);
	if (r == 0 && reader->problems == problems &&
		vb_tmpfs_list_add(&reader->bundle->tmpfs, &tmpfs) < 0)
		r = vb_error_set(err, ENOMEM, "read a manifest");
	free(tmpfs.path);
	return r;
}

/* An array of objects; each has a place such as "hardening.tmpfs[3]". */
static int read_items(const json_t *array, const char *key, struct vb_bundle_reader *reader,
	int (*read)(const json_t *, const char *, struct vb_bundle_reader *, struct vb_error *),
	struct vb_error *err)
{
	const json_t *item;
	size_t i;

	json_array_foreach(array, i, item) {
		const struct place place = item_place(key, i);
		int r = 0;
		if (json_is_object(item))
			r = read(item, place.text, reader, err);
		else
			r = vb_error_say(err, EINVAL, "%s must be an object", place.text);
		r = vb_bundle_settle(reader, r, err, "%s", place.text);
		if (r != 0)
			return r;
	}
	return 0;
}

static int read_tmpfs(const json_t *array, struct vb_bundle_reader *reader, struct vb_error *err)
{
	int r = check_length(array, "hardening.tmpfs", err);

	return r < 0 ? vb_bundle_settle(reader, r, err, "hardening.tmpfs")
		     : read_items(array, "tmpfs", reader, read_tmpfs_item, err);
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

static int get_limit(struct vb_bundle_reader *reader, const json_t *item, const char *where,
	const char *key, uint64_t *ret_value, struct vb_error *err)
{
	int r = read_limit(item, where, key, ret_value, err);

	return vb_bundle_settle(reader, r, err, "%s.%s", where, key);
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

static int check_rlimit(const struct vb_rlimit_list *rlimits, const char *name,
	const struct vb_rlimit *rlimit, const char *where, struct vb_error *err)
{
	if (rlimit->soft > rlimit->hard)
		return vb_error_say(
			err, EINVAL, "%s: soft limit of %s is above the hard one", where, name);
	for (size_t i = 0; i < rlimits->count; i++)
		if (vb_str_equal(vb_str_after(rlimits->items[i].type, "RLIMIT_"), name))
			return vb_error_say(err, EINVAL, "%s: %s is listed twice", where, name);
	return 0;
}

static int add_rlimit(struct vb_rlimit_list *rlimits, const char *name, struct vb_rlimit *rlimit,
	struct vb_error *err)
{
	rlimit->type = vb_str_format("RLIMIT_%s", name);
	int r = rlimit->type == NULL || vb_rlimit_list_add(rlimits, rlimit) < 0
			? vb_error_set(err, ENOMEM, "read a manifest")
			: 0;
	free(rlimit->type);
	return r;
}

static int read_rlimit_item(const json_t *item, const char *where, struct vb_bundle_reader *reader,
	struct vb_error *err)
{
	static const char *const known[] = {"type", "soft", "hard", NULL};
	size_t problems = reader->problems;
	const char *name = NULL;
	struct vb_rlimit rlimit = {0};

	int r = vb_bundle_check_keys(reader, item, where, known, err);
	if (r != 0)
		return r;
	r = vb_json_get_string(item, where, "type", &name, err);
	if (r == 0)
		r = check_rlimit_type(name, where, err);
	r = vb_bundle_settle(reader, r, err, "%s.type", where);
	if (r == 0)
		r = get_limit(reader, item, where, "soft", &rlimit.soft, err);
	if (r == 0)
		r = get_limit(reader, item, where, "hard", &rlimit.hard, err);
	if (r != 0 || reader->problems != problems)
		return r;
	r = check_rlimit(&reader->bundle->rlimits, name, &rlimit, where, err);
	return r == 0 ? add_rlimit(&reader->bundle->rlimits, name, &rlimit, err) : r;
}

static int read_rlimits(const json_t *array, struct vb_bundle_reader *reader, struct vb_error *err)
{
	return read_items(array, "rlimits", reader, read_rlimit_item, err);
}

static int add_audit(void *context, const char *subject, struct vb_error *err)
{
	unsigned int bit = 0;
	int r = vb_value_audit(subject, &bit, err);

	*(unsigned int *)context |= bit;
	return r;
}

static int read_audit(const json_t *preload, struct vb_bundle_reader *reader, struct vb_error *err)
{
	static const char place[] = "hardening.preload.audit";
	const struct vb_bundle_array array = {preload, "hardening.preload", "audit", add_audit,
		&reader->bundle->preload_settings.audit};
	int r = check_length(json_object_get(preload, "audit"), place, err);

	return r < 0 ? vb_bundle_settle(reader, r, err, "%s", place)
		     : vb_bundle_read_array(reader, &array, err);
}

static int read_preload(
	const json_t *preload, struct vb_bundle_reader *reader, struct vb_error *err)
{
	static const char *const known[] = {
		"exec_allowlist", "connect_allowlist", "datagrams", "require", "audit", NULL};
	static const char where[] = "hardening.preload";
	struct vb_plan_preload *settings = &reader->bundle->preload_settings;
	const struct vb_bundle_list exec = {
		preload, where, "exec_allowlist", vb_value_exec_entry, &settings->exec};
	const struct vb_bundle_list connect = {
		preload, where, "connect_allowlist", vb_value_connect_entry, &settings->connect};

	reader->bundle->preload = true;
	int r = vb_bundle_check_keys(reader, preload, where, known, err);
	if (r == 0)
		r = vb_bundle_read_list(reader, &exec, err);
	if (r == 0)
		r = vb_bundle_read_list(reader, &connect, err);
	if (r == 0)
		r = get_bool(reader, preload, where, "datagrams", &settings->datagrams, err);
	if (r == 0)
		r = get_bool(reader, preload, where, "require", &settings->require, err);
	return r == 0 ? read_audit(preload, reader, err) : r;
}

typedef int (*part_fn)(const json_t *part, struct vb_bundle_reader *reader, struct vb_error *err);

static int read_part(const json_t *hardening, const char *key, part_fn read,
	struct vb_bundle_reader *reader, struct vb_error *err)
{
	static const char *const arrays[] = {"tmpfs", "rlimits"};
	const json_t *part = NULL;
	bool is_array = vb_str_equal(key, arrays[0]) || vb_str_equal(key, arrays[1]);

	int r = is_array ? vb_json_get_array(hardening, "hardening", key, &part, err)
			 : vb_json_get_object(hardening, "hardening", key, &part, err);
	r = vb_bundle_settle(reader, r, err, "hardening.%s", key);
	return r != 0 || part == NULL ? r : read(part, reader, err);
}

int vb_bundle_parse_hardening(
	const json_t *hardening, struct vb_bundle_reader *reader, struct vb_error *err)
{
	static const char *const known[] = {"seccomp", "capabilities", "read_only_rootfs", "tmpfs",
		"no_new_privileges", "rlimits", "preload", NULL};
	static const struct {
		const char *key;
		part_fn read;
	} parts[] = {{"seccomp", read_seccomp}, {"capabilities", read_capabilities},
		{"tmpfs", read_tmpfs}, {"rlimits", read_rlimits}, {"preload", read_preload}};
	struct vb_bundle *bundle = reader->bundle;

	int r = vb_bundle_check_keys(reader, hardening, "hardening", known, err);
	for (size_t i = 0; r == 0 && i < VB_ARRAY_SIZE(parts); i++)
		r = read_part(hardening, parts[i].key, parts[i].read, reader, err);
	if (r == 0)
		r = get_bool(reader, hardening, "hardening", "read_only_rootfs",
			&bundle->read_only_rootfs, err);
	if (r == 0)
		r = get_bool(reader, hardening, "hardening", "no_new_privileges",
			&bundle->no_new_privileges, err);
	return r;
}
