/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_PROFILE_H
#define VB_ADJUST_PROFILE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "vb/base/cleanup.h"
#include "vb/base/error.h"

/*
 * Seccomp profiles: read from `linux.seccomp` of an OCI configuration, met with another one,
 * checked against what libseccomp makes of them, and written again.
 *
 * Life cycle: vb_profile_from_json() or vb_profile_starter() (starter.h), then vb_profile_meet()
 * as often as there are profiles to honour, vb_profile_to_json(), vb_profile_destroy(). A profile
 * does not change once it exists, except by the two functions that say so; nothing here keeps
 * state between calls or touches files (compiled filters pass through a memfd).
 *
 * A profile is held as the runtimes apply it (runc 1.1 to 1.5, crun 1.x, libseccomp 2.5): rules
 * equal to the default action do nothing, the first rule of a name without conditions wins alone,
 * two conditions on one argument make every condition of that rule an alternative, and the native
 * architecture is covered whether it is listed or not.
 *
 * Actions are in the encoding of the kernel's filter return value: SECCOMP_RET_* | data, see
 * <linux/seccomp.h>; architectures are libseccomp's tokens SCMP_ARCH_*.
 */

struct vb_profile;

enum {
	VB_PROFILE_ARGS = 6, /* arguments of a system call */
	/* Rules of one name in a result, and those among them with several arguments. */
	VB_PROFILE_RULES_MAX = 128,
	VB_PROFILE_SEVERAL_MAX = 32,
};

/* Stands for the architecture that the program was built for. */
#define VB_PROFILE_NATIVE 0U

void vb_profile_destroy(struct vb_profile *profile);

static inline void vb_cleanup_profile(struct vb_profile *const *profile)
{
	vb_profile_destroy(*profile);
}
#define vb_auto_profile vb_auto(vb_cleanup_profile)

/*
 * Reads an OCI `linux.seccomp` object; native is the architecture of the node, or
 * VB_PROFILE_NATIVE. Numbers as in oci_number.h. Unknown keys, actions, operators, architectures
 * and flags are errors, and so are a name's rules that overlap with different actions (what
 * libseccomp makes of those depends on their order). A profile in Docker's format (archMap,
 * includes, excludes, ...) is recognised and refused: a runtime would apply it without its
 * conditions.
 * -EINVAL with err saying which syscalls[] entry and why, -ENOMEM.
 */
int vb_profile_from_json(const json_t *seccomp, uint32_t native, struct vb_profile **ret_profile,
	struct vb_error *err) VB_WARN_UNUSED;

/*
 * The profile as a `linux.seccomp` object in canonical form: rules disjoint where they come from a
 * meet, grouped by action and conditions, names sorted; equal profiles give equal objects. The
 * caller owns the reference. NULL when out of memory.
 */
json_t *vb_profile_to_json(const struct vb_profile *profile) VB_WARN_UNUSED;

/*
 * The profile that for every architecture, system call number and arguments answers with the
 * stricter of both actions (order of seccomp(2)); where both are equally strict, base's errno
 * stays. base is what the container already has, or NULL when it is unconfined, and must have been
 * read for the same native architecture. Architectures: those that both cover, without x32, which
 * is always closed. Flags and listener: base's; without base, tighter's.
 * The result has passed vb_profile_check_quick().
 * -EOPNOTSUPP when the two cannot be combined exactly, with the reason; -EILSEQ when libseccomp
 * does not compile the result as it reads; -EINVAL, -ENOMEM.
 */
int vb_profile_meet(const struct vb_profile *base, const struct vb_profile *tighter,
	struct vb_profile **ret_profile, struct vb_error *err) VB_WARN_UNUSED;

/*
 * Whether result really is the meet of base (NULL: unconfined) and tighter: all three are compiled
 * with libseccomp the way the runtimes do, at both optimisation levels, and the filters are
 * interpreted at every system call number and at the boundary values of all conditions. Takes about
 * a tenth of a second for a container's default profile. -EILSEQ with the first difference, or what
 * libseccomp says.
 */
int vb_profile_check(const struct vb_profile *base, const struct vb_profile *tighter,
	const struct vb_profile *result, struct vb_error *err) VB_WARN_UNUSED;

/*
 * The same, affordable per container: filters are compiled architecture by architecture and in
 * pieces of a few dozen names (libseccomp's time grows with the square), and base and tighter only
 * where they have conditions.
 */
int vb_profile_check_quick(const struct vb_profile *base, const struct vb_profile *tighter,
	const struct vb_profile *result, struct vb_error *err) VB_WARN_UNUSED;

/* What a profile says about one call. */
struct vb_profile_verdict {
	uint32_t action; /* what the compiled filter returns */
	int rule;        /* the deciding entry of syscalls[] as read, -1: default or closed ABI */
	int number;      /* the call's number on that architecture, negative where it has none */
};

/*
 * Simulates one call: compiles the profile and interprets the filter. arch is a token or
 * VB_PROFILE_NATIVE; name may also be a decimal number. -ENOENT for a name that libseccomp does
 * not know, -EOPNOTSUPP for a profile that libseccomp might never finish, -EINVAL, -ENOMEM,
 * -EILSEQ.
 */
int vb_profile_action(const struct vb_profile *profile, uint32_t arch, const char *name,
	const uint64_t args[VB_PROFILE_ARGS], struct vb_profile_verdict *ret_verdict,
	struct vb_error *err) VB_WARN_UNUSED;

/* Closes every ABI but the native one. */
void vb_profile_native_only(struct vb_profile *profile);

/* Of the filter; the bits are those of seccomp(2)'s flags argument. */
enum {
	VB_PROFILE_FLAG_TSYNC = 1U << 0,
	VB_PROFILE_FLAG_LOG = 1U << 1,
	VB_PROFILE_FLAG_SPEC_ALLOW = 1U << 2,
	VB_PROFILE_FLAG_WAIT_KILLABLE_RECV = 1U << 5,
};

/*
 * The flags key: -1 when absent (the runtime's default then, which for current runc and crun is
 * SPEC_ALLOW), else the bits; 0 is an empty list. Setting takes the same values.
 */
int vb_profile_flags(const struct vb_profile *profile);
void vb_profile_set_flags(struct vb_profile *profile, int flags);

uint32_t vb_profile_default_action(const struct vb_profile *profile);
bool vb_profile_covers_arch(const struct vb_profile *profile, uint32_t arch);

/* Whether a rule or the default hands calls to a listener (SECCOMP_RET_USER_NOTIF). */
bool vb_profile_notifies(const struct vb_profile *profile);

/* "SCMP_ACT_ERRNO" and its kin, "SCMP_ARCH_X86_64" and its kin; NULL for an unknown value. */
const char *vb_profile_action_name(uint32_t action);
const char *vb_profile_arch_name(uint32_t arch);

/* The token of "SCMP_ARCH_..."; 0 when unknown. */
uint32_t vb_profile_arch_token(const char *name);

#endif
