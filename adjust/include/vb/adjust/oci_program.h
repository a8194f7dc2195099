/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_OCI_PROGRAM_H
#define VB_ADJUST_OCI_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "vb/base/cleanup.h"

/*
 * What a program file is, as far as LD_PRELOAD is concerned: looks at the headers that execve(2)
 * looks at, and believes none of them. The file comes from an image.
 */

enum vb_oci_program_kind {
	VB_OCI_PROGRAM_DYNAMIC, /* with a loader, which is named */
	VB_OCI_PROGRAM_STATIC,
	VB_OCI_PROGRAM_32BIT,
	VB_OCI_PROGRAM_FOREIGN, /* for another architecture */
	VB_OCI_PROGRAM_GO,      /* has a loader, but calls the kernel without libc */
	VB_OCI_PROGRAM_SCRIPT,  /* its interpreter is named */
	VB_OCI_PROGRAM_UNKNOWN, /* execve(2) would refuse it */
};

enum { VB_OCI_PROGRAM_PATH_MAX = 4096 };

struct vb_oci_program {
	enum vb_oci_program_kind kind;
	char interpreter[VB_OCI_PROGRAM_PATH_MAX]; /* of DYNAMIC, GO and SCRIPT; else empty */
};

/*
 * Reads up to size bytes at an offset of the file; returns how many there were, less at its end,
 * or -errno.
 */
typedef int (*vb_oci_program_read_fn)(void *context, uint64_t offset, void *buffer, size_t size);

/* machine is the node's EM_ number (elf(5)). 0, or what read says. */
int vb_oci_program_inspect(vb_oci_program_read_fn read, void *context, unsigned int machine,
	struct vb_oci_program *ret_program) VB_WARN_UNUSED;

#endif
