/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/shim/net.h"

#include <stdint.h>
#include <string.h>

#include "raw.h"
#include "vb/shim/interposed.h"

/* The kernel's ABI of a socket address (linux/in.h, linux/in6.h). */
enum {
	FAMILY_NONE = 0,
	FAMILY_IPV4 = 2,
	FAMILY_IPV6 = 10,
	/* Without the scope id, as RFC 2133 had it: the kernel takes this still. */
	IPV6_BYTES_MIN = 24,
	PORT_AT = 2,
	IPV4_AT = 4,
	IPV6_AT = 8,
};

/*
 * All steps inlined. Between two calls the kernel's network code takes the place of ours in the
 * processor's caches, and each line and each branch of it that has to be found again is time.
 */
#define VB_SHIM_ONE_RUN __attribute__((flatten))

bool vb_shim_net_read(enum vb_shim_use use, const struct vb_shim_address *address, size_t bytes,
	struct vb_shim_endpoint *ret_endpoint)
{
	const unsigned char *at = address->bytes;
	uint16_t family;

	__builtin_memcpy(&family, at, sizeof(family));
	/* connect dissolves an association with it, MSG_FASTOPEN is EOPNOTSUPP. */
	if (family == FAMILY_NONE && use == VB_SHIM_USE_DATAGRAM)
		family = FAMILY_IPV4;
	if (__builtin_expect(family == FAMILY_IPV4, 1) && bytes >= VB_SHIM_IPV4_BYTES)
		ret_endpoint->addr = vb_shim_addr_from_ipv4(at + IPV4_AT);
	else if (family == FAMILY_IPV6 && bytes >= IPV6_BYTES_MIN)
		ret_endpoint->addr = vb_shim_addr_from_ipv6(at + IPV6_AT);
	else
		return false;
	ret_endpoint->port = (uint16_t)(at[PORT_AT] << 8 | at[PORT_AT + 1]);
	ret_endpoint->is_ipv6 = family == FAMILY_IPV6;
	return true;
}

bool vb_shim_net_allows(
	const struct vb_shim_policy *policy, const struct vb_shim_endpoint *endpoint)
{
	return !policy->connect_gated || vb_shim_addr_is_loopback(endpoint->addr) ||
	       vb_shim_nets_match(
		       &vb_shim_lists_get(policy)->connect, endpoint->addr, endpoint->port);
}

void vb_shim_net_report(const struct vb_shim_passage *passage,
	const struct vb_shim_endpoint *endpoint, bool allowed)
{
	bool often = passage->use == VB_SHIM_USE_DATAGRAM;

	if (passage->policy->connect_audited)
		vb_shim_log_net_audit(passage->operation, endpoint, allowed, often);
	if (!allowed)
		vb_shim_log_net_denied(passage->operation, endpoint, often);
}

VB_SHIM_ONE_RUN bool vb_shim_net_judge(
	const struct vb_shim_passage *passage, const struct vb_shim_address *address, size_t bytes)
{
	struct vb_shim_endpoint endpoint;
	bool allowed;

	if (!vb_shim_net_read(passage->use, address, bytes, &endpoint))
		return true;
	allowed = vb_shim_net_allows(passage->policy, &endpoint);
	vb_shim_net_report(passage, &endpoint, allowed);
	return allowed;
}

/* Judges a copy and connects to that: another thread may be changing the original. */
static int connect_judged(
	vb_shim_connect_function *call, int fd, const void *address, unsigned int bytes)
{
	struct vb_shim_passage passage = {vb_shim_policy_get(), "connect", VB_SHIM_USE_CONNECT};
	struct vb_shim_address copy;

	vb_shim_address_copy(&copy, address, bytes);
	if (!vb_shim_net_judge(&passage, &copy, bytes))
		return vb_shim_fail(-EPERM);
	return call(fd, copy.bytes, bytes);
}

VB_SHIM_ONE_RUN int vb_shim_net_connect(
	vb_shim_connect_function *call, int fd, const void *address, unsigned int bytes)
{
	const struct vb_shim_policy *policy = vb_shim_policy_get();

	/* The kernel refuses these lengths (move_addr_to_kernel, and every family's own check). */
	if ((!policy->connect_gated && !policy->connect_audited) || address == NULL ||
		bytes < sizeof(uint16_t) || bytes > VB_SHIM_ADDRESS_BYTES)
		return call(fd, address, bytes);
	return connect_judged(call, fd, address, bytes);
}

int vb_shim_raw_connect(int fd, const void *address, unsigned int bytes)
{
	return (int)vb_shim_result(VB_RAW_3(__NR_connect, fd, address, bytes));
}

int connect(int fd, const void *address, unsigned int bytes)
{
	vb_shim_connect_function *call = vb_shim_policy_get()->next.connect;

	return vb_shim_net_connect(call != NULL ? call : vb_shim_raw_connect, fd, address, bytes);
}

/* glibc's second name for connect. */
int __connect(
	int fd, const void *address, unsigned int bytes) // NOLINT(readability-identifier-naming)
	__attribute__((alias("connect")));
