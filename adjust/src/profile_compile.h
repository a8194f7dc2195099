/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_SRC_PROFILE_COMPILE_H
#define VB_ADJUST_SRC_PROFILE_COMPILE_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

#include "profile_model.h"
#include "vb/base/cleanup.h"

/* Filters, made by libseccomp with the calls that runc and crun make. */

struct vb_filter {
	struct sock_filter *program;
	size_t count;
};

void vb_filter_finish(struct vb_filter *filter);
#define vb_auto_filter vb_auto(vb_filter_finish)

/* What to compile: some rules of a profile, for some architectures. */
struct vb_compilation {
	uint32_t default_action;
	const uint32_t *archs;
	size_t arch_count;
	const struct vb_rule **rules; /* will be put into the order of their entries */
	size_t rule_count;
	const struct vb_condition *conditions; /* that the rules index */
	unsigned int optimize;                 /* libseccomp's level: 1 or 2 */
};

/*
 * Refuses rules at which libseccomp (2.5.4) can loop for ever, or as good as. On a 64-bit
 * architecture it compares the halves of an argument, and a range has two ways to hold, which
 * share what follows; merged with another rule of the same call, shared branches are linked into
 * their own list twice. And looking for rules that others make redundant, it follows every pair of
 * branches, which grows without bound with the rules that compare several arguments.
 * profile may be NULL. -EOPNOTSUPP.
 */
int vb_filter_guard(const struct vb_profile *profile, struct vb_error *err) VB_WARN_UNUSED;

/*
 * For rules of profiles that the guard let pass. scratch_fd is a memfd of vb_filter_scratch(),
 * used again and again. Names that libseccomp does not know are left out, as the runtimes do.
 * -EILSEQ when libseccomp refuses, or makes a program that bpf_sim.h does not understand;
 * -ENOMEM, or what write(2) says.
 */
int vb_filter_compile(const struct vb_compilation *compilation, int scratch_fd,
	struct vb_filter *ret_filter, struct vb_error *err) VB_WARN_UNUSED;

int vb_filter_scratch(int *ret_fd, struct vb_error *err) VB_WARN_UNUSED;

#endif
