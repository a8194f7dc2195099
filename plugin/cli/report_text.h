/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_CLI_REPORT_TEXT_H
#define VB_PLUGIN_CLI_REPORT_TEXT_H

#include <jansson.h>

#include "vb/base/buf.h"

/*
 * Reports for people. The texts may hold what a pod's author or a workload wrote, and are scrubbed
 * (utf8.h). Each takes its text, NULL for one that could not be made. 0, -ENOMEM or -ENOSPC.
 */
int vb_report_paragraph_take(struct vb_buf *out, unsigned int indent, char *text) VB_WARN_UNUSED;
int vb_report_field_take(
	struct vb_buf *out, unsigned int indent, const char *name, char *text) VB_WARN_UNUSED;

/* The text of a member; "?" when there is none. */
const char *vb_report_text_of(const json_t *object, const char *key);

/* "2026-11-29 01:43:53Z": to the second, which is what people look for. The caller frees it. */
char *vb_report_time_of(const json_t *object, const char *key) VB_WARN_UNUSED;

#endif
