/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_SHIM_TOKEN_H
#define VB_SHIM_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * glibc's tokens in the file name of dlopen and in DT_RPATH and DT_RUNPATH (ld.so(8)): $ORIGIN,
 * $LIB and $PLATFORM, also in braces. $ORIGIN is the caller's directory; the others are the same
 * for every caller.
 */

/* Is there $ORIGIN in it? */
bool vb_shim_token_has_origin(const char *text, size_t bytes);

/* Is there anything in it that the loader might take for a token? */
bool vb_shim_token_has_any(const char *text, size_t bytes);

/*
 * Writes the text with $ORIGIN replaced into out, NUL-terminated; the other tokens stay. Returns
 * the length, or -ENAMETOOLONG when out has no room for it.
 */
long vb_shim_token_expand(
	const char *text, size_t bytes, const char *origin, char *out, size_t out_bytes);

#endif
