/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/shim/scratch.h"

#include <stdatomic.h>
#include <stdbool.h>

#include "raw.h"
#include "vb/shim/arena.h"

enum { BLOCK_BYTES = 64 * 1024, REGION_STEP_BYTES = 64 * 1024 };

/* More memory for one block, kept for its next user. */
struct region {
	struct region *next;
	size_t bytes;
	struct vb_shim_arena arena;
};

struct block {
	struct vb_shim_scratch scratch;
	/* Fixed once the block is in the list. */
	struct block *next;
	atomic_bool claimed;
	/* Who holds it, or held it last. */
	_Atomic uintptr_t thread;
	_Atomic long process;
	struct region *regions;
	struct vb_shim_arena arena;
};

/* A block is never unmapped: there are as many as there were calls at the same time. */
static struct block *_Atomic blocks;

static void reset(struct block *block, uintptr_t thread, long process)
{
	block->thread = thread;
	block->process = process;
	block->arena.next = (unsigned char *)block + vb_shim_arena_space(sizeof(*block));
	block->arena.left_bytes = BLOCK_BYTES - vb_shim_arena_space(sizeof(*block));
	for (struct region *region = block->regions; region != NULL; region = region->next) {
		region->arena.next = (unsigned char *)region + vb_shim_arena_space(sizeof(*region));
		region->arena.left_bytes = region->bytes - vb_shim_arena_space(sizeof(*region));
	}
}

/*
 * By a vfork child of this thread that has executed its program. In such a child it is the other
 * way round: what its parent holds, whose library's constructor it may come from, is still in use.
 */
static bool is_left_behind(const struct block *block, uintptr_t thread, long process)
{
	return atomic_load(&block->claimed) && block->thread == thread &&
	       block->process != process && block->process != VB_RAW_0(__NR_getppid);
}

static bool claim(struct block *block, uintptr_t thread, long process)
{
	return is_left_behind(block, thread, process) || !atomic_exchange(&block->claimed, true);
}

static struct block *add_block(void)
{
	struct block *block = vb_shim_map(BLOCK_BYTES);

	if (block == NULL)
		return NULL;
	atomic_init(&block->claimed, true);
	block->next = atomic_load(&blocks);
	while (!atomic_compare_exchange_weak(&blocks, &block->next, block))
		;
	return block;
}

struct vb_shim_scratch *vb_shim_scratch_claim(void)
{
	uintptr_t thread = vb_shim_thread_pointer();
	long process = VB_RAW_0(__NR_getpid);
	struct block *block = atomic_load(&blocks);

	while (block != NULL && !claim(block, thread, process))
		block = block->next;
	if (block == NULL)
		block = add_block();
	if (block == NULL)
		return NULL;
	reset(block, thread, process);
	return &block->scratch;
}

void vb_shim_scratch_release(struct vb_shim_scratch *scratch)
{
	struct block *block = (struct block *)scratch;

	if (block != NULL)
		atomic_store(&block->claimed, false);
}

static struct region *add_region(struct block *block, size_t bytes)
{
	size_t total = bytes + vb_shim_arena_space(sizeof(struct region)) + VB_SHIM_ARENA_ALIGN;
	struct region *region;

	total = (total + REGION_STEP_BYTES - 1) / REGION_STEP_BYTES * REGION_STEP_BYTES;
	if (total < bytes)
		return NULL;
	region = vb_shim_map(total);
	if (region == NULL)
		return NULL;
	region->bytes = total;
	region->arena.next = (unsigned char *)region + vb_shim_arena_space(sizeof(*region));
	region->arena.left_bytes = total - vb_shim_arena_space(sizeof(*region));
	region->next = block->regions;
	block->regions = region;
	return region;
}

void *vb_shim_scratch_take(struct vb_shim_scratch *scratch, size_t bytes)
{
	struct block *block = (struct block *)scratch;
	void *taken = vb_shim_arena_take(&block->arena, bytes);
	struct region *region = block->regions;

	while (taken == NULL && region != NULL) {
		taken = vb_shim_arena_take(&region->arena, bytes);
		region = region->next;
	}
	if (taken != NULL)
		return taken;
	region = add_region(block, bytes);
	return region == NULL ? NULL : vb_shim_arena_take(&region->arena, bytes);
}
