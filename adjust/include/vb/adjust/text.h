/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_TEXT_H
#define VB_ADJUST_TEXT_H

#include "vb/adjust/plan.h"
#include "vb/base/buf.h"

/*
 * Renders the plan for people, one line a layer: what, asked by whom, enforced by whom. Each line
 * starts with indent spaces. 0, -ENOMEM or -ENOSPC.
 */
int vb_plan_to_text(
	const struct vb_plan *plan, unsigned int indent, struct vb_buf *out) VB_WARN_UNUSED;

#endif
