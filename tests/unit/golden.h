/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_TESTS_UNIT_GOLDEN_H
#define VB_TESTS_UNIT_GOLDEN_H

#include <check.h>
#include <string.h>

#include "oci_node.h"
#include "vb/base/cleanup.h"
#include "vb/base/str.h"

/* The line must be the one of tests/golden/refusal/<name>/error, to the letter. */
static inline void assert_golden_refusal(const char *name, const char *line)
{
	vb_auto_free char *path = vb_str_format(VB_TEST_DATA "/golden/refusal/%s/error", name);
	vb_auto_free char *golden = support_read_file(path);

	golden[strcspn(golden, "\n")] = '\0';
	ck_assert_str_eq(line, golden);
}

#endif
