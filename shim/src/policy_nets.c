/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/errno.h>
#include <string.h>

#include "vb/shim/policy_net.h"

static inline uint32_t port_and_prefix(struct vb_shim_net net)
{
	return (uint32_t)net.port << 8 | net.prefix_bits;
}

static inline uint32_t hash_net(struct vb_shim_net net)
{
	/* Of an IPv4 address the upper half is zero, and the shift leads to constant bits. */
	return (uint32_t)vb_shim_mix(net.addr.low ^ (uint64_t)port_and_prefix(net) << 40 ^
				     net.addr.high * UINT64_C(0x9e3779b97f4a7c15));
}

static inline bool same_net(struct vb_shim_net a, struct vb_shim_net b)
{
	return a.addr.high == b.addr.high && a.addr.low == b.addr.low &&
	       port_and_prefix(a) == port_and_prefix(b);
}

/*
 * The slot that holds this net, or the empty one where it belongs. By value, which stays in
 * registers: a processor waits for what it wrote in parts and reads back as a whole.
 */
static inline uint32_t find_slot(const struct vb_shim_nets *nets, struct vb_shim_net net)
{
	uint32_t slot = hash_net(net) & nets->slot_mask;

	while (nets->slots[slot] != 0 && !same_net(nets->nets[nets->slots[slot] - 1], net))
		slot = (slot + 1) & nets->slot_mask;
	return slot;
}

size_t vb_shim_nets_space(const char *list)
{
	size_t entries = vb_shim_list_count(list, ',');

	return vb_shim_arena_space(entries * sizeof(struct vb_shim_net)) +
	       vb_shim_arena_space(vb_shim_list_slots(entries) * sizeof(uint32_t));
}

static void note_prefix(struct vb_shim_net_family *family, const struct vb_shim_net *net)
{
	struct vb_shim_prefix wanted = {.bits = net->prefix_bits, .any_port = net->port == 0};
	struct vb_shim_prefix *prefix = family->prefixes;
	struct vb_shim_prefix *end = prefix + family->prefix_count;

	while (prefix < end && (prefix->bits != wanted.bits || prefix->any_port != wanted.any_port))
		prefix++;
	if (prefix == end) {
		*prefix = wanted;
		family->prefix_count++;
	}
}

/* Hashes a family that is too large to be compared one by one. */
static void index_family(
	struct vb_shim_nets *nets, struct vb_shim_net_family *family, uint32_t *slots)
{
	if (family->count <= VB_SHIM_LINEAR_MAX)
		return;
	for (const struct vb_shim_net *net = family->nets; net < family->nets + family->count;
		net++) {
		slots[find_slot(nets, *net)] = (uint32_t)(net - nets->nets) + 1;
		note_prefix(family, net);
	}
}

/*
 * Reads the list into `stored`, of as many as it has entries: IPv4 nets from the front, the others
 * from the back.
 */
static void read_list(struct vb_shim_nets *nets, const char *list, struct vb_shim_net *stored,
	size_t entries, struct vb_shim_review *review)
{
	const char *position = vb_shim_list_is_none(list) ? NULL : list;
	struct vb_shim_net *back = stored + entries;
	const char *entry;
	size_t bytes;

	nets->ipv4.nets = stored;
	while (vb_shim_list_next(&position, ',', &entry, &bytes)) {
		struct vb_shim_net net;

		if (bytes == 0)
			continue;
		if (vb_shim_net_parse(entry, bytes, &net) < 0) {
			vb_shim_review_reject(review, entry, bytes);
			continue;
		}
		vb_shim_review_accept(review, ',', entry, bytes);
		if (net.prefix_bits >= VB_SHIM_MAPPED_BITS && vb_shim_addr_is_mapped(net.addr)) {
			stored[nets->ipv4.count++] = net;
		} else {
			*--back = net;
			nets->ipv6.count++;
		}
	}
	nets->ipv6.nets = back;
	nets->count = nets->ipv4.count + nets->ipv6.count;
	vb_shim_review_finish(review);
}

int vb_shim_nets_build(struct vb_shim_nets *nets, const char *list, struct vb_shim_arena *arena,
	struct vb_shim_review *review)
{
	size_t entries = vb_shim_list_count(list, ',');
	uint32_t slot_count = vb_shim_list_slots(entries);
	struct vb_shim_net *stored = vb_shim_arena_take(arena, entries * sizeof(*stored));
	uint32_t *slots = vb_shim_arena_take(arena, slot_count * sizeof(*slots));

	if (stored == NULL || slots == NULL)
		return -ENOMEM;
	memset(nets, 0, sizeof(*nets));
	nets->nets = stored;
	nets->slots = slots;
	nets->slot_mask = slot_count - 1;
	read_list(nets, list, stored, entries, review);
	if (nets->count > VB_SHIM_LINEAR_MAX)
		memset(slots, 0, slot_count * sizeof(*slots));
	index_family(nets, &nets->ipv4, slots);
	index_family(nets, &nets->ipv6, slots);
	return 0;
}

static bool holds_port(const struct vb_shim_net *net, uint16_t port)
{
	return net->port == port || net->port == 0;
}

/* The differing bits, shifted down to those of the prefix; of an IPv4 net that is 32 at most. */
static bool linear_ipv4(
	const struct vb_shim_net_family *family, struct vb_shim_addr addr, uint16_t port)
{
	const struct vb_shim_net *end = family->nets + family->count;

	for (const struct vb_shim_net *net = family->nets; net < end; net++) {
		if ((net->addr.low ^ addr.low) >> (VB_SHIM_ADDR_BITS - net->prefix_bits) == 0 &&
			holds_port(net, port))
			return true;
	}
	return false;
}

static bool linear_ipv6(
	const struct vb_shim_net_family *family, struct vb_shim_addr addr, uint16_t port)
{
	const struct vb_shim_net *end = family->nets + family->count;

	for (const struct vb_shim_net *net = family->nets; net < end; net++) {
		struct vb_shim_addr masked = vb_shim_addr_masked(addr, net->prefix_bits);

		if (masked.high == net->addr.high && masked.low == net->addr.low &&
			holds_port(net, port))
			return true;
	}
	return false;
}

static bool hashed(const struct vb_shim_nets *nets, const struct vb_shim_net_family *family,
	struct vb_shim_addr addr, uint16_t port)
{
	const struct vb_shim_prefix *end = family->prefixes + family->prefix_count;

	for (const struct vb_shim_prefix *prefix = family->prefixes; prefix < end; prefix++) {
		struct vb_shim_net wanted = {.addr = vb_shim_addr_masked(addr, prefix->bits),
			.port = prefix->any_port ? 0 : port,
			.prefix_bits = prefix->bits};

		if (nets->slots[find_slot(nets, wanted)] != 0)
			return true;
	}
	return false;
}

bool vb_shim_nets_match(const struct vb_shim_nets *nets, struct vb_shim_addr addr, uint16_t port)
{
	bool mapped = vb_shim_addr_is_mapped(addr);
	const struct vb_shim_net_family *family = mapped ? &nets->ipv4 : &nets->ipv6;

	if (family->prefix_count > 0)
		return hashed(nets, family, addr, port);
	return mapped ? linear_ipv4(family, addr, port) : linear_ipv6(family, addr, port);
}
