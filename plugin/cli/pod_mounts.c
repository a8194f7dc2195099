/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "pod_internal.h"

static const char token_path[] = "/var/run/secrets/kubernetes.io/serviceaccount";

/* What containerd mounts into every container (1.7 to 2.3), and kubelet's termination log. */
static const struct runtime_mount {
	struct vb_subject_mount mount;
	bool writable_if_privileged;
} runtime_mounts[] = {
	{{"/proc", "proc", "proc", false}, false},
	{{"/dev", "tmpfs", "tmpfs", false}, false},
	{{"/dev/pts", "devpts", "devpts", false}, false},
	{{"/dev/mqueue", "mqueue", "mqueue", false}, false},
	{{"/sys", "sysfs", "sysfs", true}, true},
	{{"/sys/fs/cgroup", "cgroup", "cgroup", true}, true},
	{{"/etc/hosts", "bind", "hosts file of the pod", false}, false},
	{{"/etc/hostname", "bind", "host name of the pod", false}, false},
	{{"/etc/resolv.conf", "bind", "resolver settings of the pod", false}, false},
	{{"/dev/shm", "bind", "shared memory of the pod", false}, false},
};

/* Volumes that kubelet mounts read-only whatever the mount says. */
static const char *const read_only_volumes[] = {
	"configMap", "secret", "projected", "downwardAPI", "image"};

/* One container's mounts while they are collected. */
struct collection {
	const struct vb_pod_source *source;
	struct vb_pod_container *container;
	size_t room;
};

static int out_of_memory(struct vb_error *err)
{
	return vb_error_set(err, ENOMEM, "read a manifest");
}

static int add_mount(
	struct collection *collection, const struct vb_subject_mount *mount, struct vb_error *err)
{
	struct vb_pod_container *container = collection->container;

	if (container->mount_count == collection->room) {
		size_t room = collection->room == 0 ? 16 : collection->room * 2;
		struct vb_subject_mount *mounts =
			reallocarray(container->mounts, room, sizeof(*mounts));
		if (mounts == NULL)
			return out_of_memory(err);
		container->mounts = mounts;
		collection->room = room;
	}
	container->mounts[container->mount_count++] = *mount;
	return 0;
}

/* Hands a text over to the container. Takes it, also on failure. */
static int keep_text_take(
	struct collection *collection, char *text, const char **ret_text, struct vb_error *err)
{
	vb_auto_free char *owned = text;
	struct vb_strv *texts = &collection->container->texts;

	if (owned == NULL || vb_strv_add(texts, owned) < 0)
		return out_of_memory(err);
	*ret_text = texts->items[texts->count - 1];
	return 0;
}

/* Kubelet takes a relative path from the root, and cleans it. */
static int keep_path(struct collection *collection, const char *path, const char **ret_path,
	struct vb_error *err)
{
	vb_auto_free char *absolute = vb_str_format("%s%s", path[0] == '/' ? "" : "/", path);
	char *clean = NULL;

	if (absolute == NULL || vb_path_clean(absolute, &clean) < 0)
		return out_of_memory(err);
	return keep_text_take(collection, clean, ret_path, err);
}

static bool is_always_read_only(const json_t *volume)
{
	for (size_t i = 0; i < VB_ARRAY_SIZE(read_only_volumes); i++)
		if (json_is_object(json_object_get(volume, read_only_volumes[i])))
			return true;
	return false;
}

/* `persistentVolumeClaim: {readOnly: true}` and its kin. */
static bool says_read_only(const json_t *volume)
{
	/* json_object_iter() takes a non-const object but only reads it. */
	json_t *object = (json_t *)(uintptr_t)volume;

	for (void *iter = json_object_iter(object); iter != NULL;
		iter = json_object_iter_next(object, iter))
		if (json_is_true(json_object_get(json_object_iter_value(iter), "readOnly")))
			return true;
	return false;
}

static int read_volume(struct collection *collection, const char *name,
	struct vb_subject_mount *mount, struct vb_error *err)
{
	const json_t *volume = json_object_get(collection->source->volumes, name);
	const char *host_path =
		json_string_value(json_object_get(json_object_get(volume, "hostPath"), "path"));

	mount->read_only =
		mount->read_only || is_always_read_only(volume) || says_read_only(volume);
	if (host_path != NULL) {
		mount->source = host_path;
		return 0;
	}
	return keep_text_take(collection, vb_str_format("volume %s", name), &mount->source, err);
}

static int add_volume_mount(struct collection *collection, const json_t *json, struct vb_error *err)
{
	const struct vb_yaml *yaml = collection->source->yaml;
	struct vb_subject_mount mount = {.type = "bind"};
	const char *name = NULL;
	const char *path = NULL;

	int r = vb_pod_read_name(yaml, json, "name", &name, err);
	if (r == 0)
		r = vb_yaml_get_string(yaml, json, "mountPath", &path, err);
	if (r == 0)
		r = vb_yaml_get_bool(yaml, json, "readOnly", &mount.read_only, err);
	if (r < 0)
		return r;
	if (name == NULL || path == NULL)
		return vb_yaml_error(
			yaml, json, NULL, err, "a volume mount needs a name and a mountPath");
	r = keep_path(collection, path, &mount.destination, err);
	if (r == 0)
		r = read_volume(collection, name, &mount, err);
	return r < 0 ? r : add_mount(collection, &mount, err);
}

static int add_volume_mounts(
	struct collection *collection, const json_t *json, struct vb_error *err)
{
	const json_t *list = NULL;
	const json_t *item;
	size_t i;

	int r = vb_yaml_get_objects(collection->source->yaml, json, "volumeMounts", &list, err);
	if (r < 0)
		return r;
	json_array_foreach(list, i, item) {
		r = add_volume_mount(collection, item, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Unless the pod itself mounts something there; only the first `volumes` mounts are its own. */
static int add_unless_taken(struct collection *collection, size_t volumes,
	const struct vb_subject_mount *mount, struct vb_error *err)
{
	for (size_t i = 0; i < volumes; i++)
		if (strcmp(collection->container->mounts[i].destination, mount->destination) == 0)
			return 0;
	return add_mount(collection, mount, err);
}

static int add_runtime_mounts(
	struct collection *collection, const json_t *json, struct vb_error *err)
{
	const json_t *context = json_object_get(json, "securityContext");
	bool privileged = json_is_true(json_object_get(context, "privileged"));
	size_t volumes = collection->container->mount_count;
	struct vb_subject_mount log = {
		"/dev/termination-log", "bind", "termination log of the container", false};
	const struct vb_subject_mount token = {
		token_path, "bind", "token of the service account", true};
	int r = 0;

	for (size_t i = 0; r == 0 && i < VB_ARRAY_SIZE(runtime_mounts); i++) {
		struct vb_subject_mount mount = runtime_mounts[i].mount;
		if (privileged && runtime_mounts[i].writable_if_privileged)
			mount.read_only = false;
		r = add_unless_taken(collection, volumes, &mount, err);
	}
	if (r == 0)
		r = vb_yaml_get_string(collection->source->yaml, json, "terminationMessagePath",
			&log.destination, err);
	if (r == 0)
		r = keep_path(collection, log.destination, &log.destination, err);
	if (r == 0)
		r = add_unless_taken(collection, volumes, &log, err);
	if (r == 0 && collection->source->mounts_token)
		r = add_unless_taken(collection, volumes, &token, err);
	return r;
}

static size_t count_components(const char *path)
{
	size_t count = 0;

	for (; *path != '\0'; path++)
		if (*path == '/')
			count++;
	return count;
}

/* The runtime mounts in this order, so that no mount hides a deeper one. */
static int compare_mounts(const void *a, const void *b)
{
	const struct vb_subject_mount *left = a;
	const struct vb_subject_mount *right = b;
	size_t left_count = count_components(left->destination);
	size_t right_count = count_components(right->destination);

	if (left_count != right_count)
		return left_count < right_count ? -1 : 1;
	return strcmp(left->destination, right->destination);
}

int vb_pod_read_mounts(const struct vb_pod_source *source, const json_t *json,
	struct vb_pod_container *container, struct vb_error *err)
{
	struct collection collection = {.source = source, .container = container};

	int r = add_volume_mounts(&collection, json, err);
	if (r == 0)
		r = add_runtime_mounts(&collection, json, err);
	if (r == 0)
		qsort(container->mounts, container->mount_count, sizeof(*container->mounts),
			compare_mounts);
	return r;
}
