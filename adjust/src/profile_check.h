/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_SRC_PROFILE_CHECK_H
#define VB_ADJUST_SRC_PROFILE_CHECK_H

#include "profile_model.h"
#include "vb/base/cleanup.h"

/* One name and what the three profiles of a check say about it. */
struct vb_subject {
	const char *name;
	struct vb_rules base;
	struct vb_rules tighter;
	struct vb_rules result;
};

struct vb_subjects {
	struct vb_subject *items;
	size_t count;
};

void vb_subjects_finish(struct vb_subjects *subjects);
#define vb_auto_subjects vb_auto(vb_subjects_finish)

/* All names of the three, sorted; base may be NULL. -ENOMEM. */
int vb_subjects_collect(struct vb_subjects *subjects, const struct vb_profile *base,
	const struct vb_profile *tighter, const struct vb_profile *result) VB_WARN_UNUSED;

struct vb_check {
	const struct vb_profile *base; /* NULL: unconfined */
	const struct vb_profile *tighter;
	const struct vb_profile *result;
	struct vb_subjects subjects;
	int scratch_fd;
	bool whole; /* each profile in one filter for all its architectures */
	unsigned int optimize;
	uint64_t *work; /* instructions that may still be interpreted */
	struct vb_error *err;
};

/* What the kernel shows a filter for this architecture; number without x32's bit. */
struct seccomp_data;
void vb_call_data(uint32_t arch, int number, const uint64_t args[VB_PROFILE_ARGS],
	struct seccomp_data *ret_data);

#endif
