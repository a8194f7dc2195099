/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_REPORT_H
#define VB_PLUGIN_NRI_REPORT_H

#include "log.h"
#include "vb/adjust/outcome.h"
#include "vb/proto/nri.h"

/* The log lines about containers. */

/* request NULL: it could not be read. */
void vb_report_refusal(
	struct vb_log *log, const struct vb_nri_request *request, const char *refusal);

/* A bundle on disk no longer parses, so the container got its last good version. */
void vb_report_bundle_warning(
	struct vb_log *log, const struct vb_nri_request *request, const char *warning);

void vb_report_outcome(struct vb_log *log, const struct vb_outcome *outcome);

/* Whether a layer can still change, because it shows only after exec. */
bool vb_report_is_open(const struct vb_outcome *outcome);

#endif
