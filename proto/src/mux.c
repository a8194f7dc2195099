/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/proto/mux.h"

#include <errno.h>
#include <string.h>

enum {
	HEADER_SIZE = 8,
	CONN_COUNT = 2,
	/* A buffer that once held more than this is given back when it is empty. */
	KEPT_BUFFER_MAX = 64 * 1024,
};

struct stream {
	struct vb_buf *unread; /* NULL while there was nothing to keep */
	size_t most;           /* the most bytes that unread ever held */
	size_t skip;           /* bytes to drop as they arrive */
};

struct vb_mux {
	struct stream streams[CONN_COUNT];
	uint8_t header[HEADER_SIZE];
	size_t header_filled;
	struct stream *frame_stream; /* NULL when the frame's conn is unknown */
	size_t frame_left;
};

struct vb_mux *vb_mux_create(void)
{
	return calloc(1, sizeof(struct vb_mux));
}

void vb_mux_destroy(struct vb_mux *mux)
{
	if (mux == NULL)
		return;
	for (size_t i = 0; i < CONN_COUNT; i++)
		vb_buf_destroy(mux->streams[i].unread);
	free(mux);
}

static uint32_t load_u32be(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

static void store_u32be(uint8_t *bytes, uint32_t value)
{
	bytes[0] = (uint8_t)(value >> 24);
	bytes[1] = (uint8_t)(value >> 16);
	bytes[2] = (uint8_t)(value >> 8);
	bytes[3] = (uint8_t)value;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Returns how many bytes it took. */
static size_t feed_header(struct vb_mux *mux, const uint8_t *data, size_t size)
{
	size_t taken = smaller(size, HEADER_SIZE - mux->header_filled);

	memcpy(mux->header + mux->header_filled, data, taken);
	mux->header_filled += taken;
	if (mux->header_filled < HEADER_SIZE)
		return taken;
	uint32_t conn = load_u32be(mux->header);
	mux->header_filled = 0;
	mux->frame_left = load_u32be(mux->header + 4);
	mux->frame_stream = conn >= 1 && conn <= CONN_COUNT ? &mux->streams[conn - 1] : NULL;
	return taken;
}

static int feed_stream(struct stream *stream, const uint8_t *data, size_t size)
{
	size_t skipped = smaller(size, stream->skip);

	stream->skip -= skipped;
	if (size == skipped)
		return 0;
	if (stream->unread == NULL)
		stream->unread = vb_buf_create(VB_MUX_UNREAD_MAX);
	if (stream->unread == NULL)
		return -ENOMEM;
	int r = vb_buf_append(stream->unread, data + skipped, size - skipped);
	if (r < 0)
		return r;
	if (vb_buf_size(stream->unread) > stream->most)
		stream->most = vb_buf_size(stream->unread);
	return 0;
}

int vb_mux_feed(struct vb_mux *mux, const void *data, size_t size, struct vb_error *err)
{
	const uint8_t *next = data;

	while (size > 0) {
		size_t taken;
		if (mux->frame_left == 0) {
			taken = feed_header(mux, next, size);
		} else {
			taken = smaller(size, mux->frame_left);
			int r = mux->frame_stream != NULL
					? feed_stream(mux->frame_stream, next, taken)
					: 0;
			if (r == -ENOSPC)
				return vb_error_say(err, EMSGSIZE,
					"the NRI connection holds more than %d unread bytes",
					VB_MUX_UNREAD_MAX);
			if (r < 0)
				return vb_error_set(err, -r, "keep %zu bytes of NRI input", taken);
			mux->frame_left -= taken;
		}
		next += taken;
		size -= taken;
	}
	return 0;
}

size_t vb_mux_peek(const struct vb_mux *mux, enum vb_mux_conn conn, const uint8_t **ret_data)
{
	static const uint8_t empty[1];
	const struct vb_buf *unread = mux->streams[conn - 1].unread;

	*ret_data = unread != NULL ? vb_buf_data(unread) : empty;
	return unread != NULL ? vb_buf_size(unread) : 0;
}

void vb_mux_consume(struct vb_mux *mux, enum vb_mux_conn conn, size_t size)
{
	struct stream *stream = &mux->streams[conn - 1];
	size_t unread = stream->unread != NULL ? vb_buf_size(stream->unread) : 0;
	size_t consumed = smaller(size, unread);

	stream->skip += size - consumed;
	if (unread == 0)
		return;
	vb_buf_consume(stream->unread, consumed);
	if (consumed == unread && stream->most > KEPT_BUFFER_MAX) {
		vb_buf_destroy(stream->unread);
		stream->unread = NULL;
		stream->most = 0;
	}
}

static uint8_t *put_frame(uint8_t *space, enum vb_mux_conn conn, const uint8_t *data, size_t size)
{
	store_u32be(space, conn);
	store_u32be(space + 4, (uint32_t)size);
	memcpy(space + HEADER_SIZE, data, size);
	return space + HEADER_SIZE + size;
}

int vb_mux_append_message(struct vb_buf *out, enum vb_mux_conn conn, const struct vb_buf *message,
	struct vb_error *err)
{
	const uint8_t *data = vb_buf_data(message);
	size_t size = vb_buf_size(message);
	size_t first = smaller(size, VB_MUX_FIRST_FRAME_MAX);
	size_t framed = size + (size > first ? 2 * HEADER_SIZE : HEADER_SIZE);
	uint8_t *space;

	if (size == 0 || size > UINT32_MAX)
		return vb_error_say(err, EINVAL, "a message of %zu bytes cannot be framed", size);
	int r = vb_buf_reserve(out, framed, &space);
	if (r < 0)
		return vb_error_set(err, -r, "frame a message of %zu bytes", size);
	uint8_t *rest = put_frame(space, conn, data, first);
	if (size > first)
		put_frame(rest, conn, data + first, size - first);
	vb_buf_commit(out, framed);
	return 0;
}
