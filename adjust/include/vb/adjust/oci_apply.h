/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_OCI_APPLY_H
#define VB_ADJUST_OCI_APPLY_H

#include <jansson.h>
#include <stdint.h>

#include "vb/adjust/custom_profile.h"
#include "vb/adjust/oci_features.h"
#include "vb/adjust/plan.h"
#include "vb/adjust/profile.h"
#include "vb/adjust/receipt.h"
#include "vb/base/error.h"

/*
 * The OCI renderer: writes those layers of a plan that NRI cannot carry into a container's
 * config.json (runtime specification 1.0 to 1.2) as oci_text.h reads it. Every edit only tightens,
 * so applying a plan twice is the same as once.
 */

/* A limit as the runtime's processes inherit it. -EINVAL for a name that Linux does not have. */
typedef int (*vb_oci_limit_fn)(const char *type, uint64_t *ret_soft, uint64_t *ret_hard);

/*
 * Remembers what linux.seccomp became, by a digest of everything that went into it: a meet and its
 * self-check take milliseconds, and most containers of a node have the same profile. Whoever
 * provides it answers for its content: a recalled text is not checked again.
 */
struct vb_oci_memory {
	/* The JSON text kept for the key, which the caller frees; NULL when there is none. */
	char *(*recall)(void *context, const char *key);
	void (*keep)(void *context, const char *key, const char *text);
	void *context;
};

#define VB_OCI_LAYERS_ALL ((1U << VB_LAYER_COUNT) - 1)

struct vb_oci_edit {
	const struct vb_plan *plan;
	unsigned int layers; /* 1U << enum vb_layer: those to write */
	uint32_t native;     /* the node's architecture as in profile.h, or VB_PROFILE_NATIVE */
	struct vb_kernel_version kernel; /* of the node; for profiles in Docker's format */
	vb_oci_limit_fn inherited_limit;
	/* Of the runtime, where vb_oci_features_matter(); NULL: it did not tell. */
	const struct vb_oci_features *features;
	const struct vb_oci_memory *memory; /* NULL: remember nothing */
	/*
	 * linux.seccomp where it is apart from the tree (oci_document.h), before and after the
	 * edit; NULL: the tree has it and keeps it.
	 */
	char **seccomp;
};

/*
 * Edits the document in place; on failure it is half-edited and must be thrown away. Fills the
 * receipt's capability sets, no_new_privileges, writable_mounts and, except for what was inherited,
 * speculation. Refuses with ErrConflict, ErrProfileInvalid or ErrUnsupportedByRuntime; -EINVAL for
 * a document that is not an OCI configuration, -ENOMEM.
 */
int vb_oci_apply(json_t *spec, const struct vb_oci_edit *edit, struct vb_receipt *receipt,
	struct vb_error *err) VB_WARN_UNUSED;

#endif
