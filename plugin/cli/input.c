/* SPDX-License-Identifier: Apache-2.0 */
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { CHUNK_SIZE = 64 << 10 };

const char *vb_input_name(const char *path)
{
	return strcmp(path, "-") == 0 ? "<stdin>" : path;
}

int vb_input_stream(
	const char *path, vb_input_chunk_fn function, void *context, struct vb_error *err)
{
	vb_auto_close int opened = -1;
	int fd = STDIN_FILENO;

	if (strcmp(path, "-") != 0) {
		opened = open(path, O_RDONLY | O_CLOEXEC);
		if (opened < 0)
			return vb_error_set(err, errno, "open '%s'", path);
		fd = opened;
	}
	for (;;) {
		uint8_t chunk[CHUNK_SIZE];
		ssize_t n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return vb_error_set(err, errno, "read '%s'", vb_input_name(path));
		if (n == 0)
			return 0;
		int r = function(chunk, (size_t)n, context, err);
		if (r < 0)
			return vb_error_wrap(err, "read '%s'", vb_input_name(path));
	}
}

static int keep(const uint8_t *chunk, size_t size, void *context, struct vb_error *err)
{
	int r = vb_buf_append(context, chunk, size);

	if (r < 0)
		return vb_error_say(err, r == -ENOSPC ? EFBIG : -r, "%s",
			strerrordesc_np(r == -ENOSPC ? EFBIG : -r));
	return 0;
}

int vb_input_read(
	const char *path, size_t max_bytes, struct vb_buf **ret_data, struct vb_error *err)
{
	vb_auto_buf struct vb_buf *data = vb_buf_create(max_bytes);

	if (data == NULL)
		return vb_error_set(err, ENOMEM, "read '%s'", vb_input_name(path));
	int r = vb_input_stream(path, keep, data, err);
	if (r == 0)
		*ret_data = VB_STEAL(data);
	return r;
}

int vb_input_config(const char *path, struct vb_config *ret_config, struct vb_error *err)
{
	vb_auto_buf struct vb_buf *data = NULL;

	int r = vb_input_read(path, VB_CONFIG_FILE_MAX, &data, err);
	if (r < 0)
		return r;
	r = vb_config_parse((const char *)vb_buf_data(data), vb_buf_size(data), ret_config, err);
	return r < 0 ? vb_error_wrap(err, "%s", path) : 0;
}
