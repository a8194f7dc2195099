/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_SHIM_NET_H
#define VB_SHIM_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "vb/shim/log.h"
#include "vb/shim/next.h"
#include "vb/shim/policy.h"

/* The common core of every function that connects or sends to an address. */

enum {
	VB_SHIM_ADDRESS_BYTES = 128 /* struct sockaddr_storage */,
	VB_SHIM_IPV4_BYTES = 16 /* struct sockaddr_in */,
};

/*
 * A copy of the workload's socket address, which nobody else can change, aligned for any member
 * that libc or the next interposer reads.
 */
struct vb_shim_address {
	_Alignas(8) unsigned char bytes[VB_SHIM_ADDRESS_BYTES];
};

/* Of an IPv4 address that is one load and one store: they are by far the most. */
static inline void vb_shim_address_copy(
	struct vb_shim_address *copy, const void *address, size_t bytes)
{
	if (__builtin_expect(bytes == VB_SHIM_IPV4_BYTES, 1))
		__builtin_memcpy(copy->bytes, address, VB_SHIM_IPV4_BYTES);
	else
		memcpy(copy->bytes, address, bytes);
}

/* What a call with an address does. */
enum vb_shim_use {
	VB_SHIM_USE_CONNECT,
	/* A datagram: the kernel takes an address without a family for IPv4 (net/ipv4/udp.c). */
	VB_SHIM_USE_DATAGRAM,
	/* MSG_FASTOPEN: connects and sends. */
	VB_SHIM_USE_FAST_OPEN,
};

/* One address on its way through the gate. operation is the name in the log lines. */
struct vb_shim_passage {
	const struct vb_shim_policy *policy;
	const char *operation;
	enum vb_shim_use use;
};

/*
 * Is there an address to judge in the first `bytes` of it? Not for another family, nor for one so
 * short that the kernel refuses it.
 */
bool vb_shim_net_read(enum vb_shim_use use, const struct vb_shim_address *address, size_t bytes,
	struct vb_shim_endpoint *ret_endpoint);

bool vb_shim_net_allows(
	const struct vb_shim_policy *policy, const struct vb_shim_endpoint *endpoint);

/* Writes the lines that the contract has for this outcome. */
void vb_shim_net_report(const struct vb_shim_passage *passage,
	const struct vb_shim_endpoint *endpoint, bool allowed);

/* All three: false means EPERM. */
bool vb_shim_net_judge(
	const struct vb_shim_passage *passage, const struct vb_shim_address *address, size_t bytes);

/* connect, sendto, sendmsg and sendmmsg with the gate, and `call` behind it; -1 with errno. */

typedef int vb_shim_connect_function(int fd, const void *address, unsigned int bytes);

int vb_shim_net_connect(
	vb_shim_connect_function *call, int fd, const void *address, unsigned int bytes);

struct vb_shim_sendto {
	vb_shim_sendto_function *call;
	int fd;
	const void *data;
	size_t bytes;
	int flags;
	const void *address;
	unsigned int address_bytes;
};

long vb_shim_net_sendto(const struct vb_shim_sendto *request);
long vb_shim_net_sendmsg(vb_shim_sendmsg_function *call, int fd, const void *message, int flags);
int vb_shim_net_sendmmsg(
	vb_shim_sendmmsg_function *call, int fd, void *messages, unsigned int count, int flags);

/* The kernel's own, without libc; -1 with errno. */
int vb_shim_raw_connect(int fd, const void *address, unsigned int bytes);
long vb_shim_raw_sendto(int fd, const void *data, size_t bytes, int flags, const void *address,
	unsigned int address_bytes);
long vb_shim_raw_sendmsg(int fd, const void *message, int flags);
int vb_shim_raw_sendmmsg(int fd, void *messages, unsigned int count, int flags);

#endif
