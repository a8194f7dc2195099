/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_BPF_SIM_H
#define VB_ADJUST_BPF_SIM_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

#include "vb/base/cleanup.h"

/*
 * Classic BPF as the kernel runs it for seccomp: the instructions that seccomp_check_filter() and
 * bpf_check_classic() of Linux 6.1 let in, no more.
 */

/*
 * Whether the kernel would load the program: 1 to 4096 instructions, each known, jumps inside, a
 * return at the end, loads aligned and inside struct seccomp_data, no division by a constant zero,
 * scratch memory inside bounds. -EINVAL.
 */
int vb_bpf_check(const struct sock_filter *program, size_t count) VB_WARN_UNUSED;

/* Runs a program that vb_bpf_check() passed; returns the filter's value, SECCOMP_RET_* | data. */
uint32_t vb_bpf_run(const struct sock_filter *program, const struct seccomp_data *data);

#endif
