/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_DENIALS_H
#define VB_ADJUST_DENIALS_H

#include <stddef.h>
#include <stdint.h>

#include "vb/adjust/derive.h"
#include "vb/base/cleanup.h"
#include "vb/base/error.h"

/*
 * What a container's log says was denied: the preload shim's lines, each kind of denial once, and
 * lines of the workload's own that name the two errors of the other layers.
 *
 * Life cycle: vb_denials_create(), for each log some vb_denials_feed() and one
 * vb_denials_end_log(), vb_denials_finish(), whose result belongs to it; vb_denials_destroy().
 *
 * As for derive.h, a line counts as the shim's only when it is one byte for byte; a workload can
 * still write such a line itself.
 */

enum {
	VB_DENIALS_MAX = 1024,    /* kinds that are kept; of further ones only the number */
	VB_MENTION_TEXT_MAX = 60, /* bytes of a line that are kept, with the NUL */
};

struct vb_denial {
	enum vb_derive_list list;
	const char *call; /* "execve"; "io_uring_setup", which no entry allows */
	char *target;     /* path or address, fit for one line; "" for io_uring_setup */
	char *entry;      /* what the list would have to hold; NULL: nothing can be listed */
	uint64_t count;
	int64_t first_ns; /* since 1970; 0: the lines have no time */
	int64_t last_ns;
};

/* Lines of the workload that name an error. */
enum vb_mention_kind {
	VB_MENTION_EROFS, /* "Read-only file system", "EROFS" */
	VB_MENTION_EPERM, /* "Operation not permitted", "EPERM" */
	VB_MENTION_COUNT,
};

struct vb_mention {
	uint64_t count;
	int64_t last_ns;
	char text[VB_MENTION_TEXT_MAX]; /* the last one, fit for one line; cut with "..." */
};

struct vb_denied {
	const struct vb_denial *items; /* by operation and target */
	size_t count;
	uint64_t more;       /* denials of kinds for which there was no room */
	uint64_t dropped;    /* lines that the shim said it could not write */
	uint64_t datagrams;  /* denials of datagrams for which it wrote no line each */
	uint64_t unresolved; /* denied execveat() calls without a path */
	uint64_t unusable;   /* lines with the shim's mark that it does not write, or not whole */
	struct vb_mention mentions[VB_MENTION_COUNT];
};

struct vb_denials;

/*
 * Only lines from since_ns on and before until_ns count, in nanoseconds since 1970, and those
 * without a time only where since_ns is 0. NULL when out of memory.
 */
struct vb_denials *vb_denials_create(int64_t since_ns, int64_t until_ns) VB_WARN_UNUSED;
void vb_denials_destroy(struct vb_denials *denials);

static inline void vb_cleanup_denials(struct vb_denials *const *denials)
{
	vb_denials_destroy(*denials);
}
#define vb_auto_denials vb_auto(vb_cleanup_denials)

/* Takes the next bytes of a log, which may end anywhere; forms as of vb_derive_feed(). -ENOMEM. */
int vb_denials_feed(struct vb_denials *denials, const char *data, size_t size,
	struct vb_error *err) VB_WARN_UNUSED;

/* The log is over. -ENOMEM. */
int vb_denials_end_log(struct vb_denials *denials, struct vb_error *err) VB_WARN_UNUSED;

/* What all logs say. */
const struct vb_denied *vb_denials_finish(const struct vb_denials *denials);

#endif
