/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_SHIM_POLICY_H
#define VB_SHIM_POLICY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vb/shim/next.h"
#include "vb/shim/policy_load.h"
#include "vb/shim/policy_net.h"
#include "vb/shim/policy_path.h"

/*
 * Everything that the shim decides by, read from the environment once and then kept in read-only
 * memory: what the workload does to its environment afterwards changes nothing.
 *
 * Life cycle: the first wrapper that is called (or the constructor, whichever comes first: other
 * libraries' constructors run before ours) builds it; it lives as long as the process. The lists in
 * it are parsed for the first call that asks one of them.
 */

#define VB_SHIM_ENV_EXEC          "AUTONOMY_PRELOAD_EXEC_ALLOWLIST"
#define VB_SHIM_ENV_CONNECT       "AUTONOMY_PRELOAD_CONNECT_ALLOWLIST"
#define VB_SHIM_ENV_DLOPEN        "AUTONOMY_PRELOAD_DLOPEN_ALLOWLIST"
#define VB_SHIM_ENV_EXEC_AUDIT    "AUTONOMY_PRELOAD_EXEC_AUDIT"
#define VB_SHIM_ENV_CONNECT_AUDIT "AUTONOMY_PRELOAD_CONNECT_AUDIT"
#define VB_SHIM_ENV_DLOPEN_AUDIT  "AUTONOMY_PRELOAD_DLOPEN_AUDIT"
#define VB_SHIM_ENV_DATAGRAMS     "AUTONOMY_PRELOAD_CONNECT_DATAGRAMS"

enum { VB_SHIM_STICKY_MAX = 7 };

/* One variable that children get back whatever the workload passes them. */
struct vb_shim_sticky {
	const char *assignment;
	/* Up to and including the "=". */
	size_t name_bytes;
	/* That its string takes when the value may become "none". */
	size_t space_bytes;
};

struct vb_shim_policy {
	/* A list or an audit is set: children need their environment kept. */
	bool active;
	bool exec_gated;
	bool exec_audited;
	bool connect_gated;
	bool connect_audited;
	/* With the connect list or audit set, and datagrams not left out of it. */
	bool datagrams_watched;
	bool dlopen_gated;
	bool dlopen_audited;
	/* LD_LIBRARY_PATH at start, when the loader read it. */
	const char *library_path;
	/* The lists as they were given, in the assignments below; NULL for one that is not set. */
	const char *exec_list;
	const char *connect_list;
	const char *dlopen_list;
	struct vb_shim_next next;
	/* The shim's own absolute path for LD_PRELOAD; empty when it is unknown. */
	const char *self;
	size_t sticky_count;
	struct vb_shim_sticky sticky[VB_SHIM_STICKY_MAX];
	/* Up to and including its "=": a variable that children are not to be given; NULL: none. */
	const char *barred;
};

/* The lists as they are asked, and the variables without what is malformed in them. */
struct vb_shim_lists {
	struct vb_shim_paths exec;
	struct vb_shim_nets connect;
	struct vb_shim_paths dlopen;
	struct vb_shim_sticky sticky[VB_SHIM_STICKY_MAX];
};

/* The words that lead to the two; NULL at first. Only to be read, by the functions below. */
extern const void *_Atomic vb_shim_policy_word __attribute__((visibility("hidden")));
extern const void *_Atomic vb_shim_lists_word __attribute__((visibility("hidden")));

/* Reads the environment, or finds that another thread has. */
__attribute__((cold)) const struct vb_shim_policy *vb_shim_policy_first(void);

/* Never NULL. Async-signal-safe after the first call. */
static inline const struct vb_shim_policy *vb_shim_policy_get(void)
{
	const struct vb_shim_policy *policy =
		atomic_load_explicit(&vb_shim_policy_word, memory_order_acquire);

	return policy != NULL ? policy : vb_shim_policy_first();
}

/* Parses the lists, or finds that another thread has. */
__attribute__((cold)) const struct vb_shim_lists *vb_shim_lists_first(
	const struct vb_shim_policy *policy);

/* Never NULL; lists that hold nothing when there is no memory. Async-signal-safe. */
static inline const struct vb_shim_lists *vb_shim_lists_get(const struct vb_shim_policy *policy)
{
	const struct vb_shim_lists *lists =
		atomic_load_explicit(&vb_shim_lists_word, memory_order_acquire);

	return lists != NULL ? lists : vb_shim_lists_first(policy);
}

/* What children get: policy->sticky_count of them, in the order of policy->sticky. */
const struct vb_shim_sticky *vb_shim_lists_sticky(const struct vb_shim_policy *policy);

/*
 * Puts the policy of this copy of the shim in force in another copy, which is alone (next.h) and
 * lies `distance` bytes behind this one. -ENOMEM.
 */
int vb_shim_policy_hand_over(uintptr_t distance, const struct vb_shim_next *next);

#endif
