/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_OCI_CHECK_H
#define VB_ADJUST_OCI_CHECK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "vb/adjust/oci_program.h"
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

/* A regular file of the host, open for reading. */
struct vb_oci_file {
	int handle; /* means something to whoever opened it */
	unsigned int mode;
	unsigned int uid;
	unsigned int gid;
	bool has_capabilities; /* the extended attribute security.capability */
};

/* How the checks see the file system; the paths are the host's. */
struct vb_oci_view {
	const char *rootfs; /* where the root filesystem is mounted while `create` runs */
	vb_oci_readlink_fn read_link;
	/* -EACCES for what is no regular file, without touching it; or what open(2) says. */
	int (*open_file)(const char *path, struct vb_oci_file *ret_file);
	vb_oci_program_read_fn read_file; /* its context is the struct vb_oci_file */
	void (*close_file)(struct vb_oci_file *file);
};

/*
 * Compares the document with the plan whose digest this is: the digest's annotation, every
 * variable, every mount as the last one at its place. Places are compared after following the
 * symbolic links of the root filesystem, and of the volumes mounted before, the way the runtime
 * will. Refuses with ErrPlanMismatch or ErrConflict, the latter naming the volume in the way;
 * -EINVAL for a document that is no OCI configuration, -ENOMEM.
 *
 * With preload in the plan, *ret_verdict says whether the shim covers the first program: "covered"
 * or "not covered: <why>"; the caller frees it. Otherwise it is NULL. preload.require refuses what
 * is not covered with ErrPreloadUncovered.
 */
int vb_oci_check(json_t *spec, const struct vb_plan *plan, const char *digest,
	const struct vb_oci_view *view, char **ret_verdict, struct vb_error *err) VB_WARN_UNUSED;

/* Whether the document carries an annotation under vambrace.dev. */
bool vb_oci_has_annotation_of_ours(const json_t *spec);

/* The value of an annotation, borrowed; NULL when there is none. */
const char *vb_oci_annotation(const json_t *spec, const char *key);

#endif
