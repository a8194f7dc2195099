/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `denied WORD...` makes system calls in its own process, which seccomp's records name, and then
 * waits to be looked at: `NUMBER` makes a call, `thread:NUMBER` makes it in a thread that may be
 * killed for it. Prints `WORD ok` or `WORD <ERRNO>` for each, and a thread that was killed is `ok`.
 */
#define _GNU_SOURCE // NOLINT(bugprone-reserved-identifier): what the C library asks for
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LONG_ENOUGH_MS = 100 };

/* Arguments that are no address, no descriptor and no flag. */
static int call(long number)
{
	return syscall(number, -1, -1, -1, -1, -1, -1) < 0 ? errno : 0;
}

static void *call_in_thread(void *number)
{
	(void)call(*(long *)number);
	return NULL;
}

/* The thread cannot be joined when the kernel ended it, but it can be waited for. */
static int thread(long number)
{
	static long argument;
	pthread_t made;

	argument = number;
	int r = pthread_create(&made, NULL, call_in_thread, &argument);
	if (r == 0)
		r = pthread_detach(made);
	(void)poll(NULL, 0, LONG_ENOUGH_MS);
	return r;
}

int main(int argc, char **argv)
{
	static const char mark[] = "thread:";

	printf("WORKLOAD_START\n");
	for (int i = 1; i < argc; i++) {
		int is_thread = strncmp(argv[i], mark, sizeof(mark) - 1) == 0;
		long number = strtol(argv[i] + (is_thread ? sizeof(mark) - 1 : 0), NULL, 0);
		int error = is_thread ? thread(number) : call(number);
		printf("%s %s\n", argv[i], error == 0 ? "ok" : strerrorname_np(error));
		(void)fflush(stdout);
	}
	printf("WORKLOAD_END\n");
	(void)fflush(stdout);
	pause();
	return 0;
}
