/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

void vb_report_refusal(
	struct vb_log *log, const struct vb_nri_request *request, const char *refusal)
{
	struct vb_log_line line;

	vb_log_begin(&line, request != NULL ? request->container.id : NULL, "refused");
	if (request != NULL) {
		vb_log_word(&line, "request", vb_nri_event_name(request->event));
		vb_log_text(&line, "namespace", request->pod.name_space);
		vb_log_text(&line, "pod", request->pod.name);
		vb_log_text(&line, "container", request->container.name);
	}
	vb_log_text(&line, "error", refusal);
	vb_log_write_limited(log, &line);
}

void vb_report_bundle_warning(
	struct vb_log *log, const struct vb_nri_request *request, const char *warning)
{
	struct vb_log_line line;

	vb_log_begin(&line, request->container.id, "bundle-kept");
	vb_log_text(&line, "namespace", request->pod.name_space);
	vb_log_text(&line, "pod", request->pod.name);
	vb_log_text(&line, "container", request->container.name);
	vb_log_text(&line, "warning", warning);
	vb_log_write_limited(log, &line);
}

/* What a person looks for first: the layer that is not in force. */
static const struct vb_layer_outcome *first_lapse(
	const struct vb_outcome *outcome, enum vb_layer *ret_layer)
{
	for (enum vb_layer layer = 0; layer < VB_LAYER_COUNT; layer++) {
		if (outcome->layers[layer].reason == NULL)
			continue;
		*ret_layer = layer;
		return &outcome->layers[layer];
	}
	return NULL;
}

void vb_report_outcome(struct vb_log *log, const struct vb_outcome *outcome)
{
	enum vb_layer lapsed = VB_LAYER_COUNT;
	const struct vb_layer_outcome *lapse = first_lapse(outcome, &lapsed);
	struct vb_log_line line;

	vb_log_begin(&line, outcome->container_id, "outcome");
	vb_log_text(&line, "namespace", outcome->namespace_name);
	vb_log_text(&line, "pod", outcome->pod);
	vb_log_text(&line, "container", outcome->container);
	vb_log_text(&line, "handler", outcome->handler);
	vb_log_text(&line, "bundle", outcome->bundle);
	vb_log_word(&line, "plan_digest", outcome->plan_digest);
	vb_log_word(&line, "level", vb_level_name(outcome->level));
	for (enum vb_layer layer = 0; layer < VB_LAYER_COUNT; layer++)
		vb_log_word(&line, vb_layer_name(layer),
			vb_layer_state_name(outcome->layers[layer].state));
	vb_log_word(&line, "speculation", outcome->speculation.value);
	vb_log_word(&line, "node_effect", vb_spec_effect_name(outcome->speculation.effect));
	if (outcome->note != NULL)
		vb_log_text(&line, "note", outcome->note);
	if (outcome->problem != NULL)
		vb_log_text(&line, "problem", outcome->problem);
	if (lapse != NULL) {
		vb_log_word(&line, "lapse", vb_layer_name(lapsed));
		vb_log_text(&line, "reason", lapse->reason);
	}
	vb_log_write(log, &line);
}

bool vb_report_is_open(const struct vb_outcome *outcome)
{
	for (enum vb_layer layer = 0; layer < VB_LAYER_COUNT; layer++)
		if (outcome->layers[layer].state == VB_LAYER_UNOBSERVED)
			return true;
	return false;
}
