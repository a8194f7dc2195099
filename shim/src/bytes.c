/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of <string.h> that the shim uses or that a compiler calls on its own (GCC manual,
 * "Language Standards": memcpy, memmove, memset, memcmp even when freestanding). They are hidden,
 * so the workload keeps its libc's.
 */
#include <stdint.h>
#include <string.h>

/* Eight bytes at a time; loads and stores of any alignment and type. */
typedef uint64_t __attribute__((may_alias, aligned(1))) word;

void *memcpy(void *restrict to, const void *restrict from, size_t count)
{
	unsigned char *out = to;
	const unsigned char *in = from;

	for (; count >= sizeof(word); count -= sizeof(word)) {
		*(word *)out = *(const word *)in;
		out += sizeof(word);
		in += sizeof(word);
	}
	while (count-- > 0)
		*out++ = *in++;
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

size_t strlen(const char *string)
{
	const char *end = string;

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
