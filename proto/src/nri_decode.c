/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "nri_internal.h"
#include "wire.h"

/*
 * The requests themselves are read field by field, and each pod, container and adjustment in them
 * is unpacked on its own: that bounds the memory to one of them, and says which one is bad.
 */

static const struct vb_nri_pod empty_pod = {.id = "",
	.name = "",
	.uid = "",
	.name_space = "",
	.runtime_handler = "",
	.cgroup_parent = "",
	.cgroups_path = ""};

static const struct vb_nri_container empty_container = {
	.id = "", .pod_sandbox_id = "", .name = "", .cgroups_path = ""};

int vb_nri_decode_configure(struct vb_arena *arena, const uint8_t *payload, size_t size,
	struct vb_nri_configure *ret_configure, struct vb_error *err)
{
	const struct vb_wire_field whole = {.data = payload, .size = size};
	ProtobufCMessage *message;

	int r = vb_wire_unpack(arena, &nri__pkg__api__v1alpha1__configure_request__descriptor,
		&whole, NULL, &message, err);
	if (r < 0)
		return r;
	const Nri__Pkg__Api__V1alpha1__ConfigureRequest *request =
		(const Nri__Pkg__Api__V1alpha1__ConfigureRequest *)message;
	*ret_configure = (struct vb_nri_configure){.config = request->config,
		.runtime_name = request->runtime_name,
		.runtime_version = request->runtime_version,
		.nri_version = request->nri_version,
		.registration_timeout_ms = request->registration_timeout,
		.request_timeout_ms = request->request_timeout};
	return 0;
}

/* Ids name files and directories of ours: containerd's own rule, and never a path. */
static int check_id(const char *kind, const char *id, struct vb_error *err)
{
	enum { ID_MAX = 128 };
	size_t length = strlen(id);
	bool is_fit = length > 0 && length <= ID_MAX && isalnum((unsigned char)id[0]);

	for (size_t i = 0; is_fit && i < length; i++)
		is_fit = isalnum((unsigned char)id[i]) || strchr("._-", id[i]) != NULL;
	return is_fit ? 0 : vb_error_say(err, EBADMSG, "a %s id that is not one", kind);
}

static int decode_pod(struct vb_arena *arena, const struct vb_wire_field *field,
	struct vb_nri_pod *ret_pod, struct vb_error *err)
{
	ProtobufCMessage *message;
	bool bad_text;

	int r = vb_wire_unpack(arena, &nri__pkg__api__v1alpha1__pod_sandbox__descriptor, field,
		&bad_text, &message, err);
	if (r < 0)
		return r;
	return vb_nri_convert_pod(arena, (const vb_pb_pod *)message, bad_text, ret_pod, err);
}

static int decode_container(struct vb_arena *arena, const struct vb_wire_field *field,
	struct vb_nri_container *ret_container, struct vb_error *err)
{
	ProtobufCMessage *message;
	bool bad_text;

	int r = vb_wire_unpack(arena, &nri__pkg__api__v1alpha1__container__descriptor, field,
		&bad_text, &message, err);
	if (r == 0)
		r = vb_nri_convert_container(
			arena, (const vb_pb_container *)message, bad_text, ret_container, err);
	return r < 0 ? r : check_id("container", ret_container->id, err);
}

static int decode_adjustment(struct vb_arena *arena, const struct vb_wire_field *field,
	struct vb_nri_request *request, struct vb_error *err)
{
	ProtobufCMessage *message;

	int r = vb_wire_unpack(arena, &nri__pkg__api__v1alpha1__container_adjustment__descriptor,
		field, &request->adjustment_has_bad_text, &message, err);
	if (r < 0)
		return r;
	return vb_nri_convert_adjustment(arena, (const vb_pb_adjustment *)message,
		request->adjustment_has_bad_text, &request->adjustment, err);
}

enum {
	PLUGIN_NAMES_MAX = 100, /* an index has two digits */
};

/* The request's parts where they lie in the payload; data is NULL where one is missing. */
struct parts {
	struct vb_wire_field event;
	struct vb_wire_field pod;
	struct vb_wire_field container;
	struct vb_wire_field adjustment;
	struct vb_wire_field plugins[PLUGIN_NAMES_MAX];
	size_t plugin_count;
};

/* Field numbers; 0 where a request has no such field. */
struct layout {
	uint32_t event;
	uint32_t pod;
	uint32_t container;
	uint32_t adjustment;
	uint32_t plugins;
};

static const struct layout state_change_layout = {.event = 1, .pod = 2, .container = 3};
static const struct layout pod_layout = {.pod = 1};
static const struct layout container_layout = {.pod = 1, .container = 2};
static const struct layout validate_layout = {
	.pod = 1, .container = 2, .adjustment = 3, .plugins = 6};

/* Go never repeats a part, and a second one would have to be merged into the first. */
static int set_part(struct vb_wire_field *part, const struct vb_wire_field *field)
{
	if (part->data != NULL || field->type != VB_WIRE_BYTES)
		return -EBADMSG;
	*part = *field;
	return 0;
}

static int sort_part(
	struct parts *parts, const struct layout *layout, const struct vb_wire_field *field)
{
	if (field->number == layout->event) {
		parts->event = *field;
		return field->type == VB_WIRE_VARINT ? 0 : -EBADMSG;
	}
	if (field->number == layout->pod)
		return set_part(&parts->pod, field);
	if (field->number == layout->container)
		return set_part(&parts->container, field);
	if (field->number == layout->adjustment)
		return set_part(&parts->adjustment, field);
	if (field->number == layout->plugins)
		return parts->plugin_count < PLUGIN_NAMES_MAX
			       ? set_part(&parts->plugins[parts->plugin_count++], field)
			       : -EBADMSG;
	return 0;
}

static int find_parts(const uint8_t *payload, size_t size, const struct layout *layout,
	struct parts *parts, struct vb_error *err)
{
	struct vb_wire_field field;
	struct vb_reader reader;
	int r;

	vb_reader_init(&reader, payload, size);
	while ((r = vb_wire_next(&reader, &field)) > 0) {
		r = sort_part(parts, layout, &field);
		if (r < 0)
			break;
	}
	return r < 0 ? vb_error_say(err, EBADMSG, "a malformed NRI request") : 0;
}

/* "10-vambrace" */
static int decode_plugin_name(struct vb_arena *arena, const struct vb_wire_field *field,
	char **ret_name, struct vb_error *err)
{
	ProtobufCMessage *message;

	int r = vb_wire_unpack(arena, &nri__pkg__api__v1alpha1__plugin_instance__descriptor, field,
		NULL, &message, err);
	if (r < 0)
		return r;
	const Nri__Pkg__Api__V1alpha1__PluginInstance *plugin =
		(const Nri__Pkg__Api__V1alpha1__PluginInstance *)message;
	size_t size = strlen(plugin->index) + 1 + strlen(plugin->name) + 1;
	char *name = vb_arena_alloc(arena, size);
	if (name == NULL)
		return vb_wire_arena_error(arena, err);
	(void)snprintf(name, size, "%s-%s", plugin->index, plugin->name);
	*ret_name = name;
	return 0;
}

static int decode_plugin_names(struct vb_arena *arena, const struct parts *parts,
	struct vb_nri_strings *ret_names, struct vb_error *err)
{
	char **names = vb_arena_alloc(arena, (parts->plugin_count + 1) * sizeof(*names));

	if (names == NULL)
		return vb_wire_arena_error(arena, err);
	for (size_t i = 0; i < parts->plugin_count; i++) {
		int r = decode_plugin_name(arena, &parts->plugins[i], &names[i], err);
		if (r < 0)
			return r;
	}
	*ret_names = (struct vb_nri_strings){.items = names, .count = parts->plugin_count};
	return 0;
}

static enum vb_nri_event read_event(const struct vb_wire_field *field)
{
	return field->value <= VB_NRI_EVENT_VALIDATE_ADJUSTMENT ? (enum vb_nri_event)field->value
								: VB_NRI_EVENT_UNKNOWN;
}

static bool is_about_container(enum vb_nri_event event)
{
	return (event >= VB_NRI_EVENT_CREATE_CONTAINER && event <= VB_NRI_EVENT_REMOVE_CONTAINER) ||
	       event == VB_NRI_EVENT_VALIDATE_ADJUSTMENT;
}

/* Nothing may be decided about a container of nobody; but its end is told whatever is known. */
static bool must_have_pod(enum vb_nri_event event)
{
	return event != VB_NRI_EVENT_UNKNOWN && event != VB_NRI_EVENT_STOP_CONTAINER &&
	       event != VB_NRI_EVENT_REMOVE_CONTAINER;
}

static int decode_parts(struct vb_arena *arena, const struct parts *parts,
	struct vb_nri_request *request, struct vb_error *err)
{
	int r = 0;

	if (parts->pod.data != NULL)
		r = decode_pod(arena, &parts->pod, &request->pod, err);
	if (r == 0 && (must_have_pod(request->event) || request->pod.id[0] != '\0'))
		r = check_id("pod", request->pod.id, err);
	request->has_container = parts->container.data != NULL;
	if (r == 0 && request->has_container)
		r = decode_container(arena, &parts->container, &request->container, err);
	if (r == 0 && !request->has_container && is_about_container(request->event))
		r = vb_error_say(err, EBADMSG, "an NRI request without its container");
	if (r == 0 && parts->adjustment.data != NULL)
		r = decode_adjustment(arena, &parts->adjustment, request, err);
	if (r == 0 && parts->plugin_count > 0)
		r = decode_plugin_names(arena, parts, &request->plugin_names, err);
	return r;
}

int vb_nri_decode_request(struct vb_arena *arena, enum vb_nri_method method, const uint8_t *payload,
	size_t size, struct vb_nri_request *ret_request, struct vb_error *err)
{
	struct vb_nri_request request = {.event = vb_nri_method_event(method),
		.pod = empty_pod,
		.container = empty_container};
	const struct layout *layout;
	struct parts parts = {0};

	if (method == VB_NRI_METHOD_STATE_CHANGE)
		layout = &state_change_layout;
	else if (request.event == VB_NRI_EVENT_UNKNOWN)
		return vb_error_say(err, EINVAL, "not an NRI event");
	else if (request.event == VB_NRI_EVENT_VALIDATE_ADJUSTMENT)
		layout = &validate_layout;
	else
		layout = is_about_container(request.event) ? &container_layout : &pod_layout;
	int r = find_parts(payload, size, layout, &parts, err);
	if (r < 0)
		return r;
	if (method == VB_NRI_METHOD_STATE_CHANGE)
		request.event = read_event(&parts.event);
	r = decode_parts(arena, &parts, &request, err);
	if (r == 0)
		*ret_request = request;
	return r;
}

enum {
	SYNCHRONIZE_PODS = 1,
	SYNCHRONIZE_CONTAINERS = 2,
	SYNCHRONIZE_MORE = 3,
};

static int check_synchronize_field(
	const struct vb_wire_field *field, struct vb_nri_synchronize *synchronize)
{
	switch (field->number) {
	case SYNCHRONIZE_PODS:
	case SYNCHRONIZE_CONTAINERS:
		return field->type == VB_WIRE_BYTES ? 0 : -EBADMSG;
	case SYNCHRONIZE_MORE:
		synchronize->more = field->value != 0;
		return field->type == VB_WIRE_VARINT ? 0 : -EBADMSG;
	default:
		return 0;
	}
}

int vb_nri_decode_synchronize(const uint8_t *payload, size_t size,
	struct vb_nri_synchronize *ret_synchronize, struct vb_error *err)
{
	struct vb_nri_synchronize synchronize = {.next = payload, .left = size};
	struct vb_wire_field field;
	struct vb_reader reader;
	int r;

	vb_reader_init(&reader, payload, size);
	while ((r = vb_wire_next(&reader, &field)) > 0) {
		r = check_synchronize_field(&field, &synchronize);
		if (r < 0)
			break;
	}
	if (r < 0)
		return vb_error_say(err, EBADMSG, "a malformed SynchronizeRequest");
	*ret_synchronize = synchronize;
	return 0;
}

static int decode_item(struct vb_arena *arena, const struct vb_wire_field *field,
	struct vb_nri_item *ret_item, struct vb_error *err)
{
	struct vb_nri_item item = {.is_container = field->number == SYNCHRONIZE_CONTAINERS,
		.pod = empty_pod,
		.container = empty_container};
	int r;

	if (item.is_container) {
		r = decode_container(arena, field, &item.container, err);
	} else {
		r = decode_pod(arena, field, &item.pod, err);
		if (r == 0)
			r = check_id("pod", item.pod.id, err);
	}
	if (r < 0)
		return r;
	*ret_item = item;
	return 1;
}

int vb_nri_synchronize_next(struct vb_nri_synchronize *synchronize, struct vb_arena *arena,
	struct vb_nri_item *ret_item, struct vb_error *err)
{
	struct vb_wire_field field;
	struct vb_reader reader;
	int r;

	vb_reader_init(&reader, synchronize->next, synchronize->left);
	do {
		r = vb_wire_next(&reader, &field);
		synchronize->next = reader.data;
		synchronize->left = reader.left;
	} while (r > 0 && field.number != SYNCHRONIZE_PODS &&
		 field.number != SYNCHRONIZE_CONTAINERS);
	if (r < 0)
		return vb_error_say(err, EBADMSG, "a malformed SynchronizeRequest");
	return r == 0 ? 0 : decode_item(arena, &field, ret_item, err);
}
