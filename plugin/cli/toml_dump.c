/* SPDX-License-Identifier: Apache-2.0 */
#include "toml_dump.h"

#include <errno.h>
#include <string.h>

/*
 * Reads a quoted text at *at and steps behind it. Literal strings ('...') have no escapes; of basic
 * ones ("...") containerd's encoders escape quotes and backslashes, and what cannot be printed in
 * other ways, which no path or name that matters here has.
 */
static int take_quoted(const char **at, char **ret_text)
{
	const char *from = *at;
	char quote = *from;

	if (quote != '\'' && quote != '"')
		return -EINVAL;
	char *text = malloc(strlen(from));
	if (text == NULL)
		return -ENOMEM;
	size_t length = 0;
	for (from++; *from != quote; from++) {
		if (*from == '\\' && quote == '"' && (from[1] == '"' || from[1] == '\\'))
			from++;
		if (*from == '\0') {
			free(text);
			return -EINVAL;
		}
		text[length++] = *from;
	}
	text[length] = '\0';
	*at = from + 1;
	*ret_text = text;
	return 0;
}

static bool is_bare(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-';
}

int vb_toml_take_component(const char **at, char **ret_text)
{
	size_t length = 0;

	if (**at == '\'' || **at == '"')
		return take_quoted(at, ret_text);
	while (is_bare((*at)[length]))
		length++;
	if (length == 0)
		return -EINVAL;
	*ret_text = strndup(*at, length);
	*at += length;
	return *ret_text == NULL ? -ENOMEM : 0;
}

/* "[plugins.'io.containerd.nri.v1.nri']", or with two brackets for one of an array of tables. */
static int read_header(const char *line, struct vb_strv *table)
{
	const char *end = line[1] == '[' ? "]]" : "]";
	const char *at = line + strlen(end);

	vb_strv_finish(table);
	*table = (struct vb_strv){0};
	for (;;) {
		vb_auto_free char *component = NULL;
		int r = table->count < VB_TOML_DEPTH_MAX ? vb_toml_take_component(&at, &component)
							 : -EINVAL;
		if (r == 0)
			r = vb_strv_add(table, component);
		if (r < 0)
			return r;
		if (strcmp(at, end) == 0)
			return 0;
		if (*at++ != '.')
			return -EINVAL;
	}
}

struct walk {
	vb_toml_key_fn function;
	void *context;
	struct vb_strv table;
};

static void finish_walk(struct walk *walk)
{
	vb_strv_finish(&walk->table);
}

/* "disable = true" */
static int read_key(const char *line, const struct walk *walk)
{
	const char *at = line;
	vb_auto_free char *key = NULL;

	int r = vb_toml_take_component(&at, &key);
	if (r < 0)
		return r;
	at += strspn(at, " \t");
	if (*at++ != '=')
		return -EINVAL;
	at += strspn(at, " \t");
	return walk->function(&walk->table, key, at, walk->context);
}

static int read_line(char *line, struct walk *walk)
{
	char *end = line + strlen(line);

	while (end > line && strchr(" \t\r", end[-1]) != NULL)
		end--;
	*end = '\0';
	line += strspn(line, " \t");
	if (*line == '\0' || *line == '#')
		return 0;
	return *line == '[' ? read_header(line, &walk->table) : read_key(line, walk);
}

int vb_toml_dump_walk(
	const char *text, size_t size, vb_toml_key_fn function, void *context, struct vb_error *err)
{
	vb_auto(finish_walk) struct walk walk = {.function = function, .context = context};
	const char *end = text + size;

	for (unsigned int number = 1; text < end; number++) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t length = (size_t)((newline != NULL ? newline : end) - text);
		vb_auto_free char *line = strndup(text, length);
		if (line == NULL)
			return vb_error_set(err, ENOMEM, "read containerd's configuration");
		int r = strlen(line) == length ? read_line(line, &walk) : -EINVAL;
		if (r == -EINVAL)
			return vb_error_say(err, EINVAL,
				"line %u of `containerd config dump` is not understood", number);
		if (r != 0)
			return vb_error_set(err, -r, "read containerd's configuration");
		text += newline != NULL ? length + 1 : length;
	}
	return 0;
}

int vb_toml_dump_string(const char *value, char **ret_text)
{
	vb_auto_free char *text = NULL;

	int r = take_quoted(&value, &text);
	if (r < 0 || *value != '\0')
		return r < 0 ? r : -EINVAL;
	*ret_text = VB_STEAL(text);
	return 0;
}

int vb_toml_dump_strings(const char *value, struct vb_strv *strings)
{
	if (*value++ != '[')
		return -EINVAL;
	for (;;) {
		vb_auto_free char *text = NULL;
		value += strspn(value, " ,");
		if (strcmp(value, "]") == 0)
			return 0;
		int r = take_quoted(&value, &text);
		if (r == 0)
			r = vb_strv_add(strings, text);
		if (r < 0)
			return r;
	}
}
