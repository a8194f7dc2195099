/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_SRC_CONNECT_MEET_H
#define VB_ADJUST_SRC_CONNECT_MEET_H

#include "vb/base/cleanup.h"
#include "vb/base/error.h"
#include "vb/base/str.h"

/*
 * Two connect lists against each other. Networks contain each other or have nothing in common, so
 * one walk along both, sorted, sees all pairs that do; it takes n log n where a search took n
 * squared, and lists have thousands of entries.
 */

/*
 * The first entry of inner (in its order) that no single entry of outer covers; *ret_entry is left
 * alone when there is none. -ENOMEM, or what vb_connect_parse() says.
 */
int vb_connect_find_uncovered(const struct vb_strv *outer, const struct vb_strv *inner,
	const char **ret_entry, struct vb_error *err) VB_WARN_UNUSED;

/*
 * Adds to the list what both let pass, sorted. -E2BIG when that has more than VB_VALUE_LIST_MAX
 * entries, -ENOMEM, or what vb_connect_parse() says.
 */
int vb_connect_intersect(const struct vb_strv *a, const struct vb_strv *b,
	struct vb_strv *ret_entries, struct vb_error *err) VB_WARN_UNUSED;

#endif
