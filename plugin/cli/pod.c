/* SPDX-License-Identifier: Apache-2.0 */
#include "pod.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "pod_internal.h"
#include "vb/base/utf8.h"

enum { NAME_MAX_LENGTH = 253 };

/* Where an object of each kind has its pod: the members to follow from the object. */
static const struct workload {
	const char *kind;
	const char *path[4];
} workloads[] = {
	{"Pod", {NULL}},
	{"PodTemplate", {"template"}},
	{"ReplicationController", {"spec", "template"}},
	{"ReplicaSet", {"spec", "template"}},
	{"Deployment", {"spec", "template"}},
	{"DaemonSet", {"spec", "template"}},
	{"StatefulSet", {"spec", "template"}},
	{"Job", {"spec", "template"}},
	{"CronJob", {"spec", "jobTemplate", "spec", "template"}},
};

/* One reading of a manifest. */
struct reading {
	const struct vb_yaml *yaml;
	const char *default_namespace;
	struct vb_pod_list *list;
};

static void finish_pod(struct vb_pod *pod)
{
	for (size_t i = 0; i < pod->container_count; i++)
		vb_pod_container_finish(&pod->containers[i]);
	free(pod->containers);
	free(pod->annotations);
	free(pod->pod_name);
}

void vb_pod_list_finish(struct vb_pod_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		finish_pod(&list->items[i]);
	free(list->items);
	vb_strv_finish(&list->notes);
	*list = (struct vb_pod_list){0};
}

static int out_of_memory(struct vb_error *err)
{
	return vb_error_set(err, ENOMEM, "read a manifest");
}

int vb_pod_read_name(const struct vb_yaml *yaml, const json_t *object, const char *key,
	const char **ret_name, struct vb_error *err)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-.";
	const char *name = NULL;

	int r = vb_yaml_get_string(yaml, object, key, &name, err);
	if (r < 0 || name == NULL)
		return r;
	if (name[0] == '\0' || strlen(name) > NAME_MAX_LENGTH ||
		name[strspn(name, letters)] != '\0')
		return vb_yaml_error(yaml, object, key, err,
			"'%.64s' is no %s that Kubernetes takes: lower case, digits, '-' and '.'",
			name, key);
	*ret_name = name;
	return 0;
}

/* Takes the text, also on failure. */
static int note_take(struct reading *reading, char *text, struct vb_error *err)
{
	vb_auto_free char *note = text;

	if (note == NULL)
		return out_of_memory(err);
	vb_utf8_scrub(note);
	return vb_strv_add(&reading->list->notes, note) < 0 ? out_of_memory(err) : 0;
}

static int compare_annotations(const void *a, const void *b)
{
	const struct vb_annotation *left = a;
	const struct vb_annotation *right = b;

	return strcmp(left->key, right->key);
}

/* Kubernetes takes annotations of texts only, and null as the empty text. */
static int read_annotation(const struct vb_yaml *yaml, const json_t *annotations, const char *key,
	struct vb_annotation *ret_annotation, struct vb_error *err)
{
	const json_t *value = json_object_get(annotations, key);

	if (!json_is_string(value) && !json_is_null(value))
		return vb_yaml_error(yaml, annotations, key, err,
			"the value of annotation '%.128s' is no text, and Kubernetes refuses the "
			"pod; put it in quotes",
			key);
	ret_annotation->key = key;
	ret_annotation->value = json_is_null(value) ? "" : json_string_value(value);
	return 0;
}

static int read_annotations(const struct vb_yaml *yaml, const json_t *metadata, struct vb_pod *pod,
	struct vb_error *err)
{
	const json_t *annotations = NULL;

	int r = vb_yaml_get_object(yaml, metadata, "annotations", &annotations, err);
	if (r < 0 || annotations == NULL || json_object_size(annotations) == 0)
		return r;
	pod->annotations = calloc(json_object_size(annotations), sizeof(*pod->annotations));
	if (pod->annotations == NULL)
		return out_of_memory(err);
	/* json_object_iter() takes a non-const object but only reads it. */
	json_t *object = (json_t *)(uintptr_t)annotations;
	for (void *iter = json_object_iter(object); iter != NULL;
		iter = json_object_iter_next(object, iter)) {
		r = read_annotation(yaml, annotations, json_object_iter_key(iter),
			&pod->annotations[pod->annotation_count++], err);
		if (r < 0)
			return r;
	}
	qsort(pod->annotations, pod->annotation_count, sizeof(*pod->annotations),
		compare_annotations);
	return 0;
}

/* A common slip: what stands on the workload never reaches its pods. */
static int note_misplaced(struct reading *reading, const struct vb_pod *pod, const json_t *metadata,
	struct vb_error *err)
{
	struct vb_pod workload = {0};

	int r = read_annotations(reading->yaml, metadata, &workload, err);
	for (size_t i = 0; r == 0 && i < workload.annotation_count; i++)
		if (vb_annotation_is_ours(workload.annotations[i].key))
			r = note_take(reading,
				vb_str_format("%s on %s %s itself has no effect: move it to the "
					      "metadata of the pod template",
					workload.annotations[i].key, pod->kind, pod->name),
				err);
	finish_pod(&workload);
	return r;
}

static bool has_container(const struct vb_pod *pod, const char *name)
{
	for (size_t i = 0; i < pod->container_count; i++)
		if (strcmp(pod->containers[i].name, name) == 0)
			return true;
	return false;
}

/* A slip that no node can see: it is told of one container at a time. */
static int note_strangers(struct reading *reading, const struct vb_pod *pod, struct vb_error *err)
{
	int r = 0;

	for (size_t i = 0; i < pod->annotation_count; i++) {
		const struct vb_annotation *annotation = &pod->annotations[i];
		vb_auto_strv struct vb_strv names = {0};
		if (vb_annotation_containers(annotation, &names) < 0)
			return out_of_memory(err);
		for (size_t k = 0; r == 0 && k < names.count; k++)
			if (!has_container(pod, names.items[k]))
				r = note_take(reading,
					vb_str_format(
						"%s is for a container '%.253s', which %s %s does "
						"not have, so it has no effect",
						annotation->key, names.items[k], pod->kind,
						pod->name),
					err);
	}
	return r;
}

static int name_pod(const struct vb_yaml *yaml, const json_t *metadata, struct vb_pod *pod,
	struct vb_error *err)
{
	const char *prefix = NULL;

	int r = vb_pod_read_name(yaml, metadata, "name", &pod->name, err);
	if (r == 0)
		r = vb_pod_read_name(yaml, metadata, "generateName", &prefix, err);
	if (r < 0)
		return r;
	if (pod->name == NULL && prefix == NULL)
		return vb_yaml_error(yaml, metadata, NULL, err, "the %s has no name", pod->kind);
	pod->name_is_generated = pod->name == NULL || strcmp(pod->kind, "Pod") != 0;
	if (pod->name == NULL) {
		pod->name = prefix;
		pod->pod_name = vb_str_format("%s*", prefix);
	} else {
		pod->pod_name = vb_str_format(pod->name_is_generated ? "%s-*" : "%s", pod->name);
	}
	return pod->pod_name == NULL ? out_of_memory(err) : 0;
}

static int require_object(const struct vb_yaml *yaml, const json_t *parent, const char *key,
	const json_t **ret_object, struct vb_error *err)
{
	const json_t *object = NULL;

	int r = vb_yaml_get_object(yaml, parent, key, &object, err);
	if (r == 0 && object == NULL)
		return vb_yaml_error(yaml, parent, NULL, err, "'%s' is missing here", key);
	if (r == 0)
		*ret_object = object;
	return r;
}

/* Goes from the object to what holds the pod's metadata and spec. */
static int find_template(const struct vb_yaml *yaml, const json_t *object,
	const struct workload *workload, const json_t **ret_template, struct vb_error *err)
{
	const json_t *place = object;

	for (size_t i = 0; i < VB_ARRAY_SIZE(workload->path) && workload->path[i] != NULL; i++) {
		int r = require_object(yaml, place, workload->path[i], &place, err);
		if (r < 0)
			return r;
	}
	*ret_template = place;
	return 0;
}

static int read_template(const struct vb_yaml *yaml, const json_t *template, struct vb_pod *pod,
	struct vb_error *err)
{
	const json_t *metadata = NULL;
	const json_t *spec = NULL;

	int r = vb_yaml_get_object(yaml, template, "metadata", &metadata, err);
	if (r == 0)
		r = read_annotations(yaml, metadata, pod, err);
	if (r == 0)
		r = require_object(yaml, template, "spec", &spec, err);
	if (r == 0)
		r = vb_pod_read_name(yaml, spec, "runtimeClassName", &pod->handler, err);
	return r < 0 ? r : vb_pod_read_containers(yaml, spec, pod, err);
}

static int fill_pod(struct reading *reading, const json_t *object, const struct workload *workload,
	struct vb_pod *pod, struct vb_error *err)
{
	const struct vb_yaml *yaml = reading->yaml;
	const json_t *metadata = NULL;
	const json_t *template = NULL;

	*pod = (struct vb_pod){.kind = workload->kind,
		.namespace_name = reading->default_namespace,
		.handler = "",
		.line = vb_yaml_line(yaml, object)};
	int r = require_object(yaml, object, "metadata", &metadata, err);
	if (r == 0)
		r = name_pod(yaml, metadata, pod, err);
	if (r == 0)
		r = vb_pod_read_name(yaml, metadata, "namespace", &pod->namespace_name, err);
	if (r == 0)
		r = find_template(yaml, object, workload, &template, err);
	if (r == 0)
		r = read_template(yaml, template, pod, err);
	if (r == 0)
		r = note_strangers(reading, pod, err);
	if (r < 0 || template == object)
		return r;
	return note_misplaced(reading, pod, metadata, err);
}

static int add_pod(struct reading *reading, const json_t *object, const struct workload *workload,
	struct vb_error *err)
{
	struct vb_pod_list *list = reading->list;

	/* Capacity is the next power of two, so it need not be stored. */
	if ((list->count & (list->count - 1)) == 0) {
		size_t room = list->count == 0 ? 1 : list->count * 2;
		struct vb_pod *items = reallocarray(list->items, room, sizeof(*items));
		if (items == NULL)
			return out_of_memory(err);
		list->items = items;
	}
	return fill_pod(reading, object, workload, &list->items[list->count++], err);
}

static const struct workload *find_workload(const char *kind)
{
	for (size_t i = 0; i < VB_ARRAY_SIZE(workloads); i++)
		if (strcmp(workloads[i].kind, kind) == 0)
			return &workloads[i];
	return NULL;
}

/* fallback_kind is that of the list around, whose items need not repeat it. */
static int read_object(struct reading *reading, const json_t *object, const char *fallback_kind,
	struct vb_error *err)
{
	const char *kind = fallback_kind;

	int r = vb_yaml_get_string(reading->yaml, object, "kind", &kind, err);
	if (r < 0)
		return r;
	if (kind == NULL)
		return vb_yaml_error(reading->yaml, object, NULL, err,
			"no 'kind': this is not a Kubernetes object");
	const struct workload *workload = find_workload(kind);
	if (workload != NULL)
		return add_pod(reading, object, workload, err);
	const char *name =
		json_string_value(json_object_get(json_object_get(object, "metadata"), "name"));
	return note_take(reading,
		vb_str_format("%.64s %.64s is left out: it is not of a kind that has pods", kind,
			name != NULL ? name : "without a name"),
		err);
}

/* "PodList" lists pods; a plain "List" has items that say their kind themselves. */
static char *kind_of_items(const char *list_kind)
{
	size_t length = strlen(list_kind) - strlen("List");

	return length > 0 ? strndup(list_kind, length) : NULL;
}

static bool is_list(const char *kind)
{
	size_t length = kind != NULL ? strlen(kind) : 0;

	return length >= strlen("List") && strcmp(kind + length - strlen("List"), "List") == 0;
}

static int read_document(struct reading *reading, const json_t *document, struct vb_error *err)
{
	const char *kind = json_string_value(json_object_get(document, "kind"));
	const json_t *items = NULL;
	const json_t *item;
	size_t i;

	if (!json_is_object(document))
		return vb_yaml_error(reading->yaml, document, NULL, err,
			"a document that is not a Kubernetes object");
	if (!is_list(kind))
		return read_object(reading, document, NULL, err);
	vb_auto_free char *item_kind = kind_of_items(kind);
	int r = vb_yaml_get_objects(reading->yaml, document, "items", &items, err);
	if (r < 0)
		return r;
	json_array_foreach(items, i, item) {
		r = read_object(reading, item, item_kind, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int vb_pod_list_read(const struct vb_yaml *yaml, const char *default_namespace,
	struct vb_pod_list *ret_list, struct vb_error *err)
{
	vb_auto_pod_list struct vb_pod_list list = {0};
	struct reading reading = {yaml, default_namespace, &list};
	const json_t *documents = vb_yaml_documents(yaml);
	const json_t *document;
	size_t i;

	json_array_foreach(documents, i, document) {
		int r = read_document(&reading, document, err);
		if (r < 0)
			return r;
	}
	*ret_list = list;
	list = (struct vb_pod_list){0};
	return 0;
}
