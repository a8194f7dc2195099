/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled for processors that have instructions for SHA-256 (adjust/plan.cmake). */
#include "sha256.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

enum { ROUNDS = 64, STEP = 4 /* rounds, and words of the message schedule, at a time */ };

static const uint32_t constants[ROUNDS] = {0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5,
	0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
	0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
	0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152,
	0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e,
	0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624,
	0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3,
	0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

#if defined(__x86_64__)

/* Intel SDM, volume 2, SHA256RNDS2: the state lies in two registers as ABEF and CDGH. */
struct state {
	__m128i abef;
	__m128i cdgh;
};

static struct state load(const uint32_t words[VB_SHA256_WORDS])
{
	__m128i cdab = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)words), 0xb1);
	__m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(words + 4)), 0x1b);

	return (struct state){
		.abef = _mm_alignr_epi8(cdab, efgh, 8), .cdgh = _mm_blend_epi16(efgh, cdab, 0xf0)};
}

static void store(uint32_t words[VB_SHA256_WORDS], const struct state *state)
{
	__m128i feba = _mm_shuffle_epi32(state->abef, 0x1b);
	__m128i dchg = _mm_shuffle_epi32(state->cdgh, 0xb1);

	_mm_storeu_si128((__m128i *)words, _mm_blend_epi16(feba, dchg, 0xf0));
	_mm_storeu_si128((__m128i *)(words + 4), _mm_alignr_epi8(dchg, feba, 8));
}

/* The next four words of the schedule, from the sixteen before. */
static __m128i schedule(const __m128i words[STEP], unsigned int step)
{
	__m128i before = words[(step + 3) % STEP];
	__m128i sum =
		_mm_add_epi32(_mm_sha256msg1_epu32(words[step % STEP], words[(step + 1) % STEP]),
			_mm_alignr_epi8(before, words[(step + 2) % STEP], 4));

	return _mm_sha256msg2_epu32(sum, before);
}

static void add_block(struct state *state, const uint8_t block[VB_SHA256_BLOCK_SIZE])
{
	const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	const struct state before = *state;
	__m128i words[STEP];

	for (unsigned int i = 0; i < STEP; i++)
		words[i] =
			_mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)block + i), big_endian);
#pragma GCC unroll 16
	for (unsigned int step = 0; step < ROUNDS / STEP; step++) {
		if (step >= STEP)
			words[step % STEP] = schedule(words, step);
		__m128i sum = _mm_add_epi32(
			words[step % STEP], _mm_loadu_si128((const __m128i *)constants + step));
		state->cdgh = _mm_sha256rnds2_epu32(state->cdgh, state->abef, sum);
		state->abef = _mm_sha256rnds2_epu32(
			state->abef, state->cdgh, _mm_shuffle_epi32(sum, 0x0e));
	}
	state->abef = _mm_add_epi32(state->abef, before.abef);
	state->cdgh = _mm_add_epi32(state->cdgh, before.cdgh);
}

#elif defined(__aarch64__)

struct state {
	uint32x4_t abcd;
	uint32x4_t efgh;
};

static struct state load(const uint32_t words[VB_SHA256_WORDS])
{
	return (struct state){.abcd = vld1q_u32(words), .efgh = vld1q_u32(words + 4)};
}

static void store(uint32_t words[VB_SHA256_WORDS], const struct state *state)
{
	vst1q_u32(words, state->abcd);
	vst1q_u32(words + 4, state->efgh);
}

/* The next four words of the schedule, from the sixteen before. */
static uint32x4_t schedule(const uint32x4_t words[STEP], unsigned int step)
{
	uint32x4_t sum = vsha256su0q_u32(words[step % STEP], words[(step + 1) % STEP]);

	return vsha256su1q_u32(sum, words[(step + 2) % STEP], words[(step + 3) % STEP]);
}

static void add_block(struct state *state, const uint8_t block[VB_SHA256_BLOCK_SIZE])
{
	const struct state before = *state;
	uint32x4_t words[STEP];

	for (unsigned int i = 0; i < STEP; i++)
		words[i] = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(block + 16 * i)));
#pragma GCC unroll 16
	for (unsigned int step = 0; step < ROUNDS / STEP; step++) {
		if (step >= STEP)
			words[step % STEP] = schedule(words, step);
		uint32x4_t sum = vaddq_u32(words[step % STEP], vld1q_u32(constants + STEP * step));
		uint32x4_t abcd = state->abcd;
		state->abcd = vsha256hq_u32(abcd, state->efgh, sum);
		state->efgh = vsha256h2q_u32(state->efgh, abcd, sum);
	}
	state->abcd = vaddq_u32(state->abcd, before.abcd);
	state->efgh = vaddq_u32(state->efgh, before.efgh);
}

#endif

void vb_sha256_blocks(uint32_t words[VB_SHA256_WORDS], const uint8_t *blocks, size_t count)
{
	struct state state = load(words);

	for (size_t i = 0; i < count; i++)
		add_block(&state, blocks + i * VB_SHA256_BLOCK_SIZE);
	store(words, &state);
}
