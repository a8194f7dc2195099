/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/proto/arena.h"

#include <sanitizer/asan_interface.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ALIGNMENT = alignof(max_align_t),
	/* Kept over a reset: one event of a usual pod fits in. */
	FIRST_BLOCK_SIZE = 16 * 1024,
	/* Below malloc's mmap threshold, so that a burst does not raise that threshold. */
	BLOCK_SIZE = 64 * 1024,
	/* Above, an object gets a block of its own. */
	BIG_OBJECT = 4 * 1024,
};

struct block {
	struct block *next;
	size_t size; /* of data */
	size_t used;
	alignas(max_align_t) uint8_t data[];
};

struct vb_arena {
	struct block *first;   /* survives resets */
	struct block *others;  /* made since the last reset */
	struct block *current; /* where small objects go */
	size_t max;
	size_t used;
	bool exhausted;
};

struct vb_arena *vb_arena_create(size_t max_bytes)
{
	struct vb_arena *arena = calloc(1, sizeof(*arena));

	/* So far below the end that sizes near it can be rounded up. */
	if (arena != NULL)
		arena->max = max_bytes < SIZE_MAX / 2 ? max_bytes : SIZE_MAX / 2;
	return arena;
}

static void destroy_block(struct block *block)
{
	if (block != NULL)
		ASAN_UNPOISON_MEMORY_REGION(block->data, block->size);
	free(block);
}

void vb_arena_reset(struct vb_arena *arena)
{
	while (arena->others != NULL) {
		struct block *block = arena->others;
		arena->others = block->next;
		destroy_block(block);
	}
	arena->current = arena->first;
	arena->exhausted = false;
	arena->used = 0;
	if (arena->first == NULL)
		return;
	arena->first->used = 0;
	arena->used = arena->first->size;
	ASAN_POISON_MEMORY_REGION(arena->first->data, arena->first->size);
}

void vb_arena_destroy(struct vb_arena *arena)
{
	if (arena == NULL)
		return;
	vb_arena_reset(arena);
	destroy_block(arena->first);
	free(arena);
}

static struct block *create_block(struct vb_arena *arena, size_t size)
{
	if (size > arena->max - arena->used) {
		arena->exhausted = true;
		return NULL;
	}
	struct block *block = malloc(sizeof(*block) + size);
	if (block == NULL)
		return NULL;
	*block = (struct block){.size = size};
	ASAN_POISON_MEMORY_REGION(block->data, size);
	arena->used += size;
	return block;
}

/* A block for small objects: a full one while the budget has it, else what is asked for. */
static struct block *add_current(struct vb_arena *arena, size_t size)
{
	size_t usual = arena->first == NULL ? FIRST_BLOCK_SIZE : BLOCK_SIZE;
	struct block *block = create_block(arena, usual <= arena->max - arena->used ? usual : size);

	if (block == NULL)
		return NULL;
	if (arena->first == NULL) {
		arena->first = block;
	} else {
		block->next = arena->others;
		arena->others = block;
	}
	arena->current = block;
	return block;
}

static struct block *find_block(struct vb_arena *arena, size_t size)
{
	const struct block *current = arena->current;

	if (current != NULL && size <= current->size - current->used)
		return arena->current;
	if (size <= BIG_OBJECT)
		return add_current(arena, size);
	struct block *block = create_block(arena, size);
	if (block == NULL)
		return NULL;
	block->next = arena->others;
	arena->others = block;
	return block;
}

void *vb_arena_alloc(struct vb_arena *arena, size_t size)
{
	if (size > arena->max) {
		arena->exhausted = true;
		return NULL;
	}
	/* At least one byte stays unused behind each object, where AddressSanitizer can watch. */
	size_t taken = (size / ALIGNMENT + 1) * ALIGNMENT;
	struct block *block = find_block(arena, taken);
	if (block == NULL)
		return NULL;
	uint8_t *object = block->data + block->used;
	block->used += taken;
	ASAN_UNPOISON_MEMORY_REGION(object, size);
	return object;
}

size_t vb_arena_used(const struct vb_arena *arena)
{
	return arena->used;
}

bool vb_arena_is_exhausted(const struct vb_arena *arena)
{
	return arena->exhausted;
}
