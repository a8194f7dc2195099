/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "raw.h"
#include "vb/shim/interposed.h"
#include "vb/shim/log.h"
#include "vb/shim/policy.h"

/* The kernel's ABI of a socket address (linux/in.h, linux/in6.h). */
enum {
	FAMILY_IPV4 = 2,
	FAMILY_IPV6 = 10,
	ADDRESS_BYTES_MAX = 128,
	IPV4_BYTES = 16,
	/* Without the scope id, as RFC 2133 had it: the kernel takes this still. */
	IPV6_BYTES_MIN = 24,
	PORT_AT = 2,
	IPV4_AT = 4,
	IPV6_AT = 8,
};

/* Aligned for any member that libc or the next interposer reads. */
struct address_copy {
	_Alignas(8) unsigned char bytes[ADDRESS_BYTES_MAX];
};

/* False for another family, and for an address so short that the kernel refuses it. */
static bool read_endpoint(const struct address_copy *address, unsigned int bytes,
	struct vb_shim_endpoint *ret_endpoint)
{
	const unsigned char *at = address->bytes;
	struct vb_shim_endpoint endpoint = {.port = (uint16_t)(at[PORT_AT] << 8 | at[PORT_AT + 1])};
	uint16_t family;

	memcpy(&family, at, sizeof(family));
	if (family == FAMILY_IPV4 && bytes >= IPV4_BYTES) {
		endpoint.addr = vb_shim_addr_from_ipv4(at + IPV4_AT);
	} else if (family == FAMILY_IPV6 && bytes >= IPV6_BYTES_MIN) {
		endpoint.addr = vb_shim_addr_from_ipv6(at + IPV6_AT);
		endpoint.is_ipv6 = true;
	} else {
		return false;
	}
	*ret_endpoint = endpoint;
	return true;
}

static bool judge(const struct vb_shim_policy *policy, const struct vb_shim_endpoint *endpoint)
{
	bool allowed = !policy->connect_gated || vb_shim_addr_is_loopback(endpoint->addr) ||
		       vb_shim_nets_match(&policy->connect, endpoint->addr, endpoint->port);

	if (policy->connect_audited)
		vb_shim_log_connect_audit(endpoint, allowed);
	if (!allowed)
		vb_shim_log_connect_denied(endpoint);
	return allowed;
}

static int call_connect(
	const struct vb_shim_policy *policy, int fd, const void *address, unsigned int bytes)
{
	if (policy->next.connect != NULL)
		return policy->next.connect(fd, address, bytes);
	return vb_shim_fail((int)VB_RAW_3(__NR_connect, fd, address, bytes));
}

/* Judges a copy and connects to that: another thread may be changing the original. */
static int connect_judged(
	const struct vb_shim_policy *policy, int fd, const void *address, unsigned int bytes)
{
	struct address_copy copy;
	struct vb_shim_endpoint endpoint;

	memcpy(copy.bytes, address, bytes);
	if (read_endpoint(&copy, bytes, &endpoint) && !judge(policy, &endpoint))
		return vb_shim_fail(-EPERM);
	return call_connect(policy, fd, copy.bytes, bytes);
}

int connect(int fd, const void *address, unsigned int bytes)
{
	const struct vb_shim_policy *policy = vb_shim_policy_get();

	/* The kernel refuses these lengths (move_addr_to_kernel, and every family's own check). */
	if ((!policy->connect_gated && !policy->connect_audited) || address == NULL ||
		bytes < sizeof(uint16_t) || bytes > ADDRESS_BYTES_MAX)
		return call_connect(policy, fd, address, bytes);
	return connect_judged(policy, fd, address, bytes);
}

/* glibc's second name for connect. */
int __connect(
	int fd, const void *address, unsigned int bytes) // NOLINT(readability-identifier-naming)
	__attribute__((alias("connect")));
