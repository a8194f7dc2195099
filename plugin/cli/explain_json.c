/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "explain.h"
#include "json_writer.h"
#include "vb/adjust/json.h"
#include "vb/adjust/text.h"

enum { EXPLAIN_VERSION = 1 };

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
	struct vb_json_writer w = vb_json_begin();

	for (unsigned int layer = 0; layer < VB_LAYER_COUNT; layer++)
		if (vb_plan_has(plan, layer))
			vb_json_put_text(&w, vb_layer_name(layer), vb_layer_enforcer(layer));
	return vb_json_end(&w);
}

static json_t *refusal_to_json(const struct vb_explained *explained)
{
	struct vb_json_writer w = vb_json_begin();

	vb_json_put_text(&w, "code", explained->refusal.code);
	vb_json_put_text(&w, "what", explained->refusal.what);
	vb_json_put_text(&w, "fix", explained->refusal.fix);
	vb_json_put_text(&w, "line", explained->line);
	return vb_json_end(&w);
}

static void put_plan(struct vb_json_writer *w, const struct vb_explained *explained)
{
	vb_json_put(w, "plan", json_loads(explained->plan_json, 0, NULL));
	vb_json_put_text(
		w, "plan_digest", explained->pod->name_is_generated ? NULL : explained->digest);
	vb_json_put(w, "enforcers", enforcers_to_json(explained->plan));
	vb_json_put(w, "stays_writable", vb_json_strings(&explained->writable));
	vb_json_put(w, "not_gated", vb_json_strings(&explained->not_gated));
	vb_json_put(w, "assumptions", vb_json_strings(&explained->assumptions));
	vb_json_put(w, "warnings", vb_json_strings(&explained->warnings));
}

json_t *vb_explain_json_container(const struct vb_explained *explained)
{
	struct vb_json_writer w = vb_json_begin();

	vb_json_put_text(&w, "name", explained->container->name);
	vb_json_put_text(&w, "type", kind_word(explained->container->kind));
	vb_json_put_text(&w, "verdict", vb_verdict_name(explained->verdict));
	if (explained->verdict == VB_VERDICT_PLANNED)
		put_plan(&w, explained);
	if (explained->verdict == VB_VERDICT_REFUSED)
		vb_json_put(&w, "refusal", refusal_to_json(explained));
	return vb_json_end(&w);
}

json_t *vb_explain_json_pod(const struct vb_pod *pod)
{
	struct vb_json_writer w = vb_json_begin();

	vb_json_put_text(&w, "kind", pod->kind);
	vb_json_put_text(&w, "name", pod->name);
	vb_json_put_text(&w, "namespace", pod->namespace_name);
	vb_json_put_text(&w, "pod", pod->pod_name);
	vb_json_put_text(&w, "handler", pod->handler);
	vb_json_put(&w, "line", pod->line > 0 ? json_integer((json_int_t)pod->line) : json_null());
	vb_json_put(&w, "containers", json_array());
	return vb_json_end(&w);
}

json_t *vb_explain_json_report(const struct vb_explain_setting *setting,
	const struct vb_explain_totals *totals, json_t *pods)
{
	struct vb_json_writer w = vb_json_begin();
	struct vb_json_writer summary = vb_json_begin();

	for (enum vb_verdict verdict = 0; verdict < VB_VERDICT_COUNT; verdict++)
		vb_json_put(&summary, vb_verdict_name(verdict),
			json_integer((json_int_t)totals->counts[verdict]));
	vb_json_put(&w, "explain_version", json_integer(EXPLAIN_VERSION));
	vb_json_put_text(&w, "input", setting->input);
	vb_json_put_text(&w, "node_config", setting->config_path);
	vb_json_put(&w, "bundle_dirs", vb_json_strings(&setting->config->bundle_dirs));
	vb_json_put(&w, "notes", vb_json_strings(setting->notes));
	vb_json_put(&w, "pods", json_incref(pods));
	vb_json_put(&w, "summary", vb_json_end(&summary));
	return vb_json_end(&w);
}
