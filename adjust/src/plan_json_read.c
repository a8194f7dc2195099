/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan_names.h"
#include "vb/adjust/caps.h"
#include "vb/adjust/json.h"
#include "vb/adjust/values.h"

enum { PLAN_DEPTH_MAX = 8 };

static int copy_text(const json_t *object, const char *where, const char *key, char **ret_text,
	struct vb_error *err)
{
	const char *text = NULL;

	int r = vb_json_get_string(object, where, key, &text, err);
	if (r < 0 || text == NULL)
		return r;
	*ret_text = strdup(text);
	return *ret_text == NULL ? vb_error_set(err, ENOMEM, "read a plan") : 0;
}

/* The names' bits of an array of words. */
static int read_bits(const json_t *object, const char *key, const char *const *names, size_t count,
	unsigned int *ret_bits, struct vb_error *err)
{
	vb_auto_strv struct vb_strv words = {0};
	unsigned int bits = 0;

	int r = vb_json_get_strings(object, "layer", key, &words, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < words.count; i++) {
		size_t bit = 0;
		while (bit < count && strcmp(names[bit], words.items[i]) != 0)
			bit++;
		if (bit == count)
			return vb_error_say(
				err, EINVAL, "unknown word '%.32s' in %s", words.items[i], key);
		bits |= 1U << bit;
	}
	*ret_bits = bits;
	return 0;
}

/* That the digest is the text's is seen when the plan's form is compared. */
static int read_profile(const json_t *item, struct vb_plan_profiles *profiles, struct vb_error *err)
{
	static const char *const known[] = {"name", "sources", "digest", "text", NULL};
	static const char where[] = "seccomp.profiles";
	const char *name = NULL;
	const char *text = NULL;
	unsigned int sources = 0;

	int r = vb_json_check_keys(item, where, known, err);
	if (r == 0)
		r = vb_json_get_string(item, where, "name", &name, err);
	if (r == 0)
		r = vb_json_get_string(item, where, "text", &text, err);
	if (r == 0)
		r = read_bits(item, "sources", vb_source_names, VB_ARRAY_SIZE(vb_source_names),
			&sources, err);
	if (r < 0)
		return r;
	if (name == NULL || text == NULL || sources == 0)
		return vb_error_say(err, EINVAL, "a profile lacks its name, text or sources");
	return vb_plan_profiles_add(profiles, sources, name, text) < 0
		       ? vb_error_set(err, ENOMEM, "read a plan")
		       : 0;
}

static int read_seccomp(const json_t *layer, struct vb_plan *plan, struct vb_error *err)
{
	static const char *const known[] = {"sources", "starter", "runtime_default", "closure",
		"deny_io_uring", "native_abi_only", "log", "profiles", NULL};
	const json_t *profiles = NULL;
	const json_t *profile;
	size_t at;
	struct vb_plan_seccomp *seccomp = &plan->seccomp;
	const struct {
		const char *key;
		bool *value;
	} flags[] = {{"starter", &seccomp->starter}, {"runtime_default", &seccomp->runtime_default},
		{"closure", &seccomp->closure}, {"deny_io_uring", &seccomp->deny_io_uring},
		{"native_abi_only", &seccomp->native_abi_only}, {"log", &seccomp->log}};

	int r = vb_json_check_keys(layer, "seccomp", known, err);
	for (size_t i = 0; r == 0 && i < VB_ARRAY_SIZE(flags); i++)
		r = vb_json_get_bool(layer, "seccomp", flags[i].key, flags[i].value, err);
	if (r == 0)
		r = vb_json_get_array(layer, "seccomp", "profiles", &profiles, err);
	json_array_foreach(profiles, at, profile) {
		if (r == 0)
			r = read_profile(profile, &seccomp->profiles, err);
	}
	return r;
}

static int read_spec_allow(const json_t *layer, struct vb_plan *plan, struct vb_error *err)
{
	static const char *const known[] = {"sources", "value", NULL};
	const char *value = "";

	int r = vb_json_check_keys(layer, "spec_allow", known, err);
	if (r == 0)
		r = vb_json_get_string(layer, "spec_allow", "value", &value, err);
	if (r == 0)
		r = vb_value_spec_allow(value, &plan->spec_allow, err);
	return r;
}

static int read_capabilities(const json_t *layer, struct vb_plan *plan, struct vb_error *err)
{
	static const char *const known[] = {"sources", "drop", NULL};
	vb_auto_strv struct vb_strv names = {0};

	int r = vb_json_check_keys(layer, "capabilities", known, err);
	if (r == 0)
		r = vb_json_get_strings(layer, "capabilities", "drop", &names, err);
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		uint64_t cap = 0;
		r = vb_cap_parse(names.items[i], &cap, err);
		plan->cap_drop |= cap;
	}
	return r;
}

static int read_tmpfs_item(const json_t *item, struct vb_plan *plan, struct vb_error *err)
{
	static const char *const known[] = {"path", "size_bytes", "mode", "noexec", NULL};
	const char *path = "";
	const char *mode = "";
	const json_t *size = json_object_get(item, "size_bytes");
	struct vb_tmpfs tmpfs = {0};

	int r = vb_json_check_keys(item, "tmpfs", known, err);
	if (r == 0)
		r = vb_json_get_string(item, "tmpfs", "path", &path, err);
	if (r == 0)
		r = vb_json_get_string(item, "tmpfs", "mode", &mode, err);
	if (r == 0)
		r = vb_value_tmpfs_path(path, &tmpfs, err);
	if (r == 0)
		r = vb_value_mode(mode, &tmpfs.mode, err);
	if (r == 0)
		r = vb_json_get_bool(item, "tmpfs", "noexec", &tmpfs.noexec, err);
	if (r == 0 && (!json_is_integer(size) || json_integer_value(size) <= 0))
		r = vb_error_say(err, EINVAL, "tmpfs.size_bytes is not a size");
	tmpfs.size_bytes = (uint64_t)json_integer_value(size);
	if (r == 0 && vb_tmpfs_list_add(&plan->tmpfs, &tmpfs) < 0)
		r = vb_error_set(err, ENOMEM, "read a plan");
	free(tmpfs.path);
	return r;
}

static int read_tmpfs(const json_t *layer, struct vb_plan *plan, struct vb_error *err)
{
	static const char *const known[] = {"sources", "mounts", NULL};
	const json_t *mounts = NULL;
	const json_t *item;
	size_t i;

	int r = vb_json_check_keys(layer, "tmpfs", known, err);
	if (r == 0)
		r = vb_json_get_array(layer, "tmpfs", "mounts", &mounts, err);
	json_array_foreach(mounts, i, item) {
		if (r == 0)
			r = read_tmpfs_item(item, plan, err);
	}
	return r;
}

static int read_limit(
	const json_t *item, const char *key, uint64_t *ret_value, struct vb_error *err)
{
	const char *text = "";
	char *end = NULL;

	int r = vb_json_get_string(item, "rlimits", key, &text, err);
	if (r < 0)
		return r;
	errno = 0;
	uint64_t value = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0)
		return vb_error_say(err, EINVAL, "rlimits.%s is not a number", key);
	*ret_value = value;
	return 0;
}

static int read_rlimit_item(const json_t *item, struct vb_plan *plan, struct vb_error *err)
{
	static const char *const known[] = {"type", "soft", "hard", NULL};
	struct vb_rlimit rlimit = {0};

	int r = vb_json_check_keys(item, "rlimits", known, err);
	if (r == 0)
		r = copy_text(item, "rlimits", "type", &rlimit.type, err);
	if (r == 0 && rlimit.type == NULL)
		r = vb_error_say(err, EINVAL, "rlimits.type is missing");
	if (r == 0)
		r = read_limit(item, "soft", &rlimit.soft, err);
	if (r == 0)
		r = read_limit(item, "hard", &rlimit.hard, err);
	if (r == 0 && vb_rlimit_list_add(&plan->rlimits, &rlimit) < 0)
		r = vb_error_set(err, ENOMEM, "read a plan");
	free(rlimit.type);
	return r;
}

static int read_rlimits(const json_t *layer, struct vb_plan *plan, struct vb_error *err)
{
	static const char *const known[] = {"sources", "limits", NULL};
	const json_t *limits = NULL;
	const json_t *item;
	size_t i;

	int r = vb_json_check_keys(layer, "rlimits", known, err);
	if (r == 0)
		r = vb_json_get_array(layer, "rlimits", "limits", &limits, err);
	json_array_foreach(limits, i, item) {
		if (r == 0)
			r = read_rlimit_item(item, plan, err);
	}
	return r;
}

static int read_allowlist(
	const json_t *layer, const char *key, struct vb_allowlist *list, struct vb_error *err)
{
	list->set = json_object_get(layer, key) != NULL;
	return vb_json_get_strings(layer, "preload", key, &list->entries, err);
}

static int read_preload(const json_t *layer, struct vb_plan *plan, struct vb_error *err)
{
	static const char *const known[] = {"sources", "audit", "require", "datagrams",
		"foreign_abi", "dlopen_allowlist", "exec_allowlist", "connect_allowlist", NULL};
	struct vb_plan_preload *preload = &plan->preload;

	int r = vb_json_check_keys(layer, "preload", known, err);
	if (r == 0)
		r = vb_json_get_bool(layer, "preload", "require", &preload->require, err);
	if (r == 0)
		r = vb_json_get_bool(layer, "preload", "datagrams", &preload->datagrams, err);
	if (r == 0)
		r = vb_json_get_bool(layer, "preload", "foreign_abi", &preload->foreign_abi, err);
	if (r == 0)
		r = read_bits(layer, "audit", vb_audit_names, VB_ARRAY_SIZE(vb_audit_names),
			&preload->audit, err);
	if (r == 0)
		r = read_allowlist(layer, "dlopen_allowlist", &preload->dlopen, err);
	if (r == 0)
		r = read_allowlist(layer, "exec_allowlist", &preload->exec, err);
	if (r == 0)
		r = read_allowlist(layer, "connect_allowlist", &preload->connect, err);
	return r;
}

static int read_bare_layer(const json_t *layer, struct vb_plan *plan, struct vb_error *err)
{
	static const char *const known[] = {"sources", NULL};

	(void)plan;
	return vb_json_check_keys(layer, "layer", known, err);
}

static int read_layers(const json_t *layers, struct vb_plan *plan, struct vb_error *err)
{
	static int (*const readers[VB_LAYER_COUNT])(
		const json_t *, struct vb_plan *, struct vb_error *) = {
		[VB_LAYER_SECCOMP] = read_seccomp,
		[VB_LAYER_SPEC_ALLOW] = read_spec_allow,
		[VB_LAYER_CAPABILITIES] = read_capabilities,
		[VB_LAYER_READ_ONLY_ROOTFS] = read_bare_layer,
		[VB_LAYER_TMPFS] = read_tmpfs,
		[VB_LAYER_NO_NEW_PRIVILEGES] = read_bare_layer,
		[VB_LAYER_RLIMITS] = read_rlimits,
		[VB_LAYER_PRELOAD] = read_preload,
	};
	const char *known[VB_LAYER_COUNT + 1] = {0};

	for (unsigned int i = 0; i < VB_LAYER_COUNT; i++)
		known[i] = vb_layer_name(i);
	int r = vb_json_check_keys(layers, "layers", known, err);
	for (unsigned int i = 0; r == 0 && i < VB_LAYER_COUNT; i++) {
		const json_t *layer = NULL;
		r = vb_json_get_object(layers, "layers", vb_layer_name(i), &layer, err);
		if (r < 0 || layer == NULL)
			continue;
		r = read_bits(layer, "sources", vb_source_names, VB_ARRAY_SIZE(vb_source_names),
			&plan->sources[i], err);
		if (r == 0 && plan->sources[i] == 0)
			r = vb_error_say(err, EINVAL, "layer %s has no source", vb_layer_name(i));
		if (r == 0)
			r = readers[i](layer, plan, err);
	}
	return r;
}

static int read_mount(const json_t *item, struct vb_plan_mounts *mounts, struct vb_error *err)
{
	static const char *const known[] = {"destination", "type", "source", "options", NULL};
	const char *destination = NULL;
	const char *type = NULL;
	const char *source = NULL;

	int r = vb_json_check_keys(item, "mounts", known, err);
	if (r == 0)
		r = vb_json_get_string(item, "mounts", "destination", &destination, err);
	if (r == 0)
		r = vb_json_get_string(item, "mounts", "type", &type, err);
	if (r == 0)
		r = vb_json_get_string(item, "mounts", "source", &source, err);
	if (r < 0)
		return r;
	if (destination == NULL || type == NULL || source == NULL)
		return vb_error_say(err, EINVAL, "a mount lacks its destination, type or source");
	struct vb_plan_mount *mount = vb_plan_mounts_add(mounts, destination, type, source);
	if (mount == NULL)
		return vb_error_set(err, ENOMEM, "read a plan");
	return vb_json_get_strings(item, "mounts", "options", &mount->options, err);
}

/* What the plan has of a bundle. */
struct bundle_fields {
	const char *key;
	char **name;
	char **version;
	char **digest;
	bool *is_default; /* NULL: it can be none */
};

static int read_bundle(const json_t *root, const struct bundle_fields *fields, struct vb_error *err)
{
	const char *const known[] = {
		"name", "version", "digest", fields->is_default != NULL ? "default" : NULL, NULL};
	const json_t *bundle = NULL;

	int r = vb_json_get_object(root, "plan", fields->key, &bundle, err);
	if (r < 0 || bundle == NULL)
		return r;
	r = vb_json_check_keys(bundle, fields->key, known, err);
	if (r == 0)
		r = copy_text(bundle, fields->key, "name", fields->name, err);
	if (r == 0)
		r = copy_text(bundle, fields->key, "version", fields->version, err);
	if (r == 0)
		r = copy_text(bundle, fields->key, "digest", fields->digest, err);
	if (r == 0 && fields->is_default != NULL)
		r = vb_json_get_bool(bundle, fields->key, "default", fields->is_default, err);
	return r;
}

static int read_bundles(const json_t *root, struct vb_plan *plan, struct vb_error *err)
{
	const struct bundle_fields bundle = {"bundle", &plan->bundle_name, &plan->bundle_version,
		&plan->bundle_digest, &plan->bundle_is_default};
	const struct bundle_fields floor = {
		"floor", &plan->floor_name, &plan->floor_version, &plan->floor_digest, NULL};

	int r = read_bundle(root, &bundle, err);
	if (r == 0)
		r = read_bundle(root, &floor, err);
	return r < 0 ? r : copy_text(root, "plan", "opt_out_reason", &plan->opt_out_reason, err);
}

/* Names may be empty: the handler of the node's default is, and the runtime checks no others. */
static int read_identity(const json_t *root, struct vb_plan *plan, struct vb_error *err)
{
	const struct {
		const char *key;
		char **text;
	} names[] = {{"namespace", &plan->namespace_name}, {"pod", &plan->pod},
		{"container", &plan->container}, {"handler", &plan->handler}};

	for (size_t i = 0; i < VB_ARRAY_SIZE(names); i++) {
		const json_t *name = json_object_get(root, names[i].key);
		if (!json_is_string(name))
			return vb_error_say(err, EINVAL, "plan.%s is not a string", names[i].key);
		*names[i].text = strdup(json_string_value(name));
		if (*names[i].text == NULL)
			return vb_error_set(err, ENOMEM, "read a plan");
	}
	return vb_json_get_bool(root, "plan", "hooked", &plan->hooked, err);
}

static int read_plan(const json_t *root, struct vb_plan *plan, struct vb_error *err)
{
	static const char *const known[] = {"plan_version", "namespace", "pod", "container",
		"handler", "hooked", "bundle", "floor", "opt_out_reason", "layers", "env", "mounts",
		NULL};
	const json_t *layers = NULL;
	const json_t *mounts = NULL;
	const json_t *mount;
	size_t i;

	if (json_integer_value(json_object_get(root, "plan_version")) != VB_PLAN_VERSION)
		return vb_error_say(err, EINVAL, "not a plan of version %d", VB_PLAN_VERSION);
	int r = vb_json_check_keys(root, "plan", known, err);
	if (r == 0)
		r = read_identity(root, plan, err);
	if (r == 0)
		r = read_bundles(root, plan, err);
	if (r == 0)
		r = vb_json_get_object(root, "plan", "layers", &layers, err);
	if (r == 0 && layers != NULL)
		r = read_layers(layers, plan, err);
	if (r == 0)
		r = vb_json_get_strings(root, "plan", "env", &plan->env, err);
	if (r == 0)
		r = vb_json_get_array(root, "plan", "mounts", &mounts, err);
	json_array_foreach(mounts, i, mount) {
		if (r == 0)
			r = read_mount(mount, &plan->mounts, err);
	}
	return r;
}

/*
 * There is one text for each plan. Another spelling of it is not ours, and what the fields'
 * readers let pass (an absent list, a repeated word) is found here.
 */
static int check_canonical(
	const struct vb_plan *plan, const char *text, size_t size, struct vb_error *err)
{
	vb_auto_free char *canonical = vb_plan_to_json(plan);

	if (canonical == NULL)
		return vb_error_set(err, ENOMEM, "read a plan");
	if (strlen(canonical) != size || memcmp(canonical, text, size) != 0)
		return vb_error_say(err, EINVAL, "not in the canonical form of a plan");
	return 0;
}

/* The values' readers refuse as if a pod had asked; in a plan a bad value is a broken file. */
static int broken(int r, struct vb_error *err)
{
	if (r == -ENOMEM || err == NULL)
		return r == -ENOMEM ? r : -EINVAL;
	err->errnum = EINVAL;
	err->code = NULL;
	err->fix[0] = '\0';
	return -EINVAL;
}

int vb_plan_from_json(
	const char *text, size_t size, struct vb_plan **ret_plan, struct vb_error *err)
{
	vb_auto_json json_t *root = NULL;
	vb_auto_plan struct vb_plan *plan = vb_plan_create();

	if (plan == NULL)
		return vb_error_set(err, ENOMEM, "read a plan");
	int r = vb_json_parse(text, size, PLAN_DEPTH_MAX, &root, err);
	if (r == 0)
		r = read_plan(root, plan, err);
	if (r == 0)
		r = check_canonical(plan, text, size, err);
	if (r < 0)
		return broken(r, err);
	*ret_plan = VB_STEAL(plan);
	return 0;
}
