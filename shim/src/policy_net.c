/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/shim/policy_net.h"

#include <linux/errno.h>
#include <string.h>

enum { PORT_DIGITS = 5, PREFIX_DIGITS = 3, GROUPS = 8 };

static const uint64_t mapped_low = 0x0000ffff00000000;

/* What is still unread of one entry. */
struct cursor {
	const char *at;
	const char *end;
};

static bool take_char(struct cursor *cursor, char wanted)
{
	if (cursor->at == cursor->end || *cursor->at != wanted)
		return false;
	cursor->at++;
	return true;
}

/* Without leading zeros: "010" is eight to some readers and ten to others. */
static bool take_decimal(
	struct cursor *cursor, size_t max_digits, uint32_t max, uint32_t *ret_value)
{
	const char *start = cursor->at;
	uint32_t value = 0;
	size_t digits;

	while (cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9') {
		if ((size_t)(cursor->at - start) == max_digits)
			return false;
		value = value * 10 + (uint32_t)(*cursor->at++ - '0');
	}
	digits = (size_t)(cursor->at - start);
	if (digits == 0 || (digits > 1 && *start == '0') || value > max)
		return false;
	*ret_value = value;
	return true;
}

static bool take_ipv4(struct cursor *cursor, uint32_t *ret_value)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++) {
		uint32_t byte;

		if (i > 0 && !take_char(cursor, '.'))
			return false;
		if (!take_decimal(cursor, 3, 255, &byte))
			return false;
		value = value << 8 | byte;
	}
	*ret_value = value;
	return true;
}

static int hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

static bool take_group(struct cursor *cursor, uint16_t *ret_value)
{
	uint32_t value = 0;
	int digits = 0;

	for (; cursor->at < cursor->end; cursor->at++, digits++) {
		int digit = hex_digit(*cursor->at);

		if (digit < 0)
			break;
		if (digits == 4)
			return false;
		value = value << 4 | (uint32_t)digit;
	}
	*ret_value = (uint16_t)value;
	return digits > 0;
}

/* The groups of an IPv6 address as they are written, and where "::" stands between them. */
struct groups {
	uint16_t value[GROUPS];
	int count;
	int gap;
};

/* The last 32 bits may be written as an IPv4 address (RFC 4291, 2.2). */
static bool take_ipv4_tail(struct cursor *cursor, struct groups *groups)
{
	struct cursor probe = *cursor;
	uint32_t tail;

	if (groups->count > GROUPS - 2 || !take_ipv4(&probe, &tail))
		return false;
	groups->value[groups->count++] = (uint16_t)(tail >> 16);
	groups->value[groups->count++] = (uint16_t)tail;
	*cursor = probe;
	return true;
}

static bool at_gap(const struct cursor *cursor)
{
	return cursor->end - cursor->at >= 2 && cursor->at[0] == ':' && cursor->at[1] == ':';
}

static bool take_groups(struct cursor *cursor, struct groups *groups)
{
	bool group_must_follow = true;

	for (;;) {
		if (at_gap(cursor)) {
			if (groups->gap >= 0)
				return false;
			groups->gap = groups->count;
			cursor->at += 2;
			group_must_follow = false;
		} else if (groups->count > 0) {
			if (!take_char(cursor, ':'))
				return true;
			group_must_follow = true;
		}
		if (take_ipv4_tail(cursor, groups))
			return true;
		if (cursor->at == cursor->end || hex_digit(*cursor->at) < 0)
			return !group_must_follow;
		if (groups->count == GROUPS || !take_group(cursor, &groups->value[groups->count]))
			return false;
		groups->count++;
	}
}

static bool take_ipv6(struct cursor *cursor, struct vb_shim_addr *ret_addr)
{
	struct groups groups = {.gap = -1};
	unsigned char bytes[2 * GROUPS] = {0};

	if (!take_groups(cursor, &groups))
		return false;
	/* "::" stands for at least one group (RFC 5952, 4.2.2, and inet_pton). */
	if (groups.gap < 0 ? groups.count != GROUPS : groups.count >= GROUPS)
		return false;
	for (int i = 0; i < groups.count; i++) {
		int behind_gap = groups.gap >= 0 && i >= groups.gap;
		size_t at = (size_t)(behind_gap ? GROUPS - groups.count + i : i);

		bytes[2 * at] = (unsigned char)(groups.value[i] >> 8);
		bytes[2 * at + 1] = (unsigned char)groups.value[i];
	}
	*ret_addr = vb_shim_addr_from_ipv6(bytes);
	return true;
}

static bool take_prefix(struct cursor *cursor, uint32_t max, uint32_t *ret_bits)
{
	*ret_bits = max;
	return !take_char(cursor, '/') || take_decimal(cursor, PREFIX_DIGITS, max, ret_bits);
}

static bool take_port(struct cursor *cursor, uint16_t *ret_port)
{
	uint32_t port = 0;

	if (!take_char(cursor, ':'))
		return false;
	if (!take_char(cursor, '*') &&
		(!take_decimal(cursor, PORT_DIGITS, UINT16_MAX, &port) || port == 0))
		return false;
	*ret_port = (uint16_t)port;
	return cursor->at == cursor->end;
}

static struct vb_shim_addr masked(struct vb_shim_addr addr, unsigned int prefix_bits)
{
	if (prefix_bits <= 64) {
		addr.low = 0;
		addr.high = prefix_bits == 0 ? 0 : addr.high & UINT64_MAX << (64 - prefix_bits);
	} else {
		addr.low &= UINT64_MAX << (VB_SHIM_ADDR_BITS - prefix_bits);
	}
	return addr;
}

int vb_shim_net_parse(const char *entry, size_t bytes, struct vb_shim_net *ret_net)
{
	struct cursor cursor = {entry, entry + bytes};
	struct vb_shim_addr addr;
	uint32_t prefix_bits;
	uint16_t port;

	if (take_char(&cursor, '[')) {
		if (!take_ipv6(&cursor, &addr) ||
			!take_prefix(&cursor, VB_SHIM_ADDR_BITS, &prefix_bits) ||
			!take_char(&cursor, ']'))
			return -EINVAL;
	} else {
		uint32_t ipv4;

		if (!take_ipv4(&cursor, &ipv4) || !take_prefix(&cursor, 32, &prefix_bits))
			return -EINVAL;
		addr = (struct vb_shim_addr){0, mapped_low | ipv4};
		prefix_bits += VB_SHIM_MAPPED_BITS;
	}
	if (!take_port(&cursor, &port))
		return -EINVAL;
	*ret_net = (struct vb_shim_net){.addr = masked(addr, prefix_bits),
		.port = port,
		.prefix_bits = (uint8_t)prefix_bits};
	return 0;
}

struct vb_shim_addr vb_shim_addr_from_ipv4(const unsigned char bytes[4])
{
	uint32_t value = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
			 (uint32_t)bytes[2] << 8 | bytes[3];

	return (struct vb_shim_addr){0, mapped_low | value};
}

static uint64_t big_endian_64(const unsigned char bytes[8])
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | bytes[i];
	return value;
}

struct vb_shim_addr vb_shim_addr_from_ipv6(const unsigned char bytes[16])
{
	return (struct vb_shim_addr){big_endian_64(bytes), big_endian_64(bytes + 8)};
}

bool vb_shim_addr_is_mapped(struct vb_shim_addr addr)
{
	return addr.high == 0 && addr.low >> 32 == mapped_low >> 32;
}

bool vb_shim_addr_is_loopback(struct vb_shim_addr addr)
{
	if (addr.high != 0)
		return false;
	return addr.low == 1 || addr.low >> 24 == (mapped_low >> 24 | 127);
}

static uint32_t hash_net(const struct vb_shim_net *net)
{
	uint64_t mixed = net->addr.high * 0x9e3779b97f4a7c15;

	mixed = (mixed ^ net->addr.low) * 0xbf58476d1ce4e5b9;
	mixed = (mixed ^ mixed >> 29 ^ ((uint64_t)net->port << 8 | net->prefix_bits)) *
		0x94d049bb133111eb;
	return (uint32_t)(mixed >> 32);
}

static bool same_net(const struct vb_shim_net *a, const struct vb_shim_net *b)
{
	return a->addr.high == b->addr.high && a->addr.low == b->addr.low && a->port == b->port &&
	       a->prefix_bits == b->prefix_bits;
}

/* The slot that holds this net, or the empty one where it belongs. */
static uint32_t find_slot(const struct vb_shim_nets *nets, const struct vb_shim_net *net)
{
	uint32_t slot = hash_net(net) & nets->slot_mask;

	while (nets->slots[slot] != 0 && !same_net(&nets->nets[nets->slots[slot] - 1], net))
		slot = (slot + 1) & nets->slot_mask;
	return slot;
}

size_t vb_shim_nets_space(const char *list)
{
	size_t entries = vb_shim_list_count(list, ',');

	return vb_shim_arena_space(entries * sizeof(struct vb_shim_net)) +
	       vb_shim_arena_space(vb_shim_list_slots(entries) * sizeof(uint32_t));
}

static void add_prefix(struct vb_shim_nets *nets, uint8_t prefix_bits)
{
	for (uint32_t i = 0; i < nets->prefix_count; i++) {
		if (nets->prefixes[i] == prefix_bits)
			return;
	}
	nets->prefixes[nets->prefix_count++] = prefix_bits;
}

int vb_shim_nets_build(struct vb_shim_nets *nets, const char *list, struct vb_shim_arena *arena,
	struct vb_shim_review *review)
{
	size_t entries = vb_shim_list_count(list, ',');
	uint32_t slot_count = vb_shim_list_slots(entries);
	struct vb_shim_net *stored = vb_shim_arena_take(arena, entries * sizeof(*stored));
	uint32_t *slots = vb_shim_arena_take(arena, slot_count * sizeof(*slots));
	const char *position = vb_shim_list_is_none(list) ? NULL : list;
	const char *entry;
	size_t bytes;

	if (stored == NULL || slots == NULL)
		return -ENOMEM;
	memset(slots, 0, slot_count * sizeof(*slots));
	*nets = (struct vb_shim_nets){.nets = stored, .slots = slots, .slot_mask = slot_count - 1};
	while (vb_shim_list_next(&position, ',', &entry, &bytes)) {
		struct vb_shim_net net;
		uint32_t slot;

		if (bytes == 0)
			continue;
		if (vb_shim_net_parse(entry, bytes, &net) < 0) {
			vb_shim_review_reject(review, entry, bytes);
			continue;
		}
		vb_shim_review_accept(review, ',', entry, bytes);
		slot = find_slot(nets, &net);
		if (slots[slot] != 0)
			continue;
		stored[nets->count++] = net;
		slots[slot] = nets->count;
		add_prefix(nets, net.prefix_bits);
	}
	vb_shim_review_finish(review);
	return 0;
}

bool vb_shim_nets_match(const struct vb_shim_nets *nets, struct vb_shim_addr addr, uint16_t port)
{
	bool mapped = vb_shim_addr_is_mapped(addr);

	for (uint32_t i = 0; i < nets->prefix_count; i++) {
		struct vb_shim_net wanted = {.port = port, .prefix_bits = nets->prefixes[i]};

		if (mapped && wanted.prefix_bits < VB_SHIM_MAPPED_BITS)
			continue;
		wanted.addr = masked(addr, wanted.prefix_bits);
		if (nets->slots[find_slot(nets, &wanted)] != 0)
			return true;
		wanted.port = 0;
		if (nets->slots[find_slot(nets, &wanted)] != 0)
			return true;
	}
	return false;
}
