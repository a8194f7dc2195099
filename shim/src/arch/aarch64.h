/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_SHIM_ARCH_H
#define VB_SHIM_ARCH_H

#include <stdint.h>

/* The kernel's calling convention: number in x8, arguments and result from x0. */
/* NOLINTNEXTLINE(readability-function-size): as many parameters as the kernel takes. */
static inline long vb_shim_raw(long number, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}

static inline uintptr_t vb_shim_thread_pointer(void)
{
	uintptr_t pointer;

	__asm__("mrs %0, tpidr_el0" : "=r"(pointer));
	return pointer;
}

#endif
