/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "vb/adjust/codes.h"

static const char *const codes[VB_METRICS_CODES] = {VB_CODE_REQUIRES_RUNTIME,
	VB_CODE_UNKNOWN_ANNOTATION, VB_CODE_INVALID_VALUE, VB_CODE_BUNDLE_NOT_FOUND,
	VB_CODE_BUNDLE_INVALID, VB_CODE_BUNDLE_DIGEST, VB_CODE_BUNDLE_SIGNATURE, VB_CODE_CONFLICT,
	VB_CODE_NOT_PERMITTED, VB_CODE_PROFILE_INVALID, VB_CODE_PRELOAD_UNCOVERED,
	VB_CODE_UNSUPPORTED, VB_CODE_NO_PLAN, VB_CODE_PLAN_MISMATCH, VB_CODE_NOT_APPLIED,
	VB_CODE_DEADLINE, VB_CODE_INTERNAL};

static const char *const actions[VB_METRICS_ACTIONS] = {[VB_METRICS_REPORTED] = "report",
	[VB_METRICS_KILLED] = "killed",
	[VB_METRICS_NOT_KILLED] = "not-killed"};

enum {
	/* Upper bounds of the times: 64 us, and each twice the one before, up to 2.1 s. */
	BOUND_FIRST_BIT = 6,
	BOUND_LAST_BIT = 21,
};

const char *vb_metrics_request_name(enum vb_metrics_request request)
{
	static const char *const names[VB_METRICS_REQUESTS] = {[VB_METRICS_CREATE] = "create",
		[VB_METRICS_VALIDATE] = "validate",
		[VB_METRICS_START] = "start"};

	return names[request];
}

void vb_metrics_count_refusal(struct vb_metrics *metrics, const char *code)
{
	size_t i = 0;

	while (i < VB_METRICS_CODES - 1 && (code == NULL || strcmp(codes[i], code) != 0))
		i++;
	metrics->refused[i]++;
}

void vb_metrics_count_unhardened(struct vb_metrics *metrics, const char *action)
{
	for (size_t i = 0; i < VB_METRICS_ACTIONS; i++)
		metrics->unhardened[i] += strcmp(actions[i], action) == 0;
}

void vb_metrics_count_layers(struct vb_metrics *metrics, const struct vb_outcome *outcome)
{
	for (enum vb_layer layer = 0; layer < VB_LAYER_COUNT; layer++) {
		enum vb_layer_state state = outcome->layers[layer].state;
		metrics->layers_failed[layer] += state == VB_LAYER_FAILED;
		metrics->layers_unsupported[layer] += state == VB_LAYER_UNSUPPORTED;
	}
}

/* A text that is written, and what became of it: after a failure nothing more is. */
struct page {
	struct vb_buf *text;
	int result;
};

static void __attribute__((format(printf, 2, 3))) put(struct page *page, const char *format, ...)
{
	char line[256];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	if (page->result == 0)
		page->result = vb_buf_append_string(page->text, line);
}

static void begin(struct page *page, const char *name, const char *type, const char *help)
{
	put(page, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void counter(struct page *page, const char *name, const char *help, uint64_t value)
{
	begin(page, name, "counter", help);
	put(page, "%s %" PRIu64 "\n", name, value);
}

static void gauge(struct page *page, const char *name, const char *help, uint64_t value)
{
	begin(page, name, "gauge", help);
	put(page, "%s %" PRIu64 "\n", name, value);
}

static void labelled(
	struct page *page, const char *name, const char *key, const char *label, uint64_t value)
{
	put(page, "%s{%s=\"%s\"} %" PRIu64 "\n", name, key, label, value);
}

static void seconds(struct page *page, uint64_t us)
{
	put(page, " %" PRIu64 ".%06" PRIu64 "\n", us / 1000000, us % 1000000);
}

static void render_decisions(struct page *page, const struct vb_metrics *metrics)
{
	static const char name[] = "vambrace_decisions_total";
	static const char sample[] = "%s{result=\"%s\",code=\"%s\"} %" PRIu64 "\n";

	begin(page, name, "counter",
		"Requests that can stop a container, by answer; passed: none of Vambrace's.");
	put(page, sample, name, "admitted", "", metrics->admitted);
	put(page, sample, name, "passed", "", metrics->passed);
	for (size_t i = 0; i < VB_METRICS_CODES; i++)
		put(page, sample, name, "refused", codes[i], metrics->refused[i]);
	counter(page, "vambrace_opt_outs_total",
		"Containers admitted without Vambrace's seccomp profile.", metrics->opt_outs);
}

static void render_times_of(
	struct page *page, const char *name, const char *request, const struct vb_histogram *times)
{
	for (unsigned int bit = BOUND_FIRST_BIT; bit <= BOUND_LAST_BIT; bit++) {
		uint64_t us = UINT64_C(1) << bit;
		put(page,
			"%s_bucket{request=\"%s\",le=\"%" PRIu64 ".%06" PRIu64 "\"} %" PRIu64 "\n",
			name, request, us / 1000000, us % 1000000,
			vb_histogram_count_below(times, us));
	}
	put(page, "%s_bucket{request=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", name, request,
		times->count);
	put(page, "%s_sum{request=\"%s\"}", name, request);
	seconds(page, times->sum_us);
	put(page, "%s_count{request=\"%s\"} %" PRIu64 "\n", name, request, times->count);
}

static void render_times(struct page *page, const struct vb_metrics *metrics)
{
	static const char name[] = "vambrace_request_duration_seconds";

	begin(page, name, "histogram",
		"Time from a request's first byte to its answer, by kind of request.");
	for (enum vb_metrics_request request = 0; request < VB_METRICS_REQUESTS; request++)
		render_times_of(
			page, name, vb_metrics_request_name(request), &metrics->times[request]);
}

static void render_layers(
	struct page *page, const char *name, const char *help, const uint64_t layers[])
{
	begin(page, name, "counter", help);
	for (enum vb_layer layer = 0; layer < VB_LAYER_COUNT; layer++)
		labelled(page, name, "layer", vb_layer_name(layer), layers[layer]);
}

static void render_containers(struct page *page, const struct vb_metrics *metrics)
{
	static const char containers[] = "vambrace_containers";
	static const char unhardened[] = "vambrace_unhardened_total";

	begin(page, containers, "gauge",
		"Running containers with a plan, by the level of their last outcome.");
	for (enum vb_level level = 0; level < VB_LEVELS; level++)
		labelled(page, containers, "level", vb_level_name(level),
			metrics->containers[level]);
	render_layers(page, "vambrace_layers_failed_total",
		"Outcomes in which the layer was asked and the kernel does not show it.",
		metrics->layers_failed);
	render_layers(page, "vambrace_layers_unsupported_total",
		"Outcomes in which the layer was asked and something does not support it.",
		metrics->layers_unsupported);
	begin(page, unhardened, "counter",
		"Containers found running without their layers, by what was done.");
	for (size_t i = 0; i < VB_METRICS_ACTIONS; i++)
		labelled(page, unhardened, "action", actions[i], metrics->unhardened[i]);
}

static void render_connection(struct page *page, const struct vb_metrics *metrics)
{
	gauge(page, "vambrace_registered", "Whether the plugin is registered with the runtime.",
		metrics->is_registered);
	counter(page, "vambrace_reconnects_total",
		"Registrations with the runtime after the first.",
		metrics->registrations > 0 ? metrics->registrations - 1 : 0);
}

static void render_config(struct page *page, const struct vb_metrics *metrics)
{
	static const char reloads[] = "vambrace_config_reloads_total";

	begin(page, reloads, "counter",
		"Reloads of the node config; kept: it was bad, the former one is in force.");
	labelled(page, reloads, "result", "loaded", metrics->configs_loaded);
	labelled(page, reloads, "result", "kept", metrics->configs_kept);
	gauge(page, "vambrace_config_problem", "Whether the file on disk is not in force.",
		metrics->has_config_problem);
}

static void render_bundles(struct page *page, const struct vb_metrics *metrics)
{
	gauge(page, "vambrace_bundles", "Bundles that are known.", metrics->bundles.count);
	gauge(page, "vambrace_bundles_bytes", "Memory of the bundles that are known.",
		metrics->bundles.bytes);
	counter(page, "vambrace_bundle_loads_total",
		"Versions of bundles that were not known before.", metrics->bundles_loaded);
	counter(page, "vambrace_bundle_kept_total",
		"Decisions by the last good version of a bundle that no longer parses.",
		metrics->bundles_kept);
	gauge(page, "vambrace_bundle_problems", "Bundles whose last good version is in use.",
		metrics->bundle_problems);
}

static void render_audit(struct page *page, const struct vb_metrics *metrics)
{
	const struct vb_audit_counters *audit = &metrics->audit;

	counter(page, "vambrace_audit_frames_total", "Frames written to the audit log.",
		audit->frames);
	counter(page, "vambrace_audit_written_bytes_total", "Bytes written to the audit log.",
		audit->bytes);
	counter(page, "vambrace_audit_lost_total", "Frames that could not be written.",
		audit->lost);
	counter(page, "vambrace_audit_repairs_total", "Incomplete last lines that were ended.",
		audit->repairs);
	counter(page, "vambrace_audit_rotations_total",
		"Times that the audit log reached its size cap.", audit->rotations);
	gauge(page, "vambrace_audit_problem", "Whether the last frame could not be written.",
		metrics->has_audit_problem);
}

static void render_process(struct page *page, const struct vb_metrics *metrics)
{
	static const char cpu[] = "process_cpu_seconds_total";

	gauge(page, "process_resident_memory_bytes", "Resident memory.",
		metrics->process.resident_bytes);
	gauge(page, "process_open_fds", "Open file descriptors.", metrics->process.open_fds);
	begin(page, cpu, "counter", "Processor time, user and system.");
	put(page, "%s", cpu);
	seconds(page, metrics->process.cpu_us);
	begin(page, "vambrace_build_info", "gauge", "Always 1.");
	labelled(page, "vambrace_build_info", "version", metrics->version, 1);
}

int vb_metrics_render(const struct vb_metrics *metrics, struct vb_buf *text)
{
	struct page page = {.text = text};

	render_decisions(&page, metrics);
	render_times(&page, metrics);
	render_containers(&page, metrics);
	render_connection(&page, metrics);
	render_config(&page, metrics);
	render_bundles(&page, metrics);
	render_audit(&page, metrics);
	render_process(&page, metrics);
	return page.result;
}
