/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_SPECULATION_H
#define VB_ADJUST_SPECULATION_H

#include <stdbool.h>

#include "vb/adjust/oci_features.h"
#include "vb/base/error.h"

/*
 * Speculation mitigations and seccomp: on x86, kernels before 5.16 (and later ones that were told
 * to) mitigate Speculative Store Bypass and Indirect Branch speculation for ever in a thread that
 * installs a filter without SECCOMP_FILTER_FLAG_SPEC_ALLOW. Whether a kernel does is measured,
 * never guessed from its version.
 */

/* prctl(PR_GET_SPECULATION_CTRL) of a thread (Linux 4.17): PR_SPEC_* bits, or -errno. */
struct vb_speculation {
	int store_bypass;
	int indirect_branch;
};

/* Whether one of the two is mitigated beyond recall. */
bool vb_speculation_is_forced(const struct vb_speculation *state);

/* What a thread's state is before and after it installed a filter that allows everything. */
struct vb_speculation_probe {
	struct vb_speculation before;
	struct vb_speculation plain;   /* with a filter without flags */
	struct vb_speculation allowed; /* with the flag SPEC_ALLOW; as before where it is unknown */
	unsigned int known_flags;      /* VB_PROFILE_FLAG_*: those that the kernel takes */
};

/* What the flag SPEC_ALLOW decides on this node. */
enum vb_spec_effect {
	VB_SPEC_EFFECT_UNKNOWN, /* it could not be measured */
	VB_SPEC_EFFECT_MATTERS,
	VB_SPEC_EFFECT_NONE,
	VB_SPEC_EFFECT_FORCED, /* whatever starts the containers is mitigated beyond recall */
};

/* "unknown", "matters", "no-effect", "already-forced". */
const char *vb_spec_effect_name(enum vb_spec_effect effect);

/*
 * Judges a probe (NULL: there is none) for containers that inherit such a state (NULL: that of the
 * probe). The prober may be mitigated by a filter of its own, as in a pod; that containers start
 * without then shows that a filter does it.
 */
enum vb_spec_effect vb_speculation_effect(
	const struct vb_speculation_probe *probe, const struct vb_speculation *inherited);

/*
 * Whether an unconfined container that gets a filter from us is newly mitigated, because the OCI
 * runtime cannot set the flag.
 */
bool vb_speculation_newly_forces(
	enum vb_spec_effect effect, const struct vb_oci_features *features);

/* The calling thread's state. */
void vb_speculation_read(struct vb_speculation *ret_state);

/*
 * Measures in two short-lived children; takes some milliseconds and no privileges. -EPROTO when a
 * child could not install its filter; errnos of pipe2(2) and fork(2).
 */
int vb_speculation_probe(
	struct vb_speculation_probe *ret_probe, struct vb_error *err) VB_WARN_UNUSED;

/* What a seccomp profile means for its container, as far as flags decide it. */
enum vb_spec_state {
	VB_SPEC_STATE_UNKNOWN, /* the runtime does not tell what it does */
	VB_SPEC_STATE_ALLOW,   /* no filter, or one with SPEC_ALLOW */
	VB_SPEC_STATE_MITIGATE,
};

/* "unknown", "allow", "mitigate". */
const char *vb_spec_state_name(enum vb_spec_state state);

#endif
