/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/base/utf8.h"

#include <string.h>

static bool is_continuation(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

/* The range of the second byte excludes overlong forms, surrogates and code points > 10FFFF. */
static bool is_second_byte(uint8_t first, uint8_t second)
{
	switch (first) {
	case 0xe0:
		return second >= 0xa0 && second <= 0xbf;
	case 0xed:
		return second >= 0x80 && second <= 0x9f;
	case 0xf0:
		return second >= 0x90 && second <= 0xbf;
	case 0xf4:
		return second >= 0x80 && second <= 0x8f;
	default:
		return is_continuation(second);
	}
}

size_t vb_utf8_sequence_length(const uint8_t *bytes, size_t size)
{
	uint8_t first = bytes[0];
	size_t length;

	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		length = 2;
	else if (first >= 0xe0 && first <= 0xef)
		length = 3;
	else if (first >= 0xf0 && first <= 0xf4)
		length = 4;
	else
		return 0;
	if (size < length || !is_second_byte(first, bytes[1]))
		return 0;
	for (size_t i = 2; i < length; i++)
		if (!is_continuation(bytes[i]))
			return 0;
	return length;
}

bool vb_utf8_is_valid(const void *data, size_t size)
{
	const uint8_t *bytes = data;

	for (size_t pos = 0; pos < size;) {
		size_t length = vb_utf8_sequence_length(bytes + pos, size - pos);
		if (length == 0)
			return false;
		pos += length;
	}
	return true;
}

/* U+2028 and U+2029, which break lines; U+202A to U+202E and U+2066 to U+2069, which turn them. */
static bool is_layout_control(const uint8_t *sequence)
{
	return sequence[0] == 0xe2 &&
	       ((sequence[1] == 0x80 && sequence[2] >= 0xa8 && sequence[2] <= 0xae) ||
		       (sequence[1] == 0x81 && sequence[2] >= 0xa6 && sequence[2] <= 0xa9));
}

/* Terminals take U+009B, a C1, for the start of an escape sequence. */
bool vb_utf8_is_control(const uint8_t *sequence)
{
	return sequence[0] < 0x20 || sequence[0] == 0x7f ||
	       (sequence[0] == 0xc2 && sequence[1] < 0xa0) || is_layout_control(sequence);
}

bool vb_utf8_has_control(const char *text)
{
	size_t size = strlen(text);

	for (size_t pos = 0; pos < size;) {
		const uint8_t *bytes = (const uint8_t *)text + pos;
		size_t length = vb_utf8_sequence_length(bytes, size - pos);
		if (length > 0 && vb_utf8_is_control(bytes))
			return true;
		pos += length > 0 ? length : 1;
	}
	return false;
}

void vb_utf8_scrub(char *text)
{
	size_t size = strlen(text);

	for (size_t pos = 0; pos < size;) {
		size_t length = vb_utf8_sequence_length((const uint8_t *)text + pos, size - pos);
		if (length == 0 || vb_utf8_is_control((const uint8_t *)text + pos)) {
			length = length == 0 ? 1 : length;
			memset(text + pos, '?', length);
		}
		pos += length;
	}
}
