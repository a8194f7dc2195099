/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_OCI_ENTRYPOINT_H
#define VB_ADJUST_OCI_ENTRYPOINT_H

#include <jansson.h>

#include "oci_resolve.h"
#include "vb/adjust/plan.h"
#include "vb/base/error.h"

/*
 * Whether the shim reaches the container's first program, found the way the runtime finds it.
 * Not for other modules. *ret_verdict is "covered" or "not covered: <why>"; the caller frees it.
 * Whatever the image holds leads to a verdict; -EINVAL for a document that is no OCI configuration,
 * -ENOMEM.
 */
int vb_oci_entrypoint_verdict(json_t *spec, const struct vb_plan *plan,
	const struct vb_oci_mounts *mounts, const struct vb_oci_view *view, char **ret_verdict,
	struct vb_error *err) VB_WARN_UNUSED;

#endif
