/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_OUTCOME_LAYERS_H
#define VB_ADJUST_OUTCOME_LAYERS_H

#include "vb/adjust/outcome.h"

/* Private to outcome.c: judges one layer that the plan asks for. 0 or -ENOMEM. */
int vb_outcome_judge_layer(const struct vb_outcome_case *subject, enum vb_layer layer,
	struct vb_layer_outcome *out) VB_WARN_UNUSED;

/* What a layer that nobody asked for leaves in place, as evidence. 0 or -ENOMEM. */
int vb_outcome_describe_skipped(const struct vb_outcome_case *subject, enum vb_layer layer,
	struct vb_layer_outcome *out) VB_WARN_UNUSED;

/* Mounts that stay writable under a read-only root, without the plan's tmpfs. 0 or -ENOMEM. */
int vb_outcome_list_writable(
	const struct vb_outcome_case *subject, struct vb_strv *ret_writable) VB_WARN_UNUSED;

#endif
