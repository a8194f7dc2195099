/* SPDX-License-Identifier: Apache-2.0 */
#include "oci_internal.h"

#include <errno.h>
#include <string.h>

#include "vb/adjust/caps.h"
#include "vb/adjust/json.h"
#include "vb/base/str.h"

static const char *const set_names[VB_OCI_CAP_SETS] = {
	[VB_OCI_CAP_BOUNDING] = "bounding",
	[VB_OCI_CAP_EFFECTIVE] = "effective",
	[VB_OCI_CAP_INHERITABLE] = "inheritable",
	[VB_OCI_CAP_PERMITTED] = "permitted",
	[VB_OCI_CAP_AMBIENT] = "ambient",
};

static const char where[] = "process.capabilities";

/* The set of one capability; 0 for what the specification's CAP_ names do not have. */
static uint64_t set_of(const json_t *name)
{
	const char *text = json_string_value(name);
	uint64_t set = 0;

	if (text == NULL || vb_str_after(text, "CAP_") == NULL ||
		vb_cap_parse(text, &set, NULL) < 0)
		return 0;
	return set;
}

static int read_set(json_t *capabilities, const char *key, uint64_t *ret_set, struct vb_error *err)
{
	json_t *names = NULL;
	json_t *name;
	uint64_t set = 0;
	size_t i;

	int r = vb_oci_get_array(capabilities, where, key, &names, err);
	if (r < 0)
		return r;
	json_array_foreach(names, i, name) {
		if (!json_is_string(name))
			return vb_error_say(
				err, EINVAL, "%s.%s[%zu] must be a string", where, key, i);
		set |= set_of(name);
	}
	*ret_set = set;
	return 0;
}

int vb_oci_caps_read(json_t *process, struct vb_oci_caps *ret_caps, struct vb_error *err)
{
	struct vb_oci_caps caps = {0};
	json_t *capabilities = NULL;

	int r = vb_oci_get_object(process, "process", "capabilities", &capabilities, err);
	for (size_t i = 0; r == 0 && capabilities != NULL && i < VB_OCI_CAP_SETS; i++)
		r = read_set(capabilities, set_names[i], &caps.sets[i], err);
	if (r == 0)
		*ret_caps = caps;
	return r;
}

/* The order of the names that stay does not change. */
static void filter(json_t *names, uint64_t keep)
{
	for (size_t i = json_array_size(names); i-- > 0;)
		if ((set_of(json_array_get(names, i)) & keep) == 0)
			(void)json_array_remove(names, i);
}

int vb_oci_caps_keep(json_t *process, const struct vb_oci_caps *keep, struct vb_oci_caps *ret_caps,
	struct vb_error *err)
{
	struct vb_oci_caps caps = {0};
	json_t *capabilities = NULL;

	int r = vb_oci_caps_read(process, &caps, err);
	if (r == 0)
		r = vb_oci_get_object(process, "process", "capabilities", &capabilities, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < VB_OCI_CAP_SETS; i++)
		caps.sets[i] &= keep->sets[i];
	caps.sets[VB_OCI_CAP_AMBIENT] &=
		caps.sets[VB_OCI_CAP_PERMITTED] & caps.sets[VB_OCI_CAP_INHERITABLE];
	for (size_t i = 0; i < VB_OCI_CAP_SETS; i++)
		filter(json_object_get(capabilities, set_names[i]), caps.sets[i]);
	*ret_caps = caps;
	return 0;
}

int vb_oci_caps_write(json_t *process, const struct vb_oci_caps *caps, struct vb_error *err)
{
	json_t *capabilities = json_object();

	if (json_object_set_new(process, "capabilities", capabilities) < 0)
		return vb_error_set(err, ENOMEM, "write %s", where);
	for (size_t i = 0; i < VB_OCI_CAP_SETS; i++)
		if (json_object_set_new(
			    capabilities, set_names[i], vb_caps_to_json(caps->sets[i])) < 0)
			return vb_error_set(err, ENOMEM, "write %s", where);
	return 0;
}
