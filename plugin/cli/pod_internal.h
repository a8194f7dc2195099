/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_CLI_POD_INTERNAL_H
#define VB_PLUGIN_CLI_POD_INTERNAL_H

#include "pod.h"

/* A pod's spec while it is read, and what its containers need of it. */
struct vb_pod_source {
	const struct vb_yaml *yaml;
	const json_t *spec;
	const json_t *volumes; /* an object by volume name, or NULL */
	bool mounts_token;     /* of the service account, put in by the API server */
	enum vb_pod_seccomp seccomp;
};

/* Adds the containers of a pod's spec. Errnos of vb_pod_list_read(). */
int vb_pod_read_containers(const struct vb_yaml *yaml, const json_t *spec, struct vb_pod *pod,
	struct vb_error *err) VB_WARN_UNUSED;
void vb_pod_container_finish(struct vb_pod_container *container);

/* Decides all mounts of one container from its own JSON. */
int vb_pod_read_mounts(const struct vb_pod_source *source, const json_t *json,
	struct vb_pod_container *container, struct vb_error *err) VB_WARN_UNUSED;

/* Reads a name and checks that it is one; *ret_name stays when there is none. */
int vb_pod_read_name(const struct vb_yaml *yaml, const json_t *object, const char *key,
	const char **ret_name, struct vb_error *err) VB_WARN_UNUSED;

#endif
