/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor.h"
#include "node_daemons.h"
#include "node_plugin.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vb/adjust/config.h"
#include "vb/adjust/json.h"
#include "vb/adjust/oci_config.h"
#include "vb/adjust/oci_features.h"
#include "vb/adjust/profile.h"
#include "vb/base/file.h"
#include "vb/base/program.h"
#include "vb/base/str.h"

#define PREFIX   "/opt/vambrace"
#define HOOK     PREFIX "/bin/vambrace-oci"
#define SETTINGS PREFIX "/etc/oci.json"

enum { ANSWER_TIMEOUT_MS = 5000 };

static const char *state_of(const char *path, int mode)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return strerrorname_np(errno);
	if (!S_ISREG(st.st_mode))
		return "EINVAL";
	if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return "not root's alone";
	return access(path, mode) < 0 ? strerrorname_np(errno) : "ok";
}

static json_t *ask_features(const char *runtime)
{
	const char *const argv[] = {runtime, "features", NULL};
	vb_auto_buf struct vb_buf *answer = vb_buf_create(VB_OCI_FEATURES_MAX + (16 << 10));
	struct vb_oci_features features = {0};

	if (answer == NULL || vb_program_run(argv, ANSWER_TIMEOUT_MS, answer) < 0 ||
		vb_oci_features_parse((const char *)vb_buf_data(answer), vb_buf_size(answer),
			&features, NULL) < 0)
		return json_null();
	return json_pack("{s:b,s:b,s:b,s:b}", "known", features.is_known, "allows_by_default",
		features.allows_by_default, "spec_allow",
		(features.flags & VB_PROFILE_FLAG_SPEC_ALLOW) != 0, "log",
		(features.flags & VB_PROFILE_FLAG_LOG) != 0);
}

/* Whether it is the link that an installer makes, wherever that ends. */
static bool leads_to_hook(const char *link)
{
	char target[sizeof(HOOK)];
	ssize_t length = readlink(link, target, sizeof(target));

	if (length < 0 || length == (ssize_t)sizeof(target))
		return false;
	target[length] = '\0';
	return strcmp(target, "vambrace-oci") == 0 || strcmp(target, HOOK) == 0;
}

static json_t *look_at_handler(const char *text, size_t size, const char *name)
{
	vb_auto_oci_handler struct vb_oci_handler handler = {0};
	vb_auto_free char *link = vb_str_format(PREFIX "/bin/%s", name);
	struct vb_error err;

	if (link == NULL)
		return NULL;
	if (vb_oci_config_find(text, size, name, &handler, &err) < 0)
		return json_pack("{s:s}", "error", err.what);
	const char *runtime_state = state_of(handler.runtime, X_OK);
	return json_pack("{s:s,s:b,s:s,s:s,s:b,s:o}", "link", state_of(link, X_OK), "leads_to_hook",
		leads_to_hook(link), "runtime", handler.runtime, "runtime_state", runtime_state,
		"passes_unplanned", handler.pass_unplanned, "features",
		strcmp(runtime_state, "ok") == 0 ? ask_features(handler.runtime) : json_null());
}

static void look_at_handlers(json_t *hook, const char *text, size_t size)
{
	vb_auto_json json_t *settings = NULL;
	json_t *handlers = json_object();
	const char *name = NULL;
	json_t *value = NULL;

	(void)json_object_set_new(hook, "handlers", handlers);
	if (vb_json_parse(text, size, 8, &settings, NULL) < 0)
		return;
	json_object_foreach(json_object_get(settings, "handlers"), name, value)
		(void)json_object_set_new(handlers, name, look_at_handler(text, size, name));
}

const char *vb_doctor_hook_state(void)
{
	return state_of(HOOK, X_OK);
}

static json_t *look_at_hook(void)
{
	vb_auto_free char *text = NULL;
	size_t size = 0;
	json_t *hook = json_object();

	int r = vb_file_read(SETTINGS, VB_OCI_CONFIG_MAX, &text, &size, NULL);
	const char *settings = r == 0 ? state_of(SETTINGS, R_OK) : strerrorname_np(-r);
	(void)json_object_set_new(hook, "settings", json_string(settings));
	(void)json_object_set_new(hook, "program", json_string(vb_doctor_hook_state()));
	(void)json_object_set_new(hook, "shim", json_string(state_of(VB_SHIM_HOST_PATH, R_OK)));
	/* What others can write must not say which program is run here, by root perhaps. */
	if (vb_str_equal(settings, "ok"))
		look_at_handlers(hook, text, size);
	return hook;
}

static json_t *strings(const struct vb_strv *strv)
{
	json_t *array = json_array();

	for (size_t i = 0; i < strv->count; i++)
		(void)json_array_append_new(array, json_string(strv->items[i]));
	return array;
}

/* The settings of vambrace-nri, where they are a file of the node. */
static json_t *look_at_node_config(void)
{
	vb_auto_config struct vb_config config = {0};
	struct vb_error err = {0};
	const char *state = "ok";

	int r = vb_config_load(VB_CONFIG_PATH, &config, &err);
	if (r == -ENOENT)
		state = vb_node_config_is_elsewhere() ? "elsewhere" : "default";
	if (r < 0 && vb_config_init(&config) < 0)
		return NULL;
	if (r < 0 && r != -ENOENT)
		return json_pack("{s:s,s:s}", "state", "error", "error", err.what);
	return json_pack("{s:s,s:o,s:s}", "state", state, "runtime_handlers",
		strings(&config.runtime_handlers), "audit_log", config.audit_log);
}

json_t *vb_doctor_daemons(void)
{
	struct vb_node_daemons daemons;
	json_t *array = json_array();

	vb_node_daemons_find(VB_NODE_DAEMONS_ALL, 1, &daemons);
	for (size_t i = 0; i < daemons.count; i++)
		(void)json_array_append_new(
			array, json_pack("{s:i,s:b}", "pid", (int)daemons.items[i].pid,
				       "in_container", daemons.items[i].is_in_container));
	return array;
}

void vb_doctor_gather_hook(json_t *facts)
{
	(void)json_object_set_new(facts, "daemons", vb_doctor_daemons());
	(void)json_object_set_new(facts, "hook", look_at_hook());
	(void)json_object_set_new(facts, "node_config", look_at_node_config());
}
