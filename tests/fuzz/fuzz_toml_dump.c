/* SPDX-License-Identifier: Apache-2.0 */
/* containerd's dumped configuration, and the values in it. */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "toml_dump.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vb_error err = {0};
	size_t keys = 0;

	int r = vb_toml_dump_walk((const char *)data, size, take, &keys, &err);
	require(keys <= size);
	require(r == 0 || (r == -EINVAL && strstr(err.what, "line ") != NULL));
	return 0;
}
