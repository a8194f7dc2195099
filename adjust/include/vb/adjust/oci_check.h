/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_OCI_CHECK_H
#define VB_ADJUST_OCI_CHECK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "vb/adjust/plan.h"
#include "vb/base/error.h"

/*
 * Whether config.json has all that NRI should have brought: a reply that came too late, a plugin
 * behind ours that takes things away, or a volume over our mounts would otherwise start a container
 * that looks hardened.
 */

/*
 * Reads a symbolic link of the host, given by a path whose directories are no links, into
 * ret_target with a NUL. Returns its length; -EINVAL for what is no link, -ENOENT, -ENOTDIR, or
 * what else readlink(2) says; -ENAMETOOLONG when it does not fit.
 */
typedef int (*vb_oci_readlink_fn)(const char *path, char *ret_target, size_t size);

struct vb_oci_view {
	const char *rootfs; /* where the root filesystem is mounted while `create` runs */
	vb_oci_readlink_fn read_link;
};

/*
 * Compares the document with the plan whose digest this is: the digest's annotation, every
 * variable, every mount as the last one at its place. Places are compared after following the
 * symbolic links of the root filesystem, and of the volumes mounted before, the way the runtime
 * will. Refuses with ErrPlanMismatch or ErrConflict, the latter naming the volume in the way;
 * -EINVAL for a document that is no OCI configuration, -ENOMEM.
 */
int vb_oci_check(json_t *spec, const struct vb_plan *plan, const char *digest,
	const struct vb_oci_view *view, struct vb_error *err) VB_WARN_UNUSED;

/* Whether the document carries an annotation under vambrace.dev. */
bool vb_oci_has_annotation_of_ours(const json_t *spec);

/* The value of an annotation, borrowed; NULL when there is none. */
const char *vb_oci_annotation(const json_t *spec, const char *key);

#endif
