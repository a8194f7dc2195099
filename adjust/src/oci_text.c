/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/oci_text.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "vb/adjust/json.h"
#include "vb/base/buf.h"

/* U+0001 never stands raw in JSON text, so this is the only way to write VB_OCI_NUMBER_MARK. */
static const char mark[] = "\\u0001";

enum { MARK_LENGTH = sizeof(mark) - 1 };

/* Text on its way into a changed copy: what lies before `copied` is there already. */
struct rewrite {
	const char *text;
	size_t size;
	size_t copied;
	struct vb_buf *out;
};

static int rewrite_init(struct rewrite *rewrite, const char *text, size_t size)
{
	*rewrite = (struct rewrite){.text = text, .size = size};
	/* The smallest number to quote has two characters and grows by the mark and two quotes. */
	rewrite->out = vb_buf_create(size * (MARK_LENGTH + 2) + 1);
	return rewrite->out != NULL ? 0 : -ENOMEM;
}

/* Copies what was not changed up to `to`, then goes on at `next`. */
static int rewrite_until(struct rewrite *rewrite, size_t to, size_t next)
{
	int r = vb_buf_append(rewrite->out, rewrite->text + rewrite->copied, to - rewrite->copied);

	if (r == 0)
		rewrite->copied = next;
	return r;
}

/* The index behind the closing quote of the string that opens at `start`; size when it has none. */
static size_t string_end(const char *text, size_t size, size_t start)
{
	for (size_t i = start + 1; i < size; i++) {
		if (text[i] == '\\')
			i++;
		else if (text[i] == '"')
			return i + 1;
	}
	return size;
}

static bool has_mark(const char *text, size_t size, size_t at)
{
	return size - at >= MARK_LENGTH && memcmp(text + at, mark, MARK_LENGTH) == 0;
}

static size_t number_length(const char *text, size_t size)
{
	size_t length = 0;

	while (length < size &&
		(isdigit((unsigned char)text[length]) ||
			(text[length] != '\0' && strchr("+-.eE", text[length]) != NULL)))
		length++;
	return length;
}

static size_t digits(const char *text, size_t size)
{
	size_t count = 0;

	while (count < size && isdigit((unsigned char)text[count]))
		count++;
	return count;
}

/* The number grammar of RFC 8259 section 6. */
static bool is_number(const char *text, size_t size)
{
	size_t at = size > 0 && text[0] == '-' ? 1 : 0;
	size_t whole = digits(text + at, size - at);

	if (whole == 0 || (whole > 1 && text[at] == '0'))
		return false;
	at += whole;
	if (at < size && text[at] == '.') {
		size_t fraction = digits(text + at + 1, size - at - 1);
		if (fraction == 0)
			return false;
		at += 1 + fraction;
	}
	if (at < size && (text[at] == 'e' || text[at] == 'E')) {
		at++;
		if (at < size && (text[at] == '+' || text[at] == '-'))
			at++;
		size_t exponent = digits(text + at, size - at);
		if (exponent == 0)
			return false;
		at += exponent;
	}
	return at == size;
}

/* Whether jansson holds the number as an integer and prints it as it was. */
static bool is_plain_integer(const char *text, size_t size)
{
	static const char largest[] = "9223372036854775807";
	static const char lowest[] = "9223372036854775808";
	bool negative = text[0] == '-';
	const char *number = negative ? text + 1 : text;
	size_t length = negative ? size - 1 : size;

	if (digits(number, length) != length || (negative && number[0] == '0'))
		return false;
	if (length != sizeof(largest) - 1)
		return length < sizeof(largest) - 1;
	return memcmp(number, negative ? lowest : largest, length) <= 0;
}

static int quote_number(struct rewrite *rewrite, size_t start, size_t length)
{
	int r = rewrite_until(rewrite, start, start);

	if (r == 0)
		r = vb_buf_append_string(rewrite->out, "\"");
	if (r == 0)
		r = vb_buf_append(rewrite->out, mark, MARK_LENGTH);
	if (r == 0)
		r = rewrite_until(rewrite, start + length, start + length);
	return r == 0 ? vb_buf_append_string(rewrite->out, "\"") : r;
}

static int double_mark(struct rewrite *rewrite, size_t start)
{
	int r = rewrite_until(rewrite, start, start);

	return r == 0 ? vb_buf_append(rewrite->out, mark, MARK_LENGTH) : r;
}

/* One token of the text at `*at`, which moves behind it. */
static int protect_token(struct rewrite *rewrite, size_t *at)
{
	const char *text = rewrite->text;
	size_t start = *at;

	*at = start + 1;
	if (text[start] == '"') {
		*at = string_end(text, rewrite->size, start);
		return has_mark(text, rewrite->size, start + 1) ? double_mark(rewrite, start + 1)
								: 0;
	}
	if (text[start] != '-' && !isdigit((unsigned char)text[start]))
		return 0;
	size_t length = number_length(text + start, rewrite->size - start);
	*at = start + length;
	/* What is no number stays for the parser to refuse. */
	if (!is_number(text + start, length) || is_plain_integer(text + start, length))
		return 0;
	return quote_number(rewrite, start, length);
}

static int protect_numbers(struct rewrite *rewrite)
{
	for (size_t at = 0; at < rewrite->size;) {
		int r = protect_token(rewrite, &at);
		if (r < 0)
			return r;
	}
	if (rewrite->copied == 0)
		return 0;
	return rewrite_until(rewrite, rewrite->size, rewrite->size);
}

int vb_oci_text_parse(const char *text, size_t size, json_t **ret_document, struct vb_error *err)
{
	struct rewrite rewrite;

	if (size > VB_OCI_TEXT_MAX)
		return vb_error_say(err, EFBIG, "%zu bytes of JSON, at most %d are read", size,
			VB_OCI_TEXT_MAX);
	int r = rewrite_init(&rewrite, text, size);
	vb_auto_buf struct vb_buf *out = rewrite.out;
	if (r == 0)
		r = protect_numbers(&rewrite);
	if (r < 0)
		return vb_error_set(err, -r, "read JSON");

	vb_auto_json json_t *document = NULL;
	if (vb_buf_size(out) > 0)
		r = vb_json_parse((const char *)vb_buf_data(out), vb_buf_size(out),
			VB_OCI_DEPTH_MAX, &document, err);
	else
		r = vb_json_parse(text, size, VB_OCI_DEPTH_MAX, &document, err);
	if (r < 0)
		return r;
	if (!json_is_object(document))
		return vb_error_say(err, EINVAL, "the JSON text is not an object");
	*ret_document = VB_STEAL(document);
	return 0;
}

/* The string at `start` begins with the mark: it is a number of ours, or has one mark too many. */
static int release_string(struct rewrite *rewrite, size_t start, size_t end)
{
	size_t content = start + 1 + MARK_LENGTH;

	if (has_mark(rewrite->text, rewrite->size, content))
		return rewrite_until(rewrite, start + 1, content);
	if (!is_number(rewrite->text + content, end - 1 - content))
		return -EINVAL;
	int r = rewrite_until(rewrite, start, content);
	return r == 0 ? rewrite_until(rewrite, end - 1, end) : r;
}

static int release_numbers(struct rewrite *rewrite)
{
	for (size_t at = 0; at < rewrite->size;) {
		if (rewrite->text[at] != '"') {
			at++;
			continue;
		}
		size_t end = string_end(rewrite->text, rewrite->size, at);
		if (has_mark(rewrite->text, rewrite->size, at + 1)) {
			int r = release_string(rewrite, at, end);
			if (r < 0)
				return r;
		}
		at = end;
	}
	return rewrite_until(rewrite, rewrite->size, rewrite->size);
}

/* Makes a text of vb_json_dump() one of JSON; the text is taken. */
static int release_take(char *dump, char **ret_text, size_t *ret_size, struct vb_error *err)
{
	struct rewrite rewrite;
	vb_auto_free char *text = dump;

	if (text == NULL)
		return vb_error_set(err, ENOMEM, "write JSON");
	size_t size = strlen(text);
	if (strstr(text, mark) == NULL) {
		*ret_text = VB_STEAL(text);
		*ret_size = size;
		return 0;
	}
	int r = rewrite_init(&rewrite, text, size);
	vb_auto_buf struct vb_buf *out = rewrite.out;
	if (r == 0)
		r = release_numbers(&rewrite);
	if (r < 0)
		return vb_error_set(err, -r, "write JSON");
	char *released = vb_buf_strdup(out);
	if (released == NULL)
		return vb_error_set(err, ENOMEM, "write JSON");
	*ret_size = vb_buf_size(out);
	*ret_text = released;
	return 0;
}

int vb_oci_text_write(
	const json_t *document, char **ret_text, size_t *ret_size, struct vb_error *err)
{
	return release_take(vb_json_dump(document, JSON_COMPACT), ret_text, ret_size, err);
}

int vb_oci_text_write_indented(
	const json_t *document, char **ret_text, size_t *ret_size, struct vb_error *err)
{
	vb_auto_free char *dump = vb_json_dump(document, JSON_INDENT(2));

	return release_take(
		dump != NULL ? vb_str_format("%s\n", dump) : NULL, ret_text, ret_size, err);
}
