/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_SSH_WIRE_H
#define VB_ADJUST_SSH_WIRE_H

#include <stdbool.h>

#include "vb/adjust/ssh_key.h"
#include "vb/base/buf.h"

/* What keys and signatures of OpenSSH are made of: RFC 4251's strings, and PEM-like armor. */

/* A string: its length in 4 bytes, then its bytes; borrowed. -ENODATA. */
struct vb_ssh_string {
	const uint8_t *data;
	size_t size;
};

int vb_ssh_read_string(struct vb_reader *reader, struct vb_ssh_string *ret_string) VB_WARN_UNUSED;
bool vb_ssh_string_equals(const struct vb_ssh_string *string, const char *text);
int vb_ssh_append_string(struct vb_buf *buf, const void *data, size_t size) VB_WARN_UNUSED;

/* A key's or a signature's blob: string "ssh-ed25519", string of exactly size bytes. -EINVAL. */
int vb_ssh_read_ed25519(const struct vb_ssh_string *blob, size_t size, uint8_t *ret_bytes,
	struct vb_error *err) VB_WARN_UNUSED;
int vb_ssh_append_ed25519(struct vb_buf *buf, const uint8_t *bytes, size_t size) VB_WARN_UNUSED;

/*
 * The bytes between "-----BEGIN <label>-----" and "-----END <label>-----", nothing before or
 * behind them but blank space. The caller wipes where it matters, and frees. -EINVAL, -ENOMEM.
 */
int vb_ssh_unarmor(const char *text, size_t size, const char *label, uint8_t **ret_data,
	size_t *ret_size, struct vb_error *err) VB_WARN_UNUSED;

/* NULL when out of memory. */
char *vb_ssh_armor(const char *label, const uint8_t *data, size_t size) VB_WARN_UNUSED;

#endif
