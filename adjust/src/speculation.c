/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/speculation.h"

#include <linux/prctl.h>

#include "vb/adjust/profile.h"

const char *vb_spec_effect_name(enum vb_spec_effect effect)
{
	static const char *const names[] = {
		[VB_SPEC_EFFECT_UNKNOWN] = "unknown",
		[VB_SPEC_EFFECT_MATTERS] = "matters",
		[VB_SPEC_EFFECT_NONE] = "no-effect",
		[VB_SPEC_EFFECT_FORCED] = "already-forced",
	};

	return names[effect];
}

const char *vb_spec_state_name(enum vb_spec_state state)
{
	static const char *const names[] = {
		[VB_SPEC_STATE_UNKNOWN] = "unknown",
		[VB_SPEC_STATE_ALLOW] = "allow",
		[VB_SPEC_STATE_MITIGATE] = "mitigate",
	};

	return names[state];
}

static bool is_forced(int control)
{
	return control >= 0 && ((unsigned int)control & PR_SPEC_FORCE_DISABLE) != 0;
}

bool vb_speculation_is_forced(const struct vb_speculation *state)
{
	return is_forced(state->store_bypass) || is_forced(state->indirect_branch);
}

enum vb_spec_effect vb_speculation_effect(
	const struct vb_speculation_probe *probe, const struct vb_speculation *inherited)
{
	if (inherited == NULL && probe != NULL)
		inherited = &probe->before;
	if (inherited != NULL && vb_speculation_is_forced(inherited))
		return VB_SPEC_EFFECT_FORCED;
	if (probe == NULL)
		return VB_SPEC_EFFECT_UNKNOWN;
	if (vb_speculation_is_forced(&probe->before) ||
		probe->plain.store_bypass != probe->allowed.store_bypass ||
		probe->plain.indirect_branch != probe->allowed.indirect_branch)
		return VB_SPEC_EFFECT_MATTERS;
	return VB_SPEC_EFFECT_NONE;
}

bool vb_speculation_newly_forces(enum vb_spec_effect effect, const struct vb_oci_features *features)
{
	return effect == VB_SPEC_EFFECT_MATTERS && features->is_known &&
	       !features->allows_by_default && (features->flags & VB_PROFILE_FLAG_SPEC_ALLOW) == 0;
}
