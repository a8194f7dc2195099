/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/config.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>

#include "config_rules.h"
#include "vb/adjust/json.h"
#include "vb/adjust/ssh_key.h"

enum {
	CONFIG_DEPTH_MAX = 8,
	DEADLINE_DEFAULT_MS = 1500,
	/* The runtime gives a plugin 2 s by default; below 100 ms a slow disk would refuse pods. */
	DEADLINE_MIN_MS = 100,
	DEADLINE_MAX_MS = 60000,
};

#define AUDIT_LOG_DEFAULT "/var/log/vambrace/audit.jsonl"

/* 127.0.0.1:9465 */
static const struct vb_connect_entry metrics_listen_default = {
	.family = AF_INET, .prefix = 32, .port = 9465, .address = {127, 0, 0, 1}};

/* A day of a busy node fits into a MiB; at the cap there are two files of it. */
#define AUDIT_LOG_DEFAULT_BYTES (UINT64_C(64) << 20)
#define AUDIT_LOG_MIN_BYTES     (UINT64_C(1) << 16)
#define AUDIT_LOG_MAX_BYTES     (UINT64_C(1) << 40)

void vb_config_finish(struct vb_config *config)
{
	vb_strv_finish(&config->bundle_dirs);
	vb_strv_finish(&config->profile_dirs);
	vb_strv_finish(&config->runtime_handlers);
	vb_strv_finish(&config->trusted_keys);
	vb_rules_finish(&config->rules);
	free(config->plugin_namespace);
	free(config->audit_log);
}

int vb_config_init(struct vb_config *ret_config)
{
	vb_auto_config struct vb_config config = {.deadline_ms = DEADLINE_DEFAULT_MS,
		.plugin_namespace = strdup(VB_CONFIG_NAMESPACE),
		.audit_log = strdup(AUDIT_LOG_DEFAULT),
		.audit_log_max_bytes = AUDIT_LOG_DEFAULT_BYTES,
		.metrics_listen = metrics_listen_default};

	if (config.plugin_namespace == NULL || config.audit_log == NULL ||
		vb_strv_add(&config.bundle_dirs, "/etc/vambrace/bundles") < 0 ||
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

static int read_number(const json_t *root, const char *key, const uint64_t range[2],
	uint64_t *ret_number, struct vb_error *err)
{
	const json_t *value = json_object_get(root, key);

	if (value == NULL)
		return 0;
	json_int_t number = json_integer_value(value);
	if (!json_is_integer(value) || number < 0 || (uint64_t)number < range[0] ||
		(uint64_t)number > range[1])
		return vb_error_say(err, EINVAL,
			"config.%s must be a number from %" PRIu64 " to %" PRIu64, key, range[0],
			range[1]);
	*ret_number = (uint64_t)number;
	return 0;
}

static int read_deadline(const json_t *root, uint32_t *deadline_ms, struct vb_error *err)
{
	static const uint64_t range[] = {DEADLINE_MIN_MS, DEADLINE_MAX_MS};
	uint64_t number = *deadline_ms;

	int r = read_number(root, "deadline_ms", range, &number, err);
	if (r == 0)
		*deadline_ms = (uint32_t)number;
	return r;
}

static int read_audit_log(const json_t *root, struct vb_config *config, struct vb_error *err)
{
	static const uint64_t range[] = {AUDIT_LOG_MIN_BYTES, AUDIT_LOG_MAX_BYTES};
	const char *path = config->audit_log;

	int r = read_number(root, "audit_log_max_bytes", range, &config->audit_log_max_bytes, err);
	if (r == 0)
		r = vb_json_get_string(root, "config", "audit_log", &path, err);
	if (r < 0 || path == config->audit_log)
		return r;
	if (path[0] != '/' || path[strlen(path) - 1] == '/')
		return vb_error_say(
			err, EINVAL, "config.audit_log is not the absolute path of a file");
	char *copy = strdup(path);
	if (copy == NULL)
		return vb_error_set(err, ENOMEM, "read config.audit_log");
	free(config->audit_log);
	config->audit_log = copy;
	return 0;
}

static bool is_one_address(const struct vb_connect_entry *entry)
{
	return entry->prefix == (entry->family == AF_INET ? 32 : 128) && entry->port != 0;
}

/* "" is for none. */
static int read_listen(const json_t *root, struct vb_connect_entry *listen, struct vb_error *err)
{
	const json_t *value = json_object_get(root, "metrics_listen");
	const char *text = json_string_value(value);
	struct vb_connect_entry entry = {0};

	if (value == NULL)
		return 0;
	if (text == NULL)
		return vb_error_say(err, EINVAL, "config.metrics_listen must be a string");
	if (text[0] != '\0' &&
		(vb_connect_parse(text, &entry, NULL) < 0 || !is_one_address(&entry)))
		return vb_error_say(err, EINVAL,
			"config.metrics_listen: '%.128s' is not an IP address and a port; write "
			"127.0.0.1:9465, [::1]:9465, or \"\" for no metrics",
			text);
	*listen = entry;
	return 0;
}

/* The same with absolute paths, which become clean. */
static int read_directories(
	const json_t *root, const char *key, struct vb_strv *directories, struct vb_error *err)
{
	int r = read_list(root, key, directories, err);

	for (size_t i = 0; r == 0 && i < directories->count; i++) {
		char *clean = NULL;
		r = vb_path_clean(directories->items[i], &clean);
		if (r == -ENOMEM)
			return vb_error_set(err, ENOMEM, "read the node config");
		if (r < 0)
			return vb_error_say(
				err, EINVAL, "config.%s[%zu] is not an absolute path", key, i);
		free(directories->items[i]);
		directories->items[i] = clean;
	}
	return r;
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

static int read_namespace(const json_t *root, char **namespace_name, struct vb_error *err)
{
	const char *text = NULL;

	int r = vb_json_get_string(root, "config", "plugin_namespace", &text, err);
	if (r < 0 || text == NULL)
		return r;
	/* It guards a namespace from globs, so one that matches nothing must not go unseen. */
	if (strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(text))
		return vb_error_say(err, EINVAL,
			"config.plugin_namespace: '%.63s' is not the name of a namespace", text);
	free(*namespace_name);
	*namespace_name = strdup(text);
	return *namespace_name == NULL ? vb_error_set(err, ENOMEM, "read the node config") : 0;
}

int vb_config_parse(
	const char *data, size_t size, struct vb_config *ret_config, struct vb_error *err)
{
	static const char *const known[] = {"bundle_dirs", "profile_dirs", "plugin_namespace",
		"rules", "runtime_handlers", "deadline_ms", "trusted_keys", "require_signature",
		"audit_log", "audit_log_max_bytes", "metrics_listen", NULL};
	vb_auto_json json_t *root = NULL;
	vb_auto_config struct vb_config config = {0};

	if (vb_config_init(&config) < 0)
		return vb_error_set(err, ENOMEM, "read the node config");
	if (vb_json_count_values(data, size) > VB_CONFIG_VALUES_MAX)
		return vb_error_say(err, EINVAL, "the node config has more than %d values",
			VB_CONFIG_VALUES_MAX);
	int r = vb_json_parse(data, size, CONFIG_DEPTH_MAX, &root, err);
	if (r == 0 && !json_is_object(root))
		r = vb_error_say(err, EINVAL, "the node config is not a JSON object");
	if (r == 0)
		r = vb_json_check_keys(root, "config", known, err);
	if (r == 0)
		r = read_directories(root, "bundle_dirs", &config.bundle_dirs, err);
	if (r == 0)
		r = read_directories(root, "profile_dirs", &config.profile_dirs, err);
	if (r == 0)
		r = read_namespace(root, &config.plugin_namespace, err);
	if (r == 0)
		r = vb_rules_read(root, &config.rules, err);
	if (r == 0)
		r = read_list(root, "runtime_handlers", &config.runtime_handlers, err);
	if (r == 0)
		r = read_deadline(root, &config.deadline_ms, err);
	if (r == 0)
		r = read_signatures(root, &config, err);
	if (r == 0)
		r = read_audit_log(root, &config, err);
	if (r == 0)
		r = read_listen(root, &config.metrics_listen, err);
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
