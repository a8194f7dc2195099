/* SPDX-License-Identifier: Apache-2.0 */
#include "oci_internal.h"

#include <errno.h>

#include "vb/adjust/codes.h"
#include "vb/adjust/json.h"
#include "vb/adjust/profile.h"
#include "vb/adjust/starter.h"

/* Turns what the profile engine says into a refusal that tells whose profile it is about. */
static int refuse_profile(int r, struct vb_error *err)
{
	if (r == -ENOMEM || err == NULL)
		return r;
	(void)vb_error_wrap(
		err, "the container's seccomp profile cannot be combined with the plan's");
	err->code = VB_CODE_PROFILE_INVALID;
	err->errnum = EPERM;
	return vb_error_fix(err, "use securityContext.seccompProfile.type RuntimeDefault, or a "
				 "Localhost profile in OCI "
				 "format");
}

static unsigned int starter_parts(const struct vb_plan_seccomp *seccomp)
{
	return (seccomp->starter ? VB_STARTER_DENIALS : 0U) |
	       (seccomp->closure ? VB_STARTER_CLOSURE : 0U) |
	       (seccomp->deny_io_uring ? VB_STARTER_IO_URING : 0U);
}

/* What the container has; *ret_profile is NULL for an unconfined one. */
static int read_base(json_t *linux_object, uint32_t native, struct vb_profile **ret_profile,
	struct vb_error *err)
{
	json_t *seccomp = NULL;

	int r = vb_oci_get_object(linux_object, "linux", "seccomp", &seccomp, err);
	if (r < 0 || seccomp == NULL)
		return r;
	r = vb_profile_from_json(seccomp, native, ret_profile, err);
	return r < 0 ? refuse_profile(r, err) : 0;
}

/* A profile that lets all calls of the native ABI through. */
static int native_profile(uint32_t native, struct vb_profile **ret_profile, struct vb_error *err)
{
	vb_auto_json json_t *seccomp = json_pack("{s:s}", "defaultAction", "SCMP_ACT_ALLOW");

	if (seccomp == NULL)
		return vb_error_set(err, ENOMEM, "make a seccomp profile");
	int r = vb_profile_from_json(seccomp, native, ret_profile, err);
	if (r == 0)
		vb_profile_native_only(*ret_profile);
	return r;
}

static int compose(const struct vb_oci_edit *edit, const struct vb_profile *base,
	struct vb_profile **ret_profile, struct vb_error *err)
{
	const struct vb_plan_seccomp *seccomp = &edit->plan->seccomp;
	const struct vb_starter_options options = {.native = edit->native,
		.parts = starter_parts(seccomp),
		.native_abi_only = seccomp->native_abi_only};
	vb_auto_profile struct vb_profile *tighter = NULL;
	int r = 0;

	if (options.parts != 0)
		r = vb_profile_starter(&options, &tighter, err);
	else
		r = native_profile(edit->native, &tighter, err);
	if (r == 0)
		r = vb_profile_meet(base, tighter, ret_profile, err);
	return r < 0 ? refuse_profile(r, err) : 0;
}

static int demand_base(
	const struct vb_plan_seccomp *seccomp, const struct vb_profile *base, struct vb_error *err)
{
	if (!seccomp->runtime_default || base != NULL)
		return 0;
	(void)vb_error_refuse(err, VB_CODE_CONFLICT,
		"the profile runtime-default is asked for, but the container is unconfined");
	return vb_error_fix(
		err, "set securityContext.seccompProfile.type: RuntimeDefault in the pod");
}

/* *ret_profile stays NULL where the container has no profile and the plan brings none. */
static int make_profile(const struct vb_oci_edit *edit, json_t *linux_object,
	struct vb_profile **ret_profile, struct vb_error *err)
{
	const struct vb_plan_seccomp *seccomp = &edit->plan->seccomp;
	vb_auto_profile struct vb_profile *base = NULL;

	int r = read_base(linux_object, edit->native, &base, err);
	if (r == 0)
		r = demand_base(seccomp, base, err);
	if (r < 0)
		return r;
	if (starter_parts(seccomp) != 0 || seccomp->native_abi_only)
		return compose(edit, base, ret_profile, err);
	*ret_profile = VB_STEAL(base);
	return 0;
}

static int refuse_no_profile(const struct vb_plan *plan, struct vb_error *err)
{
	if (!vb_plan_has(plan, VB_LAYER_SPEC_ALLOW))
		return 0;
	(void)vb_error_refuse(err, VB_CODE_CONFLICT,
		"spec_allow is set, but the container has no seccomp profile that could carry it");
	return vb_error_fix(err, "do not opt out of the profile, or do not set spec_allow");
}

/* *ret_seccomp stays NULL where there is nothing to write. */
static int make_seccomp(const struct vb_oci_edit *edit, json_t *linux_object, json_t **ret_seccomp,
	struct vb_error *err)
{
	vb_auto_profile struct vb_profile *profile = NULL;

	int r = make_profile(edit, linux_object, &profile, err);
	if (r < 0)
		return r;
	if (profile == NULL)
		return refuse_no_profile(edit->plan, err);
	r = vb_oci_seccomp_flags_apply(
		edit, json_is_object(json_object_get(linux_object, "seccomp")), profile, err);
	if (r < 0)
		return r;
	*ret_seccomp = vb_profile_to_json(profile);
	return *ret_seccomp == NULL ? vb_error_set(err, ENOMEM, "write linux.seccomp") : 0;
}

int vb_oci_seccomp_apply(json_t *spec, const struct vb_oci_edit *edit, struct vb_error *err)
{
	vb_auto_json json_t *seccomp = NULL;
	json_t *linux_object = NULL;
	char key[VB_DIGEST_SIZE];

	if (!vb_oci_features_matter(edit->plan))
		return 0;
	int r = vb_oci_need_object(spec, "config.json", "linux", &linux_object, err);
	if (r == 0 && vb_oci_memory_key(edit, json_object_get(linux_object, "seccomp"), key) < 0)
		r = vb_error_set(err, ENOMEM, "look at linux.seccomp");
	if (r < 0)
		return r;
	seccomp = vb_oci_memory_recall(edit, key);
	if (seccomp == NULL) {
		r = make_seccomp(edit, linux_object, &seccomp, err);
		if (r < 0 || seccomp == NULL)
			return r;
		vb_oci_memory_keep(edit, key, seccomp);
	}
	if (json_object_set(linux_object, "seccomp", seccomp) < 0)
		return vb_error_set(err, ENOMEM, "write linux.seccomp");
	return 0;
}
