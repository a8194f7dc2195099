/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_DECIDE_INTERNAL_H
#define VB_ADJUST_DECIDE_INTERNAL_H

#include "vb/adjust/decide.h"

/* A bundle that has a say. */
struct vb_side {
	enum vb_source source;
	const char *kind; /* "floor" or "bundle", for messages */
	const struct vb_bundle *bundle;
	const struct vb_custom_profile *profile; /* the file of its profile, where that is one */
};

/* The inputs of one decision, so that its steps need not pass them all on. */
struct vb_decision {
	const struct vb_subject *subject;
	const struct vb_request *request;
	const struct vb_supply *supply;
	const struct vb_config *config;
	const struct vb_rule *rule;
	struct vb_side sides[2]; /* the floor first; both may be the same bundle */
	size_t side_count;
};

/* Adds the bundle, unless it is NULL. */
void vb_decision_add_side(struct vb_decision *decision, enum vb_source source, const char *kind,
	const struct vb_bundle *bundle, const struct vb_custom_profile *profile);

/* "bundle 'arm'"; for no side, the annotation's key. */
struct vb_who {
	char text[80];
};

struct vb_who vb_side_who(const struct vb_side *side, const char *annotation);

/* Decides the seccomp layer, and derives the parts of it that other layers bring. */
int vb_decide_seccomp(const struct vb_decision *decision, struct vb_plan *plan,
	struct vb_error *err) VB_WARN_UNUSED;
void vb_derive_seccomp(const struct vb_decision *decision, struct vb_plan *plan);

/* Decides the tmpfs layer, and derives the plan's mounts from tmpfs and preload. */
int vb_decide_tmpfs(const struct vb_decision *decision, struct vb_plan *plan,
	struct vb_error *err) VB_WARN_UNUSED;
int vb_decide_mounts(const struct vb_decision *decision, struct vb_plan *plan,
	struct vb_error *err) VB_WARN_UNUSED;

/* Decides the preload layer, and derives the plan's environment from it. */
int vb_decide_preload(const struct vb_decision *decision, struct vb_plan *plan,
	struct vb_error *err) VB_WARN_UNUSED;
int vb_decide_env(const struct vb_decision *decision, struct vb_plan *plan,
	struct vb_error *err) VB_WARN_UNUSED;

#endif
