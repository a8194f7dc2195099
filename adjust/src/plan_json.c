/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/plan.h"

#include <inttypes.h>

#include "plan_names.h"
#include "vb/adjust/caps.h"
#include "vb/adjust/json.h"

/*
 * jansson's setters report failure by -1 and swallow what they were given, so a whole tree can be
 * built without looking: `ok` collects the failures, and the caller looks once.
 */
struct writer {
	bool ok;
};

static void put(struct writer *w, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) < 0)
		w->ok = false;
}

static void put_text(struct writer *w, json_t *object, const char *key, const char *text)
{
	if (text != NULL)
		put(w, object, key, json_string(text));
}

static void put_true(struct writer *w, json_t *object, const char *key, bool value)
{
	if (value)
		put(w, object, key, json_true());
}

static void append(struct writer *w, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) < 0)
		w->ok = false;
}

static json_t *strings_to_json(struct writer *w, const struct vb_strv *strings)
{
	json_t *array = json_array();

	for (size_t i = 0; i < strings->count; i++)
		append(w, array, json_string(strings->items[i]));
	return array;
}

static json_t *sources_to_json(struct writer *w, unsigned int sources)
{
	json_t *array = json_array();

	for (size_t i = 0; i < VB_ARRAY_SIZE(vb_source_names); i++)
		if (sources & 1U << i)
			append(w, array, json_string(vb_source_names[i]));
	return array;
}

/* The text as a string: its bytes and its numbers stay what they are in the file. */
static json_t *profiles_to_json(struct writer *w, const struct vb_plan_profiles *profiles)
{
	json_t *array = json_array();

	for (size_t i = 0; i < profiles->count; i++) {
		const struct vb_plan_profile *profile = &profiles->items[i];
		json_t *item = json_object();
		put_text(w, item, "name", profile->name);
		put(w, item, "sources", sources_to_json(w, profile->sources));
		put_text(w, item, "digest", profile->digest);
		put_text(w, item, "text", profile->text);
		append(w, array, item);
	}
	return array;
}

static void write_seccomp(struct writer *w, json_t *layer, const struct vb_plan *plan)
{
	const struct vb_plan_seccomp *seccomp = &plan->seccomp;

	put_true(w, layer, "starter", seccomp->starter);
	put_true(w, layer, "runtime_default", seccomp->runtime_default);
	put_true(w, layer, "closure", seccomp->closure);
	put_true(w, layer, "deny_io_uring", seccomp->deny_io_uring);
	put_true(w, layer, "native_abi_only", seccomp->native_abi_only);
	put_true(w, layer, "log", seccomp->log);
	if (seccomp->profiles.count > 0)
		put(w, layer, "profiles", profiles_to_json(w, &seccomp->profiles));
}

static void write_spec_allow(struct writer *w, json_t *layer, const struct vb_plan *plan)
{
	put_text(w, layer, "value", vb_spec_allow_names[plan->spec_allow]);
}

static void write_capabilities(struct writer *w, json_t *layer, const struct vb_plan *plan)
{
	put(w, layer, "drop", vb_caps_to_json(plan->cap_drop));
}

static void write_tmpfs(struct writer *w, json_t *layer, const struct vb_plan *plan)
{
	json_t *mounts = json_array();
	char mode[8];

	for (size_t i = 0; i < plan->tmpfs.count; i++) {
		const struct vb_tmpfs *tmpfs = &plan->tmpfs.items[i];
		json_t *item = json_object();
		(void)snprintf(mode, sizeof(mode), "%04o", tmpfs->mode);
		put_text(w, item, "path", tmpfs->path);
		put(w, item, "size_bytes", json_integer((json_int_t)tmpfs->size_bytes));
		put_text(w, item, "mode", mode);
		put_true(w, item, "noexec", tmpfs->noexec);
		append(w, mounts, item);
	}
	put(w, layer, "mounts", mounts);
}

/* Decimal text: a limit can be 2^64-1, which no JSON integer of jansson's holds. */
static void put_limit(struct writer *w, json_t *object, const char *key, uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	put_text(w, object, key, text);
}

static void write_rlimits(struct writer *w, json_t *layer, const struct vb_plan *plan)
{
	json_t *limits = json_array();

	for (size_t i = 0; i < plan->rlimits.count; i++) {
		const struct vb_rlimit *rlimit = &plan->rlimits.items[i];
		json_t *item = json_object();
		put_text(w, item, "type", rlimit->type);
		put_limit(w, item, "soft", rlimit->soft);
		put_limit(w, item, "hard", rlimit->hard);
		append(w, limits, item);
	}
	put(w, layer, "limits", limits);
}

static void put_allowlist(
	struct writer *w, json_t *layer, const char *key, const struct vb_allowlist *list)
{
	if (list->set)
		put(w, layer, key, strings_to_json(w, &list->entries));
}

static void write_preload(struct writer *w, json_t *layer, const struct vb_plan *plan)
{
	const struct vb_plan_preload *preload = &plan->preload;
	json_t *audit = json_array();

	for (size_t i = 0; i < VB_ARRAY_SIZE(vb_audit_names); i++)
		if (preload->audit & 1U << i)
			append(w, audit, json_string(vb_audit_names[i]));
	put(w, layer, "audit", audit);
	put_true(w, layer, "require", preload->require);
	put_true(w, layer, "datagrams", preload->datagrams);
	put_true(w, layer, "foreign_abi", preload->foreign_abi);
	put_allowlist(w, layer, "dlopen_allowlist", &preload->dlopen);
	put_allowlist(w, layer, "exec_allowlist", &preload->exec);
	put_allowlist(w, layer, "connect_allowlist", &preload->connect);
}

static void write_nothing(struct writer *w, json_t *layer, const struct vb_plan *plan)
{
	(void)w;
	(void)layer;
	(void)plan;
}

static json_t *layers_to_json(struct writer *w, const struct vb_plan *plan)
{
	static void (*const writers[VB_LAYER_COUNT])(
		struct writer *, json_t *, const struct vb_plan *) = {
		[VB_LAYER_SECCOMP] = write_seccomp,
		[VB_LAYER_SPEC_ALLOW] = write_spec_allow,
		[VB_LAYER_CAPABILITIES] = write_capabilities,
		[VB_LAYER_READ_ONLY_ROOTFS] = write_nothing,
		[VB_LAYER_TMPFS] = write_tmpfs,
		[VB_LAYER_NO_NEW_PRIVILEGES] = write_nothing,
		[VB_LAYER_RLIMITS] = write_rlimits,
		[VB_LAYER_PRELOAD] = write_preload,
	};
	json_t *layers = json_object();

	for (unsigned int i = 0; i < VB_LAYER_COUNT; i++) {
		if (!vb_plan_has(plan, i))
			continue;
		json_t *layer = json_object();
		put(w, layer, "sources", sources_to_json(w, plan->sources[i]));
		writers[i](w, layer, plan);
		put(w, layers, vb_layer_name(i), layer);
	}
	return layers;
}

static json_t *mounts_to_json(struct writer *w, const struct vb_plan_mounts *mounts)
{
	json_t *array = json_array();

	for (size_t i = 0; i < mounts->count; i++) {
		const struct vb_plan_mount *mount = &mounts->items[i];
		json_t *item = json_object();
		put_text(w, item, "destination", mount->destination);
		put_text(w, item, "type", mount->type);
		put_text(w, item, "source", mount->source);
		put(w, item, "options", strings_to_json(w, &mount->options));
		append(w, array, item);
	}
	return array;
}

static json_t *bundle_to_json(
	struct writer *w, const char *name, const char *version, const char *digest)
{
	json_t *bundle = json_object();

	put_text(w, bundle, "name", name);
	put_text(w, bundle, "version", version);
	put_text(w, bundle, "digest", digest);
	return bundle;
}

char *vb_plan_to_json(const struct vb_plan *plan)
{
	struct writer w = {.ok = true};
	vb_auto_json json_t *root = json_object();

	put(&w, root, "plan_version", json_integer(VB_PLAN_VERSION));
	put_text(&w, root, "namespace", plan->namespace_name);
	put_text(&w, root, "pod", plan->pod);
	put_text(&w, root, "container", plan->container);
	put(&w, root, "handler", json_string(plan->handler));
	put(&w, root, "hooked", json_boolean(plan->hooked));
	if (plan->bundle_name != NULL) {
		json_t *bundle = bundle_to_json(
			&w, plan->bundle_name, plan->bundle_version, plan->bundle_digest);
		if (plan->bundle_is_default)
			put(&w, bundle, "default", json_true());
		put(&w, root, "bundle", bundle);
	}
	if (plan->floor_name != NULL)
		put(&w, root, "floor",
			bundle_to_json(
				&w, plan->floor_name, plan->floor_version, plan->floor_digest));
	put_text(&w, root, "opt_out_reason", plan->opt_out_reason);
	put(&w, root, "layers", layers_to_json(&w, plan));
	put(&w, root, "env", strings_to_json(&w, &plan->env));
	put(&w, root, "mounts", mounts_to_json(&w, &plan->mounts));
	return w.ok ? vb_json_dump(root, JSON_SORT_KEYS | JSON_COMPACT) : NULL;
}
