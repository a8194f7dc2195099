/* SPDX-License-Identifier: Apache-2.0 */
/* The node config. */
#include <errno.h>

#include "fuzz_adjust.h"
#include "vb/adjust/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vb_auto_config struct vb_config config = {0};
	struct vb_error err;

	int r = vb_config_parse((const char *)data, size, &config, &err);
	if (r < 0) {
		fuzz_check_error(r, &err);
		fuzz_require(r == -EINVAL && err.code == NULL);
		return 0;
	}
	fuzz_require(config.deadline_ms >= 100 && config.deadline_ms <= 60000);
	for (size_t i = 0; i < config.bundle_dirs.count; i++)
		fuzz_require(config.bundle_dirs.items[i][0] == '/');
	for (size_t i = 0; i < config.runtime_handlers.count; i++)
		fuzz_require(vb_config_has_handler(&config, config.runtime_handlers.items[i]));
	return 0;
}
