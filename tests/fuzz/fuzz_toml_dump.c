/* SPDX-License-Identifier: Apache-2.0 */
/* containerd's dumped configuration, and the values in it. */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "node_dump.h"
#include "toml_dump.h"

enum { BLOCK_MAX = 2 * VB_TOML_DUMP_MAX };

static void require(bool condition)
{
	if (!condition)
		abort();
}

static int take(const struct vb_strv *table, const char *key, const char *value, void *context)
{
	vb_auto_strv struct vb_strv strings = {0};
	vb_auto_free char *text = NULL;
	size_t *keys = context;

	(*keys)++;
	require(table->count <= VB_TOML_DEPTH_MAX && strchr(key, '\n') == NULL);
	int r = vb_toml_dump_string(value, &text);
	require(r == 0 ? strlen(text) + 2 <= strlen(value) : r == -EINVAL);
	r = vb_toml_dump_strings(value, &strings);
	require(r == 0 || r == -EINVAL);
	return 0;
}

/* What node makes of it: a handler before runc, and no difference from itself. */
static void read_as_node(const char *text, size_t size)
{
	vb_auto_node_dump struct vb_node_dump *dump = NULL;
	vb_auto(vb_node_nri_finish) struct vb_node_nri nri = {0};
	vb_auto_handlers struct vb_node_handlers handlers = {0};
	const struct vb_node_handlers none = {0};
	struct vb_error err = {0};
	const struct vb_node_allowed allowed = {0};
	vb_auto_buf struct vb_buf *block = vb_buf_create(BLOCK_MAX);
	vb_auto_buf struct vb_buf *differences = vb_buf_create(VB_TOML_DUMP_MAX);

	if (vb_node_dump_parse(text, size, &dump, NULL) < 0)
		return;
	require(vb_node_dump_nri(dump, &nri) == 0 && *nri.plugin_path != '\0' &&
		*nri.socket_path != '\0');
	require(vb_node_handlers_add(&handlers, "vambrace=runc", NULL) == 0);
	int r = vb_node_dump_render(dump, &handlers, 3, true, block, &err);
	require(r == 0 || r == -ENOENT || r == -EINVAL || r == -EEXIST || r == -ENOSPC);
	require(r < 0 || vb_node_dump_has_handler(dump, "runc"));
	require(vb_node_dump_compare(dump, dump, &none, &allowed, differences) == 0);
	require(vb_buf_size(differences) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vb_error err = {0};
	size_t keys = 0;

	int r = vb_toml_dump_walk((const char *)data, size, take, &keys, &err);
	require(keys <= size);
	require(r == 0 || (r == -EINVAL && strstr(err.what, "line ") != NULL));
	read_as_node((const char *)data, size);
	return 0;
}
