/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_CLI_POD_H
#define VB_PLUGIN_CLI_POD_H

#include <stdbool.h>
#include <stddef.h>

#include "pod_yaml.h"
#include "vb/adjust/decide.h"
#include "vb/adjust/request.h"
#include "vb/base/str.h"

/*
 * The pods in a manifest: pods themselves, and the pod templates of the workloads that Kubernetes
 * brings along (Deployment, DaemonSet, StatefulSet, ReplicaSet, ReplicationController, Job,
 * CronJob, PodTemplate), alone or in a List. Texts are borrowed from the manifest unless they are
 * said to be owned.
 */

enum vb_pod_container_kind {
	VB_POD_INIT,
	VB_POD_SIDECAR, /* an init container that is restarted always (Kubernetes 1.28) */
	VB_POD_CONTAINER,
	VB_POD_EPHEMERAL,
};

/* What the manifest says about the seccomp profile that the runtime brings. */
enum vb_pod_seccomp {
	VB_POD_SECCOMP_UNSAID, /* the kubelet's seccompDefault decides */
	VB_POD_SECCOMP_UNCONFINED,
	VB_POD_SECCOMP_PROFILE,
};

struct vb_pod_container {
	enum vb_pod_container_kind kind;
	const char *name;
	enum vb_pod_seccomp seccomp;
	struct vb_strv env; /* "NAME=value", values that stand in the manifest */
	bool env_unknown;   /* more comes from ConfigMaps, Secrets or fields */

	/* All that the runtime is going to mount, its own included, in its order. */
	struct vb_subject_mount *mounts;
	size_t mount_count;
	struct vb_strv texts; /* owns what mounts refer to and the manifest does not hold */
};

struct vb_pod {
	const char *kind; /* of the object that stands in the manifest */
	const char *name;
	const char *namespace_name;
	const char *handler; /* runtimeClassName; "" when there is none */
	char *pod_name;      /* owned; "<name>-*" where the name is generated */
	bool name_is_generated;
	unsigned long line; /* 0: not known */

	struct vb_annotation *annotations; /* sorted by key */
	size_t annotation_count;
	struct vb_pod_container *containers; /* in the order in which they start */
	size_t container_count;
};

struct vb_pod_list {
	struct vb_pod *items;
	size_t count;
	struct vb_strv notes; /* what was left out, and what has no effect */
};

void vb_pod_list_finish(struct vb_pod_list *list);
#define vb_auto_pod_list vb_auto(vb_pod_list_finish)

/*
 * Reads all pods. The list borrows from the manifest and from default_namespace, which is that of
 * objects that name none. -EINVAL with the place in the manifest, -ENOMEM. *ret_list changes on
 * success only.
 */
int vb_pod_list_read(const struct vb_yaml *yaml, const char *default_namespace,
	struct vb_pod_list *ret_list, struct vb_error *err) VB_WARN_UNUSED;

/* "init container", "container", ... */
const char *vb_pod_container_kind_name(enum vb_pod_container_kind kind);

#endif
