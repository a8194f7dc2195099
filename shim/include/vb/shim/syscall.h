/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_SHIM_SYSCALL_H
#define VB_SHIM_SYSCALL_H

#include "vb/shim/next.h"

/*
 * Called by the stub of syscall(), in front of every call: the function that it jumps to with all
 * arguments as they came.
 */
vb_shim_syscall_function *vb_shim_syscall_route(long number);

#endif
