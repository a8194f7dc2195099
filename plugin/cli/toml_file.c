/* SPDX-License-Identifier: Apache-2.0 */
#include "toml_file.h"

#include <errno.h>
#include <string.h>

#include "toml_dump.h"

void vb_toml_statement_finish(struct vb_toml_statement *statement)
{
	vb_strv_finish(&statement->path);
	*statement = (struct vb_toml_statement){0};
}

static size_t line_end(const char *text, size_t size, size_t at)
{
	const char *newline = memchr(text + at, '\n', size - at);

	return newline != NULL ? (size_t)(newline - text) : size;
}

static const char *skip_blanks(const char *at)
{
	return at + strspn(at, " \t\r");
}

/* a."b.c".d up to what is no dot. */
static int take_path(const char **at, struct vb_strv *path)
{
	for (;;) {
		vb_auto_free char *component = NULL;
		*at = skip_blanks(*at);
		int r = path->count < VB_TOML_DEPTH_MAX ? vb_toml_take_component(at, &component)
							: -EINVAL;
		if (r == 0)
			r = vb_strv_add(path, component);
		if (r < 0)
			return r;
		*at = skip_blanks(*at);
		if (**at != '.')
			return 0;
		(*at)++;
	}
}

static int read_header(const char *line, struct vb_toml_statement *statement)
{
	bool is_item = line[1] == '[';
	const char *at = line + (is_item ? 2 : 1);

	int r = take_path(&at, &statement->path);
	if (r < 0)
		return r;
	if (*at++ != ']' || (is_item && *at++ != ']'))
		return -EINVAL;
	at = skip_blanks(at);
	statement->kind = is_item ? VB_TOML_ITEM : VB_TOML_TABLE;
	return *at == '\0' || *at == '#' ? 0 : -EINVAL;
}

/* The end of a quoted text at `at`, 0 without one. Only three quotes may hold newlines. */
static size_t skip_quoted(const char *text, size_t size, size_t at)
{
	char quote = text[at];
	bool is_long = size - at >= 3 && text[at + 1] == quote && text[at + 2] == quote;

	for (size_t i = at + (is_long ? 3 : 1); i < size; i++) {
		if (quote == '"' && text[i] == '\\')
			i++;
		else if (text[i] == '\n' && !is_long)
			return 0;
		else if (text[i] == quote && !is_long)
			return i + 1;
		else if (text[i] == quote && size - i >= 3 && text[i + 1] == quote &&
			 text[i + 2] == quote)
			return i + 3;
	}
	return 0;
}

/* The end of the value that starts at `at`: the newline behind it, or the end of the text. */
static int skip_value(const char *text, size_t size, size_t at, size_t *ret_end)
{
	unsigned int depth = 0;

	while (at < size && (text[at] != '\n' || depth > 0)) {
		if (text[at] == '#') {
			at = line_end(text, size, at);
			continue;
		}
		if (text[at] == '"' || text[at] == '\'') {
			at = skip_quoted(text, size, at);
			if (at == 0)
				return -EINVAL;
			continue;
		}
		if (text[at] == '[' || text[at] == '{')
			depth++;
		if (text[at] == ']' || text[at] == '}') {
			if (depth == 0)
				return -EINVAL;
			depth--;
		}
		at++;
	}
	*ret_end = at;
	return depth == 0 ? 0 : -EINVAL;
}

static int read_key(
	const char *line, const char *text, size_t size, struct vb_toml_statement *statement)
{
	const char *at = line;
	size_t end = 0;

	int r = take_path(&at, &statement->path);
	if (r < 0)
		return r;
	if (*at++ != '=')
		return -EINVAL;
	at = skip_blanks(at);
	statement->kind = VB_TOML_KEY;
	statement->value = statement->start + (size_t)(at - line);
	r = skip_value(text, size, statement->value, &end);
	if (r < 0 || end == statement->value)
		return -EINVAL;
	statement->value_size = end - statement->value;
	statement->end = end < size ? end + 1 : end;
	return 0;
}

int vb_toml_file_next(
	const char *text, size_t size, size_t *at, struct vb_toml_statement *statement)
{
	vb_toml_statement_finish(statement);
	if (*at >= size)
		return 0;
	size_t end = line_end(text, size, *at);
	vb_auto_free char *line = strndup(text + *at, end - *at);
	if (line == NULL)
		return -ENOMEM;
	if (strlen(line) != end - *at)
		return -EINVAL;
	statement->start = *at;
	statement->end = end < size ? end + 1 : end;
	const char *first = skip_blanks(line);
	int r = 0;
	if (*first == '[')
		r = read_header(first, statement);
	else if (*first != '\0' && *first != '#')
		r = read_key(line, text, size, statement);
	if (r < 0)
		return r;
	*at = statement->end;
	return 1;
}

int vb_toml_file_strings(const char *value, size_t size, struct vb_strv *strings)
{
	size_t at = 1;

	if (size < 2 || value[0] != '[')
		return -EINVAL;
	while (at < size && value[at] != ']') {
		vb_auto_free char *text = NULL;
		if (strchr(" \t\r\n,", value[at]) != NULL) {
			at++;
			continue;
		}
		if (value[at] == '#') {
			at = line_end(value, size, at);
			continue;
		}
		size_t end =
			value[at] == '"' || value[at] == '\'' ? skip_quoted(value, size, at) : 0;
		vb_auto_free char *quoted = end > 0 ? strndup(value + at, end - at) : NULL;
		if (quoted == NULL)
			return end > 0 ? -ENOMEM : -EINVAL;
		int r = vb_toml_dump_string(quoted, &text);
		if (r == 0)
			r = vb_strv_add(strings, text);
		if (r < 0)
			return r;
		at = end;
	}
	return at < size ? 0 : -EINVAL;
}
