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

int vb_outcome_judge_spec_allow(
	const struct vb_outcome_case *subject, struct vb_layer_outcome *out) VB_WARN_UNUSED;
int vb_outcome_describe_spec_allow(
	const struct vb_outcome_case *subject, struct vb_layer_outcome *out) VB_WARN_UNUSED;

/*
 * crun installs the filter as the last thing before exec when no_new_privileges is set; runc has
 * it in place at START in either case.
 */
bool vb_outcome_filter_comes_with_exec(const struct vb_outcome_case *subject);

/* What the flag SPEC_ALLOW decides for this container. */
enum vb_spec_effect vb_outcome_spec_effect(const struct vb_outcome_case *subject);

#define VB_OUTCOME_NEWLY_MITIGATED                                                                 \
	"the plan's filter forces the speculation mitigations on a container that would have "     \
	"none, because the runtime cannot set SPEC_ALLOW (runc can since 1.2)"

/* Whether that is so. */
bool vb_outcome_is_newly_mitigated(const struct vb_outcome_case *subject);

void vb_outcome_find_speculation(
	const struct vb_outcome_case *subject, struct vb_spec_outcome *ret_speculation);

/* Mounts that stay writable under a read-only root, without the plan's tmpfs. 0 or -ENOMEM. */
int vb_outcome_list_writable(
	const struct vb_outcome_case *subject, struct vb_strv *ret_writable) VB_WARN_UNUSED;

#endif
