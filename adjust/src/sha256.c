/* SPDX-License-Identifier: Apache-2.0 */
#include "sha256.h"

#include <endian.h>
#include <sodium.h>
#include <string.h>

#if defined(__x86_64__)
#include <sys/platform/x86.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

/* What is left of a message needs two blocks at most. */
enum { TAIL_SIZE = 128 };

bool vb_sha256_has_instructions(void)
{
#if defined(__x86_64__)
	/* What libc found out at its start: CPUID leaves a virtual machine each time. */
	return CPU_FEATURE_ACTIVE(SHA) && CPU_FEATURE_ACTIVE(SSE4_1);
#elif defined(__aarch64__)
	return (getauxval(AT_HWCAP) & HWCAP_SHA2) != 0;
#else
	return false;
#endif
}

/* The message's end, a one bit, zeroes and its length in bits (section 5.1.1). */
static size_t pad(uint8_t tail[TAIL_SIZE], const uint8_t *message, size_t size)
{
	const uint64_t bits = htobe64((uint64_t)size * 8);
	size_t left = size % VB_SHA256_BLOCK_SIZE;
	size_t blocks = left + 1 + sizeof(bits) <= VB_SHA256_BLOCK_SIZE ? 1 : 2;

	memset(tail, 0, TAIL_SIZE);
	if (left > 0)
		memcpy(tail, message + size - left, left);
	tail[left] = 0x80;
	memcpy(tail + blocks * VB_SHA256_BLOCK_SIZE - sizeof(bits), &bits, sizeof(bits));
	return blocks;
}

void vb_sha256_by_instructions(const void *data, size_t size, uint8_t ret_hash[VB_SHA256_SIZE])
{
	uint32_t state[VB_SHA256_WORDS] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
	uint8_t tail[TAIL_SIZE];

	vb_sha256_blocks(state, data, size / VB_SHA256_BLOCK_SIZE);
	vb_sha256_blocks(state, tail, pad(tail, data, size));
	for (size_t i = 0; i < VB_SHA256_WORDS; i++) {
		uint32_t word = htobe32(state[i]);
		memcpy(ret_hash + i * sizeof(word), &word, sizeof(word));
	}
}

void vb_sha256(const void *data, size_t size, uint8_t ret_hash[VB_SHA256_SIZE])
{
	if (vb_sha256_has_instructions())
		vb_sha256_by_instructions(data, size, ret_hash);
	else
		crypto_hash_sha256(ret_hash, data, size);
}
