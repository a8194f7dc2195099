/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_CLI_NODE_EDIT_H
#define VB_PLUGIN_CLI_NODE_EDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "vb/base/buf.h"
#include "vb/base/error.h"
#include "vb/base/str.h"

/*
 * Edits of a containerd configuration that a person wrote. It is never parsed and written anew:
 * what is added stands between marks, what is replaced stays as a marked comment, and everything
 * else keeps its bytes. vb_node_edit_strip() of what vb_node_edit_add() made is the text from
 * before, byte for byte, and needs nothing but the text itself for it.
 */

enum { VB_NODE_EDIT_MAX = 256 << 10 };

/* What a configuration says at its top, and about NRI. */
struct vb_node_edit_facts {
	long version;  /* 0: it does not say */
	bool is_blank; /* nothing but comments */
	bool has_nri;  /* a table of the NRI plugin */
	struct vb_strv imports;
};

void vb_node_edit_facts_finish(struct vb_node_edit_facts *facts);
#define vb_auto_edit_facts vb_auto(vb_node_edit_facts_finish)

/*
 * The text must be followed by a NUL. -EINVAL with the line for what is not understood, -ENOMEM.
 */
int vb_node_edit_look(const char *text, size_t size, struct vb_node_edit_facts *ret_facts,
	struct vb_error *err) VB_WARN_UNUSED;

/*
 * Appends to out the text with the block of whole lines at its end and, where asked, with NRI
 * switched on. A text that has our marks already is -EEXIST; also -EINVAL, -ENOSPC, -ENOMEM.
 */
int vb_node_edit_add(const char *text, size_t size, const char *block, bool switch_nri,
	struct vb_buf *out, struct vb_error *err) VB_WARN_UNUSED;

/*
 * The same without looking at the text, for templates, which are not TOML yet.
 */
int vb_node_edit_append(const char *text, size_t size, const char *block, struct vb_buf *out,
	struct vb_error *err) VB_WARN_UNUSED;

/*
 * Appends to out the text without what was added. -EINVAL for a mark that has lost its other half,
 * -ENOSPC, -ENOMEM.
 */
int vb_node_edit_strip(
	const char *text, size_t size, struct vb_buf *out, struct vb_error *err) VB_WARN_UNUSED;

#endif
