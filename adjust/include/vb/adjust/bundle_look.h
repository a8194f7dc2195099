/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_BUNDLE_LOOK_H
#define VB_ADJUST_BUNDLE_LOOK_H

#include "vb/adjust/bundle_trust.h"
#include "vb/base/buf.h"

/* Bundles that a person named by their path, on whatever machine; for the command line. */

struct vb_bundle_look {
	struct vb_bundle *bundle;
	bool is_tar;
	bool has_signature;
	char signer[VB_SSH_FINGERPRINT_SIZE]; /* a trusted key's; "" where none signed it */
	struct vb_bundle_profiles profiles;   /* all that are there, sorted, with their digests */
	char *signed_path;                    /* the manifest or the tar */
	char *signed_data; /* what is in it: what was checked, and is to be signed */
	size_t signed_size;
};

void vb_bundle_look_finish(struct vb_bundle_look *look);
#define vb_auto_bundle_look vb_auto(vb_bundle_look_finish)

/*
 * Looks at a bundle's directory or tar, of any owner. Refuses with ErrBundleInvalid and
 * ErrBundleSignature; errnos of openat2(2); -ENOMEM.
 */
int vb_bundle_look(const char *path, const struct vb_bundle_trust *trust,
	struct vb_bundle_look *ret_look, struct vb_error *err) VB_WARN_UNUSED;

/*
 * Refuses with ErrBundleSignature a bundle whose signature would leave out a profile: one of a
 * directory that the manifest does not bind, or binds to another digest.
 */
int vb_bundle_look_check_bound(
	const struct vb_bundle_look *look, struct vb_error *err) VB_WARN_UNUSED;

/*
 * Packs a directory's files into a tar that is always the same for the same files: sorted, without
 * times, owned by root. Left out are names with a dot in front, and signatures. -EINVAL, -EFBIG;
 * errnos of openat2(2); -ENOMEM. The caller owns the buffer.
 */
int vb_bundle_pack_directory(
	const char *path, struct vb_buf **ret_tar, struct vb_error *err) VB_WARN_UNUSED;

#endif
