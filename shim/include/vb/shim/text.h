/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_SHIM_TEXT_H
#define VB_SHIM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vb/shim/policy_net.h"

/*
 * A log line under construction in the caller's memory. What does not fit is left out; no function
 * writes behind `size`, and none adds a NUL.
 */
struct vb_shim_text {
	char *data;
	size_t size;
	size_t length;
};

void vb_shim_text_add(struct vb_shim_text *text, const char *string);

/*
 * Bytes that the workload chose. Control characters (below 0x20, and 0x7f) become \xHH, a quote and
 * a backslash get a backslash in front, so that one value can neither end its line nor its quotes.
 * At most limit_bytes are added; a longer value ends in "...".
 */
void vb_shim_text_add_escaped(
	struct vb_shim_text *text, const char *bytes, size_t count, size_t limit_bytes);

void vb_shim_text_add_unsigned(struct vb_shim_text *text, uint64_t value);
void vb_shim_text_add_signed(struct vb_shim_text *text, int64_t value);

/* Lower-case hexadecimal after "0x". */
void vb_shim_text_add_hex(struct vb_shim_text *text, uint64_t value);

/*
 * An address with its port as the contract prints it: 8.8.8.8:53, [2001:db8::1]:443 in the form of
 * RFC 5952, [::ffff:8.8.8.8]:53. is_ipv6 says how the workload gave the address.
 */
void vb_shim_text_add_endpoint(
	struct vb_shim_text *text, struct vb_shim_addr addr, uint16_t port, bool is_ipv6);

#endif
