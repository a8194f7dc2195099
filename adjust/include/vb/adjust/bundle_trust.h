/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_BUNDLE_TRUST_H
#define VB_ADJUST_BUNDLE_TRUST_H

#include <stdbool.h>
#include <stddef.h>

#include "vb/adjust/bundle.h"
#include "vb/adjust/ssh_key.h"
#include "vb/base/str.h"

/*
 * Whose bundles a node takes: the node config's trusted_keys and require_signature. The keys are
 * equals, so that one can take over from another: add the new one, sign anew, remove the old one.
 */
struct vb_bundle_trust {
	struct vb_ssh_public *keys;
	size_t count;
	bool require_signature;
};

/* Keys as lines of .pub files. -EINVAL when one is not such a line, -ENOMEM. */
int vb_bundle_trust_init(struct vb_bundle_trust *ret_trust, const struct vb_strv *keys,
	bool require_signature, struct vb_error *err) VB_WARN_UNUSED;
void vb_bundle_trust_finish(struct vb_bundle_trust *trust);
#define vb_auto_bundle_trust vb_auto(vb_bundle_trust_finish)

/* Bytes and the detached signature over them; signature is NULL when there is none. */
struct vb_bundle_signed {
	const char *name;    /* the bundle's, for messages */
	const char *sign_it; /* the path to give `vambrace bundle sign`, for advice */
	const void *data;
	size_t size;
	const char *signature;
	size_t signature_size;
};

/*
 * What the keys say. With keys, a signature that is there must be good; without keys, nobody looks.
 * *ret_signer, unless NULL, is the signing key's fingerprint; set for VB_BUNDLE_SIGNED only.
 * Refuses with ErrBundleSignature; -ENOMEM.
 */
int vb_bundle_trust_check(const struct vb_bundle_trust *trust, const struct vb_bundle_signed *what,
	enum vb_bundle_signature *ret_state, char ret_signer[VB_SSH_FINGERPRINT_SIZE],
	struct vb_error *err) VB_WARN_UNUSED;

#endif
