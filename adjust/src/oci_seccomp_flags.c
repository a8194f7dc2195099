/* SPDX-License-Identifier: Apache-2.0 */
#include "oci_internal.h"

#include "vb/adjust/codes.h"
#include "vb/adjust/profile.h"

static int refuse_flags(const char *what, const char *fix, const char *code, struct vb_error *err)
{
	(void)vb_error_refuse(err, code, "%s", what);
	return vb_error_fix(err, "%s", fix);
}

static int refuse_unsupported(const char *what, struct vb_error *err)
{
	return refuse_flags(what, "use runc 1.2 or later, or crun, or do not set spec_allow",
		VB_CODE_UNSUPPORTED, err);
}

/* No key at all means that the runtime decides; an empty list some rewriters of the file drop. */
static int mitigate(
	const struct vb_oci_features *features, int flags, int *ret_flags, struct vb_error *err)
{
	int without = flags < 0 ? 0 : flags & ~VB_PROFILE_FLAG_SPEC_ALLOW;

	if (features == NULL || !features->is_known)
		return refuse_unsupported(
			"the OCI runtime does not say how it treats seccomp flags, which "
			"spec_allow: mitigate needs to know",
			err);
	if (without == 0 && !features->allows_by_default) {
		*ret_flags = -1;
		return 0;
	}
	if (without == 0 && (features->flags & VB_PROFILE_FLAG_LOG) == 0)
		return refuse_unsupported(
			"spec_allow: mitigate needs a seccomp flag, and the OCI runtime takes none",
			err);
	*ret_flags = without != 0 ? without : VB_PROFILE_FLAG_LOG;
	return 0;
}

static int allow(
	const struct vb_oci_features *features, int flags, int *ret_flags, struct vb_error *err)
{
	if (flags >= 0 && (flags & VB_PROFILE_FLAG_SPEC_ALLOW) == 0)
		return refuse_flags(
			"the plan says spec_allow: allow, the container's own seccomp profile "
			"has flags without SPEC_ALLOW",
			"take one of the two away; mitigation is never undone", VB_CODE_CONFLICT,
			err);
	if (features == NULL || !features->is_known ||
		(features->flags & VB_PROFILE_FLAG_SPEC_ALLOW) == 0)
		return refuse_unsupported("spec_allow: allow needs the seccomp flag SPEC_ALLOW, "
					  "which the OCI runtime "
					  "does not take",
			err);
	*ret_flags = (flags < 0 ? 0 : flags) | VB_PROFILE_FLAG_SPEC_ALLOW;
	return 0;
}

/* Adds LOG where that leaves the speculation state as it is; nothing is refused for it. */
static int with_log(const struct vb_oci_features *features, int flags)
{
	const unsigned int both = VB_PROFILE_FLAG_SPEC_ALLOW | VB_PROFILE_FLAG_LOG;

	if (features == NULL || !features->is_known || (features->flags & both) != both)
		return flags;
	if (flags >= 0)
		return flags | VB_PROFILE_FLAG_LOG;
	return features->allows_by_default ? (int)both : flags;
}

int vb_oci_seccomp_flags_apply(
	const struct vb_oci_edit *edit, struct vb_profile *profile, struct vb_error *err)
{
	bool asked = vb_plan_has(edit->plan, VB_LAYER_SPEC_ALLOW) &&
		     (edit->layers & 1U << VB_LAYER_SPEC_ALLOW) != 0;
	int flags = vb_profile_flags(profile);
	int r = 0;

	if (asked && edit->plan->spec_allow == VB_SPEC_ALLOW_MITIGATE)
		r = mitigate(edit->features, flags, &flags, err);
	else if (asked && edit->plan->spec_allow == VB_SPEC_ALLOW_ALLOW)
		r = allow(edit->features, flags, &flags, err);
	if (r < 0)
		return r;
	if (edit->plan->seccomp.log)
		flags = with_log(edit->features, flags);
	vb_profile_set_flags(profile, flags);
	return 0;
}
