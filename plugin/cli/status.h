/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_CLI_STATUS_H
#define VB_PLUGIN_CLI_STATUS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "vb/base/buf.h"
#include "vb/base/cleanup.h"
#include "vb/base/error.h"

/*
 * The parts of `vambrace status`: what lies in a state directory (/run/vambrace, or a copy of
 * one), and its report. The files' forms are docs/contracts.md's; a member that is missing or of
 * another type is shown as not known.
 */

enum {
	/* A node has some hundred containers. */
	VB_STATUS_CONTAINERS_MAX = 65536,
	VB_STATUS_FILE_MAX = 4 << 20,
	VB_STATUS_DEPTH_MAX = 16,
};

struct vb_status {
	json_t *daemon;   /* daemon.json; NULL: there is none */
	bool runs;        /* the process of its pid lives and is vambrace-nri */
	json_t *daemons;  /* the processes on this host, [{pid, in_container}]; NULL: not looked for
			   */
	const char *hook; /* "ok", or why vambrace-oci is not usable; NULL: not looked at */
	json_t *containers; /* an array of outcomes, by namespace, pod, container and id */
	json_t *damaged;    /* an array of {file, error} */
};

void vb_status_finish(struct vb_status *status);
#define vb_auto_status vb_auto(vb_status_finish)

/* Reads a file that holds an object. Errnos of vb_file_read() and vb_json_parse(). */
int vb_status_load_json(const char *path, json_t **ret_object, struct vb_error *err) VB_WARN_UNUSED;

/* Whether a process of this id lives and is vambrace-nri. */
bool vb_status_is_daemon(long long pid);

/*
 * Reads the directory. Files that cannot be read or parsed are listed as damaged; one that is gone
 * meanwhile is none. What opendir(3) says (but -ENOENT is an empty status), -ENOMEM.
 */
int vb_status_load(
	const char *directory, struct vb_status *ret_status, struct vb_error *err) VB_WARN_UNUSED;

/* How a name may mean a container. */
enum vb_name_match {
	VB_NAME_NONE,
	VB_NAME_ID,        /* its id, or the first eight digits or more */
	VB_NAME_CONTAINER, /* its name, or "<namespace>/<pod>/<container>" */
	VB_NAME_POD,       /* its pod's, or "<namespace>/<pod>" */
};

/* Looks at namespace, pod, container and container_id of an outcome, or of an object like one. */
enum vb_name_match vb_status_match(const json_t *outcome, const char *name);

/* Keeps only the containers that the name means. 0 or -ENOMEM; there may be none left. */
int vb_status_select(struct vb_status *status, const char *name) VB_WARN_UNUSED;

/* The table of all containers, or with details each layer of each. 0, -ENOMEM or -ENOSPC. */
int vb_status_text(const struct vb_status *status, bool details, bool colour,
	struct vb_buf *out) VB_WARN_UNUSED;

/* docs/status.schema.json; a new reference, NULL when out of memory. */
json_t *vb_status_json(const struct vb_status *status) VB_WARN_UNUSED;

#endif
