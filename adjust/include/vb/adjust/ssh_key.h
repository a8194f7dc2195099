/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_SSH_KEY_H
#define VB_ADJUST_SSH_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "vb/base/cleanup.h"
#include "vb/base/error.h"

/*
 * OpenSSH's ed25519 keys: the line of a `.pub` file, and the private key file that ssh-keygen
 * writes without a passphrase. Nothing here does I/O.
 */

enum {
	VB_SSH_PUBLIC_SIZE = 32,
	VB_SSH_SECRET_SIZE = 64, /* seed and public key, as libsodium and OpenSSH keep it */
	VB_SSH_PUBLIC_TEXT_MAX = 1024,
	VB_SSH_PRIVATE_FILE_MAX = 16 << 10,
	VB_SSH_FINGERPRINT_SIZE = sizeof("SHA256:") + 43,
};

struct vb_ssh_public {
	uint8_t bytes[VB_SSH_PUBLIC_SIZE];
};

/* Wiped by its owner; vb_auto_ssh_secret does so at the end of the scope. */
struct vb_ssh_secret {
	uint8_t bytes[VB_SSH_SECRET_SIZE];
	struct vb_ssh_public public_key;
};

void vb_ssh_secret_wipe(struct vb_ssh_secret *secret);
#define vb_auto_ssh_secret vb_auto(vb_ssh_secret_wipe)

/*
 * Reads "ssh-ed25519 AAAA... comment", the comment being optional, with at most a newline behind
 * it. -EINVAL for other types of keys and anything else.
 */
int vb_ssh_public_parse(
	const char *text, struct vb_ssh_public *ret_key, struct vb_error *err) VB_WARN_UNUSED;

/* "SHA256:<base64>", as `ssh-keygen -l` prints it. */
void vb_ssh_fingerprint(
	const struct vb_ssh_public *key, char ret_fingerprint[VB_SSH_FINGERPRINT_SIZE]);

/*
 * Reads a private key file ("-----BEGIN OPENSSH PRIVATE KEY-----"). -EACCES when it has a
 * passphrase, -EINVAL for other types and anything else, -ENOMEM. Copies that it makes are wiped;
 * the text is its owner's to wipe.
 */
int vb_ssh_private_parse(const char *text, size_t size, struct vb_ssh_secret *ret_secret,
	struct vb_error *err) VB_WARN_UNUSED;

#endif
