/* SPDX-License-Identifier: Apache-2.0 */
#include "oci_internal.h"

#include <errno.h>
#include <string.h>

#include "json_slice.h"
#include "vb/adjust/codes.h"
#include "vb/adjust/json.h"
#include "vb/adjust/profile.h"
#include "vb/base/str.h"

static bool takes(const struct vb_oci_features *features, unsigned int flags)
{
	return features->is_known && (features->flags & flags) == flags;
}

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
			"the plan says spec_allow: allow, a seccomp profile of the container has "
			"flags without SPEC_ALLOW",
			"take one of the two away; mitigation is never undone", VB_CODE_CONFLICT,
			err);
	if ((features->flags & VB_PROFILE_FLAG_SPEC_ALLOW) == 0)
		return refuse_unsupported("spec_allow: allow needs the seccomp flag SPEC_ALLOW, "
					  "which the OCI runtime "
					  "does not take",
			err);
	*ret_flags = (flags < 0 ? 0 : flags) | VB_PROFILE_FLAG_SPEC_ALLOW;
	return 0;
}

/*
 * Nobody said anything, so the speculation state stays: a filter that an unconfined container gets
 * carries SPEC_ALLOW by name where the runtime would not set it. An empty list, which means
 * mitigation, is not written anew, because some rewriters of the file drop it.
 */
static int inherit(const struct vb_oci_features *features, bool is_confined, int flags)
{
	if (!features->is_known)
		return flags;
	if (flags == 0 && takes(features, VB_PROFILE_FLAG_LOG))
		return VB_PROFILE_FLAG_LOG;
	if (flags == 0 && !features->allows_by_default)
		return -1;
	if (flags < 0 && !is_confined && !features->allows_by_default &&
		takes(features, VB_PROFILE_FLAG_SPEC_ALLOW))
		return VB_PROFILE_FLAG_SPEC_ALLOW;
	return flags;
}

/* Adds LOG where that leaves the speculation state as it is; nothing is refused for it. */
static int with_log(const struct vb_oci_features *features, int flags)
{
	const unsigned int both = VB_PROFILE_FLAG_SPEC_ALLOW | VB_PROFILE_FLAG_LOG;

	if (!takes(features, both))
		return flags;
	if (flags >= 0)
		return flags | VB_PROFILE_FLAG_LOG;
	return features->allows_by_default ? (int)both : flags;
}

/* What the plan asks for, in place of the profile's own flags. */
static int ask(enum vb_spec_allow asked, const struct vb_oci_features *features, int flags,
	int *ret_flags, struct vb_error *err)
{
	if (!features->is_known)
		return refuse_flags("the OCI runtime does not say how it treats seccomp flags, "
				    "which spec_allow needs to know",
			"use runc or crun, try again where the node was too busy for an answer, or "
			"do not set spec_allow",
			VB_CODE_UNSUPPORTED, err);
	return asked == VB_SPEC_ALLOW_ALLOW ? allow(features, flags, ret_flags, err)
					    : mitigate(features, flags, ret_flags, err);
}

int vb_oci_seccomp_flags_apply(const struct vb_oci_edit *edit, bool is_confined,
	struct vb_profile *profile, struct vb_error *err)
{
	static const struct vb_oci_features unknown;
	const struct vb_oci_features *features = edit->features != NULL ? edit->features : &unknown;
	enum vb_spec_allow asked = edit->plan->spec_allow;
	int flags = vb_profile_flags(profile);
	int r = 0;

	if (!vb_plan_has(edit->plan, VB_LAYER_SPEC_ALLOW) ||
		(edit->layers & 1U << VB_LAYER_SPEC_ALLOW) == 0)
		asked = VB_SPEC_ALLOW_INHERIT;
	if (asked == VB_SPEC_ALLOW_INHERIT)
		flags = inherit(features, is_confined, flags);
	else
		r = ask(asked, features, flags, &flags, err);
	if (r < 0)
		return r;
	/* What the starter denies is in the kernel's log wherever that is to be had. */
	if (edit->plan->seccomp.log || edit->plan->seccomp.starter)
		flags = with_log(features, flags);
	vb_profile_set_flags(profile, flags);
	return 0;
}

int vb_oci_flags_meet(int base, int tighter)
{
	const int spec_allow = VB_PROFILE_FLAG_SPEC_ALLOW;

	if (tighter < 0)
		return base;
	/* The runtime's default cannot be written together with a flag; SPEC_ALLOW adds nothing. */
	if (base < 0)
		return (tighter & spec_allow) != 0 ? base : tighter;
	return (base | (tighter & VB_PROFILE_FLAG_LOG)) & (tighter | ~spec_allow);
}

static enum vb_spec_state judge_flags(const json_t *seccomp, const struct vb_oci_features *features)
{
	const json_t *flags = json_object_get(seccomp, "flags");
	const json_t *flag;
	size_t i;

	if (!json_is_object(seccomp))
		return VB_SPEC_STATE_ALLOW;
	if (!json_is_array(flags)) {
		if (features == NULL || !features->is_known)
			return VB_SPEC_STATE_UNKNOWN;
		return features->allows_by_default ? VB_SPEC_STATE_ALLOW : VB_SPEC_STATE_MITIGATE;
	}
	json_array_foreach(flags, i, flag)
		if (vb_str_equal(json_string_value(flag), "SECCOMP_FILTER_FLAG_SPEC_ALLOW"))
			return VB_SPEC_STATE_ALLOW;
	return VB_SPEC_STATE_MITIGATE;
}

/* Of an object that is apart, its flags alone, as an object. */
static int read_flags(const char *text, json_t **ret_object)
{
	const struct vb_json_slice seccomp = {.text = text, .size = strlen(text)};
	struct vb_json_slice slice = {0};
	vb_auto_json json_t *object = json_object();
	json_t *flags = NULL;

	if (object == NULL)
		return -ENOMEM;
	int r = vb_json_slice_get(&seccomp, "flags", &slice);
	if (r > 0)
		r = vb_json_load(slice.text, slice.size, JSON_DECODE_ANY, &flags, NULL);
	if (r == 0 && flags != NULL && json_object_set_new(object, "flags", flags) < 0)
		r = -ENOMEM;
	if (r == 0)
		*ret_object = VB_STEAL(object);
	return r;
}

int vb_oci_speculation(const json_t *spec, const struct vb_oci_edit *edit,
	enum vb_spec_state *ret_state, struct vb_error *err)
{
	const json_t *seccomp = json_object_get(json_object_get(spec, "linux"), "seccomp");
	vb_auto_json json_t *apart = NULL;
	int r = 0;

	if (edit->seccomp != NULL && *edit->seccomp != NULL)
		r = read_flags(*edit->seccomp, &apart);
	if (r < 0)
		return vb_error_set(err, -r, "read the flags of linux.seccomp");
	*ret_state = judge_flags(apart != NULL ? apart : seccomp, edit->features);
	return 0;
}
