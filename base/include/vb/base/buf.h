/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_BASE_BUF_H
#define VB_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "vb/base/cleanup.h"

/*
 * Bytes from outside, and bytes on their way out.
 *
 * vb_buf is a queue of bytes with a hard cap: producers append at the end, consumers take from the
 * front, and neither can make it hold more than it was created for.
 * vb_reader is a cursor over bytes that someone else owns: every read is checked against what is
 * left.
 */

struct vb_buf;

/* max_bytes caps the content. NULL when out of memory. */
struct vb_buf *vb_buf_create(size_t max_bytes) VB_WARN_UNUSED;
void vb_buf_destroy(struct vb_buf *buf);

static inline void vb_cleanup_buf(struct vb_buf *const *buf)
{
	vb_buf_destroy(*buf);
}
#define vb_auto_buf vb_auto(vb_cleanup_buf)

/* The content; the pointer is good until the next call that changes the buffer. Never NULL. */
const uint8_t *vb_buf_data(const struct vb_buf *buf);
size_t vb_buf_size(const struct vb_buf *buf);

/* Each appends all of it or nothing: -ENOSPC above the cap, -ENOMEM. */
int vb_buf_append(struct vb_buf *buf, const void *data, size_t size) VB_WARN_UNUSED;
int vb_buf_append_u32be(struct vb_buf *buf, uint32_t value) VB_WARN_UNUSED;
int vb_buf_append_string(struct vb_buf *buf, const char *text) VB_WARN_UNUSED;
int vb_buf_printf(struct vb_buf *buf, const char *format, ...)
	__attribute__((format(printf, 2, 3))) VB_WARN_UNUSED;

/*
 * Makes room for size more bytes and returns where to put them; vb_buf_commit() then adds those
 * that were really written. -ENOSPC, -ENOMEM.
 */
int vb_buf_reserve(struct vb_buf *buf, size_t size, uint8_t **ret_space) VB_WARN_UNUSED;
void vb_buf_commit(struct vb_buf *buf, size_t size);

/* Drops size bytes from the front, at most all of them. */
void vb_buf_consume(struct vb_buf *buf, size_t size);

/* A copy of all of the content, and a NUL; the caller frees it. NULL when out of memory. */
char *vb_buf_strdup(const struct vb_buf *buf) VB_WARN_UNUSED;

struct vb_reader {
	const uint8_t *data;
	size_t left;
};

void vb_reader_init(struct vb_reader *reader, const void *data, size_t size);

/* Each advances past what it returns; -ENODATA when less is left, and nothing is consumed then. */
int vb_reader_u8(struct vb_reader *reader, uint8_t *ret_value) VB_WARN_UNUSED;
int vb_reader_u32be(struct vb_reader *reader, uint32_t *ret_value) VB_WARN_UNUSED;
int vb_reader_bytes(struct vb_reader *reader, size_t size, const uint8_t **ret_data) VB_WARN_UNUSED;

#endif
