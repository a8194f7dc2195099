/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_BUNDLE_FILE_H
#define VB_ADJUST_BUNDLE_FILE_H

#include "vb/adjust/bundle_tar.h"
#include "vb/adjust/bundle_trust.h"
#include "vb/base/file_identity.h"

/*
 * One bundle in one directory: `<directory>/<name>/manifest.json` or `<directory>/<name>.tar`, and
 * the signature beside it. Opened once, so that what is checked is what is read.
 */

enum vb_bundle_form {
	VB_BUNDLE_ANY_FORM,
	VB_BUNDLE_DIRECTORY,
	VB_BUNDLE_TAR,
};

struct vb_bundle_place {
	const char *directory;
	const char *name;
	enum vb_bundle_form form;
	bool any_owner;
};

/* What a bundle was read from. The same origin is the same bundle. */
struct vb_bundle_origin {
	bool is_tar;
	bool has_signature;
	struct vb_file_identity file; /* the manifest or the tar */
	struct vb_file_identity signature;
};

struct vb_bundle_file {
	struct vb_bundle_origin origin;
	int fd;           /* the manifest or the tar */
	int signature_fd; /* -1: there is none */
};

struct vb_bundle_text {
	char *data;
	size_t size;
};

/* What was read of one. */
struct vb_bundle_read {
	struct vb_bundle *bundle;
	struct vb_bundle_text text; /* of the manifest or the tar */
	struct vb_strv files;       /* of a tar */
	enum vb_bundle_signature signature;
	char signer[VB_SSH_FINGERPRINT_SIZE]; /* "" unless it is signed by a trusted key */
};

void vb_bundle_read_finish(struct vb_bundle_read *read);
#define vb_auto_bundle_read vb_auto(vb_bundle_read_finish)

void vb_bundle_file_finish(struct vb_bundle_file *file);
#define vb_auto_bundle_file vb_auto(vb_bundle_file_finish)

bool vb_bundle_origin_is_same(const struct vb_bundle_origin *a, const struct vb_bundle_origin *b);

/*
 * -ENOENT when the bundle is not there, -ENODATA for a directory without a manifest. Refuses with
 * ErrBundleInvalid what others than root can write, links that lead out, and a bundle that is there
 * in both forms; errnos of openat2(2).
 */
int vb_bundle_file_open(const struct vb_bundle_place *place, struct vb_bundle_file *ret_file,
	struct vb_error *err) VB_WARN_UNUSED;

/* Opens the bundle's own directory, for the files beside the manifest. The same errnos. */
int vb_bundle_file_open_directory(
	const struct vb_bundle_place *place, int *ret_fd, struct vb_error *err) VB_WARN_UNUSED;

/*
 * Reads, checks the signature, parses. Refuses with ErrBundleInvalid and ErrBundleSignature;
 * -ENOMEM.
 */
int vb_bundle_file_read(const struct vb_bundle_file *file, const struct vb_bundle_place *place,
	const struct vb_bundle_trust *trust, struct vb_bundle_read *ret_read,
	struct vb_error *err) VB_WARN_UNUSED;

/*
 * Reads `profiles/<profile>.json` of a tar; the text, with a NUL behind it, is the caller's.
 * -ENOENT when it is not there, -ESTALE when the tar is no longer the one that the bundle was read
 * from; errnos of vb_bundle_file_read().
 */
int vb_bundle_file_read_profile(const struct vb_bundle_file *file,
	const struct vb_bundle_place *place, const struct vb_bundle *bundle, const char *profile,
	struct vb_bundle_text *ret_text, struct vb_error *err) VB_WARN_UNUSED;

#endif
