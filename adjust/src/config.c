/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/config.h"

#include <errno.h>

#include "vb/adjust/json.h"
#include "vb/adjust/ssh_key.h"

enum {
	CONFIG_DEPTH_MAX = 8,
	DEADLINE_DEFAULT_MS = 1500,
	/* The runtime gives a plugin 2 s by default; below 100 ms a slow disk would refuse pods. */
	DEADLINE_MIN_MS = 100,
	DEADLINE_MAX_MS = 60000,
};

void vb_config_finish(struct vb_config *config)
{
	vb_strv_finish(&config->bundle_dirs);
	vb_strv_finish(&config->runtime_handlers);
	vb_strv_finish(&config->trusted_keys);
}

int vb_config_init(struct vb_config *ret_config)
{
	vb_auto_config struct vb_config config = {.deadline_ms = DEADLINE_DEFAULT_MS};

	if (vb_strv_add(&config.bundle_dirs, "/etc/vambrace/bundles") < 0 ||
		vb_strv_add(&config.bundle_dirs, "/var/lib/vambrace/bundles") < 0 ||
		vb_strv_add(&config.runtime_handlers, "vambrace") < 0)
		return -ENOMEM;
	*ret_config = config;
	config = (struct vb_config){0};
	return 0;
}

/* Replaces the default by the file's list where the file has one. */
static int read_list(
	const json_t *root, const char *key, struct vb_strv *list, struct vb_error *err)
{
	if (json_object_get(root, key) == NULL)
		return 0;
	vb_strv_finish(list);
	return vb_json_get_strings(root, "config", key, list, err);
}

static int read_deadline(const json_t *root, uint32_t *ret_deadline_ms, struct vb_error *err)
{
	const json_t *value = json_object_get(root, "deadline_ms");

	if (value == NULL)
		return 0;
	json_int_t number = json_integer_value(value);
	if (!json_is_integer(value) || number < DEADLINE_MIN_MS || number > DEADLINE_MAX_MS)
		return vb_error_say(err, EINVAL,
			"config.deadline_ms must be a number from %d to %d", DEADLINE_MIN_MS,
			DEADLINE_MAX_MS);
	*ret_deadline_ms = (uint32_t)number;
	return 0;
}

static int check_directories(const struct vb_strv *directories, struct vb_error *err)
{
	for (size_t i = 0; i < directories->count; i++)
		if (directories->items[i][0] != '/')
			return vb_error_say(
				err, EINVAL, "config.bundle_dirs[%zu] is not an absolute path", i);
	return 0;
}

static int read_signatures(const json_t *root, struct vb_config *config, struct vb_error *err)
{
	int r = read_list(root, "trusted_keys", &config->trusted_keys, err);

	for (size_t i = 0; r == 0 && i < config->trusted_keys.count; i++) {
		struct vb_ssh_public key;
		r = vb_ssh_public_parse(config->trusted_keys.items[i], &key, err);
		if (r < 0)
			(void)vb_error_wrap(err, "config.trusted_keys[%zu]", i);
	}
	if (r == 0)
		r = vb_json_get_bool(
			root, "config", "require_signature", &config->require_signature, err);
	/* Else every bundle would be refused, and the reason would be far away. */
	if (r == 0 && config->require_signature && config->trusted_keys.count == 0)
		r = vb_error_say(
			err, EINVAL, "config.require_signature needs a key in trusted_keys");
	return r;
}

int vb_config_parse(
	const char *data, size_t size, struct vb_config *ret_config, struct vb_error *err)
{
	static const char *const known[] = {"bundle_dirs", "runtime_handlers", "deadline_ms",
		"trusted_keys", "require_signature", NULL};
	vb_auto_json json_t *root = NULL;
	vb_auto_config struct vb_config config = {0};

	if (vb_config_init(&config) < 0)
		return vb_error_set(err, ENOMEM, "read the node config");
	int r = vb_json_parse(data, size, CONFIG_DEPTH_MAX, &root, err);
	if (r == 0 && !json_is_object(root))
		r = vb_error_say(err, EINVAL, "the node config is not a JSON object");
	if (r == 0)
		r = vb_json_check_keys(root, "config", known, err);
	if (r == 0)
		r = read_list(root, "bundle_dirs", &config.bundle_dirs, err);
	if (r == 0)
		r = check_directories(&config.bundle_dirs, err);
	if (r == 0)
		r = read_list(root, "runtime_handlers", &config.runtime_handlers, err);
	if (r == 0)
		r = read_deadline(root, &config.deadline_ms, err);
	if (r == 0)
		r = read_signatures(root, &config, err);
	if (r < 0)
		return r;
	*ret_config = config;
	config = (struct vb_config){0};
	return 0;
}

bool vb_config_has_handler(const struct vb_config *config, const char *handler)
{
	return vb_strv_contains(&config->runtime_handlers, handler);
}
