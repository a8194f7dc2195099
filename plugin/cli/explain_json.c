/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "explain.h"
#include "vb/adjust/json.h"
#include "vb/adjust/text.h"

enum { EXPLAIN_VERSION = 1 };

/*
 * jansson's setters report failure by -1 and swallow what they were given, so an object can be
 * built without looking: `ok` collects the failures, and the caller looks once.
 */
struct writer {
	json_t *object;
	bool ok;
};

static struct writer begin(void)
{
	struct writer w = {.object = json_object()};

	w.ok = w.object != NULL;
	return w;
}

/* The object, or NULL when any part of it is missing. */
static json_t *end(struct writer *w)
{
	if (w->ok)
		return w->object;
	json_decref(w->object);
	return NULL;
}

static void put(struct writer *w, const char *key, json_t *value)
{
	if (json_object_set_new(w->object, key, value) < 0)
		w->ok = false;
}

static void put_text(struct writer *w, const char *key, const char *text)
{
	put(w, key, text != NULL ? json_string(text) : json_null());
}

static json_t *strings_to_json(const struct vb_strv *strings)
{
	json_t *array = json_array();

	for (size_t i = 0; array != NULL && i < strings->count; i++)
		if (json_array_append_new(array, json_string(strings->items[i])) < 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static const char *kind_word(enum vb_pod_container_kind kind)
{
	switch (kind) {
	case VB_POD_INIT:
		return "init";
	case VB_POD_SIDECAR:
		return "sidecar";
	case VB_POD_CONTAINER:
		return "container";
	case VB_POD_EPHEMERAL:
		return "ephemeral";
	}
	return "container";
}

static json_t *enforcers_to_json(const struct vb_plan *plan)
{
	struct writer w = begin();

	for (unsigned int layer = 0; layer < VB_LAYER_COUNT; layer++)
		if (vb_plan_has(plan, layer))
			put_text(&w, vb_layer_name(layer), vb_layer_enforcer(layer));
	return end(&w);
}

static json_t *refusal_to_json(const struct vb_explained *explained)
{
	struct writer w = begin();

	put_text(&w, "code", explained->refusal.code);
	put_text(&w, "what", explained->refusal.what);
	put_text(&w, "fix", explained->refusal.fix);
	put_text(&w, "line", explained->line);
	return end(&w);
}

static void put_plan(struct writer *w, const struct vb_explained *explained)
{
	put(w, "plan", json_loads(explained->plan_json, 0, NULL));
	put_text(w, "plan_digest", explained->pod->name_is_generated ? NULL : explained->digest);
	put(w, "enforcers", enforcers_to_json(explained->plan));
	put(w, "stays_writable", strings_to_json(&explained->writable));
	put(w, "not_gated", strings_to_json(&explained->not_gated));
	put(w, "assumptions", strings_to_json(&explained->assumptions));
	put(w, "warnings", strings_to_json(&explained->warnings));
}

json_t *vb_explain_json_container(const struct vb_explained *explained)
{
	struct writer w = begin();

	put_text(&w, "name", explained->container->name);
	put_text(&w, "type", kind_word(explained->container->kind));
	put_text(&w, "verdict", vb_verdict_name(explained->verdict));
	if (explained->verdict == VB_VERDICT_PLANNED)
		put_plan(&w, explained);
	if (explained->verdict == VB_VERDICT_REFUSED)
		put(&w, "refusal", refusal_to_json(explained));
	return end(&w);
}

json_t *vb_explain_json_pod(const struct vb_pod *pod)
{
	struct writer w = begin();

	put_text(&w, "kind", pod->kind);
	put_text(&w, "name", pod->name);
	put_text(&w, "namespace", pod->namespace_name);
	put_text(&w, "pod", pod->pod_name);
	put_text(&w, "handler", pod->handler);
	put(&w, "line", pod->line > 0 ? json_integer((json_int_t)pod->line) : json_null());
	put(&w, "containers", json_array());
	return end(&w);
}

json_t *vb_explain_json_report(const struct vb_explain_setting *setting,
	const struct vb_explain_totals *totals, json_t *pods)
{
	struct writer w = begin();
	struct writer summary = begin();

	for (enum vb_verdict verdict = 0; verdict < VB_VERDICT_COUNT; verdict++)
		put(&summary, vb_verdict_name(verdict),
			json_integer((json_int_t)totals->counts[verdict]));
	put(&w, "explain_version", json_integer(EXPLAIN_VERSION));
	put_text(&w, "input", setting->input);
	put_text(&w, "node_config", setting->config_path);
	put(&w, "bundle_dirs", strings_to_json(&setting->config->bundle_dirs));
	put(&w, "notes", strings_to_json(setting->notes));
	put(&w, "pods", json_incref(pods));
	put(&w, "summary", end(&summary));
	return end(&w);
}
