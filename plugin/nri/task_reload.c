/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "task.h"

struct vb_bundle_store *vb_task_create_bundles(const struct vb_config *config)
{
	vb_auto_bundle_store struct vb_bundle_store *bundles =
		vb_bundle_store_create(&config->bundle_dirs);

	if (bundles == NULL || vb_bundle_store_trust(bundles, &config->trusted_keys,
				       config->require_signature, NULL) < 0)
		return NULL;
	return VB_STEAL(bundles);
}

/* Bundles that were read once stay known while the directories and the trusted keys are the same.
 */
static int renew_bundles(struct vb_workshop *shop, const struct vb_config *config)
{
	const struct vb_config *former = shop->config;

	if (vb_strv_equal(&former->bundle_dirs, &config->bundle_dirs) &&
		vb_strv_equal(&former->trusted_keys, &config->trusted_keys) &&
		former->require_signature == config->require_signature)
		return 0;
	struct vb_bundle_store *bundles = vb_task_create_bundles(config);
	if (bundles == NULL)
		return -ENOMEM;
	vb_bundle_store_destroy(shop->stores.bundles);
	shop->stores.bundles = bundles;
	return 0;
}

static int put_in_force(struct vb_workshop *shop, const struct vb_settings *settings)
{
	const struct vb_config *config = &settings->config;

	if (vb_audit_file_configure(shop->audit, config->audit_log, config->audit_log_max_bytes) <
			0 ||
		renew_bundles(shop, config) < 0)
		return -ENOMEM;
	shop->config = config;
	shop->config_problem = settings->problem;
	return 0;
}

void vb_task_refresh_settings(struct vb_task *task, bool forced)
{
	vb_auto_settings struct vb_settings *settings = NULL;

	int r = vb_settings_refresh(task->shop->settings_file, forced, &settings, &task->news.err);
	if (r > 0 && put_in_force(task->shop, settings) < 0) {
		vb_settings_file_forget(task->shop->settings_file);
		r = vb_error_set(&task->news.err, ENOMEM, "put the node config in force");
	}
	task->news.result = r < 0 ? r : 0;
	if (r > 0)
		task->news.settings = VB_STEAL(settings);
}

int vb_task_reload(struct vb_task *task)
{
	if (task->is_forced)
		vb_audit_file_reopen(task->shop->audit);
	vb_task_refresh_settings(task, task->is_forced);
	return 0;
}
