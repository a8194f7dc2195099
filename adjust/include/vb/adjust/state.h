/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_STATE_H
#define VB_ADJUST_STATE_H

#include <stdbool.h>

#include "vb/adjust/plan.h"
#include "vb/adjust/receipt.h"

/*
 * The files by which plugin, hook and command line meet:
 * /run/vambrace/{plans,receipts,outcomes,passed}, one file a container, named by the container's
 * id. The plugin writes plans and outcomes, the hook receipts and passed.
 */

#define VB_STATE_DIR "/run/vambrace"

enum vb_state_kind {
	VB_STATE_PLAN,
	VB_STATE_RECEIPT,
	VB_STATE_OUTCOME,
	/* The hook let the container pass without a plan, so `exec` lets its processes pass. */
	VB_STATE_PASSED,
	VB_STATE_KINDS,
};

/* Where the files of a kind are. */
const char *vb_state_directory(enum vb_state_kind kind);

/* A plan may carry three profiles of 1 MiB, each byte of them escaped. */
enum { VB_STATE_FILE_MAX = 8 << 20 };

/* Whether an id can name a file: [A-Za-z0-9._-], 1 to 128 characters, no leading dot. */
bool vb_container_id_is_valid(const char *id);

/*
 * Writes, atomically, mode 0600 in directories of mode 0700 that it makes. Errnos of file.h;
 * -EINVAL for an id that cannot name a file.
 */
int vb_state_write(enum vb_state_kind kind, const char *id, const char *text,
	struct vb_error *err) VB_WARN_UNUSED;

/* -ENOENT when there is none. The caller frees *ret_text. */
int vb_state_read(enum vb_state_kind kind, const char *id, char **ret_text, size_t *ret_size,
	struct vb_error *err) VB_WARN_UNUSED;

/* Removes the file; that there is none is fine. */
int vb_state_remove(enum vb_state_kind kind, const char *id, struct vb_error *err) VB_WARN_UNUSED;

#endif
