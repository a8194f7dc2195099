/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The multiplexer and ttrpc. The first byte says in what pieces the rest arrives; what comes out
 * must not depend on that, and what was understood must survive being sent again.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "vb/proto/mux.h"
#include "vb/proto/ttrpc.h"

static void expect(bool is_true)
{
	if (!is_true)
		abort();
}

/* A sum over everything that was seen, in an order that the pieces do not change. */
struct seen {
	uint64_t sum[VB_MUX_CONN_RUNTIME + 1];
};

static void add(struct seen *seen, enum vb_mux_conn conn, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	seen->sum[conn] = seen->sum[conn] * 31 + size;
	for (size_t i = 0; i < size; i++)
		seen->sum[conn] = seen->sum[conn] * 31 + bytes[i];
}

static void check_request(const struct vb_ttrpc_header *header, struct vb_buf *out)
{
	struct vb_ttrpc_request request;
	struct vb_ttrpc_request again;
	struct vb_ttrpc_header sent;
	struct vb_error err;

	if (vb_ttrpc_decode_request(header, &request, &err) < 0)
		return;
	expect(vb_ttrpc_append_request(out, header->stream_id, &request, &err) == 0);
	expect(vb_ttrpc_peek(vb_buf_data(out), vb_buf_size(out), &sent) == 1);
	expect(sent.total == vb_buf_size(out) && sent.stream_id == header->stream_id);
	expect(vb_ttrpc_decode_request(&sent, &again, &err) == 0);
	expect(strcmp(again.service, request.service) == 0);
	expect(strcmp(again.method, request.method) == 0);
	expect(again.timeout_ns == request.timeout_ns);
	expect(again.payload_size == request.payload_size);
	expect(memcmp(again.payload, request.payload, request.payload_size) == 0);
}

static void check_response(const struct vb_ttrpc_header *header, struct vb_buf *out)
{
	struct vb_ttrpc_response response;
	struct vb_ttrpc_response again;
	struct vb_ttrpc_header sent;
	struct vb_error err;

	if (vb_ttrpc_decode_response(header, &response, &err) < 0)
		return;
	expect(vb_ttrpc_append_error(out, header->stream_id, (enum vb_ttrpc_code)response.code,
		       response.message, &err) == 0);
	expect(vb_ttrpc_peek(vb_buf_data(out), vb_buf_size(out), &sent) == 1);
	expect(vb_ttrpc_decode_response(&sent, &again, &err) == 0);
	expect(again.code == response.code && again.payload_size == 0);
	expect(strcmp(again.message, response.message) == 0);
}

static void check_framing(enum vb_mux_conn conn, const struct vb_buf *message)
{
	vb_auto_buf struct vb_buf *framed = vb_buf_create(VB_MUX_UNREAD_MAX);
	vb_auto_mux struct vb_mux *mux = vb_mux_create();
	const uint8_t *data;
	struct vb_error err;

	if (framed == NULL || mux == NULL || vb_buf_size(message) == 0)
		return;
	expect(vb_mux_append_message(framed, conn, message, &err) == 0);
	expect(vb_mux_feed(mux, vb_buf_data(framed), vb_buf_size(framed), &err) == 0);
	expect(vb_mux_peek(mux, conn, &data) == vb_buf_size(message));
	expect(memcmp(data, vb_buf_data(message), vb_buf_size(message)) == 0);
}

/* Takes the next message of a conn, or skips it when it is too long; false when there is none. */
static bool take_message(struct vb_mux *mux, enum vb_mux_conn conn, struct seen *seen)
{
	vb_auto_buf struct vb_buf *out = vb_buf_create(VB_MUX_UNREAD_MAX);
	struct vb_ttrpc_header header;
	const uint8_t *data;
	size_t size = vb_mux_peek(mux, conn, &data);
	int r = vb_ttrpc_peek(data, size, &header);

	if (r == 0 || out == NULL)
		return false;
	add(seen, conn, &header.stream_id, sizeof(header.stream_id));
	if (r > 0) {
		add(seen, conn, header.body, header.body_size);
		check_request(&header, out);
		vb_buf_consume(out, vb_buf_size(out));
		check_response(&header, out);
		check_framing(conn, out);
	}
	vb_mux_consume(mux, conn, header.total);
	return true;
}

static struct seen feed(const uint8_t *data, size_t size, size_t piece)
{
	vb_auto_mux struct vb_mux *mux = vb_mux_create();
	struct seen seen = {0};
	struct vb_error err;

	while (mux != NULL && size > 0) {
		size_t taken = piece < size ? piece : size;
		if (vb_mux_feed(mux, data, taken, &err) < 0)
			break;
		while (take_message(mux, VB_MUX_CONN_PLUGIN, &seen) ||
			take_message(mux, VB_MUX_CONN_RUNTIME, &seen))
			;
		data += taken;
		size -= taken;
	}
	return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	struct seen whole = feed(data + 1, size - 1, size);
	struct seen pieces = feed(data + 1, size - 1, (size_t)data[0] + 1);
	expect(memcmp(&whole, &pieces, sizeof(whole)) == 0);
	return 0;
}
