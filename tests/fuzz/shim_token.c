/* SPDX-License-Identifier: Apache-2.0 */
/* The loader's tokens, against a reading of glibc's rules one character at a time. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "vb/shim/token.h"

enum { OUT_BYTES = 256 };

static const char origin[] = "/the/origin";

/* What $ORIGIN takes at the start of the text, or 0. */
static size_t slow_token(const char *text)
{
	static const char word_bytes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					 "0123456789_";

	if (strncmp(text, "${ORIGIN}", 9) == 0)
		return 9;
	if (strncmp(text, "$ORIGIN", 7) == 0 && strspn(text + 7, word_bytes) == 0)
		return 7;
	return 0;
}

static void check(const char *text)
{
	size_t bytes = strlen(text);
	char *expected = calloc(1, bytes * sizeof(origin) + 1);
	char out[OUT_BYTES];
	bool has_origin = false;
	long written;

	if (expected == NULL)
		abort();
	for (size_t i = 0; i < bytes;) {
		size_t token = slow_token(text + i);

		strncat(expected, token > 0 ? origin : text + i, token > 0 ? sizeof(origin) : 1);
		has_origin = has_origin || token > 0;
		i += token > 0 ? token : 1;
	}
	written = vb_shim_token_expand(text, bytes, origin, out, sizeof(out));
	if ((written >= 0) != (strlen(expected) < sizeof(out)))
		abort();
	if (written >= 0 && (strcmp(out, expected) != 0 || strlen(out) != (size_t)written))
		abort();
	if (vb_shim_token_has_origin(text, bytes) != has_origin)
		abort();
	/* Whatever is replaced counts as a token, too. */
	if (has_origin && !vb_shim_token_has_any(text, bytes))
		abort();
	free(expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);

	if (text == NULL)
		abort();
	check(text);
	free(text);
	return 0;
}
