/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_TESTS_UNIT_H
#define VB_TESTS_UNIT_H

#include <check.h>
#include <stdio.h>

#include "vb/base/error.h"

/* Runs the cases as a suite of their own. Returns main()'s result. */
static inline int vb_unit_run(const char *name, TCase *tcase)
{
	Suite *suite = suite_create(name);

	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

/* The whole refusal in one text: "<code>: <what>: <fix>", as people see it without the place. */
static inline const char *vb_unit_text(const struct vb_error *err)
{
	static char text[VB_ERROR_WHAT_MAX + VB_ERROR_FIX_MAX + 64];

	(void)snprintf(text, sizeof(text), "%s: %s: %s", err->code != NULL ? err->code : "no code",
		err->what, err->fix);
	return text;
}

/* Asserts that a call refused, and every word of what it said. */
#define vb_assert_refused(result, err, text)                                                       \
	do {                                                                                       \
		ck_assert_int_eq((result), -EPERM);                                                \
		ck_assert_int_eq((err)->errnum, EPERM);                                            \
		ck_assert_str_eq(vb_unit_text(err), (text));                                       \
	} while (0)

/* Asserts an ordinary failure: its errno and its text. */
#define vb_assert_failed(result, error, err, text)                                                 \
	do {                                                                                       \
		ck_assert_int_eq((result), -(error));                                              \
		ck_assert_int_eq((err)->errnum, (error));                                          \
		ck_assert_ptr_null((err)->code);                                                   \
		ck_assert_str_eq((err)->what, (text));                                             \
	} while (0)

#endif
