/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/shim/token.h"

#include <linux/errno.h>
#include <string.h>

static bool is_identifier(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static bool starts_with(const char *text, size_t bytes, const char *name, size_t name_bytes)
{
	return bytes >= name_bytes && memcmp(text, name, name_bytes) == 0;
}

/* The bytes that this token takes at text[0] == '$', or 0 (is_dst of elf/dl-load.c). */
static size_t token_bytes(const char *text, size_t bytes, const char *name)
{
	size_t name_bytes = strlen(name);
	size_t lead = bytes > 1 && text[1] == '{' ? 2 : 1;
	size_t end = lead + name_bytes;

	if (bytes == 0 || text[0] != '$' ||
		!starts_with(text + lead, bytes - (bytes < lead ? bytes : lead), name, name_bytes))
		return 0;
	if (lead == 2)
		return end < bytes && text[end] == '}' ? end + 1 : 0;
	return end < bytes && is_identifier(text[end]) ? 0 : end;
}

bool vb_shim_token_has_origin(const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		if (token_bytes(text + i, bytes - i, "ORIGIN") > 0)
			return true;
	}
	return false;
}

/* Wider than the loaders of today: what follows the name does not matter. */
bool vb_shim_token_has_any(const char *text, size_t bytes)
{
	static const char names[3][9] = {"ORIGIN", "LIB", "PLATFORM"};

	for (size_t i = 0; i < bytes; i++) {
		size_t at = i + 1;

		if (text[i] != '$')
			continue;
		if (at < bytes && text[at] == '{')
			at++;
		for (size_t name = 0; name < sizeof(names) / sizeof(names[0]); name++) {
			if (starts_with(text + at, bytes - at, names[name], strlen(names[name])))
				return true;
		}
	}
	return false;
}

long vb_shim_token_expand(
	const char *text, size_t bytes, const char *origin, char *out, size_t out_bytes)
{
	size_t origin_bytes = strlen(origin);
	size_t written = 0;

	for (size_t i = 0; i < bytes;) {
		size_t token = token_bytes(text + i, bytes - i, "ORIGIN");
		const char *piece = token > 0 ? origin : text + i;
		size_t piece_bytes = token > 0 ? origin_bytes : 1;

		if (piece_bytes >= out_bytes - written)
			return -ENAMETOOLONG;
		memcpy(out + written, piece, piece_bytes);
		written += piece_bytes;
		i += token > 0 ? token : 1;
	}
	out[written] = '\0';
	return (long)written;
}
