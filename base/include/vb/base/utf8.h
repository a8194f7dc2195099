/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_BASE_UTF8_H
#define VB_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether the bytes are well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates). */
bool vb_utf8_is_valid(const void *data, size_t size);

/* Length of the well-formed sequence at the start of the bytes (size > 0); 0: there is none. */
size_t vb_utf8_sequence_length(const uint8_t *bytes, size_t size);

/*
 * Whether a well-formed sequence is a control character: C0, DEL, C1 in its two bytes, and those by
 * which a line is shown as two, or in another order than it has.
 */
bool vb_utf8_is_control(const uint8_t *sequence);

/* Whether one of the text's well-formed sequences is a control character. */
bool vb_utf8_has_control(const char *text);

/*
 * Makes a string fit for one log line: control characters and bytes that are not UTF-8 become
 * '?'. The length does not change.
 */
void vb_utf8_scrub(char *text);

#endif
