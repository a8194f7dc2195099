/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/base/timestamp.h"

#include <stdio.h>

void vb_timestamp_format(const struct timespec *at, char ret_text[VB_TIMESTAMP_SIZE])
{
	struct tm tm = {0};
	char seconds[24] = "";

	if (gmtime_r(&at->tv_sec, &tm) != NULL)
		(void)strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(ret_text, VB_TIMESTAMP_SIZE, "%s.%09ldZ", seconds, at->tv_nsec);
}
