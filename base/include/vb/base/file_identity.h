/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_BASE_FILE_IDENTITY_H
#define VB_BASE_FILE_IDENTITY_H

#include <stdbool.h>
#include <sys/stat.h>

#include "vb/base/cleanup.h"
#include "vb/base/error.h"

/* Files that decide what the node's containers get: whether one changed, and who can change it. */

/*
 * What makes a file the same file as before; a rewrite changes at least the times. Only that Linux
 * before 6.13, and some file systems after it, have one time for all that happens within a tick of
 * some milliseconds: of a file that was written in the present tick, the next rewrite may not show.
 */
struct vb_file_identity {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified;
	struct timespec changed;
	bool is_fresh; /* it was looked at in the tick of its last change */
};

/* To be taken before the file is read. */
struct vb_file_identity vb_file_identity(const struct stat *st);

/* Whether nothing shows a change since then. */
bool vb_file_identity_looks_same(
	const struct vb_file_identity *then, const struct vb_file_identity *now);

/* Whether there was none: never of a file that was fresh then, which has to be read again. */
bool vb_file_identity_is_same(
	const struct vb_file_identity *then, const struct vb_file_identity *now);

/*
 * Whether nobody but root can write the open file or directory. On a read-only mount nobody can: a
 * ConfigMap's volume is 0777 inside. -errno of fstatvfs(2).
 */
int vb_file_is_roots(int fd, const struct stat *st, bool *ret_roots) VB_WARN_UNUSED;

#endif
