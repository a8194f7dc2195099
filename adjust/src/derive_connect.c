/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "derive_internal.h"

/*
 * "[::ffff:10.42.0.5]:443", as the shim writes a mapped address, is 10.42.0.5:443 in a list. The
 * others are written there as here.
 */
static bool to_entry_text(const char *endpoint, char text[VB_CONNECT_TEXT_MAX])
{
	const char *mapped = vb_str_after(endpoint, "[::ffff:");
	size_t length = strcspn(mapped != NULL ? mapped : endpoint, "]");

	int written;

	if (mapped != NULL && memchr(mapped, '.', length) != NULL && mapped[length] == ']')
		written = snprintf(text, VB_CONNECT_TEXT_MAX, "%.*s%s", (int)length, mapped,
			mapped + length + 1);
	else
		written = snprintf(text, VB_CONNECT_TEXT_MAX, "%s", endpoint);
	return written > 0 && written < VB_CONNECT_TEXT_MAX;
}

static bool is_loopback(const struct vb_connect_entry *entry)
{
	static const uint8_t loopback[16] = {[15] = 1};

	return entry->family == AF_INET ? entry->address[0] == 127
					: memcmp(entry->address, loopback, sizeof(loopback)) == 0;
}

static void take_network(struct vb_connect_entry *entry, const struct vb_derive_networks *networks)
{
	for (size_t i = 0; networks != NULL && i < networks->count; i++) {
		const struct vb_connect_entry *network = &networks->items[i];
		if (!vb_connect_contains(network, entry))
			continue;
		uint16_t port = networks->any_port ? 0 : entry->port;
		*entry = *network;
		entry->port = port;
		return;
	}
}

bool vb_derive_endpoint(const char *endpoint, const struct vb_derive_networks *networks,
	char ret_entry[VB_CONNECT_TEXT_MAX], const char **ret_why)
{
	struct vb_connect_entry entry;
	char text[VB_CONNECT_TEXT_MAX];
	const char *port = strrchr(endpoint, ':');

	if (port != NULL && strcmp(port, ":0") == 0) {
		*ret_why = "port 0 cannot be listed";
		return false;
	}
	if (strpbrk(endpoint, "/*") != NULL || !to_entry_text(endpoint, text) ||
		vb_connect_parse(text, &entry, NULL) < 0) {
		*ret_why = "it is not an address with a port";
		return false;
	}
	ret_entry[0] = '\0';
	if (is_loopback(&entry))
		return true;
	take_network(&entry, networks);
	vb_connect_format(&entry, ret_entry);
	return true;
}

int vb_derive_network(const char *text, struct vb_connect_entry *ret_network, struct vb_error *err)
{
	bool bare_ipv6 = text[0] != '[' && strchr(text, ':') != NULL;
	vb_auto_free char *entry = vb_str_format(bare_ipv6 ? "[%s]:*" : "%s:*", text);

	if (entry == NULL)
		return vb_error_set(err, ENOMEM, "read a network");
	int r = vb_connect_parse(entry, ret_network, err);
	return r < 0 ? vb_error_fix(err, "write a network as 10.42.0.0/16 or [2001:db8::/32]") : 0;
}
