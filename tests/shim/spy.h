/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_TESTS_SHIM_SPY_H
#define VB_TESTS_SHIM_SPY_H

#include <spawn.h>
#include <stddef.h>
#include <sys/socket.h>

/* musl's sendmmsg has unsigned flags. */
#ifdef __GLIBC__
#define SPY_FLAGS int
#else
#define SPY_FLAGS unsigned int
#endif

/* What the next call that passes the shim finds at the workload's own memory. */
struct spy_swap {
	void *argument;
	const void *other;
	size_t bytes;
	unsigned int calls;
};

/* Found with dlsym: a program runs with and without the spy. */
void spy_arm(const struct spy_swap *wanted);

/* How many calls came through since. */
unsigned int spy_calls(void);

#endif
