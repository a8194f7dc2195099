/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_CLI_INPUT_H
#define VB_PLUGIN_CLI_INPUT_H

#include <stddef.h>

#include "vb/adjust/config.h"
#include "vb/base/buf.h"
#include "vb/base/error.h"

/*
 * Reads a file that a person named, a pipe too, or standard input for "-"; at most max_bytes.
 * The caller owns the buffer. -EFBIG, -ENOMEM, or what open(2) and read(2) say.
 */
int vb_input_read(const char *path, size_t max_bytes, struct vb_buf **ret_data,
	struct vb_error *err) VB_WARN_UNUSED;

/* Takes the next bytes of an input; a negative result, with err set, ends the reading. */
typedef int (*vb_input_chunk_fn)(
	const uint8_t *chunk, size_t size, void *context, struct vb_error *err);

/* Hands such an input to the function as it comes, however long it is. Errnos as above. */
int vb_input_stream(const char *path, vb_input_chunk_fn function, void *context,
	struct vb_error *err) VB_WARN_UNUSED;

/*
 * Reads a node config that a person named. -EFBIG, -ENOMEM, what open(2) and read(2) say, or
 * -EINVAL for one that is not valid.
 */
int vb_input_config(
	const char *path, struct vb_config *ret_config, struct vb_error *err) VB_WARN_UNUSED;

/* What errors call it: the path, or "<stdin>". */
const char *vb_input_name(const char *path);

#endif
