/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_OUTCOME_LAYERS_H
#define VB_ADJUST_OUTCOME_LAYERS_H

#include "vb/adjust/outcome.h"

/* Private to the outcome's sources. */

/* Judges one layer that the plan asks for. 0 or -ENOMEM. */
int vb_outcome_judge_layer(const struct vb_outcome_case *subject, enum vb_layer layer,
	struct vb_layer_outcome *out) VB_WARN_UNUSED;

/* What a layer that nobody asked for leaves in place, as evidence. 0 or -ENOMEM. */
int vb_outcome_describe_skipped(const struct vb_outcome_case *subject, enum vb_layer layer,
	struct vb_layer_outcome *out) VB_WARN_UNUSED;

/* Adds a line of evidence. -ENOMEM. */
int vb_outcome_see(struct vb_layer_outcome *out, const char *format, ...)
	__attribute__((format(printf, 2, 3))) VB_WARN_UNUSED;

/*
 * Sets state and reason, unless a reason is there already: the first is the one that a person has
 * to look at. -ENOMEM.
 */
int vb_outcome_conclude(struct vb_layer_outcome *out, enum vb_layer_state state, const char *format,
	...) __attribute__((format(printf, 3, 4))) VB_WARN_UNUSED;

/* Parts of vb_outcome_judge_layer(). */
int vb_outcome_judge_read_only_rootfs(
	const struct vb_outcome_case *subject, struct vb_layer_outcome *out) VB_WARN_UNUSED;
int vb_outcome_judge_tmpfs(
	const struct vb_outcome_case *subject, struct vb_layer_outcome *out) VB_WARN_UNUSED;
int vb_outcome_judge_shim_mount(
	const struct vb_outcome_case *subject, struct vb_layer_outcome *out) VB_WARN_UNUSED;

/* Mounts that stay writable under a read-only root, without the plan's tmpfs. 0 or -ENOMEM. */
int vb_outcome_list_writable(
	const struct vb_outcome_case *subject, struct vb_strv *ret_writable) VB_WARN_UNUSED;

#endif
