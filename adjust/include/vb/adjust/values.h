/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_VALUES_H
#define VB_ADJUST_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "vb/adjust/plan.h"
#include "vb/base/error.h"

/*
 * The values that annotations and manifests share, one reader each. All refuse with
 * ErrInvalidValue and a text that quotes the offending entry; -ENOMEM. Outputs change on success
 * only, lists may have grown on failure.
 */

enum { VB_VALUE_LIST_MAX = 4096 };

/* Calls the function for each part of the text between separators; stops at its first failure. */
typedef int (*vb_value_entry_fn)(const char *entry, void *context, struct vb_error *err);
int vb_value_split(const char *text, char separator, vb_value_entry_fn function, void *context,
	struct vb_error *err) VB_WARN_UNUSED;

/* Exactly "true": a layer can be asked for, never asked away. */
int vb_value_true(const char *text, bool *ret_value, struct vb_error *err) VB_WARN_UNUSED;

/* "NET_RAW,CAP_SYS_PTRACE" or "ALL" as a set of caps.h. */
int vb_value_caps(const char *text, uint64_t *ret_set, struct vb_error *err) VB_WARN_UNUSED;

int vb_value_spec_allow(
	const char *text, enum vb_spec_allow *ret_value, struct vb_error *err) VB_WARN_UNUSED;

/* One of "dlopen", "exec", "connect" as a bit of enum vb_audit. */
int vb_value_audit(const char *text, unsigned int *ret_bit, struct vb_error *err) VB_WARN_UNUSED;

/* "64Mi", "1Gi", "512Ki" or plain bytes; one page to 1 TiB. */
int vb_value_size(const char *text, uint64_t *ret_bytes, struct vb_error *err) VB_WARN_UNUSED;

/* "1777": octal, at most 7777. */
int vb_value_mode(const char *text, unsigned int *ret_mode, struct vb_error *err) VB_WARN_UNUSED;

/* A tmpfs with the defaults (64Mi, 1777) at this path, cleaned; the caller frees ret->path. */
int vb_value_tmpfs_path(
	const char *path, struct vb_tmpfs *ret_tmpfs, struct vb_error *err) VB_WARN_UNUSED;

/* Whether the clean path is the root, or in the kernel's own trees /proc, /sys and /dev. */
bool vb_tmpfs_path_is_forbidden(const char *path);

/* "/tmp,/var/log/app:size=16Mi:mode=1777:noexec", added to the list. */
int vb_value_tmpfs(
	const char *text, struct vb_tmpfs_list *list, struct vb_error *err) VB_WARN_UNUSED;

/*
 * Adds one entry to an allowlist, and marks the list as set. The readers of whole texts take
 * commas between entries; the text "none" alone is a list that denies everything.
 */
int vb_value_exec_entry(
	const char *entry, struct vb_allowlist *list, struct vb_error *err) VB_WARN_UNUSED;
int vb_value_dlopen_entry(
	const char *entry, struct vb_allowlist *list, struct vb_error *err) VB_WARN_UNUSED;
int vb_value_connect_entry(
	const char *entry, struct vb_allowlist *list, struct vb_error *err) VB_WARN_UNUSED;
int vb_value_exec_list(
	const char *text, struct vb_allowlist *list, struct vb_error *err) VB_WARN_UNUSED;
int vb_value_connect_list(
	const char *text, struct vb_allowlist *list, struct vb_error *err) VB_WARN_UNUSED;

/* "name" or "name@sha256:<64 hex>"; the caller frees both, *ret_digest is NULL without a pin. */
int vb_value_bundle(
	const char *text, char **ret_name, char **ret_digest, struct vb_error *err) VB_WARN_UNUSED;

void vb_allowlist_finish(struct vb_allowlist *list);

#endif
