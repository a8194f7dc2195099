/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_SHIM_SEARCH_H
#define VB_SHIM_SEARCH_H

#include <stdbool.h>

#include "vb/shim/list.h"

/* The candidates that execvp and posix_spawnp try for a file name, in order. */
struct vb_shim_search {
	const char *file;
	size_t file_bytes;
	/* What is left of PATH; NULL at the end. */
	const char *position;
	/* The file holds a slash: it is its only candidate. */
	bool direct;
};

/* The file holds a slash: nothing searches for it. */
bool vb_shim_search_is_direct(const char *file);

/*
 * search_path is PATH, or what libc takes when it is unset. -ENOENT for an empty file,
 * -ENAMETOOLONG for one of more than 255 bytes without a slash. The strings must stay.
 */
int vb_shim_search_start(struct vb_shim_search *search, const char *file, const char *search_path);

/*
 * Writes the next candidate, NUL-terminated, into out of VB_SHIM_PATH_MAX; false when there is
 * none. An empty element of PATH is the working directory; candidates that do not fit are skipped.
 */
bool vb_shim_search_next(struct vb_shim_search *search, char *out);

#endif
