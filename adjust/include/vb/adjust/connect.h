/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_CONNECT_H
#define VB_ADJUST_CONNECT_H

#include <stdbool.h>
#include <stdint.h>

#include "vb/base/cleanup.h"
#include "vb/base/error.h"

/* One entry of a connect allowlist: an address or network, and a port or all of them. */
struct vb_connect_entry {
	int family; /* AF_INET or AF_INET6 */
	unsigned int prefix;
	uint16_t port; /* 0: any */
	uint8_t address[16];
};

/*
 * Reads `10.42.0.5:443`, `10.42.0.0/16:8080`, `[fe80::1]:443`, `[2001:db8::/32]:443`, or one of
 * them with `*` for the port. Refuses others with ErrInvalidValue and says what is wrong.
 */
int vb_connect_parse(
	const char *text, struct vb_connect_entry *ret_entry, struct vb_error *err) VB_WARN_UNUSED;

enum { VB_CONNECT_TEXT_MAX = 72 };

/* The entry as vb_connect_parse() reads it; a whole address without its prefix. */
void vb_connect_format(const struct vb_connect_entry *entry, char ret_text[VB_CONNECT_TEXT_MAX]);

/* Whether every address and port of inner is one of outer. */
bool vb_connect_contains(
	const struct vb_connect_entry *outer, const struct vb_connect_entry *inner);

#endif
