/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_REFUSALS_H
#define VB_PLUGIN_NRI_REFUSALS_H

#include <stdint.h>
#include <time.h>

#include "vb/base/cleanup.h"

/*
 * The last refusals. kubelet asks again and again for a container that was refused, under a new id
 * each time, so the same refusal of the same container is one entry with a count, whatever that id
 * has its line say: the first is reported at once, those that follow in one more report, an hour
 * later or when the entry goes.
 * No I/O and no clock of its own.
 */
struct vb_refusals;

enum {
	VB_REFUSALS_MAX = 50,
	VB_REFUSALS_FOLD_S = 3600,
};

struct vb_refusal {
	const char *namespace_name;
	const char *pod;
	const char *container;
	const char *container_id; /* of the last one */
	const char *handler;
	const char *request; /* static: "CreateContainer" */
	const char *code;    /* static */
	const char *line;    /* as the pod's event shows the last one */
	struct timespec first_at;
	struct timespec last_at;
	uint64_t count;
	uint64_t unreported; /* of count */
	struct timespec unreported_since;
};

/* unreported is what the report is about. The refusal is borrowed. */
typedef void (*vb_refusal_report_fn)(void *context, const struct vb_refusal *refusal);

/* NULL when out of memory. Destroying reports nothing. */
struct vb_refusals *vb_refusals_create(vb_refusal_report_fn report, void *context) VB_WARN_UNUSED;
void vb_refusals_destroy(struct vb_refusals *refusals);

/*
 * Takes note of one; its texts are copied, NULL being as good as "". Its times and counts are of no
 * interest. Out of memory, it is reported and not kept.
 */
void vb_refusals_add(
	struct vb_refusals *refusals, const struct vb_refusal *refusal, const struct timespec *now);

/* The container was admitted: the same refusal later is another one. */
void vb_refusals_settle(struct vb_refusals *refusals, const char *namespace_name, const char *pod,
	const char *container);

/* Reports what has waited for long enough; now NULL: all that waits. */
void vb_refusals_report_due(struct vb_refusals *refusals, const struct timespec *now);

/* The latest first; NULL behind the last. */
const struct vb_refusal *vb_refusals_get(const struct vb_refusals *refusals, size_t index);

#endif
