/* SPDX-License-Identifier: Apache-2.0 */
#include "link.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "vb/proto/mux.h"
#include "vb/proto/nri.h"

enum {
	READ_SIZE = 32 * 1024,
	/* One reply of the greatest size, framed, and room for small ones behind it. */
	UNSENT_MAX = VB_TTRPC_OUTGOING_MAX + 64 * 1024,
	MESSAGE_MAX = VB_TTRPC_OUTGOING_MAX + VB_TTRPC_HEADER_SIZE,
};

struct vb_link {
	int fd;
	struct vb_link_callbacks callbacks;
	struct event *readable;
	struct event *writable;
	struct vb_mux *mux;
	struct vb_buf *unsent;
	uint32_t next_stream_id;
	bool broken; /* err says why; on_closed is due */
	struct vb_error err;
	bool *destroyed; /* set by vb_link_destroy() while a callback runs */
};

/* From now on nothing is sent or delivered; the loop calls on_closed when it comes round. */
static void break_link(struct vb_link *link, const struct vb_error *err)
{
	if (link->broken)
		return;
	link->broken = true;
	link->err = *err;
	event_active(link->readable, EV_READ, 0);
}

static void flush(struct vb_link *link)
{
	struct vb_error err = {0};

	while (vb_buf_size(link->unsent) > 0) {
		ssize_t n = send(link->fd, vb_buf_data(link->unsent), vb_buf_size(link->unsent),
			MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0) {
			vb_buf_consume(link->unsent, (size_t)n);
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN) {
			(void)event_add(link->writable, NULL);
			return;
		}
		(void)vb_error_set(&err, errno, "send to the runtime");
		break_link(link, &err);
		return;
	}
}

/* Frames one finished message and sends what the socket takes now. */
static void send_message(struct vb_link *link, enum vb_mux_conn conn, const struct vb_buf *message)
{
	struct vb_error err = {0};

	if (link->broken)
		return;
	if (vb_mux_append_message(link->unsent, conn, message, &err) < 0)
		break_link(link, &err);
	else
		flush(link);
}

uint32_t vb_link_call(struct vb_link *link, const char *method, const struct vb_buf *payload)
{
	vb_auto_buf struct vb_buf *message = vb_buf_create(MESSAGE_MAX);
	struct vb_ttrpc_request request = {
		.service = VB_NRI_SERVICE_RUNTIME,
		.payload = vb_buf_data(payload),
		.payload_size = vb_buf_size(payload),
	};
	struct vb_error err = {0};
	uint32_t stream_id = link->next_stream_id;

	(void)snprintf(request.method, sizeof(request.method), "%s", method);
	if (message == NULL || vb_ttrpc_append_request(message, stream_id, &request, &err) < 0)
		return 0;
	link->next_stream_id += VB_TTRPC_STREAM_ID_STEP;
	send_message(link, VB_MUX_CONN_RUNTIME, message);
	return link->broken ? 0 : stream_id;
}

void vb_link_reply(struct vb_link *link, uint32_t stream_id, const struct vb_buf *payload)
{
	vb_auto_buf struct vb_buf *message = vb_buf_create(MESSAGE_MAX);
	vb_auto_buf struct vb_buf *empty = payload == NULL ? vb_buf_create(0) : NULL;
	const struct vb_buf *content = payload != NULL ? payload : empty;
	struct vb_error err = {0};

	if (message == NULL || content == NULL) {
		(void)vb_error_set(&err, ENOMEM, "answer the runtime");
		break_link(link, &err);
		return;
	}
	if (vb_ttrpc_append_response(message, stream_id, content, &err) < 0)
		vb_link_refuse(link, stream_id, VB_TTRPC_UNKNOWN, err.what);
	else
		send_message(link, VB_MUX_CONN_PLUGIN, message);
}

void vb_link_refuse(
	struct vb_link *link, uint32_t stream_id, enum vb_ttrpc_code code, const char *message_text)
{
	vb_auto_buf struct vb_buf *message = vb_buf_create(MESSAGE_MAX);
	struct vb_error err = {0};

	if (message == NULL)
		(void)vb_error_set(&err, ENOMEM, "answer the runtime");
	if (message == NULL ||
		vb_ttrpc_append_error(message, stream_id, code, message_text, &err) < 0)
		break_link(link, &err);
	else
		send_message(link, VB_MUX_CONN_PLUGIN, message);
}

static void deliver_request(struct vb_link *link, const struct vb_ttrpc_header *header)
{
	struct vb_ttrpc_request request = {0};
	struct vb_error err = {0};

	if (vb_ttrpc_decode_request(header, &request, &err) == 0) {
		link->callbacks.on_request(link->callbacks.context, header->stream_id, &request);
		return;
	}
	vb_link_refuse(link, header->stream_id, VB_TTRPC_INVALID_ARGUMENT, err.what);
	link->callbacks.on_garbage(link->callbacks.context, &err);
}

static void deliver_response(struct vb_link *link, const struct vb_ttrpc_header *header)
{
	struct vb_ttrpc_response response = {0};
	struct vb_error err = {0};

	if (vb_ttrpc_decode_response(header, &response, &err) == 0)
		link->callbacks.on_response(link->callbacks.context, header->stream_id, &response);
	else
		link->callbacks.on_garbage(link->callbacks.context, &err);
}

static void deliver(
	struct vb_link *link, enum vb_mux_conn conn, const struct vb_ttrpc_header *header)
{
	struct vb_error err = {0};

	if (conn == VB_MUX_CONN_PLUGIN && header->type == VB_TTRPC_REQUEST) {
		deliver_request(link, header);
	} else if (conn == VB_MUX_CONN_RUNTIME && header->type == VB_TTRPC_RESPONSE) {
		deliver_response(link, header);
	} else {
		(void)vb_error_say(
			&err, EBADMSG, "a message of type %u on conn %d", header->type, (int)conn);
		link->callbacks.on_garbage(link->callbacks.context, &err);
	}
}

static void refuse_too_long(
	struct vb_link *link, enum vb_mux_conn conn, const struct vb_ttrpc_header *header)
{
	struct vb_error err = {0};

	(void)vb_error_say(&err, EMSGSIZE, "a message of %zu bytes is longer than the %d allowed",
		header->body_size, VB_TTRPC_INCOMING_MAX);
	if (conn == VB_MUX_CONN_PLUGIN && header->type == VB_TTRPC_REQUEST)
		vb_link_refuse(link, header->stream_id, VB_TTRPC_RESOURCE_EXHAUSTED, err.what);
	link->callbacks.on_garbage(link->callbacks.context, &err);
}

/* Delivers all whole messages of a conn; false when the link was destroyed by a callback. */
static bool drain(struct vb_link *link, enum vb_mux_conn conn)
{
	bool destroyed = false;

	link->destroyed = &destroyed;
	while (!destroyed && !link->broken) {
		const uint8_t *data = NULL;
		struct vb_ttrpc_header header = {0};
		size_t size = vb_mux_peek(link->mux, conn, &data);
		int r = vb_ttrpc_peek(data, size, &header);
		if (r == 0)
			break;
		if (r < 0)
			refuse_too_long(link, conn, &header);
		else
			deliver(link, conn, &header);
		if (!destroyed)
			vb_mux_consume(link->mux, conn, header.total);
	}
	if (!destroyed)
		link->destroyed = NULL;
	return !destroyed;
}

static void receive(struct vb_link *link)
{
	uint8_t data[READ_SIZE];
	struct vb_error err = {0};

	ssize_t n = recv(link->fd, data, sizeof(data), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == 0)
		(void)vb_error_say(&err, ECONNRESET, "the runtime closed the connection");
	else if (n < 0)
		(void)vb_error_set(&err, errno, "receive from the runtime");
	if (n <= 0 || vb_mux_feed(link->mux, data, (size_t)n, &err) < 0)
		break_link(link, &err);
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	struct vb_link *link = context;

	(void)fd;
	(void)what;
	if (!link->broken) {
		receive(link);
		/* The answer to our registration goes first where both are there. */
		if (!drain(link, VB_MUX_CONN_RUNTIME) || !drain(link, VB_MUX_CONN_PLUGIN))
			return;
	}
	if (link->broken)
		link->callbacks.on_closed(link->callbacks.context, &link->err);
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	flush(context);
}

int vb_link_create(struct event_base *base, int fd, const struct vb_link_callbacks *callbacks,
	struct vb_link **ret_link, struct vb_error *err)
{
	struct vb_link *link = calloc(1, sizeof(*link));

	if (link == NULL)
		return vb_error_set(err, ENOMEM, "allocate the connection");
	link->fd = -1;
	link->callbacks = *callbacks;
	link->next_stream_id = VB_TTRPC_STREAM_ID_FIRST;
	link->mux = vb_mux_create();
	link->unsent = vb_buf_create(UNSENT_MAX);
	link->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, link);
	link->writable = event_new(base, fd, EV_WRITE, on_writable, link);
	if (link->mux == NULL || link->unsent == NULL || link->readable == NULL ||
		link->writable == NULL || event_add(link->readable, NULL) < 0) {
		vb_link_destroy(link);
		return vb_error_set(err, ENOMEM, "allocate the connection");
	}
	link->fd = fd;
	*ret_link = link;
	return 0;
}

void vb_link_destroy(struct vb_link *link)
{
	if (link == NULL)
		return;
	if (link->destroyed != NULL)
		*link->destroyed = true;
	if (link->readable != NULL)
		event_free(link->readable);
	if (link->writable != NULL)
		event_free(link->writable);
	vb_mux_destroy(link->mux);
	vb_buf_destroy(link->unsent);
	if (link->fd >= 0)
		(void)close(link->fd);
	free(link);
}
