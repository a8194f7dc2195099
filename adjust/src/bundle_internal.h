/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_BUNDLE_INTERNAL_H
#define VB_ADJUST_BUNDLE_INTERNAL_H

#include "vb/adjust/bundle.h"
#include "vb/adjust/json.h"

/* A manifest being read, to its first problem or, with a function that takes them, to its end. */
struct vb_bundle_reader {
	struct vb_bundle *bundle;
	vb_bundle_problem_fn report; /* NULL: the first problem ends the reading */
	void *context;
	size_t problems; /* that were reported */
};

/*
 * Goes behind every step that may find a problem: r is its result, the format the place of what it
 * has looked at. Reported, the problem is no failure any more, and 0 is returned.
 */
int vb_bundle_settle(struct vb_bundle_reader *reader, int r, struct vb_error *err,
	const char *format, ...) __attribute__((format(printf, 4, 5))) VB_WARN_UNUSED;

/* Reads the manifest's `hardening` object (schema 1.6) into the bundle. */
int vb_bundle_parse_hardening(const json_t *hardening, struct vb_bundle_reader *reader,
	struct vb_error *err) VB_WARN_UNUSED;

/* Every key of the object must be in the NULL-terminated list. */
int vb_bundle_check_keys(struct vb_bundle_reader *reader, const json_t *object, const char *where,
	const char *const *known, struct vb_error *err) VB_WARN_UNUSED;

/* An array of strings in a manifest, and what takes each of them. */
struct vb_bundle_array {
	const json_t *object;
	const char *where; /* which object it is: "hardening.preload" */
	const char *key;
	int (*add)(void *context, const char *text, struct vb_error *err);
	void *context;
};

/* Hands on the strings of the array, if it is there. */
int vb_bundle_read_array(struct vb_bundle_reader *reader, const struct vb_bundle_array *array,
	struct vb_error *err) VB_WARN_UNUSED;

/* Adds the strings of object.key to the list with a reader of values.h. */
typedef int (*vb_bundle_add_fn)(const char *entry, struct vb_allowlist *list, struct vb_error *err);
struct vb_bundle_list {
	const json_t *object;
	const char *where;
	const char *key;
	vb_bundle_add_fn add;
	struct vb_allowlist *list;
};
int vb_bundle_read_list(struct vb_bundle_reader *reader, const struct vb_bundle_list *list,
	struct vb_error *err) VB_WARN_UNUSED;

#endif
