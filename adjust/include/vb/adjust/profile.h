/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_PROFILE_H
#define VB_ADJUST_PROFILE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
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
	VB_PROFILE_ALL_SEVERAL_MAX = 64, /* of all names */
	/* Rules with which one name may be read. */
	VB_PROFILE_NAME_RULES_MAX = 512,
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
 * libseccomp makes of those depends on their order), and more rules than the limits above. A
 * profile in Docker's format (archMap, includes, excludes, ...) is recognised and refused: a
 * runtime would apply it without its conditions. -EINVAL with err saying which syscalls[] entry and
 * why, -ENOMEM.
 */
int vb_profile_from_json(const json_t *seccomp, uint32_t native, struct vb_profile **ret_profile,
	struct vb_error *err) VB_WARN_UNUSED;

/*
 * The profile as a `linux.seccomp` object in canonical form: rules disjoint where they come from a
 * meet, grouped by action and conditions, names sorted; equal profiles give equal objects. The
 * caller owns the reference. NULL when out of memory.
 */
json_t *vb_profile_to_json(const struct vb_profile *profile) VB_WARN_UNUSED;

/* The same as the text of a file; the caller frees it. -ENOMEM. */
int vb_profile_to_text(
	const struct vb_profile *profile, char **ret_text, struct vb_error *err) VB_WARN_UNUSED;

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
 * where they have conditions. -EOPNOTSUPP for conditions that would take more than about a second.
 */
int vb_profile_check_quick(const struct vb_profile *base, const struct vb_profile *tighter,
	const struct vb_profile *result, struct vb_error *err) VB_WARN_UNUSED;

/*
 * How a call reaches the kernel: by a number, and where several calls share one (socketcall and ipc
 * of i386 and a few more), by a first argument that selects it; the call's own arguments then lie
 * in memory, where no filter sees them.
 */
struct vb_profile_way {
	int number;
	int selector; /* -1: none, the arguments are the call's own */
};

enum { VB_PROFILE_WAYS_MAX = 2 };

/*
 * The ways to a call on an architecture (a token, not VB_PROFILE_NATIVE); none where it does not
 * exist there. name may also be a decimal number. -ENOENT for a name that libseccomp does not know,
 * -EINVAL for a number above what an ABI has.
 */
int vb_profile_ways(uint32_t arch, const char *name,
	struct vb_profile_way ret_ways[VB_PROFILE_WAYS_MAX], size_t *ret_count,
	struct vb_error *err) VB_WARN_UNUSED;

/* What a profile says about one call. */
struct vb_profile_verdict {
	uint32_t action; /* what the compiled filter returns */
	uint32_t read;   /* what the rules say; libseccomp may get them wrong */
	int rule;        /* the deciding entry of syscalls[] as read, -1: default or closed ABI */
};

/*
 * Simulates one call: compiles the profile and interprets the filter. arch is a token; args are
 * the call's own and not looked at where the way has a selector. -EOPNOTSUPP for a profile that
 * libseccomp might never finish, -EINVAL, -ENOMEM, -EILSEQ.
 */
int vb_profile_simulate(const struct vb_profile *profile, uint32_t arch,
	const struct vb_profile_way *way, const uint64_t args[VB_PROFILE_ARGS],
	struct vb_profile_verdict *ret_verdict, struct vb_error *err) VB_WARN_UNUSED;

/* A rule as the profile has it in effect. */
struct vb_profile_condition {
	unsigned int index;
	const char *op; /* "SCMP_CMP_EQ" and its kin */
	uint64_t value;
	uint64_t mask; /* of the argument's bits that are compared; all ones but for MASKED_EQ */
};

struct vb_profile_rule {
	const char *name;
	uint32_t action;
	uint32_t entry; /* of syscalls[] as read */
	size_t condition_count;
	struct vb_profile_condition conditions[VB_PROFILE_ARGS]; /* all must hold */
};

typedef int (*vb_profile_rule_fn)(void *context, const struct vb_profile_rule *rule);

/*
 * Calls the function for every rule, sorted by name, until it returns other than 0, and returns
 * that. The rule is good during the call only.
 */
int vb_profile_walk(const struct vb_profile *profile, vb_profile_rule_fn function,
	void *context) VB_WARN_UNUSED;

/* The same for every architecture that the profile covers, the native one first. */
typedef int (*vb_profile_arch_fn)(void *context, uint32_t arch);
int vb_profile_walk_archs(const struct vb_profile *profile, vb_profile_arch_fn function,
	void *context) VB_WARN_UNUSED;

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

/* Takes one flag out of the bits and returns its name, until none is left: NULL. */
const char *vb_profile_next_flag(int *all);

uint32_t vb_profile_default_action(const struct vb_profile *profile);
bool vb_profile_covers_arch(const struct vb_profile *profile, uint32_t arch);

/* Whether a rule or the default hands calls to a listener (SECCOMP_RET_USER_NOTIF). */
bool vb_profile_notifies(const struct vb_profile *profile);

/* "SCMP_ACT_ERRNO" and its kin, "SCMP_ARCH_X86_64" and its kin; NULL for an unknown value. */
const char *vb_profile_action_name(uint32_t action);
const char *vb_profile_arch_name(uint32_t arch);

/* The token of "SCMP_ARCH_..."; 0 when unknown. */
uint32_t vb_profile_arch_token(const char *name);

/*
 * The architecture of the nodes that offer this ABI: for a 32-bit sibling that of its 64-bit kernel
 * unless the program itself was built for it, else itself. arch may be VB_PROFILE_NATIVE.
 */
uint32_t vb_profile_node_arch(uint32_t arch);

#endif
