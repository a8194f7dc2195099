/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_SHIM_PUBLISH_H
#define VB_SHIM_PUBLISH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * A word that leads to read-only memory and is itself read-only, but for the moment in which it is
 * written, once per process.
 */
struct vb_shim_publication {
	/* In VB_SHIM_PUBLISHED: among the relocated constants, which the loader has protected. */
	const void *_Atomic *word;
	/* In its place where that page cannot be made writable. */
	const void *_Atomic *unprotected;
};

#define VB_SHIM_PUBLISHED __attribute__((section(".data.rel.ro")))

/* NULL until there is something. */
const void *vb_shim_published(const struct vb_shim_publication *publication);

/*
 * Whether it was this value that was published, and not another thread's. Safe in signal handlers
 * and after fork and vfork.
 */
bool vb_shim_publish(const struct vb_shim_publication *publication, const void *value);

/* mprotect of the page with this address, whatever the page size is. 0 or -EINVAL. */
int vb_shim_protect_page(uintptr_t address, int protection);

#endif
