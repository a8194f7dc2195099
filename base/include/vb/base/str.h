/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_BASE_STR_H
#define VB_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

#include "vb/base/cleanup.h"

/* A growing list of strings that it owns. Zero-initialised is empty. */
struct vb_strv {
	char **items;
	size_t count;
};

void vb_strv_finish(struct vb_strv *strv);
#define vb_auto_strv vb_auto(vb_strv_finish)

/* Each copies the text and returns 0 or -ENOMEM. */
int vb_strv_add(struct vb_strv *strv, const char *text) VB_WARN_UNUSED;
int vb_strv_add_n(struct vb_strv *strv, const char *text, size_t length) VB_WARN_UNUSED;
int vb_strv_copy(struct vb_strv *strv, const struct vb_strv *from) VB_WARN_UNUSED;

/* Whether both hold the same texts in the same order. */
bool vb_strv_equal(const struct vb_strv *a, const struct vb_strv *b);

bool vb_strv_contains(const struct vb_strv *strv, const char *text);

/* Sorts by byte value and drops repetitions. */
void vb_strv_sort_unique(struct vb_strv *strv);

/* The items with the separator between them; the caller frees it. NULL when out of memory. */
char *vb_strv_join(const struct vb_strv *strv, char separator) VB_WARN_UNUSED;

/* Like strcmp() == 0, where NULL equals only NULL. */
bool vb_str_equal(const char *a, const char *b);

/* The text behind the prefix, or NULL when it does not start with it. */
const char *vb_str_after(const char *text, const char *prefix);

/* snprintf() into new memory; NULL when out of memory. */
char *vb_str_format(const char *format, ...) __attribute__((format(printf, 1, 2))) VB_WARN_UNUSED;

/* Edit distance (Levenshtein), for "did you mean". Texts over 63 bytes count as far apart. */
size_t vb_str_distance(const char *a, const char *b);

/*
 * Cleans an absolute path lexically: no empty, `.` or `..` component, no trailing slash. Symbolic
 * links are not looked at. -EINVAL when it is not absolute, -ENOMEM.
 */
int vb_path_clean(const char *path, char **ret_path) VB_WARN_UNUSED;

/*
 * What stands in front of a path's last slash, "/" when that is the only one, "." without any. The
 * caller frees it; NULL when out of memory.
 */
char *vb_path_parent(const char *path) VB_WARN_UNUSED;

/* Whether path is dir or lies below it; both clean and absolute. */
bool vb_path_is_within(const char *path, const char *dir);

#endif
