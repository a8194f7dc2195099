/* SPDX-License-Identifier: Apache-2.0 */
#include "scrape.h"

int vb_scrape(const struct vb_reporter *reporter, struct vb_buf *text)
{
	const struct vb_auditor_state *audit = vb_auditor_get_state(reporter->audit);
	struct vb_metrics *metrics = reporter->metrics;

	for (enum vb_level level = 0; level < VB_LEVELS; level++)
		metrics->containers[level] = vb_levels_count(reporter->levels, level);
	metrics->bundle_problems = vb_status_count_bundles(reporter->status);
	metrics->audit = audit->counters;
	metrics->has_audit_problem = audit->problem[0] != '\0';
	vb_process_measure(&metrics->process);
	return vb_metrics_render(metrics, text);
}
