/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_PROFILE_LINT_H
#define VB_ADJUST_PROFILE_LINT_H

#include <jansson.h>

#include "vb/adjust/profile.h"
#include "vb/base/cleanup.h"
#include "vb/base/error.h"

/*
 * What is wrong with a profile that reads well: names that are no system calls, and, where the
 * default denies, calls that somebody forgot to allow.
 */

enum vb_profile_severity {
	VB_PROFILE_WARNING,
	VB_PROFILE_ERROR,
};

/*
 * Gets one finding: what it is, how to fix it, and the place in the JSON. Other than 0 ends the
 * walk.
 */
typedef int (*vb_profile_report_fn)(
	void *context, enum vb_profile_severity severity, const struct vb_error *finding);

/*
 * json is what the profile was read from, in OCI's or Docker's format. Returns what the function
 * returned, 0 at the end.
 */
int vb_profile_lint(const json_t *json, const struct vb_profile *profile,
	vb_profile_report_fn report, void *context) VB_WARN_UNUSED;

#endif
