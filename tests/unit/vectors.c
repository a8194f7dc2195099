/* SPDX-License-Identifier: Apache-2.0 */
#include "vectors.h"

#include <check.h>
#include <glob.h>
#include <string.h>

#include "nri.pb-c.h"
#include "vb/base/file.h"
#include "vb/base/str.h"

enum { STREAM_MAX = 16 * 1024 * 1024 };

static const char *const direction_names[DIRECTIONS] = {"p2r", "r2p"};

static int find_sessions(glob_t *ret_found)
{
	return glob(VB_TEST_DATA "/vectors/*/*.json", 0, NULL, ret_found);
}

size_t vectors_count(void)
{
	glob_t found;

	/* Called outside of tests, where libcheck's assertions do not work. */
	if (find_sessions(&found) != 0)
		return 0;
	size_t count = found.gl_pathc;
	globfree(&found);
	return count;
}

/* "<runtime>/<session>" out of ".../<runtime>/<session>.json" */
static char *session_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *start = memrchr(path, '/', (size_t)(slash - path));

	return strndup(start + 1, strlen(start + 1) - strlen(".json"));
}

static void load_stream(struct session *session, enum direction direction)
{
	const char *file = NULL;
	const char *directory = VB_TEST_DATA "/vectors";
	json_int_t size = -1;
	struct vb_error err = {0};

	ck_assert_int_eq(json_unpack(session->index, "{s:{s:s},s:{s:I}}", "files",
				 direction_names[direction], &file, "sizes",
				 direction_names[direction], &size),
		0);
	size_t length = strlen(file);
	if (strcmp(file + length - 3, ".gz") == 0) {
		directory = VB_TEST_VECTORS_UNPACKED;
		length -= 3;
	}
	size_t runtime = (size_t)(strchr(session->name, '/') - session->name);
	vb_auto_free char *path = vb_str_format(
		"%s/%.*s/%.*s", directory, (int)runtime, session->name, (int)length, file);
	ck_assert_ptr_nonnull(path);
	char *bytes;
	ck_assert_msg(vb_file_read(path, STREAM_MAX, &bytes, &session->sizes[direction], &err) == 0,
		"%s", err.what);
	session->bytes[direction] = (uint8_t *)bytes;
	ck_assert_uint_eq(session->sizes[direction], (size_t)size);
}

void vectors_load(size_t number, struct session *session)
{
	json_error_t error;
	glob_t found;

	ck_assert_int_eq(find_sessions(&found), 0);
	ck_assert_uint_lt(number, found.gl_pathc);
	session->name = session_name(found.gl_pathv[number]);
	session->index = json_load_file(found.gl_pathv[number], 0, &error);
	ck_assert_msg(session->index != NULL, "%s: %s", session->name, error.text);
	globfree(&found);
	load_stream(session, TO_RUNTIME);
	load_stream(session, TO_PLUGIN);
}

void vectors_unload(struct session *session)
{
	free(session->name);
	free(session->bytes[TO_RUNTIME]);
	free(session->bytes[TO_PLUGIN]);
	json_decref(session->index);
}

json_t *vectors_next_message(
	const struct session *session, enum direction direction, uint32_t conn, size_t *position)
{
	const json_t *messages = json_object_get(session->index, "messages");

	while (*position < json_array_size(messages)) {
		json_t *message = json_array_get(messages, (*position)++);
		const char *name = json_string_value(json_object_get(message, "dir"));
		if (strcmp(name, direction_names[direction]) == 0 &&
			json_integer_value(json_object_get(message, "mux_conn")) == conn)
			return message;
	}
	return NULL;
}

json_t *vectors_next_frame(
	const struct session *session, enum direction direction, size_t *position)
{
	const json_t *frames = json_object_get(session->index, "frames");

	while (*position < json_array_size(frames)) {
		json_t *frame = json_array_get(frames, (*position)++);
		if (strcmp(json_string_value(json_array_get(frame, 0)),
			    direction_names[direction]) == 0)
			return frame;
	}
	return NULL;
}

#define TYPE(name) (&nri__pkg__api__v1alpha1__##name##__descriptor)

static const struct {
	const char *method;
	const ProtobufCMessageDescriptor *request;
	const ProtobufCMessageDescriptor *response;
} payload_types[] = {
	{"RegisterPlugin", TYPE(register_plugin_request), TYPE(empty)},
	{"Configure", TYPE(configure_request), TYPE(configure_response)},
	{"Synchronize", TYPE(synchronize_request), TYPE(synchronize_response)},
	{"StateChange", TYPE(state_change_event), TYPE(empty)},
	{"CreateContainer", TYPE(container_event), TYPE(create_container_response)},
	{"ValidateContainerAdjustment", TYPE(validate_container_adjustment_request),
		TYPE(validate_container_adjustment_response)},
	{"RunPodSandbox", TYPE(pod_event), TYPE(empty)},
	{"UpdatePodSandbox", TYPE(pod_event), TYPE(empty)},
	{"PostUpdatePodSandbox", TYPE(pod_event), TYPE(empty)},
	{"StopPodSandbox", TYPE(pod_event), TYPE(empty)},
	{"RemovePodSandbox", TYPE(pod_event), TYPE(empty)},
	{"PostCreateContainer", TYPE(container_event), TYPE(empty)},
	{"StartContainer", TYPE(container_event), TYPE(empty)},
	{"PostStartContainer", TYPE(container_event), TYPE(empty)},
	{"UpdateContainer", TYPE(container_event), TYPE(empty)},
	{"PostUpdateContainer", TYPE(container_event), TYPE(empty)},
	{"StopContainer", TYPE(container_event), TYPE(empty)},
	{"RemoveContainer", TYPE(container_event), TYPE(empty)},
};

const ProtobufCMessageDescriptor *vectors_payload_type(const char *method, bool is_request)
{
	for (size_t i = 0; i < VB_ARRAY_SIZE(payload_types); i++)
		if (strcmp(payload_types[i].method, method) == 0)
			return is_request ? payload_types[i].request : payload_types[i].response;
	return NULL;
}
