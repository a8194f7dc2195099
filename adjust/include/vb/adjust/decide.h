/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_DECIDE_H
#define VB_ADJUST_DECIDE_H

#include "vb/adjust/bundle.h"
#include "vb/adjust/config.h"
#include "vb/adjust/custom_profile.h"
#include "vb/adjust/plan.h"
#include "vb/adjust/request.h"

/*
 * The decision: request (annotations) + bundle and profiles + node config + what is known of the
 * container become a plan, or a refusal. Nothing here reads a file, a clock or the environment.
 */

/* A mount that the container has before we touch it. */
struct vb_subject_mount {
	const char *destination;
	const char *type;
	const char *source;
	bool read_only;
};

/* The container as the runtime describes it. Everything is borrowed. */
struct vb_subject {
	const char *namespace_name;
	const char *pod;
	const char *container;
	const char *handler;    /* "" is the node's default */
	const char *const *env; /* "NAME=value" */
	size_t env_count;
	const struct vb_subject_mount *mounts;
	size_t mount_count;
	bool shim_installed; /* VB_SHIM_HOST_PATH is a file */
};

/* What request and config name, loaded beforehand (supply.h); NULL where they name none. */
struct vb_supply {
	const struct vb_bundle *bundle; /* the pod's own, or the rule's default */
	const struct vb_bundle *floor;
	struct vb_custom_profile *bundled_profile;
	struct vb_custom_profile *floor_profile;
	struct vb_custom_profile *annotated_profile;
};

/*
 * *ret_plan is NULL when the container is to be left alone (no handler of ours, nothing asked, and
 * neither default nor floor for its namespace). Refuses with the codes of docs/contracts.md;
 * -ENOMEM.
 */
int vb_plan_decide(const struct vb_subject *subject, const struct vb_request *request,
	const struct vb_supply *supply, const struct vb_config *config, struct vb_plan **ret_plan,
	struct vb_error *err) VB_WARN_UNUSED;

#endif
