/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_BUNDLE_CACHE_H
#define VB_ADJUST_BUNDLE_CACHE_H

#include "bundle_file.h"
#include "bundle_pack.h"
#include "vb/adjust/bundle.h"
#include "vb/adjust/bundle_store.h"

/*
 * The bundles that were read, within a budget of bytes. Each is kept packed, so that a node's
 * thousand bundles stay known: an update that does not parse finds its last good version. The few
 * used last are kept as they are, too. Above the budget, the least recently used ones are
 * forgotten, their last good version included.
 */

enum {
	/* Packed: about 1,200 bundles of 80 dlopen and 200 connect entries. */
	VB_BUNDLE_CACHE_PACKED_BYTES = 3 << 20,
	/* As they are: some twenty of these, and always the one in use. */
	VB_BUNDLE_CACHE_READY_BYTES = 256 << 10,
};

/*
 * What is kept of one bundle. The cache owns it; one found or put in a lookup is left alone until
 * the lookup after the next one begins, so that two can be in use together.
 */
struct vb_bundle_entry {
	const char *directory; /* that of the store's list; borrowed */
	struct vb_bundle *bundle;
	struct vb_bundle_origin origin;

	/* The cache's own. */
	struct vb_bundle_entry *next;
	struct vb_bundle_pack pack;
	size_t packed_bytes;
	size_t ready_bytes; /* 0: packed only */
	unsigned long used; /* in which lookup, the last time */
};

struct vb_bundle_cache;

/* NULL when out of memory. */
struct vb_bundle_cache *vb_bundle_cache_create(void) VB_WARN_UNUSED;
void vb_bundle_cache_destroy(struct vb_bundle_cache *cache);

/* Begins a lookup. */
void vb_bundle_cache_begin(struct vb_bundle_cache *cache);

/*
 * The entry of a bundle, which counts as a use; its lists may be packed away. NULL when it is not
 * known.
 */
struct vb_bundle_entry *vb_bundle_cache_find(
	struct vb_bundle_cache *cache, const char *directory, const char *name);

/* The entry that a bundle belongs to; NULL when it belongs to none. Counts as no use. */
const struct vb_bundle_entry *vb_bundle_cache_owner(
	const struct vb_bundle_cache *cache, const struct vb_bundle *bundle);

/* Puts the bundle's lists back where they are packed away. 0 or -ENOMEM. */
int vb_bundle_cache_ready(
	struct vb_bundle_cache *cache, struct vb_bundle_entry *entry) VB_WARN_UNUSED;

/*
 * Keeps a bundle, in place of the one of the same name and directory, and takes it over, also on
 * failure. 0 or -ENOMEM.
 */
int vb_bundle_cache_put_take(struct vb_bundle_cache *cache, const char *directory,
	const struct vb_bundle_origin *origin, struct vb_bundle *bundle) VB_WARN_UNUSED;

struct vb_bundle_usage vb_bundle_cache_usage(const struct vb_bundle_cache *cache);

#endif
