/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_BASE_FILE_H
#define VB_BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "vb/base/cleanup.h"
#include "vb/base/error.h"

/*
 * Whole files, read with a bound and written so that a reader sees the old content or the new,
 * never a half of either.
 */

/*
 * Reads the regular file that fd is open on, from its start. *ret_data is followed by a NUL that
 * ret_size does not count; the caller frees it. -EFBIG above max_bytes, -EINVAL when it is not a
 * regular file, or what read(2) says. name is for the message.
 */
int vb_file_read_fd(int fd, const char *name, size_t max_bytes, char **ret_data, size_t *ret_size,
	struct vb_error *err) VB_WARN_UNUSED;

/* The same for a path. The last component is not followed when it is a symbolic link. */
int vb_file_read(const char *path, size_t max_bytes, char **ret_data, size_t *ret_size,
	struct vb_error *err) VB_WARN_UNUSED;

/*
 * For files under /proc and /sys, which have no size: reads to the end, at most max_bytes
 * (-EFBIG), relative to dirfd.
 */
int vb_file_read_stream(int dirfd, const char *path, size_t max_bytes, char **ret_data,
	struct vb_error *err) VB_WARN_UNUSED;

/*
 * Replaces path by the data: a temporary file beside it, fsync, rename, fsync of the directory.
 * On failure the old file is as it was and no temporary file stays; nor does one when the process
 * is killed while it writes, where the file system has O_TMPFILE (ext4, XFS, btrfs, tmpfs,
 * overlayfs from Linux 6.1). Errnos of open(2), write(2), fsync(2), rename(2).
 */
int vb_file_replace(const char *path, const void *data, size_t size, mode_t mode,
	struct vb_error *err) VB_WARN_UNUSED;

enum vb_file_durability {
	VB_FILE_ATOMIC,  /* no fsync: for what does not outlive the machine's next boot anyway */
	VB_FILE_DURABLE, /* as vb_file_replace() */
};

/*
 * Replaces a regular file that is there, whose owner and mode stay. Also -ENOENT, -EINVAL when it
 * is no regular file, -EPERM when its owner is not ours to give.
 */
int vb_file_rewrite(const char *path, const void *data, size_t size,
	enum vb_file_durability durability, struct vb_error *err) VB_WARN_UNUSED;

/* Makes the directory and its parents, mode 0755 less umask; an existing one is fine. */
int vb_file_make_directories(const char *path, struct vb_error *err) VB_WARN_UNUSED;

/* fsync(2) of a directory: names made and changed in it are on the disk. Errnos of open, fsync. */
int vb_file_sync_directory(const char *path) VB_WARN_UNUSED;

/*
 * Opens a path below dirfd; symbolic links inside are followed, but none leads out
 * (RESOLVE_BENEATH, Linux 5.6). -EXDEV when one does.
 */
int vb_file_open_beneath(
	int dirfd, const char *path, int flags, int *ret_fd, struct vb_error *err) VB_WARN_UNUSED;

#endif
