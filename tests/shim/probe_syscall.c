/* SPDX-License-Identifier: Apache-2.0 */
/* libc's syscall() with the calls that the shim gates there, and with some that it must not touch.
 */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	STACK_BYTES = 65536,
	PAGE_BYTES = 65536,
	FILE_BYTES = 131072,
	RING_BYTES = 120,
	EXIT_CHILD = 42
};

#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#endif

static int do_syscall_execve(char **args)
{
	return (int)syscall(SYS_execve, args[0], args, environ);
}

/* DIRFD PATH FLAGS, the directory as a number. */
static int do_syscall_execveat(char **args)
{
	return (int)syscall(SYS_execveat, (int)strtol(args[0], NULL, 10), args[1], args + 1,
		environ, (int)strtol(args[2], NULL, 0));
}

/* Prints nothing of the ring: whether there is one depends on the kernel's settings. */
static int do_syscall_ring(char **args)
{
	uint32_t parameters[RING_BYTES / sizeof(uint32_t)] = {0};
	long ring = syscall(SYS_io_uring_setup, (int)strtol(args[0], NULL, 10), parameters);

	if (ring >= 0)
		close((int)ring);
	return ring < 0 ? -1 : 0;
}

static int do_syscall_getppid(char **args)
{
	(void)args;
	return syscall(SYS_getppid) == getppid() ? 0 : -1;
}

/* An error of a call that is not gated. */
static int do_syscall_close(char **args)
{
	return (int)syscall(SYS_close, (int)strtol(args[0], NULL, 10));
}

/* The sixth argument, which on x86-64 is on the stack: the second page of a file. */
static int do_syscall_map(char **args)
{
	int fd = (int)syscall(SYS_memfd_create, "pages", 0);
	char *memory;

	(void)args;
	if (fd < 0 || ftruncate(fd, FILE_BYTES) < 0 || pwrite(fd, "2", 1, PAGE_BYTES) != 1)
		probe_die("memfd");
	errno = 0;
	memory = (char *)syscall(SYS_mmap, NULL, PAGE_BYTES, PROT_READ, MAP_SHARED, fd, PAGE_BYTES);
	return memory == MAP_FAILED ? -1 : memory[0];
}

#if defined(__x86_64__) && defined(__GLIBC__)
static void child_on_its_stack(void)
{
	_exit(EXIT_CHILD);
}

/* The child returns to what lies on its own stack: no frame may be between caller and libc. */
static int do_syscall_clone(char **args)
{
	static _Alignas(16) uintptr_t stack[STACK_BYTES / sizeof(uintptr_t)];
	uintptr_t *top = &stack[sizeof(stack) / sizeof(stack[0]) - 2];
	int status = -1;
	long child;

	(void)args;
	*top = (uintptr_t)child_on_its_stack;
	child = syscall(SYS_clone, CLONE_VM | SIGCHLD, top, NULL, NULL, 0);
	if (child < 0 || waitpid((pid_t)child, &status, 0) < 0)
		return -1;
	errno = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
#else
static int do_syscall_clone(char **args)
{
	(void)args;
	errno = ENOSYS;
	return -1;
}
#endif

const struct probe_action probe_syscall_actions[] = {
	{"syscall-execve", 1, do_syscall_execve},
	{"syscall-execveat", 3, do_syscall_execveat},
	{"syscall-io_uring_setup", 1, do_syscall_ring},
	{"syscall-getppid", 0, do_syscall_getppid},
	{"syscall-close", 1, do_syscall_close},
	{"syscall-map", 0, do_syscall_map},
	{"syscall-clone", 0, do_syscall_clone},
	{0},
};
