/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the hostile workload tries. Every attempt runs in a child of its own, so it may leave behind
 * whatever it likes in that process: descriptors, namespaces, a dropped user id.
 */
#ifndef ATTACK_H
#define ATTACK_H

#include <sys/socket.h>
#include <sys/types.h>

/* One thing to try. */
struct attempt {
	const char *name;
	/* Returns 0, or the errno that stopped it; need not return when it becomes another program.
	 */
	int (*try)(const char *argument);
};

/* The attempts of each file; the last one of a table has no name. */
extern const struct attempt attack_files[];
extern const struct attempt attack_kernel[];
extern const struct attempt attack_libraries[];
extern const struct attempt attack_network[];
extern const struct attempt attack_programs[];
extern const struct attempt attack_siblings[];

/*
 * Makes a system call without libc, which no preloaded library can stand in front of. `arguments`
 * are six. Returns what the kernel does: a negative errno for an error.
 */
long attack_call(long number, const long *arguments);

/* 0 or the errno of the result of attack_call(). */
int attack_result(long result);

/* Starts a child that does nothing until it is killed; -1 and errno if there is none. */
pid_t attack_spawn_victim(void);

/* Copies a file to a path, which it makes or truncates; 0 or an errno. */
int attack_copy(const char *from, const char *to);

/* Becomes the program at the path; returns the errno that stopped it. */
int attack_exec(const char *path);

/*
 * The function of the C library itself, by a handle of it; needs a dlopen list, if there is one,
 * that has libc. NULL and errno if there is none.
 */
void *attack_libc_symbol(const char *name);

#endif
