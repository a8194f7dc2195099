/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_SHIM_ARCH_H
#define VB_SHIM_ARCH_H

#include <stdint.h>

/* The kernel's calling convention: Documentation of entry_SYSCALL_64, arch/x86/entry/entry_64.S. */
/* NOLINTNEXTLINE(readability-function-size): as many parameters as the kernel takes. */
static inline long vb_shim_raw(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

/* The thread control block holds its own address at offset 0 (psABI, variant II). */
static inline uintptr_t vb_shim_thread_pointer(void)
{
	uintptr_t pointer;

	__asm__("mov %%fs:0, %0" : "=r"(pointer));
	return pointer;
}

#endif
