/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entry point: vb_early() first, then libc's own, which must find stack and registers as the
 * kernel left them.
 */
	.text
	.globl	vb_entry
	.type	vb_entry, %function
vb_entry:
#if defined(__x86_64__)
	endbr64
	/* rdx is for atexit() (System V ABI, "Process Initialization"); rbx survives the call. */
	mov	%rdx, %rbx
	mov	%rsp, %rdi
	call	vb_early
	mov	%rbx, %rdx
	jmp	_start
#elif defined(__aarch64__)
	hint	#34
	mov	x19, x0
	mov	x0, sp
	bl	vb_early
	mov	x0, x19
	b	_start
#endif
	.size	vb_entry, .-vb_entry
#if defined(__aarch64__)
	/* NT_GNU_PROPERTY_TYPE_0 with BTI, or the linker takes the mark off the whole program. */
	.section .note.gnu.property, "a"
	.balign	8
	.word	4
	.word	16
	.word	5
	.asciz	"GNU"
	.word	0xc0000000
	.word	4
	.word	1
	.word	0
#endif
	.section .note.GNU-stack, "", %progbits
