/* SPDX-License-Identifier: Apache-2.0 */
#include "file_clock.h"

static const struct timespec first_tick = {.tv_sec = 1000, .tv_nsec = 4000000};

struct timespec file_clock;

void file_clock_stamp(struct stat *st)
{
	if (file_clock.tv_sec == 0)
		return;
	st->st_mtim = first_tick;
	st->st_ctim = first_tick;
}

void file_clock_start(void)
{
	file_clock = first_tick;
}

void file_clock_tick(void)
{
	file_clock.tv_nsec += 4000000;
}

// NOLINTBEGIN(readability-identifier-naming): the linker chooses these names.
int __real_clock_gettime(clockid_t id, struct timespec *now);
int __wrap_clock_gettime(clockid_t id, struct timespec *now);
int __wrap_clock_gettime(clockid_t id, struct timespec *now)
{
	if (id != CLOCK_REALTIME_COARSE || file_clock.tv_sec == 0)
		return __real_clock_gettime(id, now);
	*now = file_clock;
	return 0;
}

// NOLINTEND(readability-identifier-naming)
