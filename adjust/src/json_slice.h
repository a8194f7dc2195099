/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_JSON_SLICE_H
#define VB_ADJUST_JSON_SLICE_H

#include <stdbool.h>
#include <stddef.h>

#include "vb/base/cleanup.h"

/*
 * Finds a member in a JSON text without making a tree of all of it: config.json has ten kilobytes
 * of which START looks at a few hundred bytes. Private to the library.
 */
struct vb_json_slice {
	const char *text;
	size_t size;
};

/*
 * The value behind a key of the object that the slice is. Returns 1 when found, 0 when there is no
 * such key. -EINVAL when the slice is no object, the key occurs twice, nesting is over 64, or what
 * has to be passed over is not JSON; values are passed over by their brackets and quotes, so some
 * malformed ones are. A key that is written with escapes is not found.
 */
int vb_json_slice_get(const struct vb_json_slice *object, const char *key,
	struct vb_json_slice *ret_value) VB_WARN_UNUSED;

/*
 * The same for an element of the array that the slice is: 1, 0 when it has fewer, -EINVAL when the
 * slice is not an array or something before the element is not JSON.
 */
int vb_json_slice_item(const struct vb_json_slice *array, size_t index,
	struct vb_json_slice *ret_value) VB_WARN_UNUSED;

#endif
