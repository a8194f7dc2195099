/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_BUNDLE_INTERNAL_H
#define VB_ADJUST_BUNDLE_INTERNAL_H

#include "vb/adjust/bundle.h"
#include "vb/adjust/json.h"

/* Reads the manifest's `hardening` object (schema 1.6) into the bundle. */
int vb_bundle_parse_hardening(
	const json_t *hardening, struct vb_bundle *bundle, struct vb_error *err) VB_WARN_UNUSED;

/* Adds the strings of object.key to the list with a reader of values.h. */
int vb_bundle_read_list(const json_t *object, const char *where, const char *key,
	int (*add)(const char *, struct vb_allowlist *, struct vb_error *),
	struct vb_allowlist *list, struct vb_error *err) VB_WARN_UNUSED;

#endif
