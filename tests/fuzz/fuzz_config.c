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
	const struct vb_connect_entry *listen = &config.metrics_listen;
	fuzz_require(listen->port == 0 || listen->prefix == 32 || listen->prefix == 128);
	for (size_t i = 0; i < config.bundle_dirs.count; i++)
		fuzz_require(config.bundle_dirs.items[i][0] == '/');
	for (size_t i = 0; i < config.profile_dirs.count; i++)
		fuzz_require(config.profile_dirs.items[i][0] == '/');
	for (size_t i = 0; i < config.rules.count; i++)
		fuzz_require(config.rules.items[i].namespaces.count > 0);
	/* Some rule counts for every namespace, and a glob never for these. */
	fuzz_require(vb_config_rule(&config, "robots") != NULL);
	const struct vb_rule *rule = vb_config_rule(&config, "kube-system");
	fuzz_require((rule->namespaces.count == 0) ==
		     !vb_strv_contains(&rule->namespaces, "kube-system"));
	for (size_t i = 0; i < config.runtime_handlers.count; i++)
		fuzz_require(vb_config_has_handler(&config, config.runtime_handlers.items[i]));
	return 0;
}
