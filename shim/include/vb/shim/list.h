/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_SHIM_LIST_H
#define VB_SHIM_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What reading a list brought to light. Start from zeros. */
struct vb_shim_review {
	/* Entries that were skipped as malformed, and the first of them inside the list. */
	uint32_t rejected;
	const char *first;
	size_t first_bytes;
	/*
	 * When not NULL: receives the list without them, NUL-terminated, "none" when nothing is
	 * left. Room for strlen(list) + 1, but not less than VB_SHIM_KEPT_BYTES_MIN.
	 */
	char *kept;
	size_t kept_bytes;
};

enum { VB_SHIM_KEPT_BYTES_MIN = sizeof("none") };

void vb_shim_review_accept(
	struct vb_shim_review *review, char separator, const char *entry, size_t bytes);
void vb_shim_review_reject(struct vb_shim_review *review, const char *entry, size_t bytes);
void vb_shim_review_finish(struct vb_shim_review *review);

/* The token that, alone, makes a list that denies everything. */
bool vb_shim_list_is_none(const char *list);

/* How many entries, empty ones included, a list with this separator has. */
size_t vb_shim_list_count(const char *list, char separator);

/*
 * Walks a list: *position starts at the list and moves on; false at the end. The entry is not
 * NUL-terminated and may be empty.
 */
bool vb_shim_list_next(
	const char **position, char separator, const char **ret_entry, size_t *ret_bytes);

/* The size of an open-addressing table that stays at most half full: a power of two. */
uint32_t vb_shim_list_slots(size_t entries);

#endif
