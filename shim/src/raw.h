/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_SHIM_RAW_H
#define VB_SHIM_RAW_H

/*
 * System calls without libc: they are async-signal-safe, leave errno alone and cannot be
 * interposed by another preloaded library. Each returns the kernel's result, -errno on failure.
 * Only calls that exist on every architecture are used (openat, never open).
 */

#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/poll.h>
#include <linux/time_types.h>
#include <linux/uio.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
#include "arch/x86_64.h"
#elif defined(__aarch64__)
#include "arch/aarch64.h"
#else
#error "the shim knows x86-64 and arm64"
#endif

#define VB_RAW_0(number)          vb_shim_raw(number, 0, 0, 0, 0, 0, 0)
#define VB_RAW_1(number, a)       vb_shim_raw(number, (long)(a), 0, 0, 0, 0, 0)
#define VB_RAW_2(number, a, b)    vb_shim_raw(number, (long)(a), (long)(b), 0, 0, 0, 0)
#define VB_RAW_3(number, a, b, c) vb_shim_raw(number, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define VB_RAW_4(number, a, b, c, d)                                                               \
	vb_shim_raw(number, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define VB_RAW_5(number, a, b, c, d, e)                                                            \
	vb_shim_raw(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define VB_RAW_6(number, a, b, c, d, e, f)                                                         \
	vb_shim_raw(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* The kernel's sigset_t: one bit per signal, 64 signals. */
typedef uint64_t vb_shim_sigset;

/* NULL when there is no memory. */
static inline void *vb_shim_map(size_t bytes)
{
	long result = VB_RAW_6(
		__NR_mmap, 0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return result < 0 && result > -4096 ? NULL : (void *)result;
}

static inline vb_shim_sigset vb_shim_block_signals(void)
{
	vb_shim_sigset all = UINT64_MAX;
	vb_shim_sigset old = 0;

	VB_RAW_4(__NR_rt_sigprocmask, 0 /* SIG_BLOCK */, &all, &old, sizeof(all));
	return old;
}

static inline void vb_shim_restore_signals(vb_shim_sigset old)
{
	VB_RAW_4(__NR_rt_sigprocmask, 2 /* SIG_SETMASK */, &old, NULL, sizeof(old));
}

#endif
