/* SPDX-License-Identifier: Apache-2.0 */
	.text

/*
 * routed NAME, ROUTE: the exported function NAME calls ROUTE with its own arguments and jumps to the
 * function that this returns, with every argument and the caller's return address in their places.
 * So the function behind sees its caller, not the shim, and may return twice.
 */
	.macro routed name, route
	.globl	\name
	.type	\name, %function
	.p2align 4
\name:
	.cfi_startproc
	/* paciasp: signs the return address, and is a landing place for calls. */
	hint	#25
	.cfi_negate_ra_state
	stp	x29, x30, [sp, #-80]!
	.cfi_def_cfa_offset 80
	.cfi_offset 29, -80
	.cfi_offset 30, -72
	mov	x29, sp
	stp	x0, x1, [sp, #16]
	stp	x2, x3, [sp, #32]
	stp	x4, x5, [sp, #48]
	stp	x6, x7, [sp, #64]
	bl	\route
	mov	x16, x0
	ldp	x0, x1, [sp, #16]
	ldp	x2, x3, [sp, #32]
	ldp	x4, x5, [sp, #48]
	ldp	x6, x7, [sp, #64]
	ldp	x29, x30, [sp], #80
	.cfi_restore 29
	.cfi_restore 30
	.cfi_def_cfa_offset 0
	/* autiasp */
	hint	#29
	.cfi_negate_ra_state
	br	x16
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
	.type	\name, %function
	.p2align 4
\name:
	.cfi_startproc
	/* bti c: the return address is passed on before paciasp signs it. */
	hint	#34
	mov	x9, x30
	hint	#25
	.cfi_negate_ra_state
	stp	x29, x30, [sp, #-48]!
	.cfi_def_cfa_offset 48
	.cfi_offset 29, -48
	.cfi_offset 30, -40
	mov	x29, sp
	stp	x0, x1, [sp, #16]
	str	x2, [sp, #32]
	add	x0, sp, #16
	mov	x1, x9
	bl	\enter
	mov	x16, x0
	mov	x9, x1
	ldp	x0, x1, [sp, #16]
	ldr	x2, [sp, #32]
	ldp	x29, x30, [sp], #48
	.cfi_restore 29
	.cfi_restore 30
	.cfi_def_cfa_offset 0
	hint	#29
	.cfi_negate_ra_state
	cbz	x16, 1f
	br	x16
1:	mov	x0, x9
	ret
	.cfi_endproc
	.size	\name, . - \name
	.endm

	entered	dlmopen, vb_shim_dlmopen_enter
	entered	dlopen, vb_shim_dlopen_enter
	routed	syscall, vb_shim_syscall_route

	/* What the compiler says of its own objects with -mbranch-protection=standard: BTI and PAC. */
	.section .note.gnu.property, "a"
	.p2align 3
	.word	4, 16, 5
	.asciz	"GNU"
	.word	0xc0000000, 4, 3, 0

	.section .note.GNU-stack, "", %progbits
