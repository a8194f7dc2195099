/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_SHIM_POLICY_NET_H
#define VB_SHIM_POLICY_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vb/shim/arena.h"
#include "vb/shim/list.h"

/*
 * The connect list: parsed once into a hash set that lives in an arena, then only read.
 *
 * Every address is a number of 128 bits; an IPv4 address is its IPv4-mapped form. So a mapped
 * address and the plain one are the same thing, and an IPv4 /p is a net of prefix 96 + p.
 */

struct vb_shim_addr {
	uint64_t high;
	uint64_t low;
};

/* Port 0 stands for any port ("*"): no entry can name port 0. */
struct vb_shim_net {
	struct vb_shim_addr addr;
	uint16_t port;
	uint8_t prefix_bits;
};

enum { VB_SHIM_ADDR_BITS = 128, VB_SHIM_MAPPED_BITS = 96 };

/* The lower half of ::ffff:0.0.0.0. */
#define VB_SHIM_MAPPED_LOW UINT64_C(0x0000ffff00000000)

/* Up to so many nets are compared one by one, which is faster then. */
enum { VB_SHIM_LINEAR_MAX = 32 };

/* Nets with this prefix length are in the list: of one port each, or of any. */
struct vb_shim_prefix {
	uint8_t bits;
	bool any_port;
};

/* The IPv4 nets of a list, or its others: no address can be held by both kinds. */
struct vb_shim_net_family {
	const struct vb_shim_net *nets;
	uint32_t count;
	/* With more than VB_SHIM_LINEAR_MAX, they are found by hashing, once for each of these. */
	uint32_t prefix_count;
	struct vb_shim_prefix prefixes[2 * (VB_SHIM_ADDR_BITS + 1)];
};

struct vb_shim_nets {
	struct vb_shim_net_family ipv4;
	struct vb_shim_net_family ipv6;
	/* Open addressing; 0 is empty, otherwise the index in nets plus one. */
	const struct vb_shim_net *nets;
	const uint32_t *slots;
	uint32_t slot_mask;
	uint32_t count;
};

static inline uint32_t vb_shim_addr_word(const unsigned char bytes[4])
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

/* From the four bytes of a sockaddr_in, and the sixteen of a sockaddr_in6. */
static inline struct vb_shim_addr vb_shim_addr_from_ipv4(const unsigned char bytes[4])
{
	return (struct vb_shim_addr){0, VB_SHIM_MAPPED_LOW | vb_shim_addr_word(bytes)};
}

static inline struct vb_shim_addr vb_shim_addr_from_ipv6(const unsigned char bytes[16])
{
	return (struct vb_shim_addr){
		(uint64_t)vb_shim_addr_word(bytes) << 32 | vb_shim_addr_word(bytes + 4),
		(uint64_t)vb_shim_addr_word(bytes + 8) << 32 | vb_shim_addr_word(bytes + 12)};
}

/* Spreads what tells two values apart over all 64 bits (the finalizer of MurmurHash3). */
static inline uint64_t vb_shim_mix(uint64_t value)
{
	value = (value ^ value >> 33) * 0xff51afd7ed558ccd;
	value = (value ^ value >> 33) * 0xc4ceb9fe1a85ec53;
	return value ^ value >> 33;
}

static inline bool vb_shim_addr_is_mapped(struct vb_shim_addr addr)
{
	return addr.high == 0 && addr.low >> 32 == VB_SHIM_MAPPED_LOW >> 32;
}

/* 127.0.0.0/8, its mapped form ::ffff:127.0.0.0/104, and ::1. */
static inline bool vb_shim_addr_is_loopback(struct vb_shim_addr addr)
{
	return addr.high == 0 &&
	       (addr.low == 1 || addr.low >> 24 == (VB_SHIM_MAPPED_LOW >> 24 | 127));
}

/* Bits behind the prefix cleared. */
static inline struct vb_shim_addr vb_shim_addr_masked(
	struct vb_shim_addr addr, unsigned int prefix_bits)
{
	if (prefix_bits <= 64) {
		addr.low = 0;
		addr.high = prefix_bits == 0 ? 0 : addr.high & UINT64_MAX << (64 - prefix_bits);
	} else {
		addr.low &= UINT64_MAX << (VB_SHIM_ADDR_BITS - prefix_bits);
	}
	return addr;
}

/*
 * One entry, in the forms 10.42.0.5:443, 10.42.0.0/16:8080, [fe80::1]:443, [2001:db8::/32]:443, and
 * "*" for the port of any of them. Bits of the address behind the prefix are cleared.
 * -EINVAL: not of these forms; a name, a scope id and port 0 are not.
 */
int vb_shim_net_parse(const char *entry, size_t bytes, struct vb_shim_net *ret_net);

/* Arena room that vb_shim_nets_build needs for this list. */
size_t vb_shim_nets_space(const char *list);

/*
 * Parses a comma-separated list. Malformed entries are skipped and reported in review, empty ones
 * silently skipped; the single token "none" is the empty list. review points into `list`.
 * -ENOMEM: the arena has less than vb_shim_nets_space(list) left.
 */
int vb_shim_nets_build(struct vb_shim_nets *nets, const char *list, struct vb_shim_arena *arena,
	struct vb_shim_review *review);

/*
 * Does the list hold this address and port? An IPv4 or mapped address is held only by IPv4 nets
 * (written either way), never by a shorter IPv6 prefix such as ::/0.
 */
bool vb_shim_nets_match(const struct vb_shim_nets *nets, struct vb_shim_addr addr, uint16_t port);

#endif
