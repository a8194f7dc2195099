/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include "clock.h"
#include "frames.h"
#include "vb/adjust/codes.h"

static void log_refusal(
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

void vb_report_refusal(const struct vb_reporter *reporter, const struct vb_nri_request *request,
	const char *code, const char *line)
{
	struct vb_refusal refusal = {
		.code = code != NULL ? code : VB_CODE_INTERNAL,
		.line = line,
	};
	const struct timespec at = vb_clock_now();

	if (request != NULL) {
		refusal.namespace_name = request->pod.name_space;
		refusal.pod = request->pod.name;
		refusal.container = request->container.name;
		refusal.container_id = request->container.id;
		refusal.handler = request->pod.runtime_handler;
		refusal.request = vb_nri_event_name(request->event);
	}
	log_refusal(reporter->log, request, line);
	vb_metrics_count_refusal(reporter->metrics, code);
	vb_refusals_add(reporter->refusals, &refusal, &at);
	vb_status_touch(reporter->status);
}

void vb_report_due_refusal(void *context, const struct vb_refusal *refusal)
{
	struct vb_audit_frame frame;
	const struct timespec at = vb_clock_now();

	vb_frame_refusal(&frame, &at, refusal);
	vb_auditor_write(context, &frame);
}

void vb_report_admission(const struct vb_reporter *reporter, const struct vb_task *task)
{
	const struct vb_plan *plan = task->plan;
	struct vb_audit_frame frame;
	const struct timespec at = vb_clock_now();

	vb_refusals_settle(reporter->refusals, plan->namespace_name, plan->pod, plan->container);
	const struct vb_admission admission = vb_task_admission(task);
	vb_frame_admission(&frame, &at, &admission);
	vb_auditor_write(reporter->audit, &frame);
}

/* The kernel's log takes lines below 1 KiB, and the end of this one must be there. */
enum { OPT_OUT_NAME_MAX = 128, OPT_OUT_POD_MAX = 256, OPT_OUT_REASON_MAX = 192 };

void vb_report_opt_out(const struct vb_reporter *reporter, const struct vb_task *task)
{
	struct vb_log_line line;

	vb_log_begin(&line, task->container_id, "seccomp-opt-out");
	vb_log_text_max(&line, "namespace", task->plan->namespace_name, OPT_OUT_NAME_MAX);
	vb_log_text_max(&line, "pod", task->plan->pod, OPT_OUT_POD_MAX);
	vb_log_text_max(&line, "container", task->plan->container, OPT_OUT_NAME_MAX);
	vb_log_text_max(&line, "reason", task->plan->opt_out_reason, OPT_OUT_REASON_MAX);
	vb_log_words(&line, "Audit event: seccomp-opt-out");
	vb_log_write_for_sure(reporter->log, &line);
	reporter->metrics->opt_outs++;
}

static void report_bundle_kept(const struct vb_reporter *reporter,
	const struct vb_nri_request *request, const char *warning)
{
	struct vb_log_line line;
	struct vb_audit_frame frame;
	const struct timespec at = vb_clock_now();
	const struct vb_audit_subject subject = {.namespace_name = request->pod.name_space,
		.pod = request->pod.name,
		.container = request->container.name,
		.container_id = request->container.id,
		.handler = request->pod.runtime_handler};

	vb_log_begin(&line, request->container.id, "bundle-kept");
	vb_log_text(&line, "namespace", request->pod.name_space);
	vb_log_text(&line, "pod", request->pod.name);
	vb_log_text(&line, "container", request->container.name);
	vb_log_text(&line, "warning", warning);
	reporter->metrics->bundles_kept++;
	vb_log_write_limited(reporter->log, &line);
	vb_audit_begin(&frame, "bundle-kept", &at);
	vb_audit_subject(&frame, &subject);
	vb_audit_text(&frame, "error", warning);
	vb_auditor_write(reporter->audit, &frame);
}

static void report_bundle_loaded(const struct vb_reporter *reporter, const char *version)
{
	struct vb_log_line line;
	struct vb_audit_frame frame;
	const struct timespec at = vb_clock_now();

	vb_log_begin(&line, NULL, "bundle-loaded");
	vb_log_text(&line, "bundle", version);
	reporter->metrics->bundles_loaded++;
	vb_log_write_limited(reporter->log, &line);
	vb_audit_begin(&frame, "bundle-loaded", &at);
	vb_audit_text(&frame, "bundle", version);
	vb_auditor_write(reporter->audit, &frame);
}

/* Out of memory, the log lacks the line; the bundle is used all the same. */
static void report_kept(const struct vb_reporter *reporter, const struct vb_task *task)
{
	vb_auto_strv struct vb_strv warnings = {0};

	if (vb_supply_notes_list(&task->notes, &warnings) < 0 || warnings.count == 0)
		return;
	vb_auto_free char *text = vb_strv_join(&warnings, ';');
	if (text != NULL)
		report_bundle_kept(reporter, &task->request, text);
}

void vb_report_bundle(const struct vb_reporter *reporter, const struct vb_task *task)
{
	for (size_t i = 0; i < task->bundles_loaded.count; i++)
		report_bundle_loaded(reporter, task->bundles_loaded.items[i]);
	for (size_t i = 0; i < task->notes.bundle_count; i++)
		vb_status_set_bundle(reporter->status, &task->notes.bundles[i]);
	if (task->notes.bundle_count > 0)
		reporter->metrics->bundles = task->bundles;
	report_kept(reporter, task);
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

static void log_outcome(struct vb_log *log, const struct vb_outcome *outcome)
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
	if (outcome->bundle_is_default)
		vb_log_word(&line, "bundle_is_default", "true");
	if (outcome->floor != NULL) {
		vb_log_text(&line, "floor", outcome->floor);
		vb_log_text(&line, "floor_digest", outcome->floor_digest);
	}
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

void vb_report_outcome(const struct vb_reporter *reporter, const struct vb_outcome *outcome)
{
	struct vb_audit_frame frame;
	const struct timespec at = vb_clock_now();

	log_outcome(reporter->log, outcome);
	vb_metrics_count_layers(reporter->metrics, outcome);
	vb_frame_outcome(&frame, &at, outcome);
	vb_auditor_write(reporter->audit, &frame);
}

void vb_report_running(const struct vb_reporter *reporter, const struct vb_outcome *outcome)
{
	vb_levels_set(reporter->levels, outcome->container_id, outcome->level);
}

void vb_report_answer(const struct vb_reporter *reporter, const struct vb_task *task)
{
	reporter->metrics->passed += task->is_passed;
	reporter->metrics->admitted += !task->is_passed;
}

void vb_report_unhardened(const struct vb_reporter *reporter, const struct vb_finding *finding)
{
	struct vb_audit_frame frame;
	struct vb_log_line line;
	const struct timespec at = vb_clock_now();

	vb_log_begin(&line, finding->container_id, "unhardened");
	vb_log_text(&line, "namespace", finding->namespace_name);
	vb_log_text(&line, "pod", finding->pod);
	vb_log_text(&line, "container", finding->container);
	vb_log_text(&line, "handler", finding->handler);
	vb_log_text(&line, "reason", finding->reason);
	vb_log_word(&line, "action", finding->action);
	vb_metrics_count_unhardened(reporter->metrics, finding->action);
	if (finding->error != NULL)
		vb_log_text(&line, "error", finding->error);
	vb_log_write_limited(reporter->log, &line);
	vb_frame_unhardened(&frame, &at, finding);
	vb_auditor_write(reporter->audit, &frame);
}

bool vb_report_is_open(const struct vb_outcome *outcome)
{
	for (enum vb_layer layer = 0; layer < VB_LAYER_COUNT; layer++)
		if (outcome->layers[layer].state == VB_LAYER_UNOBSERVED)
			return true;
	return false;
}
