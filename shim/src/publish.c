/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/shim/publish.h"

#include <stddef.h>

#include "raw.h"

/* How often a thread looks again for the lock that another one holds. */
enum { LOCK_WAITS = 1000 };

/* Two publishers would take the writable page away from each other. */
static atomic_bool locked;

/* The page size is one of these; with a smaller one than the kernel's the start is refused. */
int vb_shim_protect_page(uintptr_t address, int protection)
{
	for (uintptr_t page = 4096; page <= 65536; page *= 4) {
		uintptr_t start = address & ~(page - 1);

		if (VB_RAW_3(__NR_mprotect, start, page, protection) == 0)
			return 0;
	}
	return -EINVAL;
}

static bool lock(void)
{
	for (int i = 0; i < LOCK_WAITS; i++) {
		if (!atomic_exchange(&locked, true))
			return true;
		VB_RAW_0(__NR_sched_yield);
	}
	return false;
}

static bool store_protected(const struct vb_shim_publication *publication, const void *value)
{
	uintptr_t address = (uintptr_t)publication->word;

	if (vb_shim_protect_page(address, PROT_READ | PROT_WRITE) < 0)
		return false;
	atomic_store(publication->word, value);
	vb_shim_protect_page(address, PROT_READ);
	return true;
}

static bool store_unprotected(const struct vb_shim_publication *publication, const void *value)
{
	const void *none = NULL;

	return atomic_compare_exchange_strong(publication->unprotected, &none, value);
}

const void *vb_shim_published(const struct vb_shim_publication *publication)
{
	const void *value = atomic_load(publication->word);

	return value != NULL ? value : atomic_load(publication->unprotected);
}

/* Without the lock its holder is gone: this process was forked off in the middle of it. */
static bool store(const struct vb_shim_publication *publication, const void *value, bool has_lock)
{
	if (vb_shim_published(publication) != NULL)
		return false;
	return (has_lock && store_protected(publication, value)) ||
	       store_unprotected(publication, value);
}

bool vb_shim_publish(const struct vb_shim_publication *publication, const void *value)
{
	/* A signal handler that came here would wait for itself. */
	vb_shim_sigset old = vb_shim_block_signals();
	bool has_lock = lock();
	bool stored = store(publication, value, has_lock);

	if (has_lock)
		atomic_store(&locked, false);
	vb_shim_restore_signals(old);
	return stored;
}
