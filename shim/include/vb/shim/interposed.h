/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_SHIM_INTERPOSED_H
#define VB_SHIM_INTERPOSED_H

#include <stddef.h>

/*
 * The functions of libc that the shim stands in front of, by the ABI that glibc and musl share.
 * Pointers to libc's own structs are void here. Each does what libc's does, except that it may
 * refuse: -1 or NULL with EPERM, the spawn functions return EPERM, wordexp WRDE_CMDSUB.
 */

#pragma GCC visibility push(default)

int connect(int fd, const void *address, unsigned int bytes);
/* NOLINTNEXTLINE(readability-identifier-naming): glibc's name. */
int __connect(int fd, const void *address, unsigned int bytes);

long sendto(int fd, const void *data, size_t bytes, int flags, const void *address,
	unsigned int address_bytes);
long sendmsg(int fd, const void *message, int flags);
int sendmmsg(int fd, void *messages, unsigned int count, int flags);

/* arch/: a stub that leaves every register and the stack as they are for libc's own. */
long syscall(long number, ...);

int execve(const char *path, char *const argv[], char *const envp[]);
int execv(const char *path, char *const argv[]);
int execvp(const char *file, char *const argv[]);
int execvpe(const char *file, char *const argv[], char *const envp[]);
int execl(const char *path, const char *argument, ...);
int execlp(const char *file, const char *argument, ...);
int execle(const char *path, const char *argument, ...);
int fexecve(int fd, char *const argv[], char *const envp[]);
int execveat(int dirfd, const char *path, char *const argv[], char *const envp[], int flags);

int posix_spawn(int *pid, const char *path, const void *actions, const void *attributes,
	char *const argv[], char *const envp[]);
int posix_spawnp(int *pid, const char *file, const void *actions, const void *attributes,
	char *const argv[], char *const envp[]);
int pidfd_spawn(int *pidfd, const char *path, const void *actions, const void *attributes,
	char *const argv[], char *const envp[]);
int pidfd_spawnp(int *pidfd, const char *file, const void *actions, const void *attributes,
	char *const argv[], char *const envp[]);

int system(const char *command);
void *popen(const char *command, const char *mode);
/* NOLINTNEXTLINE(readability-identifier-naming): glibc's name. */
void *_IO_popen(const char *command, const char *mode);
int wordexp(const char *words, void *result, int flags);

#pragma GCC visibility pop

#endif
