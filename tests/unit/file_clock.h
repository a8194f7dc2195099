/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_TESTS_UNIT_FILE_CLOCK_H
#define VB_TESTS_UNIT_FILE_CLOCK_H

#include <sys/stat.h>
#include <time.h>

/*
 * A kernel of which all that a test does lies in one tick, until the test lets it go on (linked
 * with
 * --wrap=clock_gettime). 0 s: the real clock.
 */
extern struct timespec file_clock;

/* The file was changed in the first tick. */
void file_clock_stamp(struct stat *st);
void file_clock_start(void);
void file_clock_tick(void);

#endif
