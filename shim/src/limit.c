/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/shim/limit.h"

enum { COUNT_BITS = 8, COUNT_MASK = (1 << COUNT_BITS) - 1 };

bool vb_shim_limit_take(struct vb_shim_limit *limit, uint64_t second)
{
	uint64_t state = atomic_load(&limit->state);
	uint64_t count;

	do {
		count = state >> COUNT_BITS == second ? state & COUNT_MASK : 0;
		if (count == VB_SHIM_LIMIT_PER_SECOND)
			return false;
	} while (!atomic_compare_exchange_weak(
		&limit->state, &state, second << COUNT_BITS | (count + 1)));
	return true;
}

/* 0 is the empty slot. */
static uint64_t stored_form(uint64_t key)
{
	return key == 0 ? 1 : key;
}

bool vb_shim_seen_add(struct vb_shim_seen *seen, uint64_t key)
{
	return atomic_exchange(&seen->keys[key % VB_SHIM_SEEN_SLOTS], stored_form(key)) !=
	       stored_form(key);
}

void vb_shim_seen_remove(struct vb_shim_seen *seen, uint64_t key)
{
	uint64_t wanted = stored_form(key);

	atomic_compare_exchange_strong(&seen->keys[key % VB_SHIM_SEEN_SLOTS], &wanted, 0);
}
