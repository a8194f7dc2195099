/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_TESTS_MEMORY_LIMIT_H
#define VB_TESTS_MEMORY_LIMIT_H

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "unit.h"
#include "vb/base/file.h"

/* A sanitizer's own memory knows no bound, and without a fork the limit would stay. */
#define MEMORY_CAN_BE_LIMITED (!VB_TEST_SANITIZED && getenv("CK_FORK") == NULL)

/* From here on the test gets so many bytes more than it has, and -ENOMEM above them. */
static inline void limit_memory(size_t bytes)
{
	vb_auto_free char *text = NULL;
	struct vb_error err;

	ck_assert_int_eq(vb_file_read_stream(AT_FDCWD, "/proc/self/statm", 4096, &text, &err), 0);
	size_t has = strtoul(text, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
	const struct rlimit limit = {.rlim_cur = has + bytes, .rlim_max = RLIM_INFINITY};
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
}

#endif
