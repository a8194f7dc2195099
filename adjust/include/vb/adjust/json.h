/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_JSON_H
#define VB_ADJUST_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "vb/base/cleanup.h"
#include "vb/base/error.h"
#include "vb/base/str.h"

/*
 * Strict reading of JSON objects: each getter fails with -EINVAL and a text that names the key
 * when the type is wrong; where says which object it is ("hardening.seccomp"). An absent key leaves
 * the output as it was and is no error.
 */

static inline void vb_cleanup_json(json_t *const *json)
{
	json_decref(*json);
}
#define vb_auto_json vb_auto(vb_cleanup_json)

/* Parses a whole text; duplicate keys and nesting over max_depth are errors. -EINVAL, -ENOMEM. */
int vb_json_parse(const char *text, size_t size, unsigned int max_depth, json_t **ret_json,
	struct vb_error *err) VB_WARN_UNUSED;

/* Whether a text nests no deeper; what else it is does not matter. -EINVAL. */
int vb_json_check_depth(
	const char *text, size_t size, unsigned int max_depth, struct vb_error *err) VB_WARN_UNUSED;

/*
 * How many values a text has at the most, each of which may cost a hundred times its bytes in
 * memory: commas and brackets in strings count too, where they have no business.
 */
size_t vb_json_count_values(const char *text, size_t size);

/*
 * json_loadb(3), but telling -ENOMEM from -EINVAL: jansson takes a failing allocation for an error
 * in the text. ret_error may be NULL.
 */
int vb_json_load(const char *text, size_t size, size_t flags, json_t **ret_json,
	json_error_t *ret_error) VB_WARN_UNUSED;

/*
 * The text of a tree, with flags of json_dumps(3); the caller frees it. NULL when out of memory:
 * json_dumps() itself may then return a text that lacks a key (jansson 2.14).
 */
char *vb_json_dump(const json_t *json, size_t flags) VB_WARN_UNUSED;

/* Fails when the key is not in the NULL-terminated list, naming the nearest one. */
int vb_json_check_key(const char *key, const char *where, const char *const *known,
	struct vb_error *err) VB_WARN_UNUSED;

/* The same for all keys of an object: the first that is not in the list. */
int vb_json_check_keys(const json_t *object, const char *where, const char *const *known,
	struct vb_error *err) VB_WARN_UNUSED;

/* The nearest of the NULL-terminated names, for "did you mean". */
const char *vb_json_nearest(const char *name, const char *const *known);

int vb_json_get_string(const json_t *object, const char *where, const char *key,
	const char **ret_text, struct vb_error *err) VB_WARN_UNUSED;
int vb_json_get_bool(const json_t *object, const char *where, const char *key, bool *ret_value,
	struct vb_error *err) VB_WARN_UNUSED;
/* The object or array behind the key is borrowed; NULL stays when it is absent. */
int vb_json_get_object(const json_t *object, const char *where, const char *key,
	const json_t **ret_object, struct vb_error *err) VB_WARN_UNUSED;
int vb_json_get_array(const json_t *object, const char *where, const char *key,
	const json_t **ret_array, struct vb_error *err) VB_WARN_UNUSED;
/* Adds the strings of an array to the list. */
int vb_json_get_strings(const json_t *object, const char *where, const char *key,
	struct vb_strv *strings, struct vb_error *err) VB_WARN_UNUSED;

#endif
