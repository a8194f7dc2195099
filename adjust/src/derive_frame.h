/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_DERIVE_FRAME_H
#define VB_ADJUST_DERIVE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vb/base/cleanup.h"

/*
 * The lines of a log without what kubectl or the container runtime put in front of them. Private
 * to the library. No allocation; of a line only the first VB_DERIVE_LINE_MAX bytes are kept.
 */

enum { VB_DERIVE_LINE_MAX = 32 << 10 };

/* A line under way. */
struct vb_derive_part {
	size_t size; /* of what is kept */
	bool longer; /* there was more */
	bool begun;
	char bytes[VB_DERIVE_LINE_MAX];
};

struct vb_derive_frame {
	uint64_t line;                    /* lines of this log that are complete, or being read */
	struct vb_derive_part raw;        /* up to the newline */
	struct vb_derive_part streams[2]; /* CRI: parts so far, of stdout and stderr */
};

/* What one line of the workload or the shim is. */
struct vb_derive_payload {
	const char *text;
	size_t size;
	const char
		*time; /* RFC 3339, as the runtime or kubectl put it in front; NULL: nobody did */
	size_t time_size;
	bool longer;     /* than what is kept */
	bool unfinished; /* the log ended in it */
};

/* Called with each payload; a negative result ends the reading and is passed on. */
typedef int (*vb_derive_payload_fn)(
	const struct vb_derive_payload *payload, uint64_t line, void *context);

/* Between logs. */
void vb_derive_frame_reset(struct vb_derive_frame *frame);

int vb_derive_frame_feed(struct vb_derive_frame *frame, const char *data, size_t size,
	vb_derive_payload_fn function, void *context) VB_WARN_UNUSED;

/* Also hands out a line without a newline, and parts whose end never came (as unfinished). */
int vb_derive_frame_end(
	struct vb_derive_frame *frame, vb_derive_payload_fn function, void *context) VB_WARN_UNUSED;

#endif
