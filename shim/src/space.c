/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dlmopen(LM_ID_NEWLM) makes a namespace in which nothing is preloaded. A copy of the shim goes in
 * first, so that it stands in front of all else there, as glibc takes the first object of a
 * namespace for its global scope. libc follows, whose functions the copy needs.
 *
 * The copy is the same file, so each of its words lies at the same distance from ours, and the
 * policy is put straight into its place. glibc has room for 16 namespaces, and keeps those that the
 * shim is in until the process ends.
 */
#include <string.h>

#include "object.h"
#include "raw.h"
#include "vb/shim/load.h"

enum { REQUEST_LMID = 1 /* RTLD_DI_LMID */, LOAD_NOW = 2 };

static const char unshielded_text[] = "/dev/null/the preload shim cannot guard a new namespace";

/* Where this copy of the shim begins: its ELF header. */
extern const unsigned char __ehdr_start[] // NOLINT(readability-identifier-naming)
	__attribute__((visibility("hidden")));

/* The first segment holds no relocations, and the build ID. */
static size_t first_segment_bytes(void)
{
	Elf64_Ehdr header;

	memcpy(&header, __ehdr_start, sizeof(header));
	for (unsigned int i = 0; i < header.e_phnum; i++) {
		Elf64_Phdr segment;

		memcpy(&segment, __ehdr_start + header.e_phoff + i * sizeof(segment),
			sizeof(segment));
		if (segment.p_type == PT_LOAD)
			return segment.p_filesz;
	}
	return 0;
}

/* Another file may have been put in the shim's place meanwhile. */
static bool is_same_build(const struct vb_shim_link_map *copy)
{
	const unsigned char *start = (const unsigned char *)copy->base;

	return start != __ehdr_start && memcmp(start, __ehdr_start, sizeof(Elf64_Ehdr)) == 0 &&
	       memcmp(start, __ehdr_start, first_segment_bytes()) == 0;
}

struct find {
	uintptr_t address;
	const char *name;
};

static int visit(const struct vb_shim_object_info *info, size_t size, void *data)
{
	struct find *find = data;

	(void)size;
	if (!vb_shim_object_contains(info, find->address))
		return 0;
	find->name = info->name;
	return 1;
}

/* The file of libc: the object that has the environment. */
static const char *libc_path(const struct vb_shim_policy *policy)
{
	struct find find = {.address = (uintptr_t)policy->next.environment};

	vb_shim_objects_visit(visit, &find);
	return find.name != NULL ? find.name : "libc.so.6";
}

long vb_shim_space_open(
	const struct vb_shim_policy *policy, const struct vb_shim_next *next, const char **ret_text)
{
	const struct vb_shim_link_map *copy;
	struct vb_shim_next behind;
	long lmid;

	if (next->dlmopen == NULL || next->dlinfo == NULL || policy->self[0] == '\0') {
		*ret_text = unshielded_text;
		return VB_SHIM_NEW_NAMESPACE;
	}
	copy = next->dlmopen(VB_SHIM_NEW_NAMESPACE, policy->self, LOAD_NOW);
	if (copy == NULL || next->dlinfo((void *)(uintptr_t)copy, REQUEST_LMID, &lmid) != 0 ||
		next->dlmopen(lmid, libc_path(policy), LOAD_NOW) == NULL)
		return VB_SHIM_NEW_NAMESPACE;
	vb_shim_next_resolve_behind(&behind, copy);
	if (is_same_build(copy) &&
		vb_shim_policy_hand_over(copy->base - (uintptr_t)__ehdr_start, &behind) == 0)
		return lmid;
	*ret_text = unshielded_text;
	return VB_SHIM_NEW_NAMESPACE;
}
