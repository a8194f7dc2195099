/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/base/file_identity.h"

#include <errno.h>
#include <sys/statvfs.h>

struct vb_file_identity vb_file_identity(const struct stat *st)
{
	return (struct vb_file_identity){.device = st->st_dev,
		.inode = st->st_ino,
		.size = st->st_size,
		.modified = st->st_mtim,
		.changed = st->st_ctim};
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool vb_file_identity_is_same(const struct vb_file_identity *a, const struct vb_file_identity *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       same_time(&a->modified, &b->modified) && same_time(&a->changed, &b->changed);
}

int vb_file_is_roots(int fd, const struct stat *st, bool *ret_roots)
{
	struct statvfs fs;

	if (fstatvfs(fd, &fs) < 0)
		return -errno;
	*ret_roots = (fs.f_flag & ST_RDONLY) != 0 ||
		     (st->st_uid == 0 && (st->st_mode & (S_IWGRP | S_IWOTH)) == 0);
	return 0;
}
