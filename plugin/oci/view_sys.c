/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "hook.h"

static int read_link(const char *path, char *ret_target, size_t size)
{
	ssize_t length = readlink(path, ret_target, size);

	if (length < 0)
		return -errno;
	if ((size_t)length >= size)
		return -ENAMETOOLONG;
	ret_target[length] = '\0';
	return (int)length;
}

static int open_file(const char *path, struct vb_oci_file *ret_file)
{
	/* Only named at first: opening a device of the image could do something. */
	vb_auto_close int named = open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
	char self[sizeof("/proc/self/fd/") + 12];
	struct stat st;

	if (named < 0 || fstat(named, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", named);
	int fd = open(self, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	*ret_file = (struct vb_oci_file){
		.handle = fd,
		.mode = st.st_mode,
		.uid = st.st_uid,
		.gid = st.st_gid,
		.has_capabilities = fgetxattr(fd, "security.capability", NULL, 0) > 0,
	};
	return 0;
}

static int read_file(void *context, uint64_t offset, void *buffer, size_t size)
{
	const struct vb_oci_file *file = context;

	/* Beyond what an offset can say nothing is. */
	if (offset > INT64_MAX)
		return 0;
	ssize_t n = pread(file->handle, buffer, size, (off_t)offset);
	return n < 0 ? -errno : (int)n;
}

static void close_file(struct vb_oci_file *file)
{
	(void)close(file->handle);
}

void vb_hook_view(const char *rootfs, struct vb_oci_view *ret_view)
{
	*ret_view = (struct vb_oci_view){.rootfs = rootfs,
		.read_link = read_link,
		.open_file = open_file,
		.read_file = read_file,
		.close_file = close_file};
}
