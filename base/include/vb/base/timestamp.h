/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_BASE_TIMESTAMP_H
#define VB_BASE_TIMESTAMP_H

#include <time.h>

enum { VB_TIMESTAMP_SIZE = 40 };

/* RFC 3339 in UTC with nine digits of the second: "2026-11-29T01:43:53.000000001Z". */
void vb_timestamp_format(const struct timespec *at, char ret_text[VB_TIMESTAMP_SIZE]);

#endif
