/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/oci_process.h"

#include <errno.h>

#include "oci_internal.h"

/*
 * A process file without capabilities takes the container's from what the runtime saved; they are
 * written out, so that no runtime takes another view.
 */
static int clamp_capabilities(
	json_t *process, const struct vb_receipt *receipt, struct vb_error *err)
{
	const struct vb_oci_caps keep = {
		.sets = {
			[VB_OCI_CAP_BOUNDING] = receipt->cap_bounding,
			[VB_OCI_CAP_EFFECTIVE] = receipt->cap_effective,
			[VB_OCI_CAP_INHERITABLE] = receipt->cap_inheritable,
			[VB_OCI_CAP_PERMITTED] = receipt->cap_permitted,
			[VB_OCI_CAP_AMBIENT] = receipt->cap_ambient,
		}};
	struct vb_oci_caps kept;
	json_t *capabilities = NULL;

	int r = vb_oci_get_object(process, "process", "capabilities", &capabilities, err);
	if (r < 0)
		return r;
	return capabilities != NULL ? vb_oci_caps_keep(process, &keep, &kept, err)
				    : vb_oci_caps_write(process, &keep, err);
}

int vb_oci_process_apply(json_t *process, const struct vb_oci_edit *edit,
	const struct vb_receipt *receipt, struct vb_error *err)
{
	int r = vb_oci_names_check_process(process, err);

	if (r == 0)
		r = vb_oci_env_check(process, edit->plan, err);
	if (r == 0)
		r = clamp_capabilities(process, receipt, err);
	if (r == 0 && receipt->no_new_privileges &&
		json_object_set_new(process, "noNewPrivileges", json_true()) < 0)
		r = vb_error_set(err, ENOMEM, "write process.noNewPrivileges");
	if (r == 0 && (edit->layers & 1U << VB_LAYER_RLIMITS) != 0)
		r = vb_oci_rlimits_lower(process, &edit->plan->rlimits, edit->inherited_limit, err);
	return r;
}
