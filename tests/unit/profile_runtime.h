/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_TESTS_UNIT_PROFILE_RUNTIME_H
#define VB_TESTS_UNIT_PROFILE_RUNTIME_H

#include <jansson.h>
#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What runc 1.1 to 1.5 and crun 1.x do with `linux.seccomp`, step by step and without the engine:
 * the tests compare against this, so it must not share the engine's view of a profile. For
 * profiles that the engine could read; anything else aborts.
 */

struct runtime_filter {
	struct sock_filter program[BPF_MAXINSNS];
	size_t count;
};

/* optimize: libseccomp's level. False when libseccomp refuses, as the runtime then does. */
bool runtime_compile(const json_t *seccomp, uint32_t native, unsigned int optimize,
	struct runtime_filter *ret_filter);

/*
 * Whether some call has several rules and one of them a range on an argument that is not its last:
 * libseccomp may never return from those.
 */
bool runtime_might_hang(const json_t *seccomp);

#endif
