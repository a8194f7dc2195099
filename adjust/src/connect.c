/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/connect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vb/adjust/codes.h"
#include "vb/base/str.h"

static const char forms[] = "use 10.42.0.5:443, 10.42.0.0/16:8080, [fe80::1]:443 or "
			    "[2001:db8::/32]:443, with * for any port";

static int refuse(const char *text, const char *why, struct vb_error *err)
{
	(void)vb_error_refuse(err, VB_CODE_INVALID_VALUE, "connect entry '%.128s': %s", text, why);
	return vb_error_fix(err, "%s", forms);
}

/* A decimal number without sign, blanks or leading zeros, between 0 and max. */
static bool parse_number(const char *text, size_t length, unsigned int max, unsigned int *ret)
{
	unsigned int value = 0;

	if (length == 0 || length > 5 || (length > 1 && text[0] == '0'))
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (unsigned int)(text[i] - '0');
	}
	*ret = value;
	return value <= max;
}

static bool has_host_bits(const struct vb_connect_entry *entry)
{
	unsigned int bits = entry->family == AF_INET ? 32 : 128;

	for (unsigned int bit = entry->prefix; bit < bits; bit++)
		if (entry->address[bit / 8] & (0x80 >> bit % 8))
			return true;
	return false;
}

static bool is_v4_mapped(const struct vb_connect_entry *entry)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	return entry->family == AF_INET6 && memcmp(entry->address, mapped, sizeof(mapped)) == 0;
}

/* Reads "address" or "address/prefix". Returns what is wrong, or NULL. */
static const char *parse_network(const char *text, size_t length, struct vb_connect_entry *entry)
{
	char address[INET6_ADDRSTRLEN];
	const char *slash = memchr(text, '/', length);
	size_t address_length = slash != NULL ? (size_t)(slash - text) : length;
	unsigned int bits = entry->family == AF_INET ? 32 : 128;

	if (address_length == 0 || address_length >= sizeof(address))
		return "no address (host names are not accepted)";
	memcpy(address, text, address_length);
	address[address_length] = '\0';
	if (inet_pton(entry->family, address, entry->address) != 1)
		return "not an IP address (host names are not accepted, IPv6 needs brackets)";
	entry->prefix = bits;
	if (slash != NULL &&
		!parse_number(slash + 1, length - address_length - 1, bits, &entry->prefix))
		return "the prefix length is malformed";
	if (is_v4_mapped(entry))
		return "IPv4 in IPv6 form; write the IPv4 address";
	if (has_host_bits(entry))
		return "address bits are set behind the prefix";
	return NULL;
}

static const char *parse_port(const char *text, struct vb_connect_entry *entry)
{
	unsigned int port = 0;

	if (strcmp(text, "*") == 0)
		return NULL;
	if (!parse_number(text, strlen(text), UINT16_MAX, &port) || port == 0)
		return "the port must be 1 to 65535 or *";
	entry->port = (uint16_t)port;
	return NULL;
}

int vb_connect_parse(const char *text, struct vb_connect_entry *ret_entry, struct vb_error *err)
{
	struct vb_connect_entry entry = {.family = text[0] == '[' ? AF_INET6 : AF_INET};
	const char *network = entry.family == AF_INET6 ? text + 1 : text;
	const char *end = entry.family == AF_INET6 ? strstr(text, "]:") : strchr(text, ':');

	if (end == NULL)
		return refuse(text, "no port, or no closing bracket", err);
	const char *problem = parse_network(network, (size_t)(end - network), &entry);
	if (problem == NULL)
		problem = parse_port(end + (entry.family == AF_INET6 ? 2 : 1), &entry);
	if (problem != NULL)
		return refuse(text, problem, err);
	*ret_entry = entry;
	return 0;
}

void vb_connect_format(const struct vb_connect_entry *entry, char ret_text[VB_CONNECT_TEXT_MAX])
{
	char address[INET6_ADDRSTRLEN] = "";
	char prefix[8] = "";
	char port[8] = "*";
	bool is_ipv6 = entry->family == AF_INET6;

	(void)inet_ntop(entry->family, entry->address, address, sizeof(address));
	if (entry->prefix < (is_ipv6 ? 128 : 32))
		(void)snprintf(prefix, sizeof(prefix), "/%u", entry->prefix);
	if (entry->port != 0)
		(void)snprintf(port, sizeof(port), "%u", entry->port);
	(void)snprintf(ret_text, VB_CONNECT_TEXT_MAX, "%s%s%s%s:%s", is_ipv6 ? "[" : "", address,
		prefix, is_ipv6 ? "]" : "", port);
}

bool vb_connect_contains(const struct vb_connect_entry *outer, const struct vb_connect_entry *inner)
{
	if (outer->family != inner->family || outer->prefix > inner->prefix)
		return false;
	if (outer->port != 0 && outer->port != inner->port)
		return false;
	for (unsigned int bit = 0; bit < outer->prefix; bit++) {
		unsigned int mask = 0x80U >> bit % 8;
		if ((outer->address[bit / 8] & mask) != (inner->address[bit / 8] & mask))
			return false;
	}
	return true;
}
