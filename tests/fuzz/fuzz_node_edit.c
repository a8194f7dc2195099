/* SPDX-License-Identifier: Apache-2.0 */
/* A containerd configuration of an operator: what an edit adds is taken away without a trace. */
#include "fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "node_edit.h"

enum { OUT_MAX = 1 << 20 };

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void edit(const char *text, size_t size, bool nri)
{
	vb_auto_buf struct vb_buf *with = vb_buf_create(OUT_MAX);
	vb_auto_buf struct vb_buf *without = vb_buf_create(OUT_MAX);

	require(with != NULL && without != NULL);
	int r = vb_node_edit_add(text, size, "[x]\na = 1\n", nri, with, NULL);
	require(r == 0 || r == -EINVAL || r == -EEXIST);
	if (r < 0)
		return;
	require(vb_node_edit_strip(
			(const char *)vb_buf_data(with), vb_buf_size(with), without, NULL) == 0);
	require(vb_buf_size(without) == size && memcmp(vb_buf_data(without), text, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vb_auto_edit_facts struct vb_node_edit_facts facts = {0};
	vb_auto_buf struct vb_buf *stripped = vb_buf_create(OUT_MAX);
	struct vb_error err = {0};

	if (size > VB_NODE_EDIT_MAX)
		return 0;
	vb_auto_free char *text = calloc(1, size + 1);
	require(text != NULL && stripped != NULL);
	memcpy(text, data, size);
	int r = vb_node_edit_look(text, size, &facts, &err);
	require(r == 0 || (r == -EINVAL && strstr(err.what, "line ") != NULL));
	r = vb_node_edit_strip(text, size, stripped, NULL);
	require(r == 0 || r == -EINVAL);
	edit(text, size, false);
	edit(text, size, true);
	return 0;
}
