/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_CLI_DERIVE_H
#define VB_PLUGIN_CLI_DERIVE_H

#include <jansson.h>

#include "vb/adjust/derive.h"
#include "vb/base/buf.h"

/* The parts of `vambrace derive`: reading logs, and showing what came out. */

struct vb_derive_report {
	enum vb_derive_list list;
	const struct vb_strv *logs; /* as errors call them */
	const struct vb_derived *derived;
	const char *manifest;                  /* that was updated; NULL: none */
	const struct vb_derive_update *update; /* what became of it */
};

/*
 * What a person has to know beside the list, one line each: what is missing from it, and why.
 * 0, -ENOMEM or -ENOSPC.
 */
int vb_derive_notes(const struct vb_derive_report *report, struct vb_buf *out) VB_WARN_UNUSED;

/* All of it (docs/derive.schema.json). A new reference; NULL when out of memory. */
json_t *vb_derive_to_json(const struct vb_derive_report *report) VB_WARN_UNUSED;

#endif
