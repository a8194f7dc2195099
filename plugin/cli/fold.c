/* SPDX-License-Identifier: Apache-2.0 */
#include "fold.h"

#include <stdbool.h>
#include <string.h>

enum {
	DEEPER = 2, /* what is broken off, under the line's own indent */
	/* ECMA-48: the first byte that ends a control sequence such as a colour. */
	SEQUENCE_END = 0x40,
	UTF8_CONTINUATION_MASK = 0xc0,
	UTF8_CONTINUATION = 0x80,
};

/* A line while it is written. */
struct line {
	struct vb_buf *out;
	size_t columns;
	size_t hang;
	size_t column;
};

/* Past the control sequence that begins here, if one does. */
static const char *skip_sequence(const char *at, const char *end)
{
	if (end - at < 2 || at[0] != '\033' || at[1] != '[')
		return at;
	for (at += 2; at < end; at++)
		if ((unsigned char)*at >= SEQUENCE_END)
			return at + 1;
	return end;
}

static size_t width_of(const char *word, const char *end)
{
	size_t width = 0;

	while (word < end) {
		const char *next = skip_sequence(word, end);
		if (next > word) {
			word = next;
			continue;
		}
		if (((unsigned char)*word & UTF8_CONTINUATION_MASK) != UTF8_CONTINUATION)
			width++;
		word++;
	}
	return width;
}

static const char *end_of_blanks(const char *at, const char *end)
{
	while (at < end && *at == ' ')
		at++;
	return at;
}

static const char *end_of_word(const char *at, const char *end)
{
	const char *blank = memchr(at, ' ', (size_t)(end - at));

	return blank != NULL ? blank : end;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static int add_word(struct line *line, size_t gap, const char *word, const char *end, bool is_first)
{
	size_t width = width_of(word, end);
	size_t room = line->columns > width ? line->columns - width : 0;
	int r = 0;

	if (is_first) {
		gap = least(gap, room);
	} else if (width > 0 && line->column + gap > room) {
		r = vb_buf_append_string(line->out, "\n");
		gap = least(line->hang, room);
		line->column = 0;
	}
	if (r == 0)
		r = vb_buf_printf(line->out, "%*s", (int)gap, "");
	line->column += gap + width;
	return r < 0 ? r : vb_buf_append(line->out, word, (size_t)(end - word));
}

static int fold_line(struct vb_buf *out, const char *text, const char *end, size_t columns)
{
	const char *first = end_of_blanks(text, end);
	struct line line = {.out = out,
		.columns = columns,
		.hang = least((size_t)(first - text) + DEEPER, columns / 2)};
	bool is_first = true;
	int r = 0;

	while (r == 0 && text < end) {
		const char *word = end_of_blanks(text, end);
		const char *stop = end_of_word(word, end);
		r = add_word(&line, (size_t)(word - text), word, stop, is_first);
		is_first = false;
		text = stop;
	}
	return r;
}

int vb_fold(struct vb_buf *out, const char *text, size_t size, size_t columns)
{
	const char *end = text + size;
	int r = 0;

	while (r == 0 && text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		r = fold_line(out, text, newline != NULL ? newline : end, columns);
		if (r == 0 && newline != NULL)
			r = vb_buf_append_string(out, "\n");
		text = newline != NULL ? newline + 1 : end;
	}
	return r;
}
