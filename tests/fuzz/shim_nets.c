/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connect list against a slow matcher that reads it once per question, with libc's inet_pton.
 * Input: 16 bytes of address, 2 of port, then the list.
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "vb/shim/policy_net.h"
#include "vb/shim/text.h"

enum {
	ADDRESS_BYTES = 16,
	HEAD_BYTES = 18,
	MAPPED_BYTES = 12,
	MAPPED_BITS = 96,
	ENTRY_MAX = 64,
	FILLER_BYTES = 64,
	FILLERS_BYTES = (VB_SHIM_LINEAR_MAX + 1) * FILLER_BYTES,
};

static const unsigned char mapped_prefix[MAPPED_BYTES] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct slow_net {
	unsigned char address[ADDRESS_BYTES];
	long prefix;
	/* -1: any. */
	long port;
};

/* A decimal number that is written the one usual way, up to max; -1 otherwise. */
static long slow_number(const char *text, long max)
{
	char *end;
	long value;

	if (strlen(text) == 0 || strspn(text, "0123456789") != strlen(text) ||
		(text[0] == '0' && text[1] != '\0') || strlen(text) > 5)
		return -1;
	value = strtol(text, &end, 10);
	return value <= max ? value : -1;
}

static bool slow_address(char *text, struct slow_net *net)
{
	char *slash = strchr(text, '/');
	bool is_ipv6 = strchr(text, ':') != NULL;
	long bits = is_ipv6 ? 128 : 32;

	net->prefix = slash == NULL ? bits : slow_number(slash + 1, bits);
	if (slash != NULL)
		*slash = '\0';
	if (net->prefix < 0)
		return false;
	if (is_ipv6)
		return inet_pton(AF_INET6, text, net->address) == 1;
	memcpy(net->address, mapped_prefix, MAPPED_BYTES);
	net->prefix += MAPPED_BITS;
	return inet_pton(AF_INET, text, net->address + MAPPED_BYTES) == 1;
}

static bool slow_parse(const char *entry, size_t bytes, struct slow_net *net)
{
	char text[ENTRY_MAX] = {0};
	char *address = text;
	char *port;

	if (bytes >= sizeof(text))
		return false;
	memcpy(text, entry, bytes);
	port = strrchr(text, ':');
	if (port == NULL)
		return false;
	*port++ = '\0';
	net->port = strcmp(port, "*") == 0 ? -1 : slow_number(port, 65535);
	if (net->port == 0 || (net->port < 0 && strcmp(port, "*") != 0))
		return false;
	if (text[0] == '[') {
		size_t length = strlen(text);

		if (text[length - 1] != ']' || strchr(text, ':') == NULL)
			return false;
		text[length - 1] = '\0';
		address = text + 1;
	} else if (strchr(text, ':') != NULL) {
		return false;
	}
	return slow_address(address, net);
}

static bool same_bits(const unsigned char *a, const unsigned char *b, long bits)
{
	for (long i = 0; i < bits; i++) {
		if (((a[i / 8] ^ b[i / 8]) >> (7 - i % 8) & 1) != 0)
			return false;
	}
	return true;
}

static bool slow_match(
	const char *list, const unsigned char address[ADDRESS_BYTES], long port, size_t *ret_bad)
{
	bool is_mapped = memcmp(address, mapped_prefix, MAPPED_BYTES) == 0;
	bool found = false;

	*ret_bad = 0;
	if (strcmp(list, "none") == 0)
		return false;
	for (;;) {
		size_t bytes = strcspn(list, ",");
		struct slow_net net;

		if (bytes > 0 && !slow_parse(list, bytes, &net))
			++*ret_bad;
		else if (bytes > 0 && (net.port < 0 || net.port == port) &&
			 (!is_mapped || net.prefix >= MAPPED_BITS))
			found = found || same_bits(net.address, address, net.prefix);
		if (list[bytes] == '\0')
			return found;
		list += bytes + 1;
	}
}

/* What the log prints can be parsed, and means the same. */
static void check_round_trip(struct vb_shim_addr addr, uint16_t port)
{
	char line[ENTRY_MAX];
	struct vb_shim_text text = {.data = line, .size = sizeof(line)};
	struct vb_shim_net net;

	vb_shim_text_add_endpoint(&text, addr, port, true);
	if (vb_shim_net_parse(line, text.length, &net) != 0 || net.addr.high != addr.high ||
		net.addr.low != addr.low || net.port != port)
		abort();
}

static void check_list(const char *list, const unsigned char *address, uint16_t port)
{
	size_t space = vb_shim_nets_space(list);
	struct vb_shim_arena arena = {.next = malloc(space), .left_bytes = space};
	struct vb_shim_review review = {.kept = malloc(strlen(list) + VB_SHIM_KEPT_BYTES_MIN)};
	struct vb_shim_addr addr = vb_shim_addr_from_ipv6(address);
	void *memory = arena.next;
	struct vb_shim_nets nets;
	size_t bad;
	bool expected = slow_match(list, address, port, &bad);

	if (memory == NULL || review.kept == NULL)
		abort();
	if (vb_shim_nets_build(&nets, list, &arena, &review) != 0 || review.rejected != bad ||
		vb_shim_nets_match(&nets, addr, port) != expected)
		abort();
	/* Children get the same list without what was malformed. */
	if (slow_match(review.kept, address, port, &bad) != expected || bad != 0)
		abort();
	free(memory);
	free(review.kept);
}

/*
 * The same list behind so many nets of either family that they are hashed. None of them holds an
 * address that the input is likely to ask for; the slow matcher reads them, too.
 */
static void check_long_list(const char *list, const unsigned char *address, uint16_t port)
{
	char *longer = malloc(FILLERS_BYTES + strlen(list) + 1);
	size_t length = 0;

	if (longer == NULL)
		abort();
	for (unsigned int i = 0; i <= VB_SHIM_LINEAR_MAX; i++)
		length += (size_t)snprintf(longer + length, FILLER_BYTES,
			"172.16.%u.0/%u:%u,[fd00:%x::/%u]:*,", i, 24 + i % 9, i + 1, i, 32 + i);
	memcpy(longer + length, list, strlen(list) + 1);
	check_list(longer, address, port);
	free(longer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *list;
	uint16_t port;

	if (size < HEAD_BYTES)
		return 0;
	port = (uint16_t)(data[ADDRESS_BYTES] << 8 | data[ADDRESS_BYTES + 1]);
	list = strndup((const char *)data + HEAD_BYTES, size - HEAD_BYTES);
	if (list == NULL)
		abort();
	check_list(list, data, port);
	/* Alone it denies everything; among others it is malformed. */
	if (strcmp(list, "none") != 0)
		check_long_list(list, data, port);
	if (port != 0)
		check_round_trip(vb_shim_addr_from_ipv6(data), port);
	free(list);
	return 0;
}
