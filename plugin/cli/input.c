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

static int read_all(int fd, const char *name, struct vb_buf *data, struct vb_error *err)
{
	for (;;) {
		uint8_t chunk[CHUNK_SIZE];
		ssize_t n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return vb_error_set(err, errno, "read '%s'", name);
		if (n == 0)
			return 0;
		int r = vb_buf_append(data, chunk, (size_t)n);
		if (r < 0)
			return vb_error_set(err, r == -ENOSPC ? EFBIG : -r, "read '%s'", name);
	}
}

int vb_input_read(
	const char *path, size_t max_bytes, struct vb_buf **ret_data, struct vb_error *err)
{
	const char *name = vb_input_name(path);
	vb_auto_close int opened = -1;
	int fd = STDIN_FILENO;
	vb_auto_buf struct vb_buf *data = vb_buf_create(max_bytes);

	if (data == NULL)
		return vb_error_set(err, ENOMEM, "read '%s'", name);
	if (strcmp(path, "-") != 0) {
		opened = open(path, O_RDONLY | O_CLOEXEC);
		if (opened < 0)
			return vb_error_set(err, errno, "open '%s'", path);
		fd = opened;
	}
	int r = read_all(fd, name, data, err);
	if (r == 0)
		*ret_data = VB_STEAL(data);
	return r;
}
