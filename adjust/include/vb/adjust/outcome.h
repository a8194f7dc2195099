/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_OUTCOME_H
#define VB_ADJUST_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "vb/adjust/evidence.h"
#include "vb/adjust/plan.h"
#include "vb/adjust/receipt.h"
#include "vb/adjust/speculation.h"
#include "vb/base/timestamp.h"

/*
 * The outcome: for each layer of a plan, whether the kernel really holds it. Judging is pure: who
 * wants an outcome gathers the evidence first (plugin/nri/evidence_sys.c) and writes the result
 * afterwards. Without evidence no layer is ever called applied.
 */

enum { VB_OUTCOME_VERSION = 1 };

enum vb_layer_state {
	VB_LAYER_SKIPPED,     /* not asked */
	VB_LAYER_APPLIED,     /* seen in the kernel */
	VB_LAYER_UNSUPPORTED, /* reason says by what */
	VB_LAYER_FAILED,      /* reason says what is missing */
	VB_LAYER_UNOBSERVED,  /* can be seen only after exec, and was not (yet) */
};

enum vb_level {
	VB_LEVEL_NONE,     /* no asked layer is applied */
	VB_LEVEL_PARTIAL,  /* some are */
	VB_LEVEL_FULL,     /* all are */
	VB_LEVEL_BASELINE, /* nothing but the starter was asked, and it is applied */
	VB_LEVELS,
};

const char *vb_layer_state_name(enum vb_layer_state state);
const char *vb_level_name(enum vb_level level);

struct vb_layer_outcome {
	enum vb_layer_state state;
	struct vb_strv evidence; /* what was seen, a line each */
	char *reason;            /* of unsupported, failed and unobserved; NULL otherwise */
};

/* Goes with the layer spec_allow, asked or not. */
struct vb_spec_outcome {
	char value[24]; /* "allow", "mitigate", or what is left in place: "inherit:allow", ... */
	enum vb_spec_effect effect;
};

struct vb_outcome {
	char *container_id;
	pid_t pid; /* of the first process, as vambrace-nri sees it; 0: not known */
	char *namespace_name;
	char *pod;
	char *container;
	char *handler;
	char *runtime; /* the OCI runtime; NULL: not known */
	char *bundle;  /* NULL: none */
	char *bundle_digest;
	bool bundle_is_default; /* the pod names none, and the node's rule this one */
	char *floor;            /* the bundle that the node's rule demands; NULL: none */
	char *floor_digest;
	char plan_digest[VB_DIGEST_SIZE];
	enum vb_level level;
	char *note;    /* "partial (no hook)", or newly mitigated; NULL: nothing to add */
	char *problem; /* what spoils the container as a whole; NULL: nothing */
	struct vb_layer_outcome layers[VB_LAYER_COUNT];
	struct vb_spec_outcome speculation;
	struct vb_strv writable_mounts; /* as the kernel shows them; only with a read-only root */
	char *preload_verdict;          /* of the hook; NULL without preload */
	char since[VB_TIMESTAMP_SIZE];  /* RFC 3339, UTC: first looked at with this plan */
	char at[VB_TIMESTAMP_SIZE];     /* last looked at */
};

void vb_outcome_finish(struct vb_outcome *outcome);
#define vb_auto_outcome vb_auto(vb_outcome_finish)

/*
 * What is to be judged. Everything is borrowed; receipt is NULL when there is none, probe when the
 * node was not probed.
 */
struct vb_outcome_case {
	const char *container_id;
	pid_t pid; /* 0: not known */
	const struct vb_plan *plan;
	const char *plan_digest;
	const struct vb_receipt *receipt;
	const struct vb_evidence *evidence;
	const struct vb_speculation_probe *probe;
};

/*
 * Judges each layer on its own evidence. Timestamps are left empty. 0 or -ENOMEM; finish
 * *ret_outcome afterwards.
 */
int vb_outcome_judge(const struct vb_outcome_case *subject, struct vb_outcome *ret_outcome,
	struct vb_error *err) VB_WARN_UNUSED;

/*
 * Whether the container may start: refuses with ErrNotApplied, naming the first failed layer, or
 * what spoils it as a whole. Unsupported and unobserved layers do not hold a start.
 */
int vb_outcome_admit(const struct vb_outcome *outcome, struct vb_error *err) VB_WARN_UNUSED;

/*
 * Sets `at`, and `since` to the same unless previous, an outcome's JSON (NULL: none), is of the
 * same plan and has one.
 */
void vb_outcome_stamp(struct vb_outcome *outcome, const struct timespec *now, const char *previous);

/* Canonical JSON; the caller frees it. NULL when out of memory. */
char *vb_outcome_to_json(const struct vb_outcome *outcome) VB_WARN_UNUSED;

#endif
