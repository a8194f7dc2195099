/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_OCI_PROCESS_H
#define VB_ADJUST_OCI_PROCESS_H

#include <jansson.h>

#include "vb/adjust/oci_apply.h"
#include "vb/adjust/receipt.h"
#include "vb/base/error.h"

/*
 * Holds a further process of a container (`exec`) to what the container's first one got: the
 * process file carries its own capabilities, privileges, limits and environment. Edits the document
 * in place; on failure it is half-edited. Refuses with ErrPlanMismatch when a planned variable is
 * missing or changed; -EINVAL for a document that is no OCI process, -ENOMEM.
 */
int vb_oci_process_apply(json_t *process, const struct vb_oci_edit *edit,
	const struct vb_receipt *receipt, struct vb_error *err) VB_WARN_UNUSED;

#endif
