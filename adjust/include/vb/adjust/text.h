/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_TEXT_H
#define VB_ADJUST_TEXT_H

#include "vb/adjust/plan.h"
#include "vb/base/buf.h"

enum { VB_TEXT_COLUMNS = 80 };

/*
 * Renders the plan for people, one paragraph a layer: what, then `[from <sources>, by <enforcer>]`.
 * Lines start with indent spaces and are wrapped at VB_TEXT_COLUMNS, further ones of a layer
 * indented under the first; a single entry longer than that is not split. 0, -ENOMEM or -ENOSPC.
 */
int vb_plan_to_text(
	const struct vb_plan *plan, unsigned int indent, struct vb_buf *out) VB_WARN_UNUSED;

#endif
