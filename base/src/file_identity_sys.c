/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/base/file_identity.h"

#include <errno.h>
#include <sys/statvfs.h>
#include <time.h>

/* A change that is further ahead of the clock than a second is of a clock that was set back. */
static bool is_fresh(const struct timespec *changed)
{
	struct timespec now;

	/* The clock by which the kernel stamps files. */
	if (clock_gettime(CLOCK_REALTIME_COARSE, &now) < 0)
		return true;
	if (changed->tv_sec == now.tv_sec)
		return changed->tv_nsec >= now.tv_nsec;
	return changed->tv_sec == now.tv_sec + 1;
}

struct vb_file_identity vb_file_identity(const struct stat *st)
{
	return (struct vb_file_identity){.device = st->st_dev,
		.inode = st->st_ino,
		.size = st->st_size,
		.modified = st->st_mtim,
		.changed = st->st_ctim,
		.is_fresh = is_fresh(&st->st_ctim)};
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool vb_file_identity_looks_same(
	const struct vb_file_identity *then, const struct vb_file_identity *now)
{
	return then->device == now->device && then->inode == now->inode &&
	       then->size == now->size && same_time(&then->modified, &now->modified) &&
	       same_time(&then->changed, &now->changed);
}

bool vb_file_identity_is_same(
	const struct vb_file_identity *then, const struct vb_file_identity *now)
{
	return !then->is_fresh && vb_file_identity_looks_same(then, now);
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
