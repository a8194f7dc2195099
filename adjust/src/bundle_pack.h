/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_BUNDLE_PACK_H
#define VB_ADJUST_BUNDLE_PACK_H

#include "vb/adjust/bundle.h"

/*
 * A bundle that is kept but not in use: its allowlists, nearly all of its size, are taken out and
 * deflated, to a tenth of what they take as strings. The rest of it stays as it is.
 */
struct vb_bundle_pack {
	unsigned char *data; /* NULL: there is nothing in the lists */
	size_t size;
	size_t text_size;
	size_t counts[3]; /* of dlopen, exec, connect */
};

/* Packs the lists of a bundle, which keeps them. 0 or -ENOMEM. */
int vb_bundle_pack(const struct vb_bundle *bundle, struct vb_bundle_pack *ret_pack) VB_WARN_UNUSED;
void vb_bundle_pack_finish(struct vb_bundle_pack *pack);

/* Takes the lists out of a bundle whose pack is kept, and puts them back. 0 or -ENOMEM. */
void vb_bundle_fold(struct vb_bundle *bundle);
int vb_bundle_unfold(struct vb_bundle *bundle, const struct vb_bundle_pack *pack) VB_WARN_UNUSED;

/* About what the lists, and what the rest takes in memory, in bytes. */
size_t vb_bundle_lists_bytes(const struct vb_bundle *bundle);
size_t vb_bundle_rest_bytes(const struct vb_bundle *bundle);

#endif
