/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/oci_features.h"

#include <errno.h>
#include <stdint.h>

#include "vb/adjust/json.h"
#include "vb/adjust/profile.h"
#include "vb/base/str.h"

enum { FEATURES_DEPTH_MAX = 16 };

static const char *annotation(const json_t *features, const char *key)
{
	return json_string_value(json_object_get(json_object_get(features, "annotations"), key));
}

static unsigned int read_flags(const json_t *names)
{
	static const struct {
		const char *name;
		unsigned int flag;
	} known[] = {
		{"SECCOMP_FILTER_FLAG_TSYNC", VB_PROFILE_FLAG_TSYNC},
		{"SECCOMP_FILTER_FLAG_LOG", VB_PROFILE_FLAG_LOG},
		{"SECCOMP_FILTER_FLAG_SPEC_ALLOW", VB_PROFILE_FLAG_SPEC_ALLOW},
		{"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", VB_PROFILE_FLAG_WAIT_KILLABLE_RECV},
	};
	unsigned int flags = 0;
	const json_t *name;
	size_t i;

	json_array_foreach(names, i, name)
		for (size_t k = 0; k < VB_ARRAY_SIZE(known); k++)
			if (vb_str_equal(json_string_value(name), known[k].name))
				flags |= known[k].flag;
	return flags;
}

int vb_oci_features_parse(
	const char *text, size_t size, struct vb_oci_features *ret_features, struct vb_error *err)
{
	vb_auto_json json_t *features = NULL;
	struct vb_oci_features result = {0};

	int r = vb_json_parse(text, size, FEATURES_DEPTH_MAX, &features, err);
	if (r < 0)
		return r;
	const json_t *supported = json_object_get(
		json_object_get(json_object_get(features, "linux"), "seccomp"), "supportedFlags");
	if (!json_is_object(features))
		return vb_error_say(err, EINVAL, "the features of a runtime must be an object");
	if (annotation(features, "run.oci.crun.version") != NULL) {
		/* crun lists no flags; those two it has known since before it had `features`. */
		result.is_known = true;
		result.allows_by_default = true;
		result.flags = VB_PROFILE_FLAG_SPEC_ALLOW | VB_PROFILE_FLAG_LOG;
	} else if (annotation(features, "org.opencontainers.runc.version") != NULL) {
		/* The list and the default came together, with 1.2. */
		result.is_known = true;
		result.allows_by_default = json_is_array(supported);
		result.flags = read_flags(supported);
	}
	*ret_features = result;
	return 0;
}

bool vb_oci_features_matter(const struct vb_plan *plan)
{
	const struct vb_plan_seccomp *seccomp = &plan->seccomp;

	return vb_plan_has(plan, VB_LAYER_SPEC_ALLOW) || vb_plan_has(plan, VB_LAYER_SECCOMP) ||
	       seccomp->starter || seccomp->runtime_default || seccomp->closure ||
	       seccomp->deny_io_uring || seccomp->native_abi_only || seccomp->log;
}
