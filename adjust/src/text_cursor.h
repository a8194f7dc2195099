/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_TEXT_CURSOR_H
#define VB_ADJUST_TEXT_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* What is left of a line that is read from its front. Not ended by a NUL. */
struct vb_text_cursor {
	const char *at;
	const char *end;
};

static inline size_t vb_text_left(const struct vb_text_cursor *cursor)
{
	return (size_t)(cursor->end - cursor->at);
}

/* Steps over the text if that is what comes next. */
static inline bool vb_text_take(struct vb_text_cursor *cursor, const char *text)
{
	size_t length = strlen(text);

	if (vb_text_left(cursor) < length || memcmp(cursor->at, text, length) != 0)
		return false;
	cursor->at += length;
	return true;
}

#endif
