/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_SSHSIG_H
#define VB_ADJUST_SSHSIG_H

#include <stddef.h>
#include <stdint.h>

#include "vb/adjust/ssh_key.h"

/*
 * Detached signatures in OpenSSH's format (PROTOCOL.sshsig), as written by
 * `ssh-keygen -Y sign -n vambrace-bundle` and checked by `ssh-keygen -Y verify`: ed25519, over the
 * SHA-512 or SHA-256 of the message. The namespace is part of what is signed, so a signature that
 * the same key made for another purpose is none of ours. Nothing here does I/O.
 */

#define VB_SSHSIG_NAMESPACE "vambrace-bundle"

enum {
	VB_SSHSIG_SIZE = 64,
	VB_SSHSIG_FILE_MAX = 8 << 10,
};

enum vb_sshsig_hash {
	VB_SSHSIG_SHA512,
	VB_SSHSIG_SHA256,
};

struct vb_sshsig {
	struct vb_ssh_public key; /* who says to have signed */
	enum vb_sshsig_hash hash;
	uint8_t signature[VB_SSHSIG_SIZE];
};

/* Reads an armored signature. -EINVAL for another type of key, namespace or version, and noise. */
int vb_sshsig_parse(const char *text, size_t size, struct vb_sshsig *ret_signature,
	struct vb_error *err) VB_WARN_UNUSED;

/* Whether the key that the signature names made it over these bytes. 0, -EBADMSG or -ENOMEM. */
int vb_sshsig_verify(
	const struct vb_sshsig *signature, const void *message, size_t size) VB_WARN_UNUSED;

/* Signs with SHA-512. The armored text is the caller's to free; NULL when out of memory. */
char *vb_sshsig_sign(
	const struct vb_ssh_secret *secret, const void *message, size_t size) VB_WARN_UNUSED;

#endif
