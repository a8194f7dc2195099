/* SPDX-License-Identifier: Apache-2.0 */
/* oci.json: what the early reader finds, the full one finds as well. */
#include <stdlib.h>
#include <string.h>

#include "early.h"
#include "fuzz.h"
#include "vb/adjust/oci_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const handlers[] = {"vambrace", "v", ""};
	const char *text = (const char *)data;

	for (size_t i = 0; i < 3; i++) {
		vb_auto_oci_handler struct vb_oci_handler full = {0};
		const char *path = NULL;
		size_t length = 0;
		bool early = vb_early_find_runtime(text, size, handlers[i], &path, &length);
		int r = vb_oci_config_find(text, size, handlers[i], &full, NULL);
		if (early && (r < 0 || strlen(full.runtime) != length ||
				     memcmp(full.runtime, path, length) != 0))
			abort();
	}
	return 0;
}
