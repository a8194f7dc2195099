/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_DERIVE_LINE_H
#define VB_ADJUST_DERIVE_LINE_H

#include "derive_frame.h"
#include "vb/adjust/derive.h"

/* What one line of a log says (docs/shim.md has the forms). Private to the library. */

enum {
	VB_DERIVE_SHIM_LINE_MAX = 3072, /* the shim writes no longer one */
};

enum vb_derive_kind {
	VB_DERIVE_FOREIGN, /* the workload's own */
	VB_DERIVE_AUDIT,
	VB_DERIVE_DENIAL,
	VB_DERIVE_LOST,           /* `3 line(s) dropped, stderr was full` */
	VB_DERIVE_LOST_DATAGRAMS, /* `9 more datagram(s) denied, at most 10 lines a second` */
	VB_DERIVE_RING,           /* io_uring is denied, because of the list; no entry allows it */
	VB_DERIVE_NOTICE,         /* concerns no list */
	VB_DERIVE_FLAWED,         /* see flaw */
};

enum vb_derive_result {
	VB_DERIVE_ALLOWED, /* loaded, for a library */
	VB_DERIVE_DENIED,
	VB_DERIVE_FAILED,
};

struct vb_derive_event {
	enum vb_derive_kind kind;
	enum vb_derive_flaw flaw;
	enum vb_derive_list list;
	enum vb_derive_result result;
	unsigned int operation; /* of the list: audit and denial of one call have the same */
	uint64_t lost;
	char name[VB_DERIVE_SHIM_LINE_MAX]; /* path or address, escapes undone */
};

/* "execve", "dlmopen", ... */
const char *vb_derive_operation_name(unsigned int operation);

/* Fills *ret_event, the name only for audit and denial. */
void vb_derive_read_line(
	const struct vb_derive_payload *payload, struct vb_derive_event *ret_event);

#endif
