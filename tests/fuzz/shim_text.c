/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Escaped values never end their line or their quotes, never exceed their limit, and the whole ones
 * can be read back. Input: one byte of limit, then the value.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "vb/shim/text.h"

enum { LIMIT_MIN = 3, LINE_BYTES = 300 };

static int digit(char byte)
{
	const char *digits = "0123456789abcdef";
	const char *at = byte == '\0' ? NULL : strchr(digits, byte);

	if (at == NULL)
		abort();
	return (int)(at - digits);
}

/* Reads one byte of the value back; moves *at behind its escape. */
static uint8_t unescape(const char **at)
{
	const char *text = *at;

	if ((unsigned char)text[0] < 0x20 || text[0] == 0x7f || text[0] == '"')
		abort();
	if (text[0] != '\\') {
		*at += 1;
		return (uint8_t)text[0];
	}
	if (text[1] == 'x') {
		*at += 4;
		return (uint8_t)(digit(text[2]) << 4 | digit(text[3]));
	}
	if (text[1] != '"' && text[1] != '\\')
		abort();
	*at += 2;
	return (uint8_t)text[1];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char line[LINE_BYTES] = {0};
	struct vb_shim_text text = {.data = line, .size = sizeof(line) - 1};
	const char *at = line;
	bool cut;
	size_t limit;

	if (size < 1)
		return 0;
	limit = data[0] < LIMIT_MIN ? LIMIT_MIN : data[0];
	vb_shim_text_add_escaped(&text, (const char *)data + 1, size - 1, limit);
	if (text.length > limit || strlen(line) != text.length)
		abort();
	for (size_t i = 1; i < size && *at != '\0'; i++) {
		if (strcmp(at, "...") == 0)
			break;
		if (unescape(&at) != data[i])
			abort();
	}
	cut = strcmp(at, "...") == 0;
	if (!cut && *at != '\0')
		abort();
	return 0;
}
