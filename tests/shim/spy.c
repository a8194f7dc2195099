/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded behind the shim it gets the calls that the shim lets pass. It plays the thread that
 * changes the argument at the worst moment: after the judgement, before the kernel reads it.
 */
#include "spy.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct spy_swap swap;

void spy_arm(const struct spy_swap *wanted)
{
	swap = *wanted;
}

static void change_argument(void)
{
	swap.calls++;
	if (swap.argument != NULL)
		memcpy(swap.argument, swap.other, swap.bytes);
}

unsigned int spy_calls(void)
{
	return swap.calls;
}

/* libc's function of this name. */
static void find_next(const char *name, void *ret_function)
{
	void *symbol = dlsym(RTLD_NEXT, name);

	if (symbol == NULL)
		_exit(EXIT_FAILURE);
	memcpy(ret_function, &symbol, sizeof(symbol));
}

int connect(int fd, const struct sockaddr *address, socklen_t bytes)
{
	int (*next)(int, const struct sockaddr *, socklen_t);

	find_next("connect", &next);
	change_argument();
	return next(fd, address, bytes);
}

ssize_t sendto(int fd, const void *data, size_t bytes, int flags, const struct sockaddr *address,
	socklen_t address_bytes)
{
	ssize_t (*next)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);

	find_next("sendto", &next);
	change_argument();
	return next(fd, data, bytes, flags, address, address_bytes);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	ssize_t (*next)(int, const struct msghdr *, int);

	find_next("sendmsg", &next);
	change_argument();
	return next(fd, message, flags);
}

int sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, SPY_FLAGS flags)
{
	int (*next)(int, struct mmsghdr *, unsigned int, SPY_FLAGS);

	find_next("sendmmsg", &next);
	change_argument();
	return next(fd, messages, count, flags);
}

int execve(const char *path, char *const argv[], char *const envp[])
{
	int (*next)(const char *, char *const[], char *const[]);

	find_next("execve", &next);
	change_argument();
	return next(path, argv, envp);
}

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
	const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
	int (*next)(pid_t *, const char *, const posix_spawn_file_actions_t *,
		const posix_spawnattr_t *, char *const[], char *const[]);

	find_next("posix_spawn", &next);
	change_argument();
	return next(pid, path, actions, attributes, argv, envp);
}
