/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_BASE_PROGRAM_H
#define VB_BASE_PROGRAM_H

#include "vb/base/buf.h"
#include "vb/base/cleanup.h"

/* Other programs' answers, bounded in time and size. */

/*
 * Runs argv[0], an absolute path, with standard input and standard error on /dev/null, and appends
 * what it prints to the output. argv ends with NULL. -ETIMEDOUT when it has not ended in time (it
 * is killed then; before Linux 5.3 one that has closed its output is waited for), -ENOSPC when it
 * prints more than the buffer takes, -EIO when it ends with another status than 0, or what pipe2(2)
 * and posix_spawn(3) say.
 */
int vb_program_run(
	const char *const argv[], unsigned int timeout_ms, struct vb_buf *output) VB_WARN_UNUSED;

/* The same for the program at path, whatever argv[0] calls it. */
int vb_program_run_as(const char *path, const char *const argv[], unsigned int timeout_ms,
	struct vb_buf *output) VB_WARN_UNUSED;

#endif
