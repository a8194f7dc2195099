/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_BASE_UTF8_H
#define VB_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the bytes are well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates). */
bool vb_utf8_is_valid(const void *data, size_t size);

/*
 * Makes a string fit for one log line: control characters and bytes that are not UTF-8 become
 * '?'. The length does not change.
 */
void vb_utf8_scrub(char *text);

#endif
