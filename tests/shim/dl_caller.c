/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library that calls dlopen: built once with DT_RPATH and once with DT_RUNPATH, by which the
 * loader searches for it.
 */
#include <dlfcn.h>

void *dl_caller_open(const char *file, int flags);
void *dl_caller_open(const char *file, int flags)
{
	void *handle = dlopen(file, flags);

	/* Keeps this a call: a jump would make the probe the caller. */
	__asm__ volatile("" : "+r"(handle));
	return handle;
}
