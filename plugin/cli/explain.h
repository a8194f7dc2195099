/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_CLI_EXPLAIN_H
#define VB_PLUGIN_CLI_EXPLAIN_H

#include <jansson.h>

#include "pod.h"
#include "vb/adjust/config.h"
#include "vb/adjust/plan.h"
#include "vb/adjust/refusal.h"
#include "vb/adjust/supply.h"
#include "vb/base/buf.h"

/* The parts of `vambrace explain`: judging one container, and showing the result. */

enum vb_verdict {
	VB_VERDICT_PLANNED,
	VB_VERDICT_UNTOUCHED,
	VB_VERDICT_REFUSED,
	VB_VERDICT_COUNT,
};

/* "planned", "untouched", "refused". */
const char *vb_verdict_name(enum vb_verdict verdict);

/* What will become of one container. */
struct vb_explained {
	const struct vb_pod *pod;
	const struct vb_pod_container *container;
	enum vb_verdict verdict;

	/* When planned. */
	struct vb_plan *plan;
	char *plan_json;
	char digest[VB_DIGEST_SIZE];
	struct vb_strv writable;    /* what stays writable under a read-only root */
	struct vb_strv not_gated;   /* what the preload lists do not reach */
	struct vb_strv assumptions; /* what the manifest does not tell */
	struct vb_strv warnings;    /* of the bundle */

	/* When refused. */
	struct vb_error refusal;
	char line[VB_REFUSAL_LINE_MAX]; /* as in the pod's event */
};

void vb_explained_finish(struct vb_explained *explained);
#define vb_auto_explained vb_auto(vb_explained_finish)

/*
 * Decides as the plugin on a node would. A refusal is a result, not an error. -ENOMEM, or the
 * errno of a bundle directory that cannot be read.
 */
int vb_explain_container(const struct vb_pod *pod, const struct vb_pod_container *container,
	const struct vb_config *config, const struct vb_stores *stores,
	struct vb_explained *ret_explained, struct vb_error *err) VB_WARN_UNUSED;

/* Where the settings come from, for the report's head. */
struct vb_explain_setting {
	const char *input;
	const char *config_path; /* NULL: built-in defaults */
	const struct vb_config *config;
	const struct vb_strv *notes;
	size_t pod_count;
};

/* What came out for all of them. */
struct vb_explain_totals {
	size_t counts[VB_VERDICT_COUNT];
	struct vb_strv assumptions; /* of all containers, each once */
};

/*
 * The report as text: head, each pod with its containers, tail.
 * 0, -ENOMEM or -ENOSPC.
 */
int vb_explain_text_head(
	const struct vb_explain_setting *setting, struct vb_buf *out) VB_WARN_UNUSED;
int vb_explain_text_pod(const struct vb_explain_setting *setting, const struct vb_pod *pod,
	struct vb_buf *out) VB_WARN_UNUSED;
int vb_explain_text_container(
	const struct vb_explained *explained, struct vb_buf *out) VB_WARN_UNUSED;
int vb_explain_text_tail(const struct vb_explain_setting *setting,
	const struct vb_explain_totals *totals, struct vb_buf *out) VB_WARN_UNUSED;

/* The same as JSON (docs/explain.schema.json). New references; NULL when out of memory. */
json_t *vb_explain_json_pod(const struct vb_pod *pod) VB_WARN_UNUSED;
json_t *vb_explain_json_container(const struct vb_explained *explained) VB_WARN_UNUSED;
json_t *vb_explain_json_report(const struct vb_explain_setting *setting,
	const struct vb_explain_totals *totals, json_t *pods) VB_WARN_UNUSED;

#endif
