/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_BUNDLE_STORE_H
#define VB_ADJUST_BUNDLE_STORE_H

#include "vb/adjust/bundle.h"
#include "vb/adjust/custom_profile.h"
#include "vb/base/str.h"

/*
 * The bundles on the node's disk: `<directory>/<name>/manifest.json` or `<directory>/<name>.tar`,
 * read at use. What was read is kept as long as the files are the same ones (device, inode, size,
 * mtime and ctime in ns), so an update is picked up without a restart; one that does not parse
 * leaves the last good version in use. What is kept has a budget, enough for a thousand bundles of
 * some hundred entries; above it, the least recently used ones are forgotten, their last good
 * version included. Not thread-safe: one thread uses a store.
 */
struct vb_bundle_store;

/* The directories are searched in order. Copies the list. NULL when out of memory. */
struct vb_bundle_store *vb_bundle_store_create(const struct vb_strv *directories) VB_WARN_UNUSED;
void vb_bundle_store_destroy(struct vb_bundle_store *store);

static inline void vb_cleanup_bundle_store(struct vb_bundle_store *const *store)
{
	vb_bundle_store_destroy(*store);
}
#define vb_auto_bundle_store vb_auto(vb_cleanup_bundle_store)

/*
 * Takes files of any owner. For looking at bundles that are not in force, such as a working copy
 * on a developer's machine; never for deciding on a node.
 */
void vb_bundle_store_accept_any_owner(struct vb_bundle_store *store);

/*
 * Says whose bundles are taken, as in the node config. -EINVAL when a key is malformed, -ENOMEM;
 * the store then takes what it took before.
 */
int vb_bundle_store_trust(struct vb_bundle_store *store, const struct vb_strv *trusted_keys,
	bool require_signature, struct vb_error *err) VB_WARN_UNUSED;

/* The one version that will do. */
struct vb_bundle_pin {
	const char *digest; /* NULL: any */
	const char *who;    /* for messages: "the pod" */
};

/* Refuses another version with ErrBundleDigest. */
int vb_bundle_pin_check(const struct vb_bundle_pin *pin, const struct vb_bundle *bundle,
	struct vb_error *err) VB_WARN_UNUSED;

/*
 * Looks the bundle up; the store owns the result, which is good until the lookup after the next, so
 * that two bundles can be used together. pin may be NULL. Refuses with ErrBundleNotFound,
 * ErrBundleInvalid, ErrBundleSignature or ErrBundleDigest; a bundle whose signature is bad has no
 * last good version. Files must belong to root and not be group- or world-writable, except on a
 * read-only mount.
 */
int vb_bundle_store_get(struct vb_bundle_store *store, const char *name,
	const struct vb_bundle_pin *pin, const struct vb_bundle **ret_bundle,
	struct vb_error *err) VB_WARN_UNUSED;

/*
 * The seccomp profile `profiles/<name>.json` of a bundle that one of the last two lookups returned,
 * held for the caller. Where the manifest gives its digest, it must have that, and a signed
 * manifest must give it; in a tar it is bound already. Refuses with ErrProfileInvalid,
 * ErrBundleDigest or ErrBundleSignature; -ENOMEM.
 */
int vb_bundle_store_profile(struct vb_bundle_store *store, const struct vb_bundle *bundle,
	const char *name, struct vb_custom_profile **ret_profile,
	struct vb_error *err) VB_WARN_UNUSED;

/*
 * What the last lookup worked around: the bundle or profile on disk no longer parses, so its last
 * good version was returned. NULL when nothing was; the store owns the text, good until the next
 * call.
 */
const char *vb_bundle_store_warning(const struct vb_bundle_store *store);

/*
 * Which versions were put in use since the last call that had not been known, first ones and
 * updates: "<name>@sha256:<hex>", the first sixteen. The caller finishes the list.
 */
void vb_bundle_store_take_loaded(struct vb_bundle_store *store, struct vb_strv *ret_loaded);

/* What is kept at present. */
struct vb_bundle_usage {
	size_t count;
	size_t bytes; /* packed */
};
struct vb_bundle_usage vb_bundle_store_usage(const struct vb_bundle_store *store);

#endif
