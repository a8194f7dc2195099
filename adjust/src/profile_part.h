/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_PROFILE_PART_H
#define VB_ADJUST_PROFILE_PART_H

#include "vb/adjust/profile_store.h"
#include "vb/base/file_identity.h"

/* A profile that is part of another file, such as a tar: the same file has the same profile. */
struct vb_profile_part {
	const char *path; /* to tell it from others */
	const struct vb_file_identity *identity;
	/* The text, with a NUL behind it. -EPERM: it is not usable, and the last good one is. */
	int (*read)(const void *context, char **ret_text, size_t *ret_size, struct vb_error *err);
	const void *context;
};

/* As vb_profile_store_get_at(), but nobody looks who owns it; errnos of read() too. */
int vb_profile_store_get_part(struct vb_profile_store *store, const struct vb_profile_part *part,
	struct vb_custom_profile **ret_profile, struct vb_error *err) VB_WARN_UNUSED;

/* Drops all that is kept. */
void vb_profile_store_forget(struct vb_profile_store *store);

#endif
