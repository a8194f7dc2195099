/* SPDX-License-Identifier: Apache-2.0 */
#include "probe.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

socklen_t probe_parse(char **args, struct sockaddr_storage *storage)
{
	struct sockaddr_in ipv4 = {.sin_family = AF_INET};
	struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
	in_port_t port = htons((uint16_t)strtol(args[1], NULL, 10));

	memset(storage, 0, sizeof(*storage));
	if (inet_pton(AF_INET, args[0], &ipv4.sin_addr) == 1) {
		ipv4.sin_port = port;
		memcpy(storage, &ipv4, sizeof(ipv4));
		return sizeof(ipv4);
	}
	if (inet_pton(AF_INET6, args[0], &ipv6.sin6_addr) != 1)
		probe_die("address");
	ipv6.sin6_port = port;
	/* Any: the shim must not look at it. */
	ipv6.sin6_scope_id = 7;
	memcpy(storage, &ipv6, sizeof(ipv6));
	return sizeof(ipv6);
}

int probe_socket(int family, int type)
{
	int fd = socket(family, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		probe_die("socket");
	errno = 0;
	return fd;
}

static int connect_and_close(int fd, const void *address, socklen_t bytes)
{
	int result = connect(fd, address, bytes);
	int error = errno;

	close(fd);
	errno = error;
	return result;
}

static int do_connect(char **args)
{
	struct sockaddr_storage address;
	socklen_t bytes = probe_parse(args, &address);

	return connect_and_close(probe_socket(address.ss_family, SOCK_DGRAM), &address, bytes);
}

static int do_connect_stream(char **args)
{
	struct sockaddr_storage address;
	socklen_t bytes = probe_parse(args, &address);

	return connect_and_close(probe_socket(address.ss_family, SOCK_STREAM), &address, bytes);
}

/* An IPv4 address given to an IPv6 socket, which UDP takes. */
static int do_connect_ipv4_on_ipv6(char **args)
{
	struct sockaddr_storage address;
	socklen_t bytes = probe_parse(args, &address);

	return connect_and_close(probe_socket(AF_INET6, SOCK_DGRAM), &address, bytes);
}

/* ADDRESS PORT BYTES */
static int do_connect_bytes(char **args)
{
	unsigned char room[256] = {0};
	struct sockaddr_storage address;
	socklen_t bytes = (socklen_t)strtoul(args[2], NULL, 10);

	probe_parse(args, &address);
	memcpy(room, &address, sizeof(address));
	return connect_and_close(probe_socket(address.ss_family, SOCK_DGRAM), room, bytes);
}

static int do_connect_null(char **args)
{
	const void *volatile nowhere = NULL;

	(void)args;
	return connect_and_close(
		probe_socket(AF_INET, SOCK_DGRAM), nowhere, sizeof(struct sockaddr_in));
}

static int do_connect_bad_fd(char **args)
{
	struct sockaddr_storage address;
	socklen_t bytes = probe_parse(args, &address);

	return connect(-1, (struct sockaddr *)&address, bytes);
}

static int do_connect_unspecified(char **args)
{
	struct sockaddr_storage address;
	socklen_t bytes = probe_parse(args, &address);
	int fd = probe_socket(address.ss_family, SOCK_DGRAM);

	address.ss_family = AF_UNSPEC;
	return connect_and_close(fd, &address, bytes);
}

static int do_connect_unix(char **args)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	strncpy(address.sun_path, args[0], sizeof(address.sun_path) - 1);
	return connect_and_close(probe_socket(AF_UNIX, SOCK_STREAM), &address, sizeof(address));
}

/* glibc's second name for it. */
static int do_connect_alias(char **args)
{
	int (*function)(int, const struct sockaddr *, socklen_t);
	void *symbol = dlsym(RTLD_DEFAULT, "__connect");
	struct sockaddr_storage address;
	socklen_t bytes = probe_parse(args, &address);

	memcpy(&function, &symbol, sizeof(function));
	if (function == NULL)
		probe_die("no __connect");
	errno = 0;
	return function(
		probe_socket(address.ss_family, SOCK_DGRAM), (struct sockaddr *)&address, bytes);
}

static int do_connect_netlink(char **args)
{
	/* struct sockaddr_nl, whose header musl's compiler does not have. */
	struct sockaddr address = {.sa_family = AF_NETLINK};

	(void)args;
	return connect_and_close(probe_socket(AF_NETLINK, SOCK_DGRAM), &address, sizeof(address));
}

const struct probe_action probe_net_actions[] = {
	{"connect", 2, do_connect},
	{"__connect", 2, do_connect_alias},
	{"connect-stream", 2, do_connect_stream},
	{"connect-ipv4-on-ipv6", 2, do_connect_ipv4_on_ipv6},
	{"connect-bytes", 3, do_connect_bytes},
	{"connect-null", 0, do_connect_null},
	{"connect-bad-fd", 2, do_connect_bad_fd},
	{"connect-unspecified", 2, do_connect_unspecified},
	{"connect-unix", 1, do_connect_unix},
	{"connect-netlink", 0, do_connect_netlink},
	{0},
};
