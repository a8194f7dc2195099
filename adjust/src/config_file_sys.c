/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "vb/adjust/config.h"
#include "vb/base/file.h"

static bool is_link(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

int vb_config_read(const char *path, char **ret_text, size_t *ret_size, struct vb_error *err)
{
	/* O_NONBLOCK: a FIFO in its place must not hold us. */
	vb_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 && errno == ENOENT && is_link(path))
		return vb_error_say(err, ENOLINK,
			"it is a link that leads nowhere; put its file back, or remove the link "
			"for the built-in settings");
	if (fd < 0)
		return vb_error_set(err, errno, "open '%s'", path);
	return vb_file_read_fd(fd, path, VB_CONFIG_FILE_MAX, ret_text, ret_size, err);
}

int vb_config_load(const char *path, struct vb_config *ret_config, struct vb_error *err)
{
	vb_auto_free char *text = NULL;
	size_t size = 0;

	int r = vb_config_read(path, &text, &size, err);
	return r < 0 ? r : vb_config_parse(text, size, ret_config, err);
}
