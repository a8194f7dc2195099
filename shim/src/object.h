/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_SHIM_OBJECT_H
#define VB_SHIM_OBJECT_H

/* The loaded objects of the process, as the loaders of glibc and musl show them. */

#include <linux/elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The leading members, which are the same in every libc (dl_iterate_phdr(3)). */
struct vb_shim_object_info {
	Elf64_Addr base;
	const char *name;
	const Elf64_Phdr *headers;
	Elf64_Half header_count;
};

/* The public head of <link.h>'s struct; the handle of a loaded object points to it. */
struct vb_shim_link_map {
	Elf64_Addr base;
	const char *name;
	const Elf64_Dyn *dynamic;
	const struct vb_shim_link_map *next;
	const struct vb_shim_link_map *previous;
};

typedef int (*vb_shim_visit_fn)(const struct vb_shim_object_info *info, size_t size, void *data);

/* Calls visit for each object of the shim's namespace until it returns something else than 0. */
void vb_shim_objects_visit(vb_shim_visit_fn visit, void *data);

static inline bool vb_shim_object_contains(
	const struct vb_shim_object_info *info, uintptr_t address)
{
	for (unsigned int i = 0; i < info->header_count; i++) {
		const Elf64_Phdr *header = &info->headers[i];

		if (header->p_type == PT_LOAD &&
			address - (info->base + header->p_vaddr) < header->p_memsz)
			return true;
	}
	return false;
}

/* NULL when it has none. */
static inline const Elf64_Dyn *vb_shim_object_dynamic(const struct vb_shim_object_info *info)
{
	for (unsigned int i = 0; i < info->header_count; i++) {
		if (info->headers[i].p_type == PT_DYNAMIC)
			return (const Elf64_Dyn *)(info->base + info->headers[i].p_vaddr);
	}
	return NULL;
}

/* glibc relocates these pointers in place, musl and the vDSO leave them relative to the base. */
static inline const void *vb_shim_object_pointer(uintptr_t base, Elf64_Addr value)
{
	return (const void *)(value < base ? base + value : value);
}

#endif
