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

/* Who enforces a layer: "hook" (vambrace-oci), "NRI" (vambrace-nri) or "NRI+shim". */
const char *vb_layer_enforcer(enum vb_layer layer);

/*
 * For what stands beside a plan in the same columns: a name and its text, and text alone; wrapped
 * at the blanks as above, with a newline at the end. 0, -ENOMEM or -ENOSPC.
 */
int vb_text_field(
	struct vb_buf *out, unsigned int indent, const char *name, const char *text) VB_WARN_UNUSED;
int vb_text_paragraph(struct vb_buf *out, unsigned int indent, const char *text) VB_WARN_UNUSED;

#endif
