/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "node.h"

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "?";
}

static int add_installed(const json_t *report, struct vb_buf *out)
{
	const json_t *file = json_object_get(report, "file");
	const json_t *plugin = json_object_get(report, "plugin");
	const char *name = NULL;
	json_t *value = NULL;

	int r = vb_buf_printf(out, "vambrace    %s, handlers in %s (%s)\n",
		text_of(report, "version"), text_of(file, "path"), text_of(file, "kind"));
	json_object_foreach(json_object_get(report, "handlers"), name, value)
		if (r == 0)
			r = vb_buf_printf(out, "handler     %s before %s (as %s)\n", name,
				text_of(value, "runtime"), text_of(value, "base"));
	if (r == 0 && plugin != NULL)
		r = vb_buf_printf(out, "plugin      %s: %s, %s\n", text_of(plugin, "kind"),
			text_of(plugin, "path"),
			json_is_true(json_object_get(plugin, "registered")) ? "registered"
									    : "not registered");
	return r;
}

int vb_node_status_text(const json_t *report, struct vb_buf *out)
{
	const json_t *value = NULL;
	size_t i = 0;

	int r = vb_buf_printf(out, "containerd  %s, %s\n", text_of(report, "containerd"),
		text_of(report, "config"));
	if (r == 0)
		r = json_is_true(json_object_get(report, "installed"))
			    ? add_installed(report, out)
			    : vb_buf_append_string(out, "vambrace    not installed\n");
	json_array_foreach(json_object_get(report, "problems"), i, value)
		if (r == 0)
			r = vb_buf_printf(out, "problem     %s\n", json_string_value(value));
	return r;
}
