/* SPDX-License-Identifier: Apache-2.0 */
/* Sending to an address without connect, by libc's functions or by syscall(). */
#include "probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MESSAGES_MAX = 2048, PAYLOAD_BYTES = 5, NO_FLAGS = 0 };

static char payload[PAYLOAD_BYTES + 1] = "hello";

/* One socket per family, as long as the probe runs. */
static int datagram_socket(int family)
{
	static int sockets[AF_MAX];

	if (sockets[family] == 0)
		sockets[family] = probe_socket(family, SOCK_DGRAM);
	errno = 0;
	return sockets[family];
}

static long send_address(int fd, int flags, const void *address, socklen_t bytes)
{
	return sendto(fd, payload, PAYLOAD_BYTES, flags, address, bytes);
}

static int do_sendto(char **args)
{
	struct sockaddr_storage address;
	socklen_t bytes = probe_parse(args, &address);

	return (int)send_address(datagram_socket(address.ss_family), NO_FLAGS, &address, bytes);
}

/* ADDRESS PORT BYTES */
static int do_sendto_bytes(char **args)
{
	unsigned char room[256] = {0};
	struct sockaddr_storage address;
	int fd;

	probe_parse(args, &address);
	fd = datagram_socket(address.ss_family);
	memcpy(room, &address, sizeof(address));
	return (int)send_address(fd, NO_FLAGS, room, (socklen_t)strtoul(args[2], NULL, 10));
}

static int do_sendto_ipv4_on_ipv6(char **args)
{
	struct sockaddr_storage address;
	socklen_t bytes = probe_parse(args, &address);

	return (int)send_address(datagram_socket(AF_INET6), NO_FLAGS, &address, bytes);
}

/* An IPv4 address whose family is AF_UNSPEC. */
static int do_sendto_unspecified(char **args)
{
	struct sockaddr_storage address;
	socklen_t bytes = probe_parse(args, &address);
	int fd = datagram_socket(address.ss_family);

	address.ss_family = AF_UNSPEC;
	return (int)send_address(fd, NO_FLAGS, &address, bytes);
}

/* Data in the first segment: this connects. */
static int do_sendto_fast_open(char **args)
{
	struct sockaddr_storage address;
	socklen_t bytes = probe_parse(args, &address);
	int fd = probe_socket(address.ss_family, SOCK_STREAM);

	return (int)send_address(fd, MSG_FASTOPEN, &address, bytes);
}

/* Without an address, to the connected peer. */
static int do_send_connected(char **args)
{
	struct sockaddr_storage address;
	socklen_t bytes = probe_parse(args, &address);
	int fd = datagram_socket(address.ss_family);

	if (connect(fd, (struct sockaddr *)&address, bytes) < 0)
		probe_die("connect");
	errno = 0;
	if (send(fd, payload, PAYLOAD_BYTES, 0) < 0)
		return -1;
	return (int)send_address(fd, 0, NULL, 0);
}

static struct msghdr message_to(void *address, socklen_t bytes)
{
	static struct iovec vector = {.iov_base = payload, .iov_len = PAYLOAD_BYTES};

	return (struct msghdr){
		.msg_name = address, .msg_namelen = bytes, .msg_iov = &vector, .msg_iovlen = 1};
}

static int do_sendmsg(char **args)
{
	struct sockaddr_storage address;
	struct msghdr message = message_to(&address, probe_parse(args, &address));

	return (int)sendmsg(datagram_socket(address.ss_family), &message, 0);
}

/* ADDRESS PORT BYTES; the kernel cuts a length above that of sockaddr_storage. */
static int do_sendmsg_bytes(char **args)
{
	unsigned char room[256] = {0};
	struct sockaddr_storage address;
	struct msghdr message = message_to(room, (socklen_t)strtol(args[2], NULL, 10));

	probe_parse(args, &address);
	memcpy(room, &address, sizeof(address));
	return (int)sendmsg(datagram_socket(address.ss_family), &message, 0);
}

static int do_sendmsg_fast_open(char **args)
{
	struct sockaddr_storage address;
	struct msghdr message = message_to(&address, probe_parse(args, &address));

	return (int)sendmsg(probe_socket(address.ss_family, SOCK_STREAM), &message, MSG_FASTOPEN);
}

static int do_sendmsg_null(char **args)
{
	const struct msghdr *volatile nothing = NULL;

	(void)args;
	return (int)sendmsg(datagram_socket(AF_INET), nothing, 0);
}

/* Messages for sendmmsg, which counts the bytes sent of each. */
struct messages {
	struct mmsghdr list[MESSAGES_MAX];
	struct sockaddr_storage addresses[MESSAGES_MAX];
	unsigned int count;
};

static struct messages messages;

/* ADDRESS PORT [ADDRESS PORT]..., all of one family; one that is given twice is sent twice. */
static void collect_messages(char **args)
{
	for (; args[0] != NULL && args[1] != NULL; args += 2) {
		struct sockaddr_storage *address = &messages.addresses[messages.count];

		messages.list[messages.count++].msg_hdr =
			message_to(address, probe_parse(args, address));
	}
}

static int report_messages(int result)
{
	int error = errno;

	printf("lengths=");
	for (unsigned int i = 0; i < messages.count && i < 4; i++)
		printf("%u,", messages.list[i].msg_len);
	printf("\n");
	errno = error;
	return result;
}

static int do_sendmmsg(char **args)
{
	collect_messages(args);
	return report_messages(sendmmsg(datagram_socket(messages.addresses[0].ss_family),
		messages.list, messages.count, NO_FLAGS));
}

static int do_sendmmsg_fast_open(char **args)
{
	struct sockaddr_storage address;
	struct mmsghdr message = {.msg_hdr = message_to(&address, probe_parse(args, &address))};

	return sendmmsg(probe_socket(address.ss_family, SOCK_STREAM), &message, 1, MSG_FASTOPEN);
}

/* COUNT ADDRESS PORT ADDRESS PORT: the first address COUNT times, then the second. */
static int do_sendmmsg_many(char **args)
{
	char *one[] = {args[1], args[2], NULL};
	char *last[] = {args[3], args[4], NULL};
	int result;

	for (long i = strtol(args[0], NULL, 10); i > 0; i--)
		collect_messages(one);
	collect_messages(last);
	result = sendmmsg(datagram_socket(messages.addresses[0].ss_family), messages.list,
		messages.count, NO_FLAGS);
	messages.count = 0;
	return result;
}

static int do_syscall_connect(char **args)
{
	struct sockaddr_storage address;
	socklen_t bytes = probe_parse(args, &address);

	return (int)syscall(SYS_connect, datagram_socket(address.ss_family), &address, bytes);
}

static int do_syscall_sendto(char **args)
{
	struct sockaddr_storage address;
	socklen_t bytes = probe_parse(args, &address);

	return (int)syscall(SYS_sendto, datagram_socket(address.ss_family), payload, PAYLOAD_BYTES,
		NO_FLAGS, &address, bytes);
}

static int do_syscall_sendmsg(char **args)
{
	struct sockaddr_storage address;
	struct msghdr message = message_to(&address, probe_parse(args, &address));

	return (int)syscall(SYS_sendmsg, datagram_socket(address.ss_family), &message, 0);
}

static int do_syscall_sendmmsg(char **args)
{
	collect_messages(args);
	return report_messages(
		(int)syscall(SYS_sendmmsg, datagram_socket(messages.addresses[0].ss_family),
			messages.list, messages.count, NO_FLAGS));
}

/* The kernel takes the lower half of the number. */
static int do_syscall_connect_high(char **args)
{
	struct sockaddr_storage address;
	socklen_t bytes = probe_parse(args, &address);

	return (int)syscall((long)SYS_connect + (1L << 32), datagram_socket(address.ss_family),
		&address, bytes);
}

const struct probe_action probe_send_actions[] = {
	{"sendto", 2, do_sendto},
	{"sendto-bytes", 3, do_sendto_bytes},
	{"sendto-ipv4-on-ipv6", 2, do_sendto_ipv4_on_ipv6},
	{"sendto-unspecified", 2, do_sendto_unspecified},
	{"sendto-fast-open", 2, do_sendto_fast_open},
	{"send-connected", 2, do_send_connected},
	{"sendmsg", 2, do_sendmsg},
	{"sendmsg-bytes", 3, do_sendmsg_bytes},
	{"sendmsg-fast-open", 2, do_sendmsg_fast_open},
	{"sendmsg-null", 0, do_sendmsg_null},
	{"sendmmsg", 2, do_sendmmsg},
	{"sendmmsg-fast-open", 2, do_sendmmsg_fast_open},
	{"sendmmsg-many", 5, do_sendmmsg_many},
	{"syscall-connect", 2, do_syscall_connect},
	{"syscall-connect-high", 2, do_syscall_connect_high},
	{"syscall-sendto", 2, do_syscall_sendto},
	{"syscall-sendmsg", 2, do_syscall_sendmsg},
	{"syscall-sendmmsg", 2, do_syscall_sendmmsg},
	{0},
};
