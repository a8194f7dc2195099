/* SPDX-License-Identifier: Apache-2.0 */
/* The dlopen list by canonical path, made at the first call that asks for it. */
#include <stdatomic.h>

#include "raw.h"
#include "vb/shim/canon.h"
#include "vb/shim/load.h"
#include "vb/shim/publish.h"

/* How often a thread looks again for the list that another one is making. */
enum { BUILD_WAITS = 1000 * 1000 };

static const void *_Atomic word VB_SHIM_PUBLISHED;
static const void *_Atomic unprotected;
static const struct vb_shim_publication publication = {&word, &unprotected};

/* The process that makes it: after a fork the child's memory has a maker that does not exist. */
static _Atomic long builder;

static const char *canonical(void *data, const char *entry)
{
	struct vb_shim_scratch *scratch = data;

	return vb_shim_canon(scratch, AT_FDCWD, entry) == 0 ? scratch->canonical : NULL;
}

/* The bytes that the result takes are also to be unmapped. NULL: no memory. */
static const struct vb_shim_libraries *build(
	const struct vb_shim_paths *list, struct vb_shim_scratch *scratch, size_t *ret_bytes)
{
	size_t head = vb_shim_arena_space(sizeof(struct vb_shim_libraries));
	size_t bytes = head + vb_shim_libraries_space(list);

	for (;;) {
		unsigned char *memory = vb_shim_map(bytes);
		struct vb_shim_arena arena = {.next = memory, .left_bytes = bytes};
		struct vb_shim_libraries *libraries;

		if (memory == NULL)
			return NULL;
		libraries = vb_shim_arena_take(&arena, sizeof(*libraries));
		if (libraries == NULL)
			return NULL;
		if (vb_shim_libraries_build(libraries, list, canonical, scratch, &arena) == 0) {
			VB_RAW_3(__NR_mprotect, memory, bytes, PROT_READ);
			*ret_bytes = bytes;
			return libraries;
		}
		VB_RAW_2(__NR_munmap, memory, bytes);
		bytes *= 2;
	}
}

/* Makes the list and puts it in force, unless a child of vfork has been faster. */
static const struct vb_shim_libraries *make(
	const struct vb_shim_policy *policy, struct vb_shim_scratch *scratch)
{
	size_t bytes;
	const struct vb_shim_libraries *made =
		build(&vb_shim_lists_get(policy)->dlopen, scratch, &bytes);

	if (made == NULL)
		atomic_store(&builder, 0);
	if (made != NULL && !vb_shim_publish(&publication, made))
		VB_RAW_2(__NR_munmap, made, bytes);
	return vb_shim_published(&publication);
}

const struct vb_shim_libraries *vb_shim_load_list(
	const struct vb_shim_policy *policy, struct vb_shim_scratch *scratch)
{
	long process = VB_RAW_0(__NR_getpid);
	long other = 0;

	if (vb_shim_published(&publication) != NULL || policy->dlopen_list == NULL)
		return vb_shim_published(&publication);
	while (!atomic_compare_exchange_strong(&builder, &other, process)) {
		if (other == process)
			break;
	}
	if (other != process)
		return make(policy, scratch);
	for (int i = 0; vb_shim_published(&publication) == NULL && i < BUILD_WAITS; i++)
		VB_RAW_0(__NR_sched_yield);
	return vb_shim_published(&publication);
}
