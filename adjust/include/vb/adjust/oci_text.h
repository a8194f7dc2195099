/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_OCI_TEXT_H
#define VB_ADJUST_OCI_TEXT_H

#include <jansson.h>
#include <stddef.h>

#include "vb/base/cleanup.h"
#include "vb/base/error.h"

/*
 * OCI documents (config.json, process.json) as text, read and written so that whatever we do not
 * edit stays what it was. jansson alone would refuse integers above INT64_MAX, which rlimits and
 * seccomp arguments have, and reprint real numbers. Such numbers are therefore held in the tree as
 * strings of oci_number.h; a string that begins with the mark of its own accord gets one more in
 * front, and loses it on writing.
 */

enum {
	VB_OCI_TEXT_MAX = 4 << 20,
	VB_OCI_DEPTH_MAX = 64,
};

/*
 * Parses one JSON object; the caller owns the reference. -EFBIG above VB_OCI_TEXT_MAX, -EINVAL for
 * anything that is not a JSON object, for duplicate keys, U+0000 in strings and nesting deeper than
 * VB_OCI_DEPTH_MAX, -ENOMEM.
 */
int vb_oci_text_parse(
	const char *text, size_t size, json_t **ret_document, struct vb_error *err) VB_WARN_UNUSED;

/*
 * Writes a document compactly, keys in the order in which they were read or added, with a NUL
 * behind it that ret_size does not count; the caller frees it. -EINVAL for a marked string that is
 * no number, -ENOMEM.
 */
int vb_oci_text_write(const json_t *document, char **ret_text, size_t *ret_size,
	struct vb_error *err) VB_WARN_UNUSED;

/* The same for people: indented, with a newline at the end. */
int vb_oci_text_write_indented(const json_t *document, char **ret_text, size_t *ret_size,
	struct vb_error *err) VB_WARN_UNUSED;

#endif
