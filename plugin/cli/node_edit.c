/* SPDX-License-Identifier: Apache-2.0 */
#include "node_edit.h"

#include <errno.h>
#include <string.h>

#include "toml_file.h"

#define BEGIN         "# >>> vambrace node install: do not edit; uninstall takes it away >>>\n"
#define BEGIN_NEWLINE "# >>> vambrace node install: the line before ended without newline >>>\n"
#define END           "# <<< vambrace node install <<<\n"
/* In front of a line that is replaced, and behind the one that stands for it or is new. */
#define WAS "#vambrace-was#"
#define NOW " #vambrace-now\n"

#define NRI_PLUGIN "io.containerd.nri.v1.nri"

void vb_node_edit_facts_finish(struct vb_node_edit_facts *facts)
{
	vb_strv_finish(&facts->imports);
	*facts = (struct vb_node_edit_facts){0};
}

static unsigned int line_number(const char *text, size_t at)
{
	unsigned int number = 1;

	for (size_t i = 0; i < at; i++)
		number += text[i] == '\n';
	return number;
}

static int fail(const char *text, size_t at, int r, struct vb_error *err)
{
	if (r == -EINVAL)
		return vb_error_say(err, EINVAL,
			"line %u of containerd's configuration is not understood",
			line_number(text, at));
	return vb_error_set(err, -r, "edit containerd's configuration");
}

static bool is_nri_table(const struct vb_toml_statement *statement)
{
	return statement->kind == VB_TOML_TABLE && statement->path.count == 2 &&
	       strcmp(statement->path.items[0], "plugins") == 0 &&
	       strcmp(statement->path.items[1], NRI_PLUGIN) == 0;
}

static bool is_key(const struct vb_toml_statement *statement, const char *name)
{
	return statement->kind == VB_TOML_KEY && statement->path.count == 1 &&
	       strcmp(statement->path.items[0], name) == 0;
}

/* One statement above the first table. */
static int take_top(const char *text, const struct vb_toml_statement *statement,
	struct vb_node_edit_facts *facts)
{
	const char *value = text + statement->value;

	if (is_key(statement, "version"))
		facts->version = strtol(value, NULL, 10);
	if (is_key(statement, "imports"))
		return vb_toml_file_strings(value, statement->value_size, &facts->imports);
	return 0;
}

int vb_node_edit_look(
	const char *text, size_t size, struct vb_node_edit_facts *ret_facts, struct vb_error *err)
{
	vb_auto_edit_facts struct vb_node_edit_facts facts = {.is_blank = true};
	vb_auto_toml_statement struct vb_toml_statement statement = {0};
	bool is_top = true;
	size_t at = 0;

	for (;;) {
		int r = vb_toml_file_next(text, size, &at, &statement);
		if (r == 0)
			break;
		is_top =
			is_top && statement.kind != VB_TOML_TABLE && statement.kind != VB_TOML_ITEM;
		if (r > 0 && is_top)
			r = take_top(text, &statement, &facts);
		if (r < 0)
			return fail(text, at, r, err);
		facts.is_blank = facts.is_blank && statement.kind == VB_TOML_NOTHING;
		facts.has_nri = facts.has_nri || is_nri_table(&statement);
	}
	*ret_facts = facts;
	facts.imports = (struct vb_strv){0};
	return 0;
}

/* Where NRI is switched: behind its header, or the line with `disable`. */
struct nri_place {
	size_t header_end; /* 0: there is no such table */
	size_t start, end; /* of the key; equal without one */
};

static int find_nri(
	const char *text, size_t size, struct nri_place *ret_place, struct vb_error *err)
{
	vb_auto_toml_statement struct vb_toml_statement statement = {0};
	struct nri_place place = {0};
	bool is_inside = false;
	size_t at = 0;

	for (;;) {
		int r = vb_toml_file_next(text, size, &at, &statement);
		if (r < 0)
			return fail(text, at, r, err);
		if (r == 0)
			break;
		if (statement.kind == VB_TOML_TABLE || statement.kind == VB_TOML_ITEM)
			is_inside = is_nri_table(&statement);
		if (is_nri_table(&statement))
			place.header_end = statement.end;
		else if (is_inside && is_key(&statement, "disable")) {
			place.start = statement.start;
			place.end = statement.end;
		}
	}
	*ret_place = place;
	return 0;
}

/* The text, which ends with a newline or is empty, with NRI switched in its own table. */
static int switch_nri(
	const char *text, size_t size, const struct nri_place *place, struct vb_buf *out)
{
	size_t at = place->end > 0 ? place->start : place->header_end;

	int r = vb_buf_append(out, text, at);
	if (r == 0 && place->end > 0)
		r = vb_buf_append_string(out, WAS);
	if (r == 0 && place->end > 0)
		r = vb_buf_append(out, text + at, place->end - at);
	if (r == 0)
		r = vb_buf_append_string(out, "disable = false" NOW);
	if (place->end > 0)
		at = place->end;
	return r == 0 ? vb_buf_append(out, text + at, size - at) : r;
}

static int append_block(const char *block, bool adds_newline, bool adds_nri, struct vb_buf *out)
{
	int r = vb_buf_append_string(out, adds_newline ? BEGIN_NEWLINE : BEGIN);

	if (r == 0)
		r = vb_buf_append_string(out, block);
	if (r == 0 && adds_nri)
		r = vb_buf_append_string(
			out, "\n[plugins.\"" NRI_PLUGIN "\"]\n  disable = false\n");
	return r == 0 ? vb_buf_append_string(out, END) : r;
}

static bool starts_with(const char *text, size_t size, const char *prefix)
{
	size_t length = strlen(prefix);

	return size >= length && memcmp(text, prefix, length) == 0;
}

static bool ends_with(const char *text, size_t size, const char *suffix)
{
	size_t length = strlen(suffix);

	return size >= length && memcmp(text + size - length, suffix, length) == 0;
}

static size_t line_size(const char *text, size_t size)
{
	const char *newline = memchr(text, '\n', size);

	return newline != NULL ? (size_t)(newline - text) + 1 : size;
}

static bool is_marked(const char *line, size_t size)
{
	return starts_with(line, size, BEGIN) || starts_with(line, size, BEGIN_NEWLINE) ||
	       starts_with(line, size, END) || starts_with(line, size, WAS) ||
	       ends_with(line, size, NOW);
}

/* A copy that ends with a newline; empty stays empty. */
static char *with_newline(const char *text, size_t size, size_t *ret_size)
{
	char *copy = malloc(size + 2);

	if (copy == NULL)
		return NULL;
	memcpy(copy, text, size);
	if (size > 0 && copy[size - 1] != '\n')
		copy[size++] = '\n';
	copy[size] = '\0';
	*ret_size = size;
	return copy;
}

static int refuse_marked(const char *text, size_t size, struct vb_error *err)
{
	for (size_t at = 0, length = 0; at < size; at += length) {
		length = line_size(text + at, size - at);
		if (is_marked(text + at, length))
			return vb_error_say(err, EEXIST,
				"containerd's configuration has vambrace's marks already");
	}
	return 0;
}

int vb_node_edit_append(
	const char *text, size_t size, const char *block, struct vb_buf *out, struct vb_error *err)
{
	size_t whole_size = 0;
	vb_auto_free char *whole = with_newline(text, size, &whole_size);

	if (whole == NULL)
		return fail(text, 0, -ENOMEM, err);
	int r = refuse_marked(whole, whole_size, err);
	if (r < 0)
		return r;
	r = vb_buf_append(out, whole, whole_size);
	if (r == 0)
		r = append_block(block, whole_size != size, false, out);
	return r == 0 ? 0 : fail(text, 0, r, err);
}

int vb_node_edit_add(const char *text, size_t size, const char *block, bool nri, struct vb_buf *out,
	struct vb_error *err)
{
	struct nri_place place = {0};
	size_t whole_size = 0;
	vb_auto_free char *whole = with_newline(text, size, &whole_size);

	if (whole == NULL)
		return fail(text, 0, -ENOMEM, err);
	int r = refuse_marked(whole, whole_size, err);
	if (r == 0)
		r = find_nri(whole, whole_size, &place, err);
	if (r < 0)
		return r;
	bool has_table = place.header_end > 0;
	r = nri && has_table ? switch_nri(whole, whole_size, &place, out)
			     : vb_buf_append(out, whole, whole_size);
	if (r == 0)
		r = append_block(block, whole_size != size, nri && !has_table, out);
	return r == 0 ? 0 : fail(text, 0, r, err);
}

/* A line that is neither inside the block nor one of its marks. */
static int strip_line(const char *line, size_t size, struct vb_buf *out)
{
	if (starts_with(line, size, WAS))
		return vb_buf_append(out, line + strlen(WAS), size - strlen(WAS));
	return ends_with(line, size, NOW) ? 0 : vb_buf_append(out, line, size);
}

int vb_node_edit_strip(const char *text, size_t size, struct vb_buf *out, struct vb_error *err)
{
	bool is_inside = false;
	bool drops_newline = false;

	for (size_t at = 0, length = 0; at < size; at += length) {
		const char *line = text + at;
		length = line_size(line, size - at);
		bool begins = starts_with(line, length, BEGIN) ||
			      starts_with(line, length, BEGIN_NEWLINE);
		bool ends = starts_with(line, length, END);
		if (begins == is_inside && (begins || ends))
			return vb_error_say(err, EINVAL,
				"line %u of containerd's configuration is half a mark of "
				"vambrace's: take the lines between both away by hand",
				line_number(text, at));
		drops_newline = drops_newline || starts_with(line, length, BEGIN_NEWLINE);
		int r = is_inside || begins || ends ? 0 : strip_line(line, length, out);
		if (r < 0)
			return fail(text, at, r, err);
		is_inside = begins || (is_inside && !ends);
	}
	if (is_inside)
		return vb_error_say(err, EINVAL,
			"containerd's configuration lacks the end mark of vambrace's lines: "
			"take them away by hand");
	/* Only what stood in front of the block, not what somebody has put behind it since. */
	if (drops_newline && vb_buf_size(out) > 0 && ends_with(text, size, END)) {
		size_t kept = vb_buf_size(out) - 1;
		vb_auto_free char *copy = vb_buf_strdup(out);
		if (copy == NULL)
			return fail(text, 0, -ENOMEM, err);
		vb_buf_consume(out, kept + 1);
		int r = vb_buf_append(out, copy, kept);
		if (r < 0)
			return fail(text, 0, r, err);
	}
	return 0;
}
