/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "pod_internal.h"

static int out_of_memory(struct vb_error *err)
{
	return vb_error_set(err, ENOMEM, "read a manifest");
}

const char *vb_pod_container_kind_name(enum vb_pod_container_kind kind)
{
	switch (kind) {
	case VB_POD_INIT:
		return "init container";
	case VB_POD_SIDECAR:
		return "sidecar container";
	case VB_POD_CONTAINER:
		return "container";
	case VB_POD_EPHEMERAL:
		return "ephemeral container";
	}
	return "container";
}

void vb_pod_container_finish(struct vb_pod_container *container)
{
	vb_strv_finish(&container->env);
	vb_strv_finish(&container->texts);
	free(container->mounts);
}

static int read_variable(const struct vb_yaml *yaml, const json_t *variable,
	struct vb_pod_container *container, struct vb_error *err)
{
	const char *name = NULL;
	const char *value = "";
	const json_t *value_from = NULL;

	int r = vb_yaml_get_string(yaml, variable, "name", &name, err);
	if (r == 0)
		r = vb_yaml_get_string(yaml, variable, "value", &value, err);
	if (r == 0)
		r = vb_yaml_get_object(yaml, variable, "valueFrom", &value_from, err);
	if (r < 0)
		return r;
	if (name == NULL)
		return vb_yaml_error(yaml, variable, NULL, err, "a variable without a name");
	if (value_from != NULL) {
		container->env_unknown = true;
		return 0;
	}
	vb_auto_free char *text = vb_str_format("%s=%s", name, value);
	return text == NULL || vb_strv_add(&container->env, text) < 0 ? out_of_memory(err) : 0;
}

static int read_env(const struct vb_yaml *yaml, const json_t *json,
	struct vb_pod_container *container, struct vb_error *err)
{
	const json_t *variables = NULL;
	const json_t *sources = NULL;
	const json_t *variable;
	size_t i;

	int r = vb_yaml_get_objects(yaml, json, "envFrom", &sources, err);
	if (r == 0)
		r = vb_yaml_get_objects(yaml, json, "env", &variables, err);
	if (r < 0)
		return r;
	container->env_unknown = json_array_size(sources) > 0;
	json_array_foreach(variables, i, variable) {
		r = read_variable(yaml, variable, container, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Of a pod's or a container's securityContext; the output stays where nothing is said. */
static int read_seccomp(const struct vb_yaml *yaml, const json_t *holder,
	enum vb_pod_seccomp *ret_seccomp, struct vb_error *err)
{
	const json_t *context = NULL;
	const json_t *profile = NULL;
	const char *type = NULL;
	bool privileged = false;

	int r = vb_yaml_get_object(yaml, holder, "securityContext", &context, err);
	if (r == 0)
		r = vb_yaml_get_bool(yaml, context, "privileged", &privileged, err);
	if (r == 0)
		r = vb_yaml_get_object(yaml, context, "seccompProfile", &profile, err);
	if (r == 0)
		r = vb_yaml_get_string(yaml, profile, "type", &type, err);
	if (r < 0)
		return r;
	/* Runtimes give privileged containers no profile, whatever they name. */
	if (privileged || (type != NULL && strcmp(type, "Unconfined") == 0))
		*ret_seccomp = VB_POD_SECCOMP_UNCONFINED;
	else if (type != NULL)
		*ret_seccomp = VB_POD_SECCOMP_PROFILE;
	return 0;
}

static int read_container(const struct vb_pod_source *source, const json_t *json,
	struct vb_pod_container *container, struct vb_error *err)
{
	const struct vb_yaml *yaml = source->yaml;
	const char *restart_policy = NULL;

	container->seccomp = source->seccomp;
	int r = vb_pod_read_name(yaml, json, "name", &container->name, err);
	if (r == 0 && container->name == NULL)
		return vb_yaml_error(yaml, json, NULL, err, "a container without a name");
	if (r == 0)
		r = vb_yaml_get_string(yaml, json, "restartPolicy", &restart_policy, err);
	if (r == 0 && container->kind == VB_POD_INIT && restart_policy != NULL &&
		strcmp(restart_policy, "Always") == 0)
		container->kind = VB_POD_SIDECAR;
	if (r == 0)
		r = read_seccomp(yaml, json, &container->seccomp, err);
	if (r == 0)
		r = read_env(yaml, json, container, err);
	return r < 0 ? r : vb_pod_read_mounts(source, json, container, err);
}

static int read_list(const struct vb_pod_source *source, const char *key,
	enum vb_pod_container_kind kind, struct vb_pod *pod, struct vb_error *err)
{
	const json_t *list = NULL;
	const json_t *json;
	size_t i;

	int r = vb_yaml_get_objects(source->yaml, source->spec, key, &list, err);
	if (r < 0 || json_array_size(list) == 0)
		return r;
	struct vb_pod_container *containers = reallocarray(
		pod->containers, pod->container_count + json_array_size(list), sizeof(*containers));
	if (containers == NULL)
		return out_of_memory(err);
	pod->containers = containers;
	json_array_foreach(list, i, json) {
		struct vb_pod_container *container = &containers[pod->container_count++];
		*container = (struct vb_pod_container){.kind = kind};
		r = read_container(source, json, container, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Volumes by name, so that every mount finds its own quickly. */
static int index_volumes(
	const struct vb_yaml *yaml, const json_t *spec, json_t *index, struct vb_error *err)
{
	const json_t *volumes = NULL;
	json_t *volume;
	size_t i;

	int r = vb_yaml_get_objects(yaml, spec, "volumes", &volumes, err);
	if (r < 0)
		return r;
	json_array_foreach(volumes, i, volume) {
		const char *name = NULL;
		r = vb_pod_read_name(yaml, volume, "name", &name, err);
		if (r < 0)
			return r;
		if (name == NULL)
			return vb_yaml_error(yaml, volume, NULL, err, "a volume without a name");
		if (json_object_set(index, name, volume) < 0)
			return out_of_memory(err);
	}
	return 0;
}

int vb_pod_read_containers(
	const struct vb_yaml *yaml, const json_t *spec, struct vb_pod *pod, struct vb_error *err)
{
	json_t *volumes = json_object();
	struct vb_pod_source source = {
		.yaml = yaml, .spec = spec, .volumes = volumes, .mounts_token = true};

	if (volumes == NULL)
		return out_of_memory(err);
	int r = vb_yaml_get_bool(
		yaml, spec, "automountServiceAccountToken", &source.mounts_token, err);
	if (r == 0)
		r = read_seccomp(yaml, spec, &source.seccomp, err);
	if (r == 0)
		r = index_volumes(yaml, spec, volumes, err);
	if (r == 0)
		r = read_list(&source, "initContainers", VB_POD_INIT, pod, err);
	if (r == 0)
		r = read_list(&source, "containers", VB_POD_CONTAINER, pod, err);
	source.mounts_token = false; /* admission puts it into pods as they are made */
	if (r == 0)
		r = read_list(&source, "ephemeralContainers", VB_POD_EPHEMERAL, pod, err);
	if (r == 0 && pod->container_count == 0)
		r = vb_yaml_error(yaml, spec, NULL, err, "the pod has no containers");
	json_decref(volumes);
	return r;
}
