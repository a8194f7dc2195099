/* SPDX-License-Identifier: Apache-2.0 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "sha256.h"
#include "unit.h"

enum { LENGTHS = 1024, LARGE = 1 << 20 };

static void fill(uint8_t *data, size_t size)
{
	uint32_t number = 1;

	for (size_t i = 0; i < size; i++) {
		number = number * 1664525 + 1013904223;
		data[i] = (uint8_t)(number >> 24);
	}
}

/* By instructions, without them, and by whichever of the two is taken. */
static void assert_same(const uint8_t *data, size_t size)
{
	uint8_t expected[VB_SHA256_SIZE];
	uint8_t hash[VB_SHA256_SIZE];

	crypto_hash_sha256(expected, data, size);
	vb_sha256(data, size, hash);
	ck_assert_mem_eq(hash, expected, sizeof(hash));
	if (!vb_sha256_has_instructions())
		return;
	memset(hash, 0, sizeof(hash));
	vb_sha256_by_instructions(data, size, hash);
	ck_assert_mem_eq(hash, expected, sizeof(hash));
}

/* Each way in which a message can end within its last block, at every alignment. */
START_TEST(both_ways_give_the_same_hash_of_every_length)
{
	uint8_t data[LENGTHS + 16];

	fill(data, sizeof(data));
	for (size_t size = 0; size <= LENGTHS; size++)
		assert_same(data + size % 16, size);
	assert_same(NULL, 0);
}
END_TEST

START_TEST(both_ways_give_the_same_hash_of_a_large_text)
{
	uint8_t *data = malloc(LARGE);

	ck_assert_ptr_nonnull(data);
	fill(data, LARGE);
	assert_same(data, LARGE);
	free(data);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("sha256");

	tcase_add_test(tcase, both_ways_give_the_same_hash_of_every_length);
	tcase_add_test(tcase, both_ways_give_the_same_hash_of_a_large_text);
	return vb_unit_run("sha256", tcase);
}
