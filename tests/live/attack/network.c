/* SPDX-License-Identifier: Apache-2.0 */
/* Ways to an address that is not in the list. Addresses are "10.1.2.3:80" and "[fd00::1]:80". */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attack.h"

enum { HOST_BYTES = 64 };

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static void parse_address(const char *text, union address *address)
{
	char host[HOST_BYTES] = {0};
	const char *colon = strrchr(text, ':');
	int six = text[0] == '[';
	size_t length = colon != NULL ? (size_t)(colon - text) : 0;

	memset(address, 0, sizeof(*address));
	if (length == 0 || length >= sizeof(host))
		abort();
	memcpy(host, text + six, length - 2 * (size_t)six);
	in_port_t port = htons((in_port_t)strtoul(colon + 1, NULL, 10));
	if (six)
		address->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = port};
	else
		address->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port};
	void *bytes = six ? (void *)&address->v6.sin6_addr : (void *)&address->v4.sin_addr;
	if (inet_pton(address->any.sa_family, host, bytes) != 1)
		abort();
}

static socklen_t length_of(const union address *address)
{
	return address->any.sa_family == AF_INET6 ? sizeof(address->v6) : sizeof(address->v4);
}

static int open_socket(const union address *address, int type)
{
	return socket(address->any.sa_family, type | SOCK_CLOEXEC, 0);
}

static int try_connect(const char *target)
{
	union address address;

	parse_address(target, &address);
	int fd = open_socket(&address, SOCK_STREAM);
	return connect(fd, &address.any, length_of(&address)) < 0 ? errno : 0;
}

static int try_sendto(const char *target)
{
	union address address;

	parse_address(target, &address);
	int fd = open_socket(&address, SOCK_DGRAM);
	return sendto(fd, "x", 1, 0, &address.any, length_of(&address)) < 0 ? errno : 0;
}

static int try_sendmsg(const char *target)
{
	union address address;

	parse_address(target, &address);
	struct iovec data = {.iov_base = &address, .iov_len = 1};
	struct msghdr message = {.msg_name = &address,
		.msg_namelen = length_of(&address),
		.msg_iov = &data,
		.msg_iovlen = 1};
	return sendmsg(open_socket(&address, SOCK_DGRAM), &message, 0) < 0 ? errno : 0;
}

static int try_inline_connect(const char *target)
{
	union address address;

	parse_address(target, &address);
	const long arguments[6] = {
		open_socket(&address, SOCK_STREAM), (intptr_t)&address, length_of(&address)};
	return attack_result(attack_call(SYS_connect, arguments));
}

static int try_libc_connect(const char *target)
{
	int (*function)(int, const struct sockaddr *, socklen_t) = attack_libc_symbol("connect");
	union address address;

	if (function == NULL)
		return errno;
	parse_address(target, &address);
	int fd = open_socket(&address, SOCK_STREAM);
	return function(fd, &address.any, length_of(&address)) < 0 ? errno : 0;
}

/* A listener of one's own, in the same network namespace. */
static int try_loopback(const char *unused)
{
	union address address = {.v4 = {.sin_family = AF_INET}};
	socklen_t length = sizeof(address.v4);
	int listener = open_socket(&address, SOCK_STREAM);

	(void)unused;
	address.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, &address.any, length) < 0 || listen(listener, 1) < 0 ||
		getsockname(listener, &address.any, &length) < 0)
		return errno;
	int fd = open_socket(&address, SOCK_STREAM);
	return connect(fd, &address.any, length) < 0 ? errno : 0;
}

/* Connects by a ring that has been set up; 0 or an errno. */
static int connect_by_ring(int ring, const struct io_uring_params *params, const char *target)
{
	const int protection = PROT_READ | PROT_WRITE;
	size_t size = params->cq_off.cqes + params->cq_entries * sizeof(struct io_uring_cqe);
	union address address;

	parse_address(target, &address);
	char *rings = mmap(NULL, size, protection, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	struct io_uring_sqe *entry =
		mmap(NULL, sizeof(*entry), protection, MAP_SHARED, ring, IORING_OFF_SQES);
	if (rings == MAP_FAILED || entry == MAP_FAILED)
		return errno;
	*entry = (struct io_uring_sqe){.opcode = IORING_OP_CONNECT,
		.fd = open_socket(&address, SOCK_STREAM),
		.addr = (uintptr_t)&address,
		.off = length_of(&address)};
	*(volatile uint32_t *)(rings + params->sq_off.tail) = 1;
	if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		return errno;
	return attack_result(((struct io_uring_cqe *)(rings + params->cq_off.cqes))->res);
}

/* With an address it connects; without one it only asks for the ring. */
static int use_ring(long ring, const struct io_uring_params *params, const char *target)
{
	if (ring < 0 || target[0] == '\0')
		return attack_result(ring);
	return connect_by_ring((int)ring, params, target);
}

static int try_io_uring(const char *target)
{
	struct io_uring_params params = {0};
	long ring = syscall(SYS_io_uring_setup, 1, &params);

	return use_ring(ring < 0 ? -errno : ring, &params, target);
}

static int try_inline_io_uring(const char *target)
{
	struct io_uring_params params = {0};
	const long arguments[6] = {1, (intptr_t)&params};

	return use_ring(attack_call(SYS_io_uring_setup, arguments), &params, target);
}

const struct attempt attack_network[] = {
	{"connect", try_connect},
	{"sendto", try_sendto},
	{"sendmsg", try_sendmsg},
	{"loopback", try_loopback},
	{"io-uring", try_io_uring},
	{"inline-connect", try_inline_connect},
	{"inline-io-uring", try_inline_io_uring},
	{"libc-connect", try_libc_connect},
	{NULL, NULL},
};
