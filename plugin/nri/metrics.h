/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_METRICS_H
#define VB_PLUGIN_NRI_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "audit_sys.h"
#include "histogram.h"
#include "process_sys.h"
#include "vb/adjust/bundle_store.h"
#include "vb/adjust/outcome.h"
#include "vb/base/buf.h"

/*
 * What vambrace-nri counts, and how Prometheus reads it. Plain numbers on the loop's thread:
 * whoever brings one about adds to it, and what other parts know is filled in when somebody asks
 * (vb_scrape()). No label has a text from outside.
 */

enum vb_metrics_request {
	VB_METRICS_CREATE,
	VB_METRICS_VALIDATE,
	VB_METRICS_START,
	VB_METRICS_REQUESTS,
};

enum vb_metrics_action {
	VB_METRICS_REPORTED,
	VB_METRICS_KILLED,
	VB_METRICS_NOT_KILLED,
	VB_METRICS_ACTIONS,
};

enum { VB_METRICS_CODES = 17 };

struct vb_metrics {
	const char *version;

	/* Requests that can stop a container, and how they were answered. */
	struct vb_histogram times[VB_METRICS_REQUESTS];
	uint64_t admitted;
	uint64_t passed; /* none of our business */
	uint64_t refused[VB_METRICS_CODES];
	uint64_t opt_outs;

	/* Outcomes. */
	uint64_t containers[VB_LEVELS];
	uint64_t layers_failed[VB_LAYER_COUNT];
	uint64_t layers_unsupported[VB_LAYER_COUNT];
	uint64_t unhardened[VB_METRICS_ACTIONS];

	bool is_registered;
	uint64_t registrations;

	uint64_t configs_loaded;
	uint64_t configs_kept;
	bool has_config_problem;

	struct vb_bundle_usage bundles;
	uint64_t bundles_loaded;
	uint64_t bundles_kept;
	uint64_t bundle_problems;

	struct vb_audit_counters audit;
	bool has_audit_problem;
	struct vb_process_usage process;
};

/* "create", "validate", "start" */
const char *vb_metrics_request_name(enum vb_metrics_request request);

/* code NULL, or one that is not known: ErrInternal. */
void vb_metrics_count_refusal(struct vb_metrics *metrics, const char *code);
/* The action of a struct vb_finding. */
void vb_metrics_count_unhardened(struct vb_metrics *metrics, const char *action);
void vb_metrics_count_layers(struct vb_metrics *metrics, const struct vb_outcome *outcome);

/* The text format, version 0.0.4, appended to text. -ENOSPC, -ENOMEM. */
int vb_metrics_render(const struct vb_metrics *metrics, struct vb_buf *text) VB_WARN_UNUSED;

#endif
