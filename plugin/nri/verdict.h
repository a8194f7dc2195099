/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_VERDICT_H
#define VB_PLUGIN_NRI_VERDICT_H

#include <stdbool.h>

#include "vb/adjust/config.h"
#include "vb/proto/nri.h"

/* The questions on which a container's fate hangs, each answered in one place only. */

/*
 * Whether every container of the namespace and handler gets a plan, annotated or not: the handler
 * is ours, or a rule of the node names a default or a floor.
 */
bool vb_verdict_covers(
	const struct vb_config *config, const char *namespace_name, const char *handler);

/*
 * Whether a container is any of our business: it is covered, its pod carries an annotation of ours,
 * or it was made with a plan. Others are let through without a look, so they come up whatever
 * happens to us.
 */
bool vb_verdict_concerns(const struct vb_config *config, const struct vb_nri_request *request);

/*
 * What a result, 0 or -errno, of handling an event means for a container that concerns us: every
 * error refuses where the event can refuse, whether the container is at fault or we are.
 */
enum vb_verdict {
	VB_VERDICT_ADMIT,
	VB_VERDICT_REFUSE,
};
enum vb_verdict vb_verdict_after(enum vb_nri_event event, int result);

/* What is to happen to a container of the namespace that runs without what START demands. */
enum vb_unhardened vb_verdict_on_unhardened(
	const struct vb_config *config, const char *namespace_name);

#endif
