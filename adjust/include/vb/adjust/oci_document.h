/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_OCI_DOCUMENT_H
#define VB_ADJUST_OCI_DOCUMENT_H

#include <jansson.h>
#include <stddef.h>

#include "vb/base/cleanup.h"
#include "vb/base/error.h"

/*
 * A config.json with linux.seccomp apart from the rest: it is most of the text and the same in most
 * containers of a node, so what becomes of it is mostly remembered (oci_apply.h), and a tree of it
 * would be made and printed for nothing while the runtime waits.
 */
struct vb_oci_document {
	json_t *tree;  /* as oci_text.h reads it; null stands for what is apart */
	char *seccomp; /* NULL: nothing is apart */
};

/*
 * Reads a document, with linux.seccomp apart where that is an object without escapes; otherwise the
 * tree has it. What is apart has not been looked at: vb_oci_seccomp_apply() reads it, unless it
 * remembers the very bytes. Errnos of vb_oci_text_parse().
 */
int vb_oci_document_read(const char *text, size_t size, struct vb_oci_document *ret_document,
	struct vb_error *err) VB_WARN_UNUSED;

/* Writes both as one text, as vb_oci_text_write() does. */
int vb_oci_document_write(const struct vb_oci_document *document, char **ret_text, size_t *ret_size,
	struct vb_error *err) VB_WARN_UNUSED;

void vb_oci_document_finish(struct vb_oci_document *document);
#define vb_auto_oci_document vb_auto(vb_oci_document_finish)

#endif
