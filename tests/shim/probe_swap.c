/* SPDX-License-Identifier: Apache-2.0 */
/* Calls whose argument the spy (spy.c) changes behind the shim's back. */
#include "probe.h"
#include "spy.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static void arm(void *argument, const void *other, size_t bytes)
{
	struct spy_swap swap = {.argument = argument, .other = other, .bytes = bytes};
	void (*function)(const struct spy_swap *wanted);
	void *symbol = dlsym(RTLD_DEFAULT, "spy_arm");

	memcpy(&function, &symbol, sizeof(function));
	if (function == NULL)
		probe_die("no spy");
	function(&swap);
	errno = 0;
}

/* Prints how often the call came through. */
static int report(long result)
{
	unsigned int (*function)(void);
	void *symbol = dlsym(RTLD_DEFAULT, "spy_calls");
	int error = errno;

	memcpy(&function, &symbol, sizeof(function));
	printf("passed=%u\n", function());
	errno = error;
	return (int)result;
}

/* An address that is listed, and the one that the spy puts in its place. */
struct pair {
	struct sockaddr_storage listed;
	struct sockaddr_storage unlisted;
	socklen_t bytes;
	int fd;
};

static char payload[] = "hello";
static struct iovec vector = {.iov_base = payload, .iov_len = sizeof(payload) - 1};

/* LISTED PORT UNLISTED PORT */
static void open_pair(char **args, struct pair *pair)
{
	pair->bytes = probe_parse(args, &pair->listed);
	probe_parse(args + 2, &pair->unlisted);
	pair->fd = probe_socket(pair->listed.ss_family, SOCK_DGRAM);
	arm(&pair->listed, &pair->unlisted, pair->bytes);
}

static struct msghdr message_to(struct pair *pair)
{
	return (struct msghdr){.msg_name = &pair->listed,
		.msg_namelen = pair->bytes,
		.msg_iov = &vector,
		.msg_iovlen = 1};
}

/* Then sends, so that the test sees where to. */
static int do_swap_connect(char **args)
{
	struct pair pair;
	int result;

	open_pair(args, &pair);
	result = connect(pair.fd, (struct sockaddr *)&pair.listed, pair.bytes);
	if (result == 0 && write(pair.fd, payload, sizeof(payload) - 1) < 0)
		return -1;
	return report(result);
}

static int do_swap_sendto(char **args)
{
	struct pair pair;

	open_pair(args, &pair);
	return report(sendto(pair.fd, payload, sizeof(payload) - 1, 0,
		(struct sockaddr *)&pair.listed, pair.bytes));
}

static int do_swap_sendmsg(char **args)
{
	struct pair pair;
	struct msghdr message;

	open_pair(args, &pair);
	message = message_to(&pair);
	return report(sendmsg(pair.fd, &message, 0));
}

static int do_swap_sendmmsg(char **args)
{
	struct pair pair;
	struct mmsghdr message;

	open_pair(args, &pair);
	message = (struct mmsghdr){.msg_hdr = message_to(&pair)};
	return report(sendmmsg(pair.fd, &message, 1, 0));
}

/* The spy changes the message's own pointer to the address. */
static int do_swap_sendmsg_header(char **args)
{
	struct pair pair;
	struct msghdr message;
	void *unlisted = &pair.unlisted;

	open_pair(args, &pair);
	message = message_to(&pair);
	arm(&message.msg_name, &unlisted, sizeof(unlisted));
	return report(sendmsg(pair.fd, &message, 0));
}

static int do_swap_sendmmsg_header(char **args)
{
	struct pair pair;
	struct mmsghdr message;
	void *unlisted = &pair.unlisted;

	open_pair(args, &pair);
	message = (struct mmsghdr){.msg_hdr = message_to(&pair)};
	arm(&message.msg_hdr.msg_name, &unlisted, sizeof(unlisted));
	return report(sendmmsg(pair.fd, &message, 1, 0));
}

/* LISTED UNLISTED, the two of one length: the path that the program is executed by. */
static char *arm_path(char **args)
{
	static char path[PATH_MAX];
	size_t bytes = strlen(args[0]);

	if (bytes != strlen(args[1]) || bytes >= sizeof(path))
		probe_die("paths");
	memcpy(path, args[0], bytes);
	arm(path, args[1], bytes);
	return path;
}

static int do_swap_execve(char **args)
{
	char *path = arm_path(args);
	char *argv[] = {args[0], NULL};

	return execve(path, argv, environ);
}

static int do_swap_posix_spawn(char **args)
{
	char *path = arm_path(args);
	char *argv[] = {args[0], NULL};
	int status = -1;
	pid_t pid;
	int error = posix_spawn(&pid, path, NULL, NULL, argv, environ);

	if (error == 0 && waitpid(pid, &status, 0) < 0)
		probe_die("waitpid");
	return report(error == 0 ? WEXITSTATUS(status) : -error);
}

const struct probe_action probe_swap_actions[] = {
	{"swap-connect", 4, do_swap_connect},
	{"swap-sendto", 4, do_swap_sendto},
	{"swap-sendmsg", 4, do_swap_sendmsg},
	{"swap-sendmmsg", 4, do_swap_sendmmsg},
	{"swap-sendmsg-header", 4, do_swap_sendmsg_header},
	{"swap-sendmmsg-header", 4, do_swap_sendmmsg_header},
	{"swap-execve", 2, do_swap_execve},
	{"swap-posix_spawn", 2, do_swap_posix_spawn},
	{0},
};
