/* SPDX-License-Identifier: Apache-2.0 */
/* verdict ROOT PROGRAM: what the hook would say of a container whose first program this is. */
#include <stdio.h>

#include "hook.h"
#include "vb/adjust/json.h"
#include "vb/adjust/oci_check.h"

int main(int argc, char **argv)
{
	vb_auto_plan struct vb_plan *plan = vb_plan_create();
	vb_auto_free char *verdict = NULL;
	struct vb_oci_view view;
	struct vb_error err = {0};

	if (argc != 3 || plan == NULL)
		return 2;
	plan->sources[VB_LAYER_PRELOAD] = VB_SOURCE_ANNOTATION;
	vb_auto_json json_t *spec = json_pack("{s:{s:s}, s:{s:s, s:b, s:[s]}, s:[]}", "annotations",
		"plan-digest.vambrace.dev", "d", "process", "cwd", "/", "noNewPrivileges", 1,
		"args", argv[2], "mounts");
	vb_hook_view(argv[1], &view);
	if (spec == NULL || vb_oci_check(spec, plan, "d", &view, &verdict, &err) < 0) {
		(void)fprintf(stderr, "verdict: %s\n", err.what);
		return 1;
	}
	printf("%s\n", verdict);
	return 0;
}
