/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_TESTS_SHIM_PROBE_H
#define VB_TESTS_SHIM_PROBE_H

#include <sys/socket.h>

/*
 * The probe calls one function of libc and prints what came back, as "result=N errno=N". It is
 * built for each libc and architecture, and run with and without the shim:
 *
 *	probe [MODIFIER [ARGUMENT]]... ACTION [ARGUMENT]...
 */

struct probe_action {
	const char *name;
	/* How many arguments it needs at least. */
	int arguments;
	/* The function's result as a number; 0 and -1 for pointers. args ends in NULL. */
	int (*run)(char **args);
};

/* Each ends in an entry without a name. */
extern const struct probe_action probe_exec_actions[];
extern const struct probe_action probe_memory_actions[];
extern const struct probe_action probe_net_actions[];
extern const struct probe_action probe_race_actions[];
extern const struct probe_action probe_dl_actions[];
extern const struct probe_action probe_send_actions[];
extern const struct probe_action probe_swap_actions[];
extern const struct probe_action probe_syscall_actions[];

/* ADDRESS PORT as the socket address of its family. */
socklen_t probe_parse(char **args, struct sockaddr_storage *storage);

/* A new socket, with errno at 0. */
int probe_socket(int family, int type);

/* A file or system call of the probe itself failed: exit code 99, which no test expects. */
__attribute__((noreturn)) void probe_die(const char *what);

#endif
