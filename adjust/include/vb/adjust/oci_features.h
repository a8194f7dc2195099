/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_OCI_FEATURES_H
#define VB_ADJUST_OCI_FEATURES_H

#include <stdbool.h>
#include <stddef.h>

#include "vb/adjust/plan.h"
#include "vb/base/cleanup.h"
#include "vb/base/error.h"

/*
 * What an OCI runtime does with `flags` of a seccomp profile, as `<runtime> features` tells it.
 * runc before 1.2 refuses any flag and sets none; runc since 1.2 and crun set SPEC_ALLOW where the
 * key is absent, and exactly the named flags where it is there.
 */
struct vb_oci_features {
	bool is_known;          /* the runtime is one of those; otherwise nothing below counts */
	bool allows_by_default; /* absent flags mean SPEC_ALLOW */
	unsigned int flags;     /* VB_PROFILE_FLAG_*: those that may be named */
};

enum { VB_OCI_FEATURES_MAX = 256 << 10 };

/* Reads what `features` prints. -EINVAL when it is not a features object, -ENOMEM. */
int vb_oci_features_parse(const char *text, size_t size, struct vb_oci_features *ret_features,
	struct vb_error *err) VB_WARN_UNUSED;

/* Whether the plan edits linux.seccomp, which depends on the runtime's features. */
bool vb_oci_features_matter(const struct vb_plan *plan);

#endif
