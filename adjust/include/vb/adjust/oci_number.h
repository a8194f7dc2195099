/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_OCI_NUMBER_H
#define VB_ADJUST_OCI_NUMBER_H

#include <jansson.h>
#include <stdint.h>

#include "vb/base/cleanup.h"

/*
 * Unsigned 64-bit numbers of OCI documents in a jansson tree.
 *
 * The runtime specification has uint64 in seccomp arguments and rlimits, jansson's integers end at
 * INT64_MAX. A larger number is therefore held as a string: the mark below, which no OCI string
 * may contain, followed by the decimal digits. Whoever parses and prints the document's text
 * quotes and unquotes such numbers; inside the tree only these two functions look at them.
 */

#define VB_OCI_NUMBER_MARK "\x01"

/*
 * Reads a non-negative integer or a marked string. -EINVAL for anything else, a negative integer,
 * a leading zero or sign behind the mark; -ERANGE above UINT64_MAX.
 */
int vb_oci_number_u64(const json_t *value, uint64_t *ret_number) VB_WARN_UNUSED;

/* An integer up to INT64_MAX, a marked string above. NULL when out of memory. */
json_t *vb_oci_number_new(uint64_t number) VB_WARN_UNUSED;

#endif
