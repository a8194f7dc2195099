/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "decide_internal.h"
#include "vb/adjust/codes.h"

/* A profile as one source names it. */
struct named {
	enum vb_source source;
	const char *value;                      /* NULL: none named */
	const struct vb_custom_profile *custom; /* its file, where it is one */
};

static int refuse_unknown(
	const struct vb_decision *d, const struct named *named, struct vb_error *err)
{
	if (named->source == VB_SOURCE_BUNDLE)
		(void)vb_error_refuse(err, VB_CODE_PROFILE_INVALID,
			"seccomp profile '%.128s' of bundle '%s' is not known", named->value,
			d->bundle->name);
	else
		(void)vb_error_refuse(err, VB_CODE_PROFILE_INVALID,
			"seccomp profile '%.128s' of seccomp-profile.vambrace.dev is not known",
			named->value);
	return vb_error_fix(err, "name starter or runtime-default");
}

/* Adds the profile that a source names to what will be met. */
static int add_profile(const struct vb_decision *d, const struct named *named, struct vb_plan *plan,
	struct vb_error *err)
{
	struct vb_plan_seccomp *seccomp = &plan->seccomp;

	if (named->value == NULL)
		return 0;
	plan->sources[VB_LAYER_SECCOMP] |= named->source;
	switch (vb_profile_kind(named->value)) {
	case VB_PROFILE_KIND_STARTER:
		seccomp->starter = true;
		return 0;
	case VB_PROFILE_KIND_RUNTIME_DEFAULT:
		seccomp->runtime_default = true;
		return 0;
	case VB_PROFILE_KIND_BUNDLED:
	case VB_PROFILE_KIND_PATH:
	case VB_PROFILE_KIND_INVALID:
		break;
	}
	if (named->custom == NULL)
		return refuse_unknown(d, named, err);
	return vb_plan_profiles_add(
		       &seccomp->profiles, named->source, named->value, named->custom->text) < 0
		       ? vb_error_set(err, ENOMEM, "decide a plan")
		       : 0;
}

/* Opting out of a profile that the bundle asks for would undo the bundle. */
static int refuse_opt_out(const char *bundled, const struct vb_decision *d, struct vb_error *err)
{
	if (bundled != NULL) {
		(void)vb_error_refuse(err, VB_CODE_CONFLICT,
			"seccomp.vambrace.dev opts out while bundle '%s' names a profile",
			d->bundle->name);
		return vb_error_fix(err, "remove the annotation, or name another bundle");
	}
	(void)vb_error_refuse(err, VB_CODE_NOT_PERMITTED,
		"seccomp.vambrace.dev asks for opt-out, which this node does not permit");
	return vb_error_fix(err, "remove the annotation");
}

int vb_decide_seccomp(const struct vb_decision *d, struct vb_plan *plan, struct vb_error *err)
{
	const struct named bundled = {.source = VB_SOURCE_BUNDLE,
		.value = d->bundle != NULL ? d->bundle->seccomp_profile : NULL,
		.custom = d->supply->bundled_profile};
	const struct named annotated = {.source = VB_SOURCE_ANNOTATION,
		.value = d->request->seccomp_profile,
		.custom = d->supply->annotated_profile};

	if (d->request->seccomp_opt_out)
		return refuse_opt_out(bundled.value, d, err);
	if (d->request->opt_out_reason != NULL) {
		(void)vb_error_refuse(err, VB_CODE_CONFLICT,
			"seccomp-opt-out-reason.vambrace.dev is set, but nothing opts out");
		return vb_error_fix(err, "remove the reason");
	}
	int r = add_profile(d, &bundled, plan, err);
	if (r == 0)
		r = add_profile(d, &annotated, plan, err);
	if (r < 0)
		return r;
	if (!vb_plan_has(plan, VB_LAYER_SECCOMP) && plan->hooked) {
		plan->seccomp.starter = true;
		plan->sources[VB_LAYER_SECCOMP] = VB_SOURCE_DEFAULT;
	}
	plan->seccomp.log = d->bundle != NULL && d->bundle->seccomp_log;
	return 0;
}

static bool has_list(const struct vb_plan_preload *preload)
{
	return preload->dlopen.set || preload->exec.set || preload->connect.set;
}

/*
 * Whether programs of the 32-bit ABI, which ignore the shim, keep running because a profile needs
 * that ABI. Only a source that could leave the lists away can put the profile first: an annotation
 * does not open what a bundle's list closes.
 */
static bool keeps_foreign_abi(const struct vb_decision *d)
{
	const struct vb_custom_profile *bundled = d->supply->bundled_profile;
	const struct vb_custom_profile *annotated = d->supply->annotated_profile;
	bool bundle_lists = d->bundle != NULL && has_list(&d->bundle->preload_settings);
	const struct vb_custom_profile *first =
		bundle_lists || bundled != NULL ? bundled : annotated;

	return first != NULL && first->foreign_abi && (annotated == NULL || annotated->foreign_abi);
}

/*
 * Over an unconfined container the starter alone leaves the other layers hollow (a user namespace
 * gives capabilities back, mount_setattr lifts a read-only root), and io_uring or a 32-bit program
 * would walk around the shim. So those layers bring what closes these ways into the profile.
 */
void vb_derive_seccomp(const struct vb_decision *d, struct vb_plan *plan)
{
	struct vb_plan_preload *preload = &plan->preload;

	if (!vb_plan_has(plan, VB_LAYER_SECCOMP))
		return;
	plan->seccomp.closure = vb_plan_has(plan, VB_LAYER_CAPABILITIES) ||
				vb_plan_has(plan, VB_LAYER_READ_ONLY_ROOTFS) ||
				vb_plan_has(plan, VB_LAYER_TMPFS) ||
				vb_plan_has(plan, VB_LAYER_NO_NEW_PRIVILEGES);
	plan->seccomp.deny_io_uring = preload->connect.set || preload->exec.set;
	preload->foreign_abi = has_list(preload) && keeps_foreign_abi(d);
	plan->seccomp.native_abi_only = has_list(preload) && !preload->foreign_abi;
}
