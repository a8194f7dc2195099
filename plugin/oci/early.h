/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_OCI_EARLY_H
#define VB_PLUGIN_OCI_EARLY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The shortest way through the hook. Most calls of a runtime (start, kill, state, delete, ...) only
 * have to reach the real one, and the start of libc is what costs: on a virtual machine where CPUID
 * traps, half a millisecond. So the program's entry point (entry.S) comes here first, before
 * libc and its relocations. What is plain goes on to the runtime; at the least doubt nothing
 * happens and main() runs as if this did not exist, with the same result.
 *
 * Code here must not call libc, use thread-local storage (stack protector) or data that holds
 * addresses (not relocated yet): early.c is compiled with flags of its own, and a test looks at the
 * object's undefined symbols.
 */

/* stack is what the kernel left: argc, argv, NULL, ... (System V ABI, process initialization). */
void vb_early(long *stack);

/*
 * Finds the runtime of a handler in oci.json, written in the plain form that the installer uses:
 * no escapes, nothing but ASCII. False at the least doubt; true only where vb_oci_config_find()
 * finds the same path. Borrowed from the text, not terminated.
 */
bool vb_early_find_runtime(const char *text, size_t size, const char *handler,
	const char **ret_path, size_t *ret_length);

#endif
