/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/oci_apply.h"

#include <errno.h>

#include "oci_internal.h"
#include "vb/adjust/caps.h"

static bool writes(const struct vb_oci_edit *edit, enum vb_layer layer)
{
	return vb_plan_has(edit->plan, layer) && (edit->layers & 1U << layer) != 0;
}

static int apply_capabilities(json_t *process, const struct vb_oci_edit *edit,
	struct vb_receipt *receipt, struct vb_error *err)
{
	struct vb_oci_caps caps = {0};
	struct vb_oci_caps keep;
	int r;

	for (size_t i = 0; i < VB_OCI_CAP_SETS; i++)
		keep.sets[i] = VB_CAP_ALL & ~edit->plan->cap_drop;
	if (writes(edit, VB_LAYER_CAPABILITIES))
		r = vb_oci_caps_keep(process, &keep, &caps, err);
	else
		r = vb_oci_caps_read(process, &caps, err);
	if (r < 0)
		return r;
	receipt->cap_bounding = caps.sets[VB_OCI_CAP_BOUNDING];
	receipt->cap_effective = caps.sets[VB_OCI_CAP_EFFECTIVE];
	receipt->cap_inheritable = caps.sets[VB_OCI_CAP_INHERITABLE];
	receipt->cap_permitted = caps.sets[VB_OCI_CAP_PERMITTED];
	receipt->cap_ambient = caps.sets[VB_OCI_CAP_AMBIENT];
	return 0;
}

static int apply_no_new_privileges(json_t *process, const struct vb_oci_edit *edit,
	struct vb_receipt *receipt, struct vb_error *err)
{
	if (writes(edit, VB_LAYER_NO_NEW_PRIVILEGES) &&
		json_object_set_new(process, "noNewPrivileges", json_true()) < 0)
		return vb_error_set(err, ENOMEM, "write process.noNewPrivileges");
	receipt->no_new_privileges = json_is_true(json_object_get(process, "noNewPrivileges"));
	return 0;
}

static int apply_to_process(json_t *spec, const struct vb_oci_edit *edit,
	struct vb_receipt *receipt, struct vb_error *err)
{
	json_t *process = NULL;

	int r = vb_oci_get_object(spec, "config.json", "process", &process, err);
	if (r < 0)
		return r;
	if (process == NULL)
		return vb_error_say(err, EINVAL, "config.json has no process");
	r = apply_capabilities(process, edit, receipt, err);
	if (r == 0)
		r = apply_no_new_privileges(process, edit, receipt, err);
	if (r == 0 && writes(edit, VB_LAYER_RLIMITS))
		r = vb_oci_rlimits_lower(process, &edit->plan->rlimits, edit->inherited_limit, err);
	return r;
}

/* What the flags mean for speculation, before and after. */
static int apply_seccomp(json_t *spec, const struct vb_oci_edit *edit, struct vb_receipt *receipt,
	struct vb_error *err)
{
	const struct vb_oci_features *features = edit->features;
	struct vb_receipt_speculation *speculation = &receipt->speculation;

	if (!vb_oci_features_matter(edit->plan) || (edit->layers & 1U << VB_LAYER_SECCOMP) == 0)
		return vb_oci_seccomp_unite(spec, edit, err);
	int r = vb_oci_speculation(spec, edit, &speculation->had, err);
	if (r == 0)
		r = vb_oci_seccomp_apply(spec, edit, receipt->cap_bounding, err);
	if (r == 0)
		r = vb_oci_speculation(spec, edit, &speculation->has, err);
	if (r < 0)
		return r;
	speculation->takes_flag = features != NULL && features->is_known &&
				  (features->flags & VB_PROFILE_FLAG_SPEC_ALLOW) != 0;
	speculation->is_set = true;
	return 0;
}

int vb_oci_apply(json_t *spec, const struct vb_oci_edit *edit, struct vb_receipt *receipt,
	struct vb_error *err)
{
	int r = apply_to_process(spec, edit, receipt, err);

	if (r == 0 && writes(edit, VB_LAYER_READ_ONLY_ROOTFS))
		r = vb_oci_read_only_apply(spec, err);
	if (r == 0 && vb_plan_has(edit->plan, VB_LAYER_READ_ONLY_ROOTFS))
		r = vb_oci_writable_mounts(spec, &receipt->writable_mounts, err);
	return r == 0 ? apply_seccomp(spec, edit, receipt, err) : r;
}
