/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_CLI_TOML_FILE_H
#define VB_PLUGIN_CLI_TOML_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "vb/base/error.h"
#include "vb/base/str.h"

/*
 * The statements of a TOML file as people write it, with where each stands: enough to find a table
 * or a key and to put lines beside it. Values are delimited, not understood.
 */

struct vb_toml_statement {
	enum {
		VB_TOML_NOTHING, /* an empty line or a comment */
		VB_TOML_TABLE,   /* [a.b] */
		VB_TOML_ITEM,    /* one of an array of tables: [[a.b]] */
		VB_TOML_KEY,     /* a.b = value */
	} kind;
	size_t start, end; /* whole lines: behind the last newline before it, and behind its own */
	struct vb_strv path;
	size_t value, value_size; /* of a key; may span lines */
};

void vb_toml_statement_finish(struct vb_toml_statement *statement);
#define vb_auto_toml_statement vb_auto(vb_toml_statement_finish)

/*
 * Reads the statement at *at, which is the start of a line, and moves *at behind it. Returns 1, or
 * 0 at the end. -EINVAL, with *at left where it was, or -ENOMEM. The text is followed by a NUL.
 */
int vb_toml_file_next(const char *text, size_t size, size_t *at,
	struct vb_toml_statement *statement) VB_WARN_UNUSED;

/* Adds the texts of an array, with comments and over many lines. -EINVAL when it is none, -ENOMEM.
 */
int vb_toml_file_strings(const char *value, size_t size, struct vb_strv *strings) VB_WARN_UNUSED;

#endif
