/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_STARTER_H
#define VB_ADJUST_STARTER_H

#include <stdbool.h>
#include <stdint.h>

#include "vb/adjust/profile.h"
#include "vb/base/cleanup.h"
#include "vb/base/error.h"

/* The profiles that Vambrace brings along: deny-lists over a default of ALLOW. */

enum vb_starter_parts {
	/* The starter: 21 calls that change the machine or other processes, EPERM. */
	VB_STARTER_DENIALS = 1U << 0,
	/*
	 * What undoes capability drops and read-only mounts: new namespaces by clone and unshare,
	 * setns, the mount API of Linux 5.2, other processes' memory and descriptors; EPERM, and
	 * ENOSYS for clone3, whose flags lie in memory where no filter sees them (libc then falls
	 * back to clone).
	 */
	VB_STARTER_CLOSURE = 1U << 1,
	/* io_uring_setup, EPERM: its requests pass by every interposed libc function. */
	VB_STARTER_IO_URING = 1U << 2,
};

struct vb_starter_options {
	uint32_t native;      /* architecture of the node, or VB_PROFILE_NATIVE */
	unsigned int parts;   /* of enum vb_starter_parts, at least one */
	bool native_abi_only; /* without the native architecture's 32-bit sibling */
};

/* -EINVAL for unknown parts or none, -ENOMEM. */
int vb_profile_starter(const struct vb_starter_options *options, struct vb_profile **ret_profile,
	struct vb_error *err) VB_WARN_UNUSED;

/*
 * The same as the text of an OCI JSON file, always the same bytes for the same options; the caller
 * frees it.
 */
int vb_profile_starter_text(const struct vb_starter_options *options, char **ret_text,
	struct vb_error *err) VB_WARN_UNUSED;

/* The parts that deny a call of this name, clone with some of its flags only; 0: none does. */
unsigned int vb_starter_parts_of(const char *call);

#endif
