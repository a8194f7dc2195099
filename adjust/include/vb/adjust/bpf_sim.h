/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_BPF_SIM_H
#define VB_ADJUST_BPF_SIM_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

#include "vb/base/cleanup.h"

/*
 * Classic BPF over struct seccomp_data, as far as libseccomp generates it: loads of a word, AND
 * with a constant, jumps by comparison with a constant, return of a constant. The kernel would run
 * more (see seccomp_check_filter() of Linux 6.1); a program that uses it is not understood.
 */

/*
 * Whether the program is understood and the kernel would load it: 1 to 4096 instructions, loads
 * aligned and inside struct seccomp_data, jumps inside, a return at the end. -EINVAL.
 */
int vb_bpf_check(const struct sock_filter *program, size_t count) VB_WARN_UNUSED;

/* Runs a program that vb_bpf_check() passed; returns the filter's value, SECCOMP_RET_* | data. */
uint32_t vb_bpf_run(const struct sock_filter *program, const struct seccomp_data *data);

#endif
