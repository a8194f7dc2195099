/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lint.h"

void vb_lint_root_finish(struct vb_lint_root *root)
{
	vb_cleanup_close(&root->fd);
	free(root->path);
}

/* The canonical path of what the descriptor is open on. */
static int name_of(int fd, char **ret_path)
{
	char link[sizeof("/proc/self/fd/") + 12];
	char path[PATH_MAX];

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t length = readlink(link, path, sizeof(path));
	if (length < 0)
		return -errno;
	if ((size_t)length == sizeof(path))
		return -ENAMETOOLONG;
	*ret_path = strndup(path, (size_t)length);
	return *ret_path == NULL ? -ENOMEM : 0;
}

int vb_lint_root_open(const char *path, struct vb_lint_root *ret_root, struct vb_error *err)
{
	vb_auto_close int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char *name = NULL;

	if (fd < 0)
		return vb_error_set(err, errno, "--rootfs '%s'", path);
	int r = name_of(fd, &name);
	if (r < 0)
		return vb_error_set(err, -r, "--rootfs '%s'", path);
	*ret_root = (struct vb_lint_root){.fd = vb_steal_fd(&fd), .path = name};
	return 0;
}

int vb_lint_root_find(
	const struct vb_lint_root *root, const char *path, char **ret_canonical, mode_t *ret_mode)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	vb_auto_close int fd = (int)syscall(SYS_openat2, root->fd, path, &how, sizeof(how));
	vb_auto_free char *name = NULL;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	int r = name_of(fd, &name);
	if (r < 0)
		return r;
	const char *inside = strcmp(root->path, "/") == 0 ? name : vb_str_after(name, root->path);
	if (inside == NULL) /* it was moved meanwhile */
		return -ENOENT;
	*ret_canonical = strdup(inside[0] != '\0' ? inside : "/");
	if (*ret_canonical == NULL)
		return -ENOMEM;
	*ret_mode = st.st_mode;
	return 0;
}
