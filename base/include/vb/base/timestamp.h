/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_BASE_TIMESTAMP_H
#define VB_BASE_TIMESTAMP_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "vb/base/cleanup.h"

enum { VB_TIMESTAMP_SIZE = 40 };

/* RFC 3339 in UTC with nine digits of the second: "2026-11-29T01:43:53.000000001Z". */
void vb_timestamp_format(const struct timespec *at, char ret_text[VB_TIMESTAMP_SIZE]);

/*
 * Reads RFC 3339 ("2026-11-29T01:43:53.5Z", or with "+01:00" for the Z) into nanoseconds since
 * 1970; digits of the second behind the ninth are dropped. -EINVAL for anything else, and for years
 * before 1970 and after 2199.
 */
int vb_timestamp_parse(const char *text, size_t size, int64_t *ret_ns) VB_WARN_UNUSED;

#endif
