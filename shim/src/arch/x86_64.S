/* SPDX-License-Identifier: Apache-2.0 */
#include <cet.h>

	.text

/*
 * routed NAME, ROUTE: the exported function NAME calls ROUTE with its own arguments and jumps to the
 * function that this returns, with every argument and the caller's return address in their places.
 * So the function behind sees its caller, not the shim, and may return twice.
 */
	.macro saved register
	push	\register
	.cfi_adjust_cfa_offset 8
	.endm

	.macro restored register
	pop	\register
	.cfi_adjust_cfa_offset -8
	.endm

	.macro routed name, route
	.globl	\name
	.type	\name, @function
	.p2align 4
\name:
	.cfi_startproc
	_CET_ENDBR
	saved	%rdi
	saved	%rsi
	saved	%rdx
	saved	%rcx
	saved	%r8
	saved	%r9
	/* The count of vector arguments of a variadic call; the seventh word aligns the stack. */
	saved	%rax
	call	\route
	mov	%rax, %r11
	restored %rax
	restored %r9
	restored %r8
	restored %rcx
	restored %rdx
	restored %rsi
	restored %rdi
	jmp	*%r11
	.cfi_endproc
	.size	\name, . - \name
	.endm

/*
 * entered NAME, ENTER: the exported function NAME lays its three arguments on the stack and calls
 * ENTER with their address and with its own return address. It jumps to the function that it gets
 * back, as above and with the arguments as they are by then, or returns the second word.
 */
	.macro entered name, enter
	.globl	\name
	.type	\name, @function
	.p2align 4
\name:
	.cfi_startproc
	_CET_ENDBR
	saved	%rdx
	saved	%rsi
	saved	%rdi
	mov	%rsp, %rdi
	mov	24(%rsp), %rsi
	call	\enter
	mov	%rax, %r11
	mov	%rdx, %rax
	restored %rdi
	restored %rsi
	restored %rdx
	test	%r11, %r11
	jz	1f
	jmp	*%r11
1:	ret
	.cfi_endproc
	.size	\name, . - \name
	.endm

	entered	dlmopen, vb_shim_dlmopen_enter
	entered	dlopen, vb_shim_dlopen_enter
	routed	syscall, vb_shim_syscall_route

	.section .note.GNU-stack, "", @progbits
