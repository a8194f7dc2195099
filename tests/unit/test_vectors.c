/* SPDX-License-Identifier: Apache-2.0 */
/* Replays what four runtimes and two plugins really said to each other. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nri.pb-c.h"
#include "vb/base/str.h"
#include "vb/proto/mux.h"
#include "vb/proto/nri.h"
#include "vb/proto/ttrpc.h"
#include "vectors.h"

enum { CONN_MAX = VB_MUX_CONN_RUNTIME };

static struct vb_error err;

/* One direction of a session on its way through the decoder. */
struct replay {
	struct session session;
	enum direction direction;
	struct vb_mux *mux;
	struct vb_arena *arena;
	size_t position[CONN_MAX + 1]; /* in the index, per conn */
	size_t messages;
};

static void start_replay(struct replay *replay, size_t number, enum direction direction)
{
	*replay = (struct replay){.direction = direction};
	vectors_load(number, &replay->session);
	replay->mux = vb_mux_create();
	replay->arena = vb_arena_create(VB_ARENA_DEFAULT_BYTES);
	ck_assert_ptr_nonnull(replay->mux);
	ck_assert_ptr_nonnull(replay->arena);
}

/* All that the index has must have come, and nothing else. */
static void finish_replay(struct replay *replay)
{
	for (unsigned int conn = 1; conn <= CONN_MAX; conn++) {
		const uint8_t *data;
		ck_assert_ptr_null(vectors_next_message(
			&replay->session, replay->direction, conn, &replay->position[conn]));
		ck_assert_uint_eq(vb_mux_peek(replay->mux, (enum vb_mux_conn)conn, &data), 0);
	}
	ck_assert_uint_gt(replay->messages, 0);
	vb_mux_destroy(replay->mux);
	vb_arena_destroy(replay->arena);
	vectors_unload(&replay->session);
}

static void feed(struct replay *replay, const uint8_t *data, size_t size)
{
	/* An assertion costs a write(2) each time; this runs once per byte. */
	if (vb_mux_feed(replay->mux, data, size, &err) < 0)
		ck_abort_msg("%s", err.what);
}

static void check_payload(
	const char *method, bool is_request, const uint8_t *payload, size_t size, json_t *decoded)
{
	const ProtobufCMessageDescriptor *type = vectors_payload_type(method, is_request);

	if (type == NULL)
		return;
	ProtobufCMessage *message = protobuf_c_message_unpack(type, NULL, size, payload);
	ck_assert_ptr_nonnull(message);
	vectors_compare(message, decoded);
	protobuf_c_message_free_unpacked(message, NULL);
}

static void check_configure(struct replay *replay, const struct vb_ttrpc_request *request)
{
	struct vb_nri_configure configure;
	bool has_validate = vb_str_after(replay->session.name, "containerd-2.2") != NULL ||
			    vb_str_after(replay->session.name, "containerd-2.3") != NULL;
	uint32_t all = UINT32_MAX;

	ck_assert_int_eq(vb_nri_decode_configure(replay->arena, request->payload,
				 request->payload_size, &configure, &err),
		0);
	ck_assert_str_eq(configure.runtime_name, "containerd");
	ck_assert_uint_eq(vb_nri_event_mask(&configure, all), has_validate ? 0x3fff : 0x7ff);
	ck_assert_uint_eq(
		vb_nri_event_mask(&configure, VB_NRI_EVENTS_WANTED), has_validate ? 0x266c : 0x66c);
	ck_assert_int_eq(configure.request_timeout_ms,
		vb_str_after(replay->session.name, "containerd-1.7") != NULL ? 0 : 2000);
}

static void check_synchronize(struct replay *replay, const struct vb_ttrpc_request *request)
{
	Nri__Pkg__Api__V1alpha1__SynchronizeRequest *expected =
		nri__pkg__api__v1alpha1__synchronize_request__unpack(
			NULL, request->payload_size, request->payload);
	struct vb_nri_synchronize synchronize;
	struct vb_nri_item item;

	ck_assert_int_eq(vb_nri_decode_synchronize(
				 request->payload, request->payload_size, &synchronize, &err),
		0);
	ck_assert_int_eq(synchronize.more, expected->more);
	for (size_t i = 0; i < expected->n_pods + expected->n_containers; i++) {
		vb_arena_reset(replay->arena);
		ck_assert_int_eq(
			vb_nri_synchronize_next(&synchronize, replay->arena, &item, &err), 1);
		ck_assert_int_eq(item.is_container, i >= expected->n_pods);
		if (item.is_container)
			vectors_compare_container(
				&item.container, expected->containers[i - expected->n_pods]);
		else
			vectors_compare_pod(&item.pod, expected->pods[i]);
	}
	ck_assert_int_eq(vb_nri_synchronize_next(&synchronize, replay->arena, &item, &err), 0);
	nri__pkg__api__v1alpha1__synchronize_request__free_unpacked(expected, NULL);
}

static void check_parts(const struct vb_nri_request *request,
	const Nri__Pkg__Api__V1alpha1__PodSandbox *pod,
	const Nri__Pkg__Api__V1alpha1__Container *container)
{
	vectors_compare_pod(&request->pod, pod);
	ck_assert_int_eq(request->has_container, container != NULL);
	if (container != NULL)
		vectors_compare_container(&request->container, container);
}

static void check_event(struct replay *replay, const struct vb_ttrpc_request *request)
{
	enum vb_nri_method method = vb_nri_method_find(request->service, request->method);
	ProtobufCMessage *expected =
		protobuf_c_message_unpack(vectors_payload_type(request->method, true), NULL,
			request->payload_size, request->payload);
	struct vb_nri_request event;

	ck_assert_msg(vb_nri_decode_request(replay->arena, method, request->payload,
			      request->payload_size, &event, &err) == 0,
		"%s", err.what);
	if (method == VB_NRI_METHOD_STATE_CHANGE) {
		const Nri__Pkg__Api__V1alpha1__StateChangeEvent *change = (const void *)expected;
		ck_assert_int_eq((int)event.event, (int)change->event);
		check_parts(&event, change->pod, change->container);
	} else if (method == VB_NRI_METHOD_VALIDATE_ADJUSTMENT) {
		const Nri__Pkg__Api__V1alpha1__ValidateContainerAdjustmentRequest *validate =
			(const void *)expected;
		check_parts(&event, validate->pod, validate->container);
		vectors_compare_adjustment(&event.adjustment, validate->adjust);
		ck_assert_uint_eq(event.plugin_names.count, 1);
		ck_assert_str_eq(event.plugin_names.items[0], "10-vector");
	} else if (expected->descriptor == &nri__pkg__api__v1alpha1__pod_event__descriptor) {
		ck_assert_str_eq(vb_nri_event_name(event.event), request->method);
		check_parts(
			&event, ((const Nri__Pkg__Api__V1alpha1__PodEvent *)expected)->pod, NULL);
	} else {
		const Nri__Pkg__Api__V1alpha1__ContainerEvent *any = (const void *)expected;
		ck_assert_str_eq(vb_nri_event_name(event.event), request->method);
		check_parts(&event, any->pod, any->container);
	}
	protobuf_c_message_free_unpacked(expected, NULL);
}

/* What the runtime asks a plugin must come out of our own layer, too. */
static void check_plain_data(struct replay *replay, const struct vb_ttrpc_request *request)
{
	enum vb_nri_method method = vb_nri_method_find(request->service, request->method);

	vb_arena_reset(replay->arena);
	ck_assert_int_ne(method, VB_NRI_METHOD_UNKNOWN);
	if (method == VB_NRI_METHOD_CONFIGURE)
		check_configure(replay, request);
	else if (method == VB_NRI_METHOD_SYNCHRONIZE)
		check_synchronize(replay, request);
	else
		check_event(replay, request);
}

static void check_request(
	struct replay *replay, const struct vb_ttrpc_header *header, const json_t *expected)
{
	struct vb_ttrpc_request request;

	ck_assert_msg(vb_ttrpc_decode_request(header, &request, &err) == 0, "%s", err.what);
	ck_assert_str_eq(request.service, json_string_value(json_object_get(expected, "service")));
	ck_assert_str_eq(request.method, json_string_value(json_object_get(expected, "method")));
	ck_assert_int_eq(
		request.timeout_ns, json_integer_value(json_object_get(expected, "timeout_nano")));
	ck_assert_uint_eq(request.payload_size,
		(size_t)json_integer_value(json_object_get(expected, "payload_len")));
	check_payload(request.method, true, request.payload, request.payload_size,
		json_object_get(expected, "decoded"));
	if (replay->direction == TO_PLUGIN)
		check_plain_data(replay, &request);
}

static void check_response(const struct vb_ttrpc_header *header, const json_t *expected)
{
	const json_t *status = json_object_get(expected, "status");
	const char *message = json_string_value(json_object_get(status, "message"));
	struct vb_ttrpc_response response;

	ck_assert_msg(vb_ttrpc_decode_response(header, &response, &err) == 0, "%s", err.what);
	ck_assert_int_eq(response.code, json_integer_value(json_object_get(status, "code")));
	ck_assert_str_eq(response.message, message != NULL ? message : "");
	ck_assert_uint_eq(response.payload_size,
		(size_t)json_integer_value(json_object_get(expected, "payload_len")));
	check_payload(json_string_value(json_object_get(expected, "method")), false,
		response.payload, response.payload_size, json_object_get(expected, "decoded"));
}

static void check_message(struct replay *replay, enum vb_mux_conn conn, const uint8_t *data,
	const struct vb_ttrpc_header *header)
{
	const json_t *expected = vectors_next_message(
		&replay->session, replay->direction, conn, &replay->position[conn]);
	int length;
	int stream;
	int type;
	int flags;

	ck_assert_msg(expected != NULL, "%s: one message too many", replay->session.name);
	ck_assert_int_eq(json_unpack(json_object_get(expected, "ttrpc"), "{s:i,s:i,s:i,s:i}", "len",
				 &length, "stream", &stream, "type", &type, "flags", &flags),
		0);
	ck_assert_int_eq((int)header->body_size, length);
	ck_assert_int_eq((int)header->stream_id, stream);
	ck_assert_int_eq(header->type, type);
	ck_assert_int_eq(data[VB_TTRPC_HEADER_SIZE - 1], flags);
	if (header->type == VB_TTRPC_REQUEST)
		check_request(replay, header, json_object_get(expected, "request"));
	else
		check_response(header, json_object_get(expected, "response"));
	replay->messages++;
}

static void drain(struct replay *replay)
{
	for (unsigned int i = 1; i <= CONN_MAX; i++) {
		enum vb_mux_conn conn = (enum vb_mux_conn)i;
		struct vb_ttrpc_header header;
		const uint8_t *data;
		size_t size = vb_mux_peek(replay->mux, conn, &data);
		while (vb_ttrpc_peek(data, size, &header) == 1) {
			check_message(replay, conn, data, &header);
			vb_mux_consume(replay->mux, conn, header.total);
			size = vb_mux_peek(replay->mux, conn, &data);
		}
	}
}

START_TEST(a_session_fed_whole_gives_the_messages_of_its_index)
{
	for (int direction = 0; direction < DIRECTIONS; direction++) {
		struct replay replay;
		start_replay(&replay, (size_t)_i, (enum direction)direction);
		feed(&replay, replay.session.bytes[direction], replay.session.sizes[direction]);
		drain(&replay);
		finish_replay(&replay);
	}
}
END_TEST

START_TEST(a_session_fed_byte_by_byte_gives_the_messages_of_its_index)
{
	for (int direction = 0; direction < DIRECTIONS; direction++) {
		struct replay replay;
		start_replay(&replay, (size_t)_i, (enum direction)direction);
		size_t size = replay.session.sizes[direction];
		/* The long sessions are looked at more seldom, or an emulator takes minutes. */
		size_t stride = size > 1000000 ? 1009 : 1;
		for (size_t i = 0; i < size; i++) {
			feed(&replay, replay.session.bytes[direction] + i, 1);
			if (i % stride == 0)
				drain(&replay);
		}
		drain(&replay);
		finish_replay(&replay);
	}
}
END_TEST

/* Pieces of 1 byte to 8 KiB, small ones as likely as big ones; the same in every run. */
static size_t random_piece(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	size_t bound = (size_t)1 << (*state >> 33) % 14;
	return 1 + (size_t)(*state >> 40) % bound;
}

static void feed_in_pieces(struct replay *replay, uint64_t state)
{
	size_t size = replay->session.sizes[replay->direction];

	for (size_t fed = 0; fed < size;) {
		size_t piece = random_piece(&state);
		if (piece > size - fed)
			piece = size - fed;
		feed(replay, replay->session.bytes[replay->direction] + fed, piece);
		drain(replay);
		fed += piece;
	}
}

START_TEST(a_session_fed_in_random_pieces_gives_the_messages_of_its_index)
{
	for (int direction = 0; direction < DIRECTIONS; direction++) {
		bool is_long = true;
		for (uint64_t seed = 0; seed < (is_long ? 2 : 6); seed++) {
			struct replay replay;
			start_replay(&replay, (size_t)_i, (enum direction)direction);
			is_long = replay.session.sizes[direction] > 1000000;
			feed_in_pieces(&replay, seed);
			finish_replay(&replay);
		}
	}
}
END_TEST

static size_t unread(const struct replay *replay, uint32_t conn)
{
	const uint8_t *data;

	return vb_mux_peek(replay->mux, (enum vb_mux_conn)conn, &data);
}

/* Takes one frame where the index says that it is. Returns its length. */
static size_t feed_frame(struct replay *replay, const json_t *frame, size_t offset)
{
	const uint8_t *bytes = replay->session.bytes[replay->direction];
	uint32_t conn = (uint32_t)json_integer_value(json_array_get(frame, 2));
	size_t length = (size_t)json_integer_value(json_array_get(frame, 3));
	size_t before = unread(replay, conn);
	size_t others = unread(replay, 3 - conn);

	ck_assert_uint_eq((size_t)json_integer_value(json_array_get(frame, 1)), offset);
	ck_assert_uint_le(offset + 8 + length, replay->session.sizes[replay->direction]);
	feed(replay, bytes + offset, 8 + length);
	ck_assert_uint_eq(unread(replay, conn), before + length);
	ck_assert_uint_eq(unread(replay, 3 - conn), others);
	return length;
}

START_TEST(the_frames_of_a_session_lie_where_its_index_says)
{
	for (int direction = 0; direction < DIRECTIONS; direction++) {
		struct replay replay;
		const json_t *frame;
		size_t position = 0;
		size_t offset = 0;
		start_replay(&replay, (size_t)_i, (enum direction)direction);
		while ((frame = vectors_next_frame(
				&replay.session, (enum direction)direction, &position)) != NULL) {
			offset += 8 + feed_frame(&replay, frame, offset);
			drain(&replay);
		}
		ck_assert_uint_eq(offset, replay.session.sizes[direction]);
		finish_replay(&replay);
	}
}
END_TEST

static struct vb_buf *make_buf(const void *data, size_t size)
{
	struct vb_buf *buf = vb_buf_create(VB_MUX_UNREAD_MAX);

	ck_assert_ptr_nonnull(buf);
	ck_assert_int_eq(vb_buf_append(buf, data, size), 0);
	return buf;
}

static void check_bytes(const struct vb_buf *buf, const uint8_t *expected, size_t size)
{
	ck_assert_uint_eq(vb_buf_size(buf), size);
	ck_assert_mem_eq(vb_buf_data(buf), expected, size);
}

/* Our framing of this message must be the recorded one; but for the one that was made wrong. */
static void check_framing(
	const struct replay *replay, enum vb_mux_conn conn, const struct vb_buf *message)
{
	size_t position = replay->position[conn];
	const json_t *expected =
		vectors_next_message(&replay->session, replay->direction, conn, &position);
	size_t offset = (size_t)json_integer_value(json_object_get(expected, "first_frame_off"));
	bool is_right = strstr(replay->session.name, "one-6KB-mux-frame") == NULL ||
			vb_buf_size(message) <= VB_MUX_FIRST_FRAME_MAX;
	vb_auto_buf struct vb_buf *framed = vb_buf_create(VB_MUX_UNREAD_MAX);

	ck_assert_ptr_nonnull(framed);
	ck_assert_int_eq(vb_mux_append_message(framed, conn, message, &err), 0);
	size_t left = replay->session.sizes[replay->direction] - offset;
	ck_assert_int_eq(
		is_right, left >= vb_buf_size(framed) &&
				  memcmp(vb_buf_data(framed),
					  replay->session.bytes[replay->direction] + offset,
					  vb_buf_size(framed)) == 0);
}

/* The payload of a RegisterPlugin; the Go stub adds its own version, which we do not. */
static bool encode_register(const struct vb_ttrpc_request *request, struct vb_buf *payload)
{
	Nri__Pkg__Api__V1alpha1__RegisterPluginRequest *recorded =
		nri__pkg__api__v1alpha1__register_plugin_request__unpack(
			NULL, request->payload_size, request->payload);
	bool is_ours = recorded->nri_version[0] == '\0';
	int r = vb_nri_encode_register(payload, recorded->plugin_name, recorded->plugin_idx, &err);
	bool is_index_good = strlen(recorded->plugin_idx) == 2;

	ck_assert_int_eq(r, is_index_good ? 0 : -EINVAL);
	nri__pkg__api__v1alpha1__register_plugin_request__free_unpacked(recorded, NULL);
	return r == 0 && is_ours;
}

/* Takes an adjustment through our decoder by asking to validate it. */
static void decode_adjustment(struct vb_arena *arena,
	Nri__Pkg__Api__V1alpha1__ContainerAdjustment *adjust, struct vb_nri_request *ret_request)
{
	Nri__Pkg__Api__V1alpha1__ValidateContainerAdjustmentRequest validate;
	Nri__Pkg__Api__V1alpha1__PodSandbox pod;
	Nri__Pkg__Api__V1alpha1__Container container;
	char id[] = "x";

	nri__pkg__api__v1alpha1__validate_container_adjustment_request__init(&validate);
	nri__pkg__api__v1alpha1__pod_sandbox__init(&pod);
	nri__pkg__api__v1alpha1__container__init(&container);
	pod.id = id;
	container.id = id;
	validate.pod = &pod;
	validate.container = &container;
	validate.adjust = adjust;
	vb_auto_free uint8_t *bytes = malloc(protobuf_c_message_get_packed_size(&validate.base));
	ck_assert_ptr_nonnull(bytes);
	size_t size = protobuf_c_message_pack(&validate.base, bytes);
	ck_assert_int_eq(vb_nri_decode_request(arena, VB_NRI_METHOD_VALIDATE_ADJUSTMENT, bytes,
				 size, ret_request, &err),
		0);
}

/* What we do not send is taken away from the recorded reply before it is compared with ours. */
static void check_adjustment(struct replay *replay, const uint8_t *payload, size_t size)
{
	Nri__Pkg__Api__V1alpha1__CreateContainerResponse *recorded =
		nri__pkg__api__v1alpha1__create_container_response__unpack(NULL, size, payload);
	vb_auto_buf struct vb_buf *ours = vb_buf_create(VB_TTRPC_OUTGOING_MAX);
	struct vb_nri_request request = {0};

	vb_arena_reset(replay->arena);
	decode_adjustment(replay->arena, recorded->adjust, &request);
	ck_assert_int_eq(vb_nri_encode_create(ours, &request.adjustment, &err), 0);
	bool is_whole = recorded->adjust == NULL ||
			(recorded->adjust->hooks == NULL && recorded->adjust->n_rlimits == 0);
	if (is_whole) {
		check_bytes(ours, payload, size);
	} else {
		Nri__Pkg__Api__V1alpha1__Hooks *hooks = recorded->adjust->hooks;
		size_t n_rlimits = recorded->adjust->n_rlimits;
		recorded->adjust->hooks = NULL;
		recorded->adjust->n_rlimits = 0;
		vb_auto_free uint8_t *reduced = malloc(size);
		ck_assert_ptr_nonnull(reduced);
		size_t left = protobuf_c_message_pack(&recorded->base, reduced);
		check_bytes(ours, reduced, left);
		recorded->adjust->hooks = hooks;
		recorded->adjust->n_rlimits = n_rlimits;
	}
	nri__pkg__api__v1alpha1__create_container_response__free_unpacked(recorded, NULL);
}

static void check_payload_encoding(
	struct replay *replay, const char *method, const struct vb_ttrpc_response *response)
{
	vb_auto_buf struct vb_buf *payload = vb_buf_create(VB_TTRPC_OUTGOING_MAX);
	const ProtobufCMessageDescriptor *type = vectors_payload_type(method, false);
	ProtobufCMessage *recorded =
		protobuf_c_message_unpack(type, NULL, response->payload_size, response->payload);

	if (type == &nri__pkg__api__v1alpha1__configure_response__descriptor) {
		int32_t events =
			((const Nri__Pkg__Api__V1alpha1__ConfigureResponse *)recorded)->events;
		ck_assert_int_eq(vb_nri_encode_configure(payload, (uint32_t)events, &err), 0);
	} else if (type == &nri__pkg__api__v1alpha1__synchronize_response__descriptor) {
		bool more = ((const Nri__Pkg__Api__V1alpha1__SynchronizeResponse *)recorded)->more;
		ck_assert_int_eq(vb_nri_encode_synchronize(payload, more, &err), 0);
	} else if (type ==
		   &nri__pkg__api__v1alpha1__validate_container_adjustment_response__descriptor) {
		ck_assert_int_eq(vb_nri_encode_validate(payload, NULL, &err), 0);
	}
	if (type == &nri__pkg__api__v1alpha1__create_container_response__descriptor)
		check_adjustment(replay, response->payload, response->payload_size);
	else
		check_bytes(payload, response->payload, response->payload_size);
	protobuf_c_message_free_unpacked(recorded, NULL);
}

static void check_response_encoding(struct replay *replay, const char *method,
	const struct vb_ttrpc_header *header, const struct vb_buf *message)
{
	vb_auto_buf struct vb_buf *ours = vb_buf_create(VB_MUX_UNREAD_MAX);
	struct vb_ttrpc_response response;

	ck_assert_int_eq(vb_ttrpc_decode_response(header, &response, &err), 0);
	if (response.code != VB_TTRPC_OK) {
		ck_assert_int_eq(vb_ttrpc_append_error(ours, header->stream_id,
					 (enum vb_ttrpc_code)response.code, response.message, &err),
			0);
	} else {
		vb_auto_buf struct vb_buf *payload =
			make_buf(response.payload, response.payload_size);
		ck_assert_int_eq(
			vb_ttrpc_append_response(ours, header->stream_id, payload, &err), 0);
		check_payload_encoding(replay, method, &response);
	}
	check_bytes(ours, vb_buf_data(message), vb_buf_size(message));
}

static void check_request_encoding(
	const struct vb_ttrpc_header *header, const struct vb_buf *message)
{
	vb_auto_buf struct vb_buf *ours = vb_buf_create(VB_MUX_UNREAD_MAX);
	vb_auto_buf struct vb_buf *payload = vb_buf_create(VB_TTRPC_OUTGOING_MAX);
	struct vb_ttrpc_request request;

	ck_assert_int_eq(vb_ttrpc_decode_request(header, &request, &err), 0);
	if (strcmp(request.method, VB_NRI_METHOD_REGISTER) == 0 &&
		encode_register(&request, payload))
		check_bytes(payload, request.payload, request.payload_size);
	ck_assert_int_eq(vb_ttrpc_append_request(ours, header->stream_id, &request, &err), 0);
	check_bytes(ours, vb_buf_data(message), vb_buf_size(message));
}

static void check_next_encoding(struct replay *replay, enum vb_mux_conn conn, const uint8_t *data,
	const struct vb_ttrpc_header *header)
{
	vb_auto_buf struct vb_buf *message = make_buf(data, header->total);

	check_framing(replay, conn, message);
	const json_t *expected = vectors_next_message(
		&replay->session, replay->direction, conn, &replay->position[conn]);
	const char *method =
		json_string_value(json_object_get(json_object_get(expected, "response"), "method"));
	if (header->type == VB_TTRPC_REQUEST)
		check_request_encoding(header, message);
	else
		check_response_encoding(replay, method, header, message);
	replay->messages++;
}

START_TEST(what_the_recorded_plugins_sent_is_what_we_would_send)
{
	struct replay replay;

	start_replay(&replay, (size_t)_i, TO_RUNTIME);
	feed(&replay, replay.session.bytes[TO_RUNTIME], replay.session.sizes[TO_RUNTIME]);
	for (unsigned int i = 1; i <= CONN_MAX; i++) {
		enum vb_mux_conn conn = (enum vb_mux_conn)i;
		struct vb_ttrpc_header header;
		const uint8_t *data;
		size_t size = vb_mux_peek(replay.mux, conn, &data);
		while (vb_ttrpc_peek(data, size, &header) == 1) {
			check_next_encoding(&replay, conn, data, &header);
			vb_mux_consume(replay.mux, conn, header.total);
			size = vb_mux_peek(replay.mux, conn, &data);
		}
	}
	finish_replay(&replay);
}
END_TEST

START_TEST(no_session_is_missing)
{
	ck_assert_uint_eq(vectors_count(), 28);
}
END_TEST

int main(void)
{
	int sessions = (int)vectors_count();
	Suite *suite = suite_create("vectors");
	TCase *tcase = tcase_create("replay");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, no_session_is_missing);
	tcase_add_loop_test(
		tcase, a_session_fed_whole_gives_the_messages_of_its_index, 0, sessions);
	tcase_add_loop_test(
		tcase, a_session_fed_byte_by_byte_gives_the_messages_of_its_index, 0, sessions);
	tcase_add_loop_test(
		tcase, a_session_fed_in_random_pieces_gives_the_messages_of_its_index, 0, sessions);
	tcase_add_loop_test(tcase, the_frames_of_a_session_lie_where_its_index_says, 0, sessions);
	tcase_add_loop_test(
		tcase, what_the_recorded_plugins_sent_is_what_we_would_send, 0, sessions);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
