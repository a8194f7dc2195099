/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_SHIM_LIMIT_H
#define VB_SHIM_LIMIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Keep a workload that sends datagrams in a loop from filling the log. Both start as zeros. */

enum { VB_SHIM_LIMIT_PER_SECOND = 10, VB_SHIM_SEEN_SLOTS = 512 };

/* A second, and how many lines it has had. */
struct vb_shim_limit {
	_Atomic uint64_t state;
};

/* Is there a line left in this second? Takes it. Any thread, any signal handler. */
bool vb_shim_limit_take(struct vb_shim_limit *limit, uint64_t second);

/* The keys that were added lately: one slot each, the next key of the same slot replaces it. */
struct vb_shim_seen {
	_Atomic uint64_t keys[VB_SHIM_SEEN_SLOTS];
};

/* False when the key is in there already. Keys are well mixed. */
bool vb_shim_seen_add(struct vb_shim_seen *seen, uint64_t key);

void vb_shim_seen_remove(struct vb_shim_seen *seen, uint64_t key);

#endif
