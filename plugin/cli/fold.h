/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_CLI_FOLD_H
#define VB_PLUGIN_CLI_FOLD_H

#include "vb/base/buf.h"

/*
 * Appends a text with its lines broken at blanks, where they are wider than columns; what is broken
 * off is indented a little deeper than its line. A word is never split: one that does not fit
 * behind the indent has less of it. Colours take no column. -ENOMEM or -ENOSPC.
 */
int vb_fold(struct vb_buf *out, const char *text, size_t size, size_t columns) VB_WARN_UNUSED;

#endif
