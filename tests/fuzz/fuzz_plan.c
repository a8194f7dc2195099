/* SPDX-License-Identifier: Apache-2.0 */
/* A plan file, as the hook reads it: only what the plugin could have written is taken. */
#include <errno.h>

#include "fuzz_adjust.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vb_auto_plan struct vb_plan *plan = NULL;
	struct vb_error err;

	int r = vb_plan_from_json((const char *)data, size, &plan, &err);
	if (r < 0) {
		fuzz_check_error(r, &err);
		fuzz_require(r == -EINVAL && err.code == NULL);
		return 0;
	}
	vb_auto_free char *json = vb_plan_to_json(plan);
	fuzz_require(json != NULL && strlen(json) == size && memcmp(json, data, size) == 0);
	fuzz_check_plan(plan);
	return 0;
}
