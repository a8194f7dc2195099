/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_SRC_SHA256_H
#define VB_ADJUST_SRC_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * SHA-256 (FIPS 180-4) by the processor's own instructions where it has them (x86-64 SHA
 * extensions, Armv8 FEAT_SHA256), else by libsodium, which takes several times as long: START and
 * the hook's `create` each take the digest of a whole config.json while the runtime waits.
 */

enum { VB_SHA256_SIZE = 32, VB_SHA256_BLOCK_SIZE = 64, VB_SHA256_WORDS = 8 };

void vb_sha256(const void *data, size_t size, uint8_t ret_hash[VB_SHA256_SIZE]);

/* Private to sha256.c and its test. */

bool vb_sha256_has_instructions(void);

/*
 * Whole blocks into the state. Compiled for the instructions: only where the above says that there
 * are such.
 */
void vb_sha256_blocks(uint32_t state[VB_SHA256_WORDS], const uint8_t *blocks, size_t count);

/* The hash by vb_sha256_blocks(). */
void vb_sha256_by_instructions(const void *data, size_t size, uint8_t ret_hash[VB_SHA256_SIZE]);

#endif
