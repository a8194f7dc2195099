/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that a program may have in place of libc's: they make their system calls themselves. */
#include <sys/syscall.h>
#include <unistd.h>

int execveat(int dirfd, const char *path, char *const argv[], char *const envp[], int flags);

int execve(const char *path, char *const argv[], char *const envp[])
{
	return (int)syscall(SYS_execve, path, argv, envp);
}

int execveat(int dirfd, const char *path, char *const argv[], char *const envp[], int flags)
{
	return (int)syscall(SYS_execveat, dirfd, path, argv, envp, flags);
}
