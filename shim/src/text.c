/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/shim/text.h"

#include <stdbool.h>
#include <string.h>

enum { GROUPS = 8, ESCAPE_MAX = 4 };

static const char digit_chars[] = "0123456789abcdef";
static const char ellipsis[] = "...";

static void add_bytes(struct vb_shim_text *text, const char *bytes, size_t count)
{
	if (count > text->size - text->length)
		count = text->size - text->length;
	memcpy(text->data + text->length, bytes, count);
	text->length += count;
}

void vb_shim_text_add(struct vb_shim_text *text, const char *string)
{
	add_bytes(text, string, strlen(string));
}

/* Returns how many bytes of `out` one input byte takes. */
static size_t escape(unsigned char byte, char out[ESCAPE_MAX])
{
	if (byte < 0x20 || byte == 0x7f) {
		out[0] = '\\';
		out[1] = 'x';
		out[2] = digit_chars[byte >> 4];
		out[3] = digit_chars[byte & 15];
		return 4;
	}
	if (byte == '"' || byte == '\\') {
		out[0] = '\\';
		out[1] = (char)byte;
		return 2;
	}
	out[0] = (char)byte;
	return 1;
}

static size_t escaped_bytes(const char *bytes, size_t count)
{
	size_t total = 0;
	char scratch[ESCAPE_MAX];

	for (size_t i = 0; i < count; i++)
		total += escape((unsigned char)bytes[i], scratch);
	return total;
}

void vb_shim_text_add_escaped(
	struct vb_shim_text *text, const char *bytes, size_t count, size_t limit_bytes)
{
	bool whole = escaped_bytes(bytes, count) <= limit_bytes;
	size_t room = whole ? limit_bytes : limit_bytes - (sizeof(ellipsis) - 1);

	for (size_t i = 0; i < count; i++) {
		char escaped[ESCAPE_MAX];
		size_t length = escape((unsigned char)bytes[i], escaped);

		if (length > room)
			break;
		add_bytes(text, escaped, length);
		room -= length;
	}
	if (!whole)
		vb_shim_text_add(text, ellipsis);
}

static void add_number(struct vb_shim_text *text, uint64_t value, unsigned int base)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = digit_chars[value % base];
		value /= base;
	} while (value > 0);
	add_bytes(text, digits + at, sizeof(digits) - at);
}

void vb_shim_text_add_unsigned(struct vb_shim_text *text, uint64_t value)
{
	add_number(text, value, 10);
}

void vb_shim_text_add_signed(struct vb_shim_text *text, int64_t value)
{
	if (value < 0)
		vb_shim_text_add(text, "-");
	add_number(text, value < 0 ? -(uint64_t)value : (uint64_t)value, 10);
}

void vb_shim_text_add_hex(struct vb_shim_text *text, uint64_t value)
{
	vb_shim_text_add(text, "0x");
	add_number(text, value, 16);
}

static void add_ipv4(struct vb_shim_text *text, uint32_t value)
{
	for (int shift = 24; shift >= 0; shift -= 8) {
		add_number(text, value >> shift & 255, 10);
		if (shift > 0)
			vb_shim_text_add(text, ".");
	}
}

/* The first of the longest runs of at least two zero groups (RFC 5952, 4.2). */
static int longest_zero_run(const uint16_t groups[GROUPS], int *ret_length)
{
	int best = -1;
	int best_length = 1;

	for (int start = 0; start < GROUPS; start++) {
		int length = 0;

		while (start + length < GROUPS && groups[start + length] == 0)
			length++;
		if (length > best_length) {
			best = start;
			best_length = length;
		}
	}
	*ret_length = best_length;
	return best;
}

static void add_ipv6(struct vb_shim_text *text, struct vb_shim_addr addr)
{
	uint16_t groups[GROUPS];
	int run_length;
	int run;

	for (int i = 0; i < GROUPS; i++)
		groups[i] = (uint16_t)((i < 4 ? addr.high : addr.low) >> (48 - 16 * (i & 3)));
	run = longest_zero_run(groups, &run_length);
	for (int i = 0; i < GROUPS; i++) {
		if (i == run) {
			vb_shim_text_add(text, "::");
			i += run_length - 1;
			continue;
		}
		if (i > 0 && i != run + run_length)
			vb_shim_text_add(text, ":");
		add_number(text, groups[i], 16);
	}
}

void vb_shim_text_add_endpoint(
	struct vb_shim_text *text, struct vb_shim_addr addr, uint16_t port, bool is_ipv6)
{
	if (!is_ipv6) {
		add_ipv4(text, (uint32_t)addr.low);
	} else if (vb_shim_addr_is_mapped(addr)) {
		vb_shim_text_add(text, "[::ffff:");
		add_ipv4(text, (uint32_t)addr.low);
		vb_shim_text_add(text, "]");
	} else {
		vb_shim_text_add(text, "[");
		add_ipv6(text, addr);
		vb_shim_text_add(text, "]");
	}
	vb_shim_text_add(text, ":");
	add_number(text, port, 10);
}
