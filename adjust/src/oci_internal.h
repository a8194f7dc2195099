/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_OCI_INTERNAL_H
#define VB_ADJUST_OCI_INTERNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "vb/adjust/oci_apply.h"
#include "vb/adjust/receipt.h"
#include "vb/adjust/speculation.h"
#include "vb/base/error.h"

/* What the parts of the OCI renderer share; not for other modules. */

/*
 * The object or array behind a key of an OCI document, borrowed. NULL when absent or null (Go
 * writes null for a nil list). -EINVAL for another type; where names the parent in the message.
 */
int vb_oci_get_object(json_t *parent, const char *where, const char *key, json_t **ret_object,
	struct vb_error *err) VB_WARN_UNUSED;
int vb_oci_get_array(json_t *parent, const char *where, const char *key, json_t **ret_array,
	struct vb_error *err) VB_WARN_UNUSED;

/* The same, with an empty one added where there is none. -ENOMEM too. */
int vb_oci_need_object(json_t *parent, const char *where, const char *key, json_t **ret_object,
	struct vb_error *err) VB_WARN_UNUSED;
int vb_oci_need_array(json_t *parent, const char *where, const char *key, json_t **ret_array,
	struct vb_error *err) VB_WARN_UNUSED;

/*
 * Refuses keys that a runtime could take for another one that is read or written here. A document
 * of another shape passes. -EINVAL.
 */
int vb_oci_names_check(json_t *spec, struct vb_error *err) VB_WARN_UNUSED;
int vb_oci_names_check_process(json_t *process, struct vb_error *err) VB_WARN_UNUSED;

/* The lists of process.capabilities, each a set of caps.h. */
enum vb_oci_cap_set {
	VB_OCI_CAP_BOUNDING,
	VB_OCI_CAP_EFFECTIVE,
	VB_OCI_CAP_INHERITABLE,
	VB_OCI_CAP_PERMITTED,
	VB_OCI_CAP_AMBIENT,
	VB_OCI_CAP_SETS,
};

struct vb_oci_caps {
	uint64_t sets[VB_OCI_CAP_SETS];
};

/*
 * Keeps of each list what the set of that kind has, and of the ambient list what is permitted and
 * inheritable (capabilities(7)). Names that Linux does not have go. *ret_caps is what stays; an
 * absent object grants nothing and stays absent.
 */
int vb_oci_caps_keep(json_t *process, const struct vb_oci_caps *keep, struct vb_oci_caps *ret_caps,
	struct vb_error *err) VB_WARN_UNUSED;

/* The sets as they are, without a change. Unknown names are left out. */
int vb_oci_caps_read(
	json_t *process, struct vb_oci_caps *ret_caps, struct vb_error *err) VB_WARN_UNUSED;

/* Writes process.capabilities anew. */
int vb_oci_caps_write(
	json_t *process, const struct vb_oci_caps *caps, struct vb_error *err) VB_WARN_UNUSED;

/*
 * Lowers process.rlimits to those of the list; a limit that is not there is written as the lower
 * of the list's and the inherited one. -EINVAL for entries that are no rlimits.
 */
int vb_oci_rlimits_lower(json_t *process, const struct vb_rlimit_list *rlimits,
	vb_oci_limit_fn inherited, struct vb_error *err) VB_WARN_UNUSED;

/* Whether the process has each planned variable once and unchanged; else ErrPlanMismatch. */
int vb_oci_env_check(
	json_t *process, const struct vb_plan *plan, struct vb_error *err) VB_WARN_UNUSED;

/* A mount's destination, cleaned; relative ones are taken from the root. The caller frees it. */
int vb_oci_mount_destination(
	json_t *mount, char **ret_destination, struct vb_error *err) VB_WARN_UNUSED;

/* Whether the mount's options have the word. */
bool vb_oci_mount_has(json_t *mount, const char *option);
bool vb_oci_mount_is_bind(json_t *mount);

/*
 * The read-only root: root.readonly, the runtime's own files under /etc read-only, /dev and
 * /dev/shm noexec.
 */
int vb_oci_read_only_apply(json_t *spec, struct vb_error *err) VB_WARN_UNUSED;

/* Where a container can still write: destinations of the mounts that are not read-only. */
int vb_oci_writable_mounts(
	json_t *spec, struct vb_strv *ret_mounts, struct vb_error *err) VB_WARN_UNUSED;

/*
 * linux.seccomp: the meet of what is there with what the plan asks for; bounding is the container's
 * capability bounding set as it will be.
 */
int vb_oci_seccomp_apply(json_t *spec, const struct vb_oci_edit *edit, uint64_t bounding,
	struct vb_error *err) VB_WARN_UNUSED;

/*
 * The flags of seccomp(2) in the profile that the runtime gets: what the plan's spec_allow and log
 * ask for, and otherwise what leaves the container's speculation state as it would have been.
 * is_confined: it has a profile of its own. Refuses with ErrUnsupportedByRuntime or ErrConflict.
 */
int vb_oci_seccomp_flags_apply(const struct vb_oci_edit *edit, bool is_confined,
	struct vb_profile *profile, struct vb_error *err) VB_WARN_UNUSED;

/*
 * The flags of two profiles that are met, as in profile.h: one that has flags without SPEC_ALLOW
 * mitigates, one without the key has no say.
 */
int vb_oci_flags_meet(int base, int tighter);

/* Puts linux.seccomp into the tree where it is apart, and so reads all of it. */
int vb_oci_seccomp_unite(
	json_t *spec, const struct vb_oci_edit *edit, struct vb_error *err) VB_WARN_UNUSED;

/* What linux.seccomp, as it stands in the document, means for speculation. */
int vb_oci_speculation(const json_t *spec, const struct vb_oci_edit *edit,
	enum vb_spec_state *ret_state, struct vb_error *err) VB_WARN_UNUSED;

/*
 * The digest of all that the plan's edit of linux.seccomp depends on; seccomp is that object in the
 * tree, or NULL. One that is apart counts byte for byte. -ENOMEM, -ENOSPC.
 */
int vb_oci_memory_key(const struct vb_oci_edit *edit, uint64_t bounding, const json_t *seccomp,
	char ret_key[VB_DIGEST_SIZE]) VB_WARN_UNUSED;

/* The text kept for the key, of an object; the caller frees it. NULL when there is none. */
char *vb_oci_memory_recall(const struct vb_oci_edit *edit, const char *key) VB_WARN_UNUSED;
void vb_oci_memory_keep(const struct vb_oci_edit *edit, const char *key, const json_t *profile);

#endif
