/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Content is data[start, start + size). Consuming only moves start; making room moves it back. */
struct vb_buf {
	uint8_t *data;
	size_t start;
	size_t size;
	size_t allocated;
	size_t max;
};

enum { SMALLEST_ALLOCATION = 256 };

struct vb_buf *vb_buf_create(size_t max_bytes)
{
	struct vb_buf *buf = calloc(1, sizeof(*buf));

	if (buf != NULL)
		buf->max = max_bytes;
	return buf;
}

void vb_buf_destroy(struct vb_buf *buf)
{
	if (buf == NULL)
		return;
	free(buf->data);
	free(buf);
}

const uint8_t *vb_buf_data(const struct vb_buf *buf)
{
	static const uint8_t empty[1];

	return buf->data != NULL ? buf->data + buf->start : empty;
}

size_t vb_buf_size(const struct vb_buf *buf)
{
	return buf->size;
}

static int grow(struct vb_buf *buf, size_t needed)
{
	size_t allocated = buf->allocated > 0 ? buf->allocated : SMALLEST_ALLOCATION;

	while (allocated < needed)
		allocated = allocated > SIZE_MAX / 2 ? needed : allocated * 2;
	uint8_t *data = realloc(buf->data, allocated);
	if (data == NULL)
		return -ENOMEM;
	buf->data = data;
	buf->allocated = allocated;
	return 0;
}

static int make_room(struct vb_buf *buf, size_t size, uint8_t **ret_space)
{
	if (buf->start > 0 && buf->start + buf->size + size > buf->allocated) {
		memmove(buf->data, buf->data + buf->start, buf->size);
		buf->start = 0;
	}
	if (buf->data == NULL || buf->start + buf->size + size > buf->allocated) {
		int r = grow(buf, buf->start + buf->size + size);
		if (r < 0)
			return r;
	}
	*ret_space = buf->data + buf->start + buf->size;
	return 0;
}

int vb_buf_reserve(struct vb_buf *buf, size_t size, uint8_t **ret_space)
{
	if (size > buf->max - buf->size)
		return -ENOSPC;
	return make_room(buf, size, ret_space);
}

void vb_buf_commit(struct vb_buf *buf, size_t size)
{
	buf->size += size;
}

int vb_buf_append(struct vb_buf *buf, const void *data, size_t size)
{
	uint8_t *space;

	if (size == 0)
		return 0;
	int r = vb_buf_reserve(buf, size, &space);
	if (r < 0)
		return r;
	memcpy(space, data, size);
	vb_buf_commit(buf, size);
	return 0;
}

int vb_buf_append_u32be(struct vb_buf *buf, uint32_t value)
{
	uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
		(uint8_t)value};

	return vb_buf_append(buf, bytes, sizeof(bytes));
}

int vb_buf_append_string(struct vb_buf *buf, const char *text)
{
	return vb_buf_append(buf, text, strlen(text));
}

int vb_buf_printf(struct vb_buf *buf, const char *format, ...)
{
	va_list args;
	uint8_t *space;

	va_start(args, format);
	int length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length < 0)
		return -EINVAL;
	size_t size = (size_t)length;
	if (size > buf->max - buf->size)
		return -ENOSPC;
	/* The NUL needs room too, but is no content and does not count against the cap. */
	int r = make_room(buf, size + 1, &space);
	if (r < 0)
		return r;
	va_start(args, format);
	(void)vsnprintf((char *)space, size + 1, format, args);
	va_end(args);
	vb_buf_commit(buf, size);
	return 0;
}

void vb_buf_consume(struct vb_buf *buf, size_t size)
{
	if (size >= buf->size) {
		buf->start = 0;
		buf->size = 0;
		return;
	}
	buf->start += size;
	buf->size -= size;
}

char *vb_buf_strdup(const struct vb_buf *buf)
{
	char *copy = malloc(vb_buf_size(buf) + 1);

	if (copy == NULL)
		return NULL;
	if (vb_buf_size(buf) > 0)
		memcpy(copy, vb_buf_data(buf), vb_buf_size(buf));
	copy[vb_buf_size(buf)] = '\0';
	return copy;
}

void vb_reader_init(struct vb_reader *reader, const void *data, size_t size)
{
	static const uint8_t empty[1];

	/* Advancing NULL, even by nothing, is undefined. */
	reader->data = data != NULL ? data : empty;
	reader->left = size;
}

int vb_reader_bytes(struct vb_reader *reader, size_t size, const uint8_t **ret_data)
{
	if (reader->left < size)
		return -ENODATA;
	*ret_data = reader->data;
	reader->data += size;
	reader->left -= size;
	return 0;
}

int vb_reader_u8(struct vb_reader *reader, uint8_t *ret_value)
{
	const uint8_t *bytes;
	int r = vb_reader_bytes(reader, 1, &bytes);

	if (r < 0)
		return r;
	*ret_value = bytes[0];
	return 0;
}

int vb_reader_u32be(struct vb_reader *reader, uint32_t *ret_value)
{
	const uint8_t *bytes;
	int r = vb_reader_bytes(reader, 4, &bytes);

	if (r < 0)
		return r;
	*ret_value = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
		     bytes[3];
	return 0;
}
