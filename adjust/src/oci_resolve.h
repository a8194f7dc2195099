/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_OCI_RESOLVE_H
#define VB_ADJUST_OCI_RESOLVE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "vb/adjust/oci_check.h"
#include "vb/base/error.h"

/* The mounts of a config.json with their places in the container. Not for other modules. */

struct vb_oci_mount {
	json_t *json;       /* borrowed from the document */
	char *destination;  /* as the document says, cleaned */
	char *resolved;     /* after symbolic links; no component of it is one */
	const char *source; /* of a bind mount, borrowed; else NULL */
	bool read_only;
};

struct vb_oci_mounts {
	struct vb_oci_mount *items;
	size_t count;
};

void vb_oci_mounts_finish(struct vb_oci_mounts *mounts);
#define vb_auto_oci_mounts vb_auto(vb_oci_mounts_finish)

/*
 * Resolves all mounts in the order in which the runtime makes them. Refuses with ErrConflict a
 * destination that cannot be resolved (a loop, too long); -EINVAL, -ENOMEM.
 */
int vb_oci_mounts_resolve(json_t *spec, const struct vb_oci_view *view,
	struct vb_oci_mounts *ret_mounts, struct vb_error *err) VB_WARN_UNUSED;

/*
 * The mount, of the first count ones, on which a resolved path lies: the last that covers it.
 * NULL for the root filesystem.
 */
const struct vb_oci_mount *vb_oci_mounts_covering(
	const struct vb_oci_mounts *mounts, size_t count, const char *resolved);

/*
 * Where on the host a path of the container lies once all mounts are made, after following its
 * links. -ENOENT in a file system that is still empty; -ELOOP, -ENAMETOOLONG, -ENOMEM, or what
 * read_link says.
 */
int vb_oci_mounts_locate(const struct vb_oci_mounts *mounts, const struct vb_oci_view *view,
	const char *path, char **ret_host_path) VB_WARN_UNUSED;

#endif
