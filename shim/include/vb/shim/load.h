/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_SHIM_LOAD_H
#define VB_SHIM_LOAD_H

#include <stdbool.h>

#include "vb/shim/policy.h"
#include "vb/shim/scratch.h"

/* What a call of dlopen or dlmopen wants. */
struct vb_shim_load {
	/* The name in the log lines. */
	const char *operation;
	bool has_lmid;
	long lmid;
	int flags;
	/* The file name, copied: nobody can change it any more. */
	const char *file;
	/* Where the call came from: the loader searches by the object that holds it. */
	const void *caller;
};

enum {
	/* <dlfcn.h>, the same in glibc and musl. */
	VB_SHIM_LOAD_LAZY = 1,
	VB_SHIM_LOAD_ONLY_LOADED = 4,
	VB_SHIM_NEW_NAMESPACE = -1,
};

/* libc's function, at once or for the namespace. NULL with a readable dlerror. */
void *vb_shim_load_call(const struct vb_shim_policy *policy, const struct vb_shim_load *load,
	const char *file, int flags);

/*
 * The file that the loader would take for this caller, as a name that means the same when the shim
 * asks for it: $ORIGIN replaced, and a bare name that the caller's DT_RPATH or DT_RUNPATH finds
 * made a path. Otherwise load->file. The result lives in scratch. NULL: it is too long. Where a
 * library of that name is loaded already, *ret_loaded becomes what the call is to return, which has
 * opened it once more; otherwise it stays NULL.
 */
const char *vb_shim_load_name(const struct vb_shim_policy *policy, struct vb_shim_scratch *scratch,
	const struct vb_shim_load *load, void **ret_loaded);

/* load->file with the caller's $ORIGIN replaced, likewise. */
const char *vb_shim_load_expand(struct vb_shim_scratch *scratch, const struct vb_shim_load *load);

/* The dlopen list by canonical path and by name; NULL when there is no memory for it. */
const struct vb_shim_libraries *vb_shim_load_list(
	const struct vb_shim_policy *policy, struct vb_shim_scratch *scratch);

/*
 * A new namespace in which a copy of the shim stands in front of everything else, with this policy
 * in force. next has the loader's functions. Returns its number, or VB_SHIM_NEW_NAMESPACE: then
 * dlerror says why, or *ret_text is set to a file name for dlopen to say it.
 */
long vb_shim_space_open(const struct vb_shim_policy *policy, const struct vb_shim_next *next,
	const char **ret_text);

#endif
