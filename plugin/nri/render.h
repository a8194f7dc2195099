/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_RENDER_H
#define VB_PLUGIN_NRI_RENDER_H

#include <stddef.h>

#include "vb/adjust/plan.h"
#include "vb/proto/arena.h"
#include "vb/proto/nri.h"

/*
 * The plan as an NRI adjustment: the digest annotation, the plan's env and its mounts, and nothing
 * else. Pure. The result lives in the arena and borrows from the plan and the digest. -ENOMEM.
 */
int vb_render_adjustment(struct vb_arena *arena, const struct vb_plan *plan,
	const char *plan_digest, struct vb_nri_adjustment *ret_adjustment,
	struct vb_error *err) VB_WARN_UNUSED;

/*
 * Whether the adjustment that all plugins made together still holds ours: the annotation, each env
 * value, each mount as it was and with no other one at its destination. -ENOENT with what is
 * missing, -ENOMEM.
 */
int vb_render_verify(const struct vb_nri_adjustment *final, const struct vb_plan *plan,
	const char *plan_digest, struct vb_error *err) VB_WARN_UNUSED;

#endif
