/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/bpf_sim.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* left: instructions behind this one. */
static bool insn_is_sound(const struct sock_filter *insn, size_t left)
{
	switch (insn->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		return insn->k < sizeof(struct seccomp_data) && insn->k % sizeof(uint32_t) == 0;
	case BPF_ALU | BPF_AND | BPF_K:
	case BPF_RET | BPF_K:
		return true;
	case BPF_JMP | BPF_JA:
		return insn->k < left;
	case BPF_JMP | BPF_JEQ | BPF_K:
	case BPF_JMP | BPF_JGT | BPF_K:
	case BPF_JMP | BPF_JGE | BPF_K:
	case BPF_JMP | BPF_JSET | BPF_K:
		return insn->jt < left && insn->jf < left;
	default:
		return false;
	}
}

int vb_bpf_check(const struct sock_filter *program, size_t count)
{
	if (count == 0 || count > BPF_MAXINSNS)
		return -EINVAL;
	for (size_t i = 0; i < count; i++)
		if (!insn_is_sound(&program[i], count - 1 - i))
			return -EINVAL;
	return program[count - 1].code == (BPF_RET | BPF_K) ? 0 : -EINVAL;
}

/* Jumps are forward only and the last instruction returns, so this ends. */
uint32_t vb_bpf_run(const struct sock_filter *program, const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (const struct sock_filter *insn = program;; insn++) {
		switch (insn->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			memcpy(&a, (const uint8_t *)data + insn->k, sizeof(a));
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= insn->k;
			break;
		case BPF_JMP | BPF_JA:
			insn += insn->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			insn += a == insn->k ? insn->jt : insn->jf;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			insn += a > insn->k ? insn->jt : insn->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			insn += a >= insn->k ? insn->jt : insn->jf;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			insn += (a & insn->k) != 0 ? insn->jt : insn->jf;
			break;
		default:
			return insn->k;
		}
	}
}
