/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_JSON_PLACE_H
#define VB_ADJUST_JSON_PLACE_H

#include <stddef.h>

/* Where in a JSON text something stands, for messages about it. */
struct vb_json_place {
	size_t line;   /* from 1 */
	size_t column; /* from 1, in characters, not bytes */
};

/*
 * The place of the value behind a path, as in struct vb_error: keys with dots between them, [n] for
 * an element, as in "syscalls[3].args[0].op"; the empty path is the whole text. What cannot be
 * followed to its end gives the place of the last value on the way.
 */
struct vb_json_place vb_json_find(const char *text, size_t size, const char *path);

/*
 * Where jansson finds the first error of a text, and what it says about it (JSON_ERROR_TEXT_LENGTH
 * bytes); the text's first character when it finds none. Integers of any size are no errors.
 */
struct vb_json_place vb_json_find_error(const char *text, size_t size, char *ret_what);

#endif
