/* SPDX-License-Identifier: Apache-2.0 */
#include "node_plan.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "node_edit.h"

#define DROP_IN "vambrace.toml"

/* Where an import pattern would find our file; NULL when it would not. */
static char *drop_in_of(const char *pattern, const char *config_directory)
{
	vb_auto_free char *whole = pattern[0] == '/'
					   ? strdup(pattern)
					   : vb_str_format("%s/%s", config_directory, pattern);
	char *slash = whole != NULL ? strrchr(whole, '/') : NULL;

	if (slash == NULL || strpbrk(slash + 1, "*?[") == NULL ||
		fnmatch(slash + 1, DROP_IN, 0) != 0)
		return NULL;
	*slash = '\0';
	return strpbrk(whole, "*?[") == NULL ? vb_str_format("%s/" DROP_IN, whole) : NULL;
}

/* k3s and RKE2 make the file anew from a template whenever they start. */
bool vb_node_is_generated(const char *config)
{
	return strstr(config, "/agent/etc/containerd/") != NULL;
}

int vb_node_choose_file(const char *config, const struct vb_node_edit_facts *facts,
	bool has_drop_ins, struct vb_node_file *ret_file)
{
	vb_auto_free char *directory = vb_path_parent(config);
	struct vb_node_file file = {.kind = VB_NODE_ROOT_FILE};

	if (directory == NULL)
		return -ENOMEM;
	for (size_t i = 0; has_drop_ins && file.path == NULL && i < facts->imports.count; i++)
		file.path = drop_in_of(facts->imports.items[i], directory);
	if (file.path != NULL)
		file.kind = VB_NODE_DROP_IN;
	else if (vb_node_is_generated(config)) {
		file.kind = VB_NODE_TEMPLATE;
		file.path = vb_str_format("%s/%s", directory,
			facts->version >= 3 ? "config-v3.toml.tmpl" : "config.toml.tmpl");
	} else
		file.path = strdup(config);
	if (file.path == NULL)
		return -ENOMEM;
	*ret_file = file;
	return 0;
}

static void add_line(struct vb_buf *out, const char *mark, const char *line, size_t size, int *r)
{
	if (*r == 0)
		*r = vb_buf_printf(out, "%s%.*s\n", mark,
			(int)(size - (size > 0 && line[size - 1] == '\n')), line);
}

static size_t line_size(const char *text, const char *end)
{
	const char *newline = memchr(text, '\n', (size_t)(end - text));

	return newline != NULL ? (size_t)(newline - text) + 1 : (size_t)(end - text);
}

static bool has_line(const char *text, const char *end, const char *line, size_t size)
{
	for (size_t length = 0; text < end; text += length) {
		length = line_size(text, end);
		if (length == size && memcmp(text, line, size) == 0)
			return true;
	}
	return false;
}

/* Enough for what edits of ours are: lines that come, go, or stand for another. */
int vb_node_diff(const struct vb_buf *from, const struct vb_buf *to, struct vb_buf *out)
{
	const char *old = (const char *)vb_buf_data(from);
	const char *new = (const char *)vb_buf_data(to);
	const char *old_end = old + vb_buf_size(from);
	const char *new_end = new + vb_buf_size(to);
	int r = 0;

	while (r == 0 && (old < old_end || new < new_end)) {
		size_t old_size = line_size(old, old_end);
		size_t new_size = line_size(new, new_end);
		if (old < old_end && new < new_end &&
			old_size == new_size &&memcmp(old, new, old_size) == 0) {
			old += old_size;
			new += new_size;
		} else if (old < old_end && !has_line(new, new_end, old, old_size)) {
			add_line(out, "-", old, old_size, &r);
			old += old_size;
		} else {
			add_line(out, "+", new, new_size, &r);
			new += new_size;
		}
	}
	return r;
}
