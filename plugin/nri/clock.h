/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_CLOCK_H
#define VB_PLUGIN_NRI_CLOCK_H

#include <stdint.h>
#include <time.h>

/* CLOCK_MONOTONIC in microseconds. */
static inline int64_t vb_clock_us(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

#endif
