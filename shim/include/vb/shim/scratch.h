/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_SHIM_SCRATCH_H
#define VB_SHIM_SCRATCH_H

#include <stddef.h>

#include "vb/shim/policy_path.h"

/*
 * Working memory of one call. Not the stack, because exec is called on stacks of 8 KiB (signal
 * handlers) and 16 KiB (PTHREAD_STACK_MIN); not malloc, because exec is async-signal-safe.
 *
 * A claim is released by the same call, except when exec succeeds. After vfork the memory is the
 * parent's, and the child that has become another program can release nothing: the parent's thread
 * takes the block over at its next claim (it has the thread pointer of its vfork children, which
 * it waits for).
 */
struct vb_shim_scratch {
	/* The workload's path, copied before it is judged. */
	char path[VB_SHIM_PATH_MAX];
	/* What it resolves to. */
	char canonical[VB_SHIM_PATH_MAX];
	/* The symlink walk's: what is still to resolve, and one link's target. */
	char rest[VB_SHIM_PATH_MAX];
	char link[VB_SHIM_PATH_MAX];
};

/* NULL when there is no memory. */
struct vb_shim_scratch *vb_shim_scratch_claim(void);

/* Accepts NULL. Everything taken from it is gone. */
void vb_shim_scratch_release(struct vb_shim_scratch *scratch);

/* `bytes` of memory aligned to 16, good until the release. NULL when there is no memory. */
void *vb_shim_scratch_take(struct vb_shim_scratch *scratch, size_t bytes);

#endif
