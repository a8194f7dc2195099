/* SPDX-License-Identifier: Apache-2.0 */
#include "verdict.h"

#include "vb/adjust/plan.h"
#include "vb/adjust/request.h"

bool vb_verdict_covers(
	const struct vb_config *config, const char *namespace_name, const char *handler)
{
	const struct vb_rule *rule = vb_config_rule(config, namespace_name);

	return vb_config_has_handler(config, handler) || rule->default_bundle.name != NULL ||
	       rule->floor.name != NULL;
}

bool vb_verdict_concerns(const struct vb_config *config, const struct vb_nri_request *request)
{
	const struct vb_nri_pairs *annotations = &request->pod.annotations;

	if (vb_verdict_covers(config, request->pod.name_space, request->pod.runtime_handler))
		return true;
	for (size_t i = 0; i < annotations->count; i++)
		if (vb_annotation_is_ours(annotations->items[i].key))
			return true;
	return vb_nri_pairs_get(&request->container.annotations, VB_PLAN_DIGEST_ANNOTATION) != NULL;
}

static bool can_refuse(enum vb_nri_event event)
{
	return event == VB_NRI_EVENT_CREATE_CONTAINER || event == VB_NRI_EVENT_START_CONTAINER ||
	       event == VB_NRI_EVENT_VALIDATE_ADJUSTMENT || event == VB_NRI_EVENT_UNKNOWN;
}

enum vb_verdict vb_verdict_after(enum vb_nri_event event, int result)
{
	return result < 0 && can_refuse(event) ? VB_VERDICT_REFUSE : VB_VERDICT_ADMIT;
}

enum vb_unhardened vb_verdict_on_unhardened(
	const struct vb_config *config, const char *namespace_name)
{
	return vb_config_rule(config, namespace_name)->unhardened;
}
