/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_SUPPLY_H
#define VB_ADJUST_SUPPLY_H

#include "vb/adjust/bundle_store.h"
#include "vb/adjust/decide.h"
#include "vb/adjust/profile_store.h"

/* Gathers what a decision needs from the node's disk, so that deciding itself reads nothing. */

/* Where it comes from. Borrowed. */
struct vb_stores {
	struct vb_bundle_store *bundles;
	struct vb_profile_store *profiles;
};

/* Whose decision it is. */
struct vb_supply_question {
	const char *namespace_name;
	const struct vb_request *request;
};

/* What counts for one container; NULL: none. Borrowed from request and config. */
struct vb_bundle_choice {
	const char *bundle; /* the pod's, or the default of the rule for its namespace */
	const char *bundle_digest;
	const char *floor;
	const char *floor_digest;
};

/* Refuses with ErrNotPermitted when the pod names a bundle that the rule does not permit. */
int vb_supply_choose(const struct vb_config *config, const struct vb_supply_question *question,
	struct vb_bundle_choice *ret_choice, struct vb_error *err) VB_WARN_UNUSED;

/* Whose wish a bundle is. */
enum vb_bundle_role {
	VB_BUNDLE_OF_POD = 1 << 0, /* the pod names it */
	VB_BUNDLE_DEFAULT = 1 << 1,
	VB_BUNDLE_FLOOR = 1 << 2,
};

/* A bundle that was looked up. */
struct vb_bundle_note {
	char *name;
	unsigned int roles;      /* enum vb_bundle_role */
	struct vb_strv warnings; /* each file of it that no longer parses */
};

/* What a gathering worked around: the last good version of each such file is used. */
struct vb_supply_notes {
	struct vb_bundle_note bundles[2]; /* of different names */
	size_t bundle_count;
	struct vb_strv profile_warnings; /* of profiles that are named by their paths */
};

void vb_supply_notes_finish(struct vb_supply_notes *notes);
#define vb_auto_supply_notes vb_auto(vb_supply_notes_finish)

/* All warnings, added to the list. 0 or -ENOMEM. */
int vb_supply_notes_list(const struct vb_supply_notes *notes, struct vb_strv *list) VB_WARN_UNUSED;

/*
 * The bundles chosen, and the seccomp profiles that they and the request name. Bundles stay the
 * store's and are good until it is asked for others; finish *ret_supply. notes, which may be NULL,
 * is added to, also when the gathering fails, and is to be finished; out of memory, it may lack
 * something. Refuses with the codes of the stores, saying who named the profile, or
 * ErrNotPermitted; -ENOMEM.
 */
int vb_supply_gather(const struct vb_stores *stores, const struct vb_config *config,
	const struct vb_supply_question *question, struct vb_supply_notes *notes,
	struct vb_supply *ret_supply, struct vb_error *err) VB_WARN_UNUSED;

void vb_supply_finish(struct vb_supply *supply);
#define vb_auto_supply vb_auto(vb_supply_finish)

#endif
