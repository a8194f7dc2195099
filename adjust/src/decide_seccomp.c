/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "decide_internal.h"
#include "vb/adjust/codes.h"

/* A profile as one source names it. */
struct named {
	enum vb_source source;
	const struct vb_side *side;             /* whose it is; NULL: the annotation's */
	const char *value;                      /* NULL: none named */
	const struct vb_custom_profile *custom; /* its file, where it is one */
};

static int refuse_unknown(const struct named *named, struct vb_error *err)
{
	const struct vb_who who = vb_side_who(named->side, "seccomp-profile.vambrace.dev");

	(void)vb_error_refuse(err, VB_CODE_PROFILE_INVALID,
		"seccomp profile '%.128s' of %s is not known", named->value, who.text);
	return vb_error_fix(err, "name starter or runtime-default");
}

/* Adds the profile that a source names to what will be met. */
static int add_profile(const struct named *named, struct vb_plan *plan, struct vb_error *err)
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
		return refuse_unknown(named, err);
	return vb_plan_profiles_add(
		       &seccomp->profiles, named->source, named->value, named->custom->text) < 0
		       ? vb_error_set(err, ENOMEM, "decide a plan")
		       : 0;
}

static int refuse_permit(struct vb_error *err)
{
	(void)vb_error_refuse(err, VB_CODE_NOT_PERMITTED,
		"seccomp.vambrace.dev asks for opt-out, which this node does not permit");
	return vb_error_fix(err, "remove the annotation");
}

/* Opting out of a profile that a bundle asks for would undo the bundle. */
static int check_opt_out(
	const struct vb_decision *d, const struct vb_plan *plan, struct vb_error *err)
{
	for (size_t i = 0; i < d->side_count; i++) {
		if (d->sides[i].bundle->seccomp_profile == NULL)
			continue;
		const struct vb_who who = vb_side_who(&d->sides[i], NULL);
		(void)vb_error_refuse(err, VB_CODE_CONFLICT,
			"seccomp.vambrace.dev opts out while %s names a profile", who.text);
		return vb_error_fix(err, "remove the annotation, or name another bundle");
	}
	if (!(d->rule->permits & VB_PERMIT_SECCOMP_OPT_OUT))
		return refuse_permit(err);
	if (d->request->opt_out_reason == NULL) {
		(void)vb_error_refuse(err, VB_CODE_INVALID_VALUE,
			"seccomp.vambrace.dev opts out without a reason");
		return vb_error_fix(err, "give it in seccomp-opt-out-reason.vambrace.dev");
	}
	if (plan->hooked)
		return 0;
	(void)vb_error_refuse(err, VB_CODE_CONFLICT,
		"seccomp.vambrace.dev opts out, but on this handler there is no profile of "
		"Vambrace's");
	return vb_error_fix(err, "remove the annotation");
}

/* What the container has without Vambrace, RuntimeDefault say, stays as it is. */
static int opt_out(const struct vb_decision *d, struct vb_plan *plan, struct vb_error *err)
{
	int r = check_opt_out(d, plan, err);

	if (r < 0)
		return r;
	plan->opt_out_reason = strdup(d->request->opt_out_reason);
	return plan->opt_out_reason == NULL ? vb_error_set(err, ENOMEM, "decide a plan") : 0;
}

static int add_profiles(const struct vb_decision *d, struct vb_plan *plan, struct vb_error *err)
{
	const struct named annotated = {.source = VB_SOURCE_ANNOTATION,
		.value = d->request->seccomp_profile,
		.custom = d->supply->annotated_profile};
	int r = 0;

	for (size_t i = 0; r == 0 && i < d->side_count; i++) {
		const struct vb_side *side = &d->sides[i];
		const struct named named = {
			side->source, side, side->bundle->seccomp_profile, side->profile};
		r = add_profile(&named, plan, err);
		plan->seccomp.log |= side->bundle->seccomp_log;
	}
	return r < 0 ? r : add_profile(&annotated, plan, err);
}

int vb_decide_seccomp(const struct vb_decision *d, struct vb_plan *plan, struct vb_error *err)
{
	if (d->request->seccomp_opt_out)
		return opt_out(d, plan, err);
	if (d->request->opt_out_reason != NULL) {
		(void)vb_error_refuse(err, VB_CODE_CONFLICT,
			"seccomp-opt-out-reason.vambrace.dev is set, but the container does not "
			"opt out");
		return vb_error_fix(err, "remove the reason, or give it only to those that "
					 "opt out, with /container.<name> behind its key");
	}
	int r = add_profiles(d, plan, err);
	if (r == 0 && !vb_plan_has(plan, VB_LAYER_SECCOMP) && plan->hooked) {
		plan->seccomp.starter = true;
		plan->sources[VB_LAYER_SECCOMP] = VB_SOURCE_DEFAULT;
	}
	return r;
}

static bool has_list(const struct vb_plan_preload *preload)
{
	return preload->dlopen.set || preload->exec.set || preload->connect.set;
}

static bool needs_foreign_abi(const struct vb_custom_profile *profile)
{
	return profile != NULL && profile->foreign_abi;
}

/*
 * Whether somebody's list closes the 32-bit ABI, whose programs ignore the shim: each does that,
 * unless who sets it names a profile that needs the ABI. So nobody opens what another's list
 * closes.
 */
static bool closes_foreign_abi(const struct vb_decision *d)
{
	const struct vb_request *request = d->request;

	for (size_t i = 0; i < d->side_count; i++)
		if (has_list(&d->sides[i].bundle->preload_settings) &&
			!needs_foreign_abi(d->sides[i].profile))
			return true;
	return (request->exec.set || request->connect.set) &&
	       !needs_foreign_abi(d->supply->annotated_profile);
}

/* Whether a profile closes it by not listing it. */
static bool lacks_foreign_abi(const struct vb_decision *d)
{
	const struct vb_custom_profile *annotated = d->supply->annotated_profile;

	for (size_t i = 0; i < d->side_count; i++)
		if (d->sides[i].profile != NULL && !d->sides[i].profile->foreign_abi)
			return true;
	return annotated != NULL && !annotated->foreign_abi;
}

/*
 * Over an unconfined container the starter alone leaves the other layers hollow (a user namespace
 * gives capabilities back, mount_setattr lifts a read-only root), and io_uring or a 32-bit program
 * would walk around the shim. So those layers bring what closes these ways into the profile.
 */
void vb_derive_seccomp(const struct vb_decision *d, struct vb_plan *plan)
{
	struct vb_plan_preload *preload = &plan->preload;

	if (plan->opt_out_reason != NULL)
		preload->foreign_abi = has_list(preload);
	if (!vb_plan_has(plan, VB_LAYER_SECCOMP))
		return;
	plan->seccomp.closure = vb_plan_has(plan, VB_LAYER_CAPABILITIES) ||
				vb_plan_has(plan, VB_LAYER_READ_ONLY_ROOTFS) ||
				vb_plan_has(plan, VB_LAYER_TMPFS) ||
				vb_plan_has(plan, VB_LAYER_NO_NEW_PRIVILEGES);
	plan->seccomp.deny_io_uring = preload->connect.set || preload->exec.set;
	plan->seccomp.native_abi_only = closes_foreign_abi(d);
	preload->foreign_abi =
		has_list(preload) && !plan->seccomp.native_abi_only && !lacks_foreign_abi(d);
}
