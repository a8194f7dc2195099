/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_BASE_FILE_IDENTITY_H
#define VB_BASE_FILE_IDENTITY_H

#include <stdbool.h>
#include <sys/stat.h>

#include "vb/base/cleanup.h"
#include "vb/base/error.h"

/* Files that decide what the node's containers get: whether one changed, and who can change it. */

/* What makes a file the same file as before; a rewrite changes at least the times. */
struct vb_file_identity {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified;
	struct timespec changed;
};

struct vb_file_identity vb_file_identity(const struct stat *st);
bool vb_file_identity_is_same(const struct vb_file_identity *a, const struct vb_file_identity *b);

/*
 * Whether nobody but root can write the open file or directory. On a read-only mount nobody can: a
 * ConfigMap's volume is 0777 inside. -errno of fstatvfs(2).
 */
int vb_file_is_roots(int fd, const struct stat *st, bool *ret_roots) VB_WARN_UNUSED;

#endif
