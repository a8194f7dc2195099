/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_CLOCK_H
#define VB_PLUGIN_NRI_CLOCK_H

#include <stdint.h>
#include <sys/time.h>
#include <time.h>

/* CLOCK_MONOTONIC in microseconds. */
static inline int64_t vb_clock_us(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* CLOCK_REALTIME, as records have it. */
static inline struct timespec vb_clock_now(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return now;
}

/* An interval, as libevent takes it. */
static inline struct timeval vb_clock_interval(unsigned int ms)
{
	return (struct timeval){.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
}

#endif
