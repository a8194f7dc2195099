/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_BUNDLE_TAR_H
#define VB_ADJUST_BUNDLE_TAR_H

#include <stddef.h>

#include "vb/base/error.h"
#include "vb/base/str.h"

/*
 * A bundle as a tar: the files of its directory, with or without `./` in front. A tar comes from
 * anywhere, so nothing is unpacked and everything is bounded: its size, the members, each one's
 * header and name. Nothing here does I/O.
 *
 * Refused, whichever member it is: names that are absolute or have a `..` or an empty component,
 * links of both kinds, devices and FIFOs, sparse files, two members of one name, a member that
 * claims more than the tar holds, headers over 64 KiB with their extensions, a tar that ends
 * without its end mark or has something behind it.
 */

enum {
	VB_BUNDLE_TAR_MAX = 16 << 20,
	VB_BUNDLE_TAR_MEMBERS_MAX = 256,
	VB_BUNDLE_TAR_NAME_MAX = 255,
};

struct vb_bundle_tar {
	struct vb_strv files; /* names of all regular files, without `./`, in the tar's order */
	char *content;        /* the wanted file and a NUL behind it; NULL when it is not there */
	size_t content_size;
};

void vb_bundle_tar_finish(struct vb_bundle_tar *tar);
#define vb_auto_bundle_tar vb_auto(vb_bundle_tar_finish)

/*
 * Looks at all members and takes out the file wanted, of at most max_bytes; NULL wants none.
 * -EINVAL with the member named, -EFBIG when the wanted file is longer, -ENOMEM. *ret_tar changes
 * on success only.
 */
int vb_bundle_tar_read(const void *data, size_t size, const char *wanted, size_t max_bytes,
	struct vb_bundle_tar *ret_tar, struct vb_error *err) VB_WARN_UNUSED;

#endif
