/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_SHIM_CANON_H
#define VB_SHIM_CANON_H

#include "vb/shim/scratch.h"

/*
 * The absolute path, without symlinks, of the file that (dirfd, path) names; into
 * scratch->canonical. An empty path names dirfd itself. path may be scratch->path.
 *
 * The kernel resolves it: open with O_PATH, then the link in /proc. Where that is not to be had
 * (no /proc, no descriptor left) the path is walked with readlinkat.
 *
 * 0, or -errno as the kernel gives it for the path (-ENOENT, -ENOTDIR, -EACCES, -ELOOP,
 * -ENAMETOOLONG), or -ENOTRECOVERABLE when there is such a file but no absolute path to it: dirfd
 * is bad, or outside the root, or not to be named without /proc.
 */
int vb_shim_canon(struct vb_shim_scratch *scratch, int dirfd, const char *path);

#endif
