/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_PROFILE_STORE_H
#define VB_ADJUST_PROFILE_STORE_H

#include "vb/adjust/custom_profile.h"
#include "vb/base/str.h"

/*
 * The custom profiles on the node's disk, read at use. What was read and found usable is kept as
 * long as the file is the same one (device, inode, size, mtime and ctime in ns), the last few of
 * them; an update that is not usable leaves the last good version in use. Files and the directories
 * on the way to them must belong to root and not be group- or world-writable, except on a read-only
 * mount. Not thread-safe: one thread uses a store.
 */
struct vb_profile_store;

/* NULL when out of memory. */
struct vb_profile_store *vb_profile_store_create(void) VB_WARN_UNUSED;
void vb_profile_store_destroy(struct vb_profile_store *store);

static inline void vb_cleanup_profile_store(struct vb_profile_store *const *store)
{
	vb_profile_store_destroy(*store);
}
#define vb_auto_profile_store vb_auto(vb_cleanup_profile_store)

/* As vb_bundle_store_accept_any_owner(). */
void vb_profile_store_accept_any_owner(struct vb_profile_store *store);

/* A file below a directory, which no link on the way may leave. */
struct vb_profile_place {
	int dirfd;
	const char *directory; /* its path, to tell this file from others */
	const char *file;      /* relative */
};

/*
 * The profile in that file, held for the caller. Refuses with ErrProfileInvalid and advice, naming
 * the nearest file where there is none; -ENOMEM.
 */
int vb_profile_store_get_at(struct vb_profile_store *store, const struct vb_profile_place *place,
	struct vb_custom_profile **ret_profile, struct vb_error *err) VB_WARN_UNUSED;

/*
 * The same for an absolute path, which must lie below one of the directories: else refused with
 * ErrNotPermitted.
 */
int vb_profile_store_get(struct vb_profile_store *store, const struct vb_strv *directories,
	const char *path, struct vb_custom_profile **ret_profile,
	struct vb_error *err) VB_WARN_UNUSED;

/*
 * What the last lookup worked around: the file is no longer usable, so its last good version was
 * returned. NULL when nothing was; the store owns the text, good until the next call.
 */
const char *vb_profile_store_warning(const struct vb_profile_store *store);

#endif
