/* SPDX-License-Identifier: Apache-2.0 */
#include "oci_internal.h"

#include <errno.h>
#include <string.h>

#include "vb/adjust/codes.h"
#include "vb/adjust/custom_profile.h"
#include "vb/adjust/json.h"
#include "vb/adjust/oci_text.h"
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

/* What a container's profile is made of, and what came of it so far; NULL: unconfined. */
struct composition {
	const struct vb_oci_edit *edit;
	uint64_t bounding;
	bool is_confined; /* it has a profile of its own */
	struct vb_profile *profile;
};

static int meet_with(
	struct composition *composition, const struct vb_profile *tighter, struct vb_error *err)
{
	struct vb_profile *met = NULL;

	int r = vb_profile_meet(composition->profile, tighter, &met, err);
	if (r < 0)
		return r;
	if (composition->profile != NULL)
		vb_profile_set_flags(met, vb_oci_flags_meet(vb_profile_flags(composition->profile),
						  vb_profile_flags(tighter)));
	vb_profile_destroy(composition->profile);
	composition->profile = met;
	return 0;
}

/* The profile was found usable when it was loaded; what it is met with was not known then. */
static int refuse_custom(int r, const struct vb_plan_profile *custom, struct vb_error *err)
{
	if (r == -ENOMEM || err == NULL)
		return r;
	(void)vb_error_wrap(err,
		"seccomp profile '%.128s' cannot be combined with those that the container has",
		custom->name);
	err->code = VB_CODE_PROFILE_INVALID;
	err->errnum = EPERM;
	return vb_error_fix(err, "simplify the rules for that call, or name another profile");
}

static int meet_custom(
	struct composition *composition, const struct vb_plan_profile *custom, struct vb_error *err)
{
	const struct vb_docker_target target = {.native = composition->edit->native,
		.kernel_major = composition->edit->kernel.major,
		.kernel_minor = composition->edit->kernel.minor,
		.capabilities = composition->bounding};
	vb_auto_profile struct vb_profile *profile = NULL;

	int r = vb_custom_profile_read(custom->text, strlen(custom->text), &target, &profile, err);
	if (r == 0)
		r = meet_with(composition, profile, err);
	return r < 0 ? refuse_custom(r, custom, err) : 0;
}

static int meet_own(struct composition *composition, struct vb_error *err)
{
	const struct vb_oci_edit *edit = composition->edit;
	const struct vb_starter_options options = {.native = edit->native,
		.parts = starter_parts(&edit->plan->seccomp),
		.native_abi_only = edit->plan->seccomp.native_abi_only};
	vb_auto_profile struct vb_profile *tighter = NULL;
	int r = 0;

	if (options.parts != 0)
		r = vb_profile_starter(&options, &tighter, err);
	else if (options.native_abi_only)
		r = native_profile(edit->native, &tighter, err);
	if (r == 0 && tighter != NULL)
		r = meet_with(composition, tighter, err);
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

/* The profile stays NULL where the container has none and the plan brings none. */
static int compose(struct composition *composition, json_t *linux_object, struct vb_error *err)
{
	const struct vb_oci_edit *edit = composition->edit;
	const struct vb_plan_seccomp *seccomp = &edit->plan->seccomp;

	int r = read_base(linux_object, edit->native, &composition->profile, err);
	composition->is_confined = composition->profile != NULL;
	if (r == 0)
		r = demand_base(seccomp, composition->profile, err);
	for (size_t i = 0; r == 0 && i < seccomp->profiles.count; i++)
		r = meet_custom(composition, &seccomp->profiles.items[i], err);
	return r < 0 ? r : meet_own(composition, err);
}

static int refuse_no_profile(const struct vb_plan *plan, struct vb_error *err)
{
	if (!vb_plan_has(plan, VB_LAYER_SPEC_ALLOW))
		return 0;
	(void)vb_error_refuse(err, VB_CODE_CONFLICT,
		"spec_allow is set, but the container has no seccomp profile that could carry it");
	return vb_error_fix(err, "do not opt out of the profile, or do not set spec_allow");
}

static int write_profile(
	const struct composition *composition, json_t **ret_seccomp, struct vb_error *err)
{
	int r = vb_oci_seccomp_flags_apply(
		composition->edit, composition->is_confined, composition->profile, err);

	if (r < 0)
		return r;
	*ret_seccomp = vb_profile_to_json(composition->profile);
	return *ret_seccomp == NULL ? vb_error_set(err, ENOMEM, "write linux.seccomp") : 0;
}

/* *ret_seccomp stays NULL where there is nothing to write. */
static int make_seccomp(const struct vb_oci_edit *edit, uint64_t bounding, json_t *linux_object,
	json_t **ret_seccomp, struct vb_error *err)
{
	struct composition composition = {.edit = edit, .bounding = bounding};

	int r = compose(&composition, linux_object, err);
	if (r == 0)
		r = composition.profile != NULL ? write_profile(&composition, ret_seccomp, err)
						: refuse_no_profile(edit->plan, err);
	vb_profile_destroy(composition.profile);
	return r;
}

int vb_oci_seccomp_unite(json_t *spec, const struct vb_oci_edit *edit, struct vb_error *err)
{
	json_t *linux_object = json_object_get(spec, "linux");
	vb_auto_json json_t *seccomp = NULL;

	if (edit->seccomp == NULL || *edit->seccomp == NULL)
		return 0;
	int r = vb_oci_text_parse(*edit->seccomp, strlen(*edit->seccomp), &seccomp, err);
	if (r < 0)
		return vb_error_wrap(err, "linux.seccomp");
	if (json_object_set(linux_object, "seccomp", seccomp) < 0)
		return vb_error_set(err, ENOMEM, "read linux.seccomp");
	free(*edit->seccomp);
	*edit->seccomp = NULL;
	return 0;
}

/* What is remembered goes where what it replaces was. */
static int put_recalled(
	const struct vb_oci_edit *edit, json_t *linux_object, char **text, struct vb_error *err)
{
	json_t *seccomp = NULL;

	if (edit->seccomp == NULL) {
		int r = vb_oci_text_parse(*text, strlen(*text), &seccomp, err);
		if (r < 0)
			return r;
	} else {
		seccomp = json_null();
		free(*edit->seccomp);
		*edit->seccomp = VB_STEAL(*text);
	}
	if (json_object_set_new(linux_object, "seccomp", seccomp) < 0)
		return vb_error_set(err, ENOMEM, "write linux.seccomp");
	return 0;
}

static int put_made(json_t *spec, json_t *linux_object, const struct vb_oci_edit *edit,
	uint64_t bounding, const char *key, struct vb_error *err)
{
	vb_auto_json json_t *seccomp = NULL;

	int r = vb_oci_seccomp_unite(spec, edit, err);
	if (r == 0)
		r = make_seccomp(edit, bounding, linux_object, &seccomp, err);
	if (r < 0 || seccomp == NULL)
		return r;
	vb_oci_memory_keep(edit, key, seccomp);
	if (json_object_set(linux_object, "seccomp", seccomp) < 0)
		return vb_error_set(err, ENOMEM, "write linux.seccomp");
	return 0;
}

int vb_oci_seccomp_apply(
	json_t *spec, const struct vb_oci_edit *edit, uint64_t bounding, struct vb_error *err)
{
	json_t *linux_object = NULL;
	char key[VB_DIGEST_SIZE];

	int r = vb_oci_need_object(spec, "config.json", "linux", &linux_object, err);
	if (r == 0 && vb_oci_memory_key(
			      edit, bounding, json_object_get(linux_object, "seccomp"), key) < 0)
		r = vb_error_set(err, ENOMEM, "look at linux.seccomp");
	if (r < 0)
		return r;
	vb_auto_free char *text = vb_oci_memory_recall(edit, key);
	return text != NULL ? put_recalled(edit, linux_object, &text, err)
			    : put_made(spec, linux_object, edit, bounding, key, err);
}
