/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_SHIM_DL_ENTRY_H
#define VB_SHIM_DL_ENTRY_H

#include <stdint.h>

/*
 * dlopen and dlmopen begin in assembler (arch/), because libc's look at their return address to see
 * who calls: where the shim has nothing to do, it jumps to them and leaves no trace.
 */

/* What the entry does next. Both in registers, by either architecture's convention. */
struct vb_shim_turn {
	/* Jump there with the arguments as they are in `arguments` now. */
	void *function;
	/* Where function is NULL: return this. */
	void *handle;
};

struct vb_shim_turn vb_shim_dlopen_enter(const uintptr_t arguments[3], const void *caller);
struct vb_shim_turn vb_shim_dlmopen_enter(uintptr_t arguments[3], const void *caller);

#endif
