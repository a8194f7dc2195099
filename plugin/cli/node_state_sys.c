/* SPDX-License-Identifier: Apache-2.0 */
#include "node.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "vb/adjust/json.h"
#include "vb/base/file.h"

enum { STATE_MAX = 64 << 10, STATE_DEPTH_MAX = 5 };

static const char *const kinds[] = {
	[VB_NODE_ROOT_FILE] = "root-file",
	[VB_NODE_DROP_IN] = "drop-in",
	[VB_NODE_TEMPLATE] = "template",
};

const char *vb_node_file_kind_name(enum vb_node_file_kind kind)
{
	return kinds[kind];
}

void vb_node_file_finish(struct vb_node_file *file)
{
	free(file->path);
	free(file->made);
	*file = (struct vb_node_file){0};
}

int vb_node_file_copy(const struct vb_node_file *file, struct vb_node_file *ret_copy)
{
	struct vb_node_file copy = {.kind = file->kind,
		.path = strdup(file->path),
		.was_there = file->was_there,
		.made = file->made != NULL ? strdup(file->made) : NULL};

	if (copy.path == NULL || (file->made != NULL && copy.made == NULL)) {
		vb_node_file_finish(&copy);
		return -ENOMEM;
	}
	*ret_copy = copy;
	return 0;
}

void vb_node_state_finish(struct vb_node_state *state)
{
	free(state->version);
	vb_node_file_finish(&state->file);
	vb_node_handlers_finish(&state->handlers);
	vb_node_plugin_finish(&state->plugin);
}

static int refuse(struct vb_error *err)
{
	(void)vb_error_say(err, EINVAL, "'%s' was not written by this installer", VB_NODE_STATE);
	return vb_error_fix(err, "take the installer of the release that is installed; a file that "
				 "is damaged may be removed, then install again");
}

static int take_file(const json_t *file, struct vb_node_state *state)
{
	const char *kind = json_string_value(json_object_get(file, "kind"));
	const char *path = json_string_value(json_object_get(file, "path"));
	const char *made = json_string_value(json_object_get(file, "made"));

	if (kind == NULL || path == NULL)
		return -EINVAL;
	for (size_t i = 0; i < VB_ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i], kind) == 0) {
			const struct vb_node_file found = {.kind = (enum vb_node_file_kind)i,
				.path = (char *)(uintptr_t)path,
				.was_there = json_is_true(json_object_get(file, "was_there")),
				.made = (char *)(uintptr_t)made};
			return vb_node_file_copy(&found, &state->file);
		}
	return -EINVAL;
}

static int take_handlers(json_t *handlers, struct vb_node_state *state)
{
	const char *name = NULL;
	json_t *value = NULL;

	json_object_foreach(handlers, name, value) {
		const char *base = json_string_value(json_object_get(value, "base"));
		const char *runtime = json_string_value(json_object_get(value, "runtime"));
		vb_auto_free char *text = vb_str_format("%s=%s", name, base != NULL ? base : "");
		if (text == NULL)
			return -ENOMEM;
		if (runtime == NULL || vb_node_handlers_add(&state->handlers, text, NULL) < 0)
			return -EINVAL;
		struct vb_node_handler *last = &state->handlers.items[state->handlers.count - 1];
		last->runtime = strdup(runtime);
		if (last->runtime == NULL)
			return -ENOMEM;
	}
	return 0;
}

/* Absent before there was one, and where there is none. */
static int take_plugin(const json_t *plugin, struct vb_node_state *state)
{
	static const enum vb_node_plugin_kind put[] = {
		VB_NODE_PLUGIN_LAUNCHED, VB_NODE_PLUGIN_SERVICE};
	const char *kind = json_string_value(json_object_get(plugin, "kind"));
	const char *path = json_string_value(json_object_get(plugin, "path"));
	const char *made = json_string_value(json_object_get(plugin, "made"));

	if (plugin == NULL)
		return 0;
	for (size_t i = 0; i < VB_ARRAY_SIZE(put); i++)
		if (path != NULL && vb_str_equal(kind, vb_node_plugin_kind_name(put[i]))) {
			const struct vb_node_plugin found = {.kind = put[i],
				.path = (char *)(uintptr_t)path,
				.made = (char *)(uintptr_t)made};
			return vb_node_plugin_copy(&found, &state->plugin);
		}
	return -EINVAL;
}

int vb_node_state_load(struct vb_node_state *ret_state, struct vb_error *err)
{
	vb_auto_node_state struct vb_node_state state = {0};
	vb_auto_json json_t *root = NULL;
	vb_auto_free char *text = NULL;
	size_t size = 0;

	int r = vb_file_read(VB_NODE_STATE, STATE_MAX, &text, &size, err);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = vb_json_parse(text, size, STATE_DEPTH_MAX, &root, err);
	if (r < 0)
		return r;
	const char *version = json_string_value(json_object_get(root, "version"));
	if (version == NULL || json_integer_value(json_object_get(root, "node_version")) != 1)
		return refuse(err);
	state.version = strdup(version);
	r = state.version != NULL ? take_file(json_object_get(root, "file"), &state) : -ENOMEM;
	if (r == 0)
		r = take_handlers(json_object_get(root, "handlers"), &state);
	if (r == 0)
		r = take_plugin(json_object_get(root, "plugin"), &state);
	if (r < 0)
		return r == -EINVAL ? refuse(err) : vb_error_set(err, -r, "read the state");
	*ret_state = state;
	state = (struct vb_node_state){0};
	return 1;
}

int vb_node_state_save(const struct vb_node_state *state, struct vb_error *err)
{
	const struct vb_node_file *file = &state->file;
	vb_auto_json json_t *root = json_pack("{s:i,s:s,s:{s:s,s:s,s:b,s:s*},s:{}}", "node_version",
		1, "version", state->version, "file", "kind", kinds[file->kind], "path", file->path,
		"was_there", file->was_there, "made", file->made, "handlers");

	for (size_t i = 0; i < state->handlers.count; i++) {
		const struct vb_node_handler *handler = &state->handlers.items[i];
		if (json_object_set_new(json_object_get(root, "handlers"), handler->name,
			    json_pack("{s:s,s:s}", "base", handler->base, "runtime",
				    handler->runtime)) < 0)
			return vb_error_set(err, ENOMEM, "write '%s'", VB_NODE_STATE);
	}
	const struct vb_node_plugin *plugin = &state->plugin;
	if (plugin->kind != VB_NODE_PLUGIN_NONE &&
		json_object_set_new(root, "plugin",
			json_pack("{s:s,s:s,s:s*}", "kind", vb_node_plugin_kind_name(plugin->kind),
				"path", plugin->path, "made", plugin->made)) < 0)
		return vb_error_set(err, ENOMEM, "write '%s'", VB_NODE_STATE);
	vb_auto_free char *text =
		root != NULL ? vb_json_dump(root, JSON_INDENT(2) | JSON_SORT_KEYS) : NULL;
	if (text == NULL)
		return vb_error_set(err, ENOMEM, "write '%s'", VB_NODE_STATE);
	return vb_node_put_file(VB_NODE_STATE, text, err);
}
