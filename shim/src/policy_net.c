/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/shim/policy_net.h"

#include <linux/errno.h>
#include <string.h>

enum { PORT_DIGITS = 5, PREFIX_DIGITS = 3, GROUPS = 8 };

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
		addr = (struct vb_shim_addr){0, VB_SHIM_MAPPED_LOW | ipv4};
		prefix_bits += VB_SHIM_MAPPED_BITS;
	}
	if (!take_port(&cursor, &port))
		return -EINVAL;
	*ret_net = (struct vb_shim_net){.addr = vb_shim_addr_masked(addr, prefix_bits),
		.port = port,
		.prefix_bits = (uint8_t)prefix_bits};
	return 0;
}
