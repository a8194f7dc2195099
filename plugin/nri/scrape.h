/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_SCRAPE_H
#define VB_PLUGIN_NRI_SCRAPE_H

#include "report.h"
#include "vb/base/buf.h"

/*
 * Everything that is counted, as it is now, appended as text. On the loop's thread: nothing is
 * waited for. Errnos of vb_metrics_render().
 */
int vb_scrape(const struct vb_reporter *reporter, struct vb_buf *text) VB_WARN_UNUSED;

#endif
