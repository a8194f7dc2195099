/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of <string.h> that the shim uses or that a compiler calls on its own (GCC manual,
 * "Language Standards": memcpy, memmove, memset, memcmp even when freestanding). They are hidden,
 * so the workload keeps its libc's.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Eight bytes at a time; loads and stores of any alignment and type. */
typedef uint64_t __attribute__((may_alias, aligned(1))) word;

void *memcpy(void *restrict to, const void *restrict from, size_t count)
{
	unsigned char *out = to;
	const unsigned char *in = from;

	if (count < sizeof(word)) {
		while (count-- > 0)
			*out++ = *in++;
		return to;
	}
	/* The last word overlaps the one in front of it, unless the words come out even. */
	count -= sizeof(word);
	for (size_t at = 0; at < count; at += sizeof(word))
		*(word *)(out + at) = *(const word *)(in + at);
	*(word *)(out + count) = *(const word *)(in + count);
	return to;
}

void *memmove(void *to, const void *from, size_t count)
{
	unsigned char *out = to;
	const unsigned char *in = from;

	if (out <= in) {
		while (count-- > 0)
			*out++ = *in++;
		return to;
	}
	while (count-- > 0)
		out[count] = in[count];
	return to;
}

void *memset(void *to, int value, size_t count)
{
	unsigned char *out = to;

	while (count-- > 0)
		*out++ = (unsigned char)value;
	return to;
}

int memcmp(const void *left, const void *right, size_t count)
{
	const unsigned char *a = left;
	const unsigned char *b = right;

	for (; count > 0; count--, a++, b++) {
		if (*a != *b)
			return *a - *b;
	}
	return 0;
}

/* Some byte of the word is zero (Hacker's Delight, 6-1). */
static inline bool has_zero(uint64_t bytes)
{
	return ((bytes - UINT64_C(0x0101010101010101)) & ~bytes & UINT64_C(0x8080808080808080)) !=
	       0;
}

/* A whole aligned word is in one page with its first byte: what is behind the end does no harm. */
size_t strlen(const char *string)
{
	const char *end = string;

	while ((uintptr_t)end % sizeof(word) != 0 && *end != '\0')
		end++;
	if ((uintptr_t)end % sizeof(word) == 0) {
		while (!has_zero(*(const word *)end))
			end += sizeof(word);
	}
	while (*end != '\0')
		end++;
	return (size_t)(end - string);
}

int strcmp(const char *left, const char *right)
{
	while (*left != '\0' && *left == *right) {
		left++;
		right++;
	}
	return (unsigned char)*left - (unsigned char)*right;
}
