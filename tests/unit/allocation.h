/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_TESTS_UNIT_ALLOCATION_H
#define VB_TESTS_UNIT_ALLOCATION_H

#include <stdbool.h>

#include "vb/base/error.h"

/*
 * Lets allocations fail, one at a time: those of our own code (linked with --wrap, see
 * adjust.cmake) and those of jansson.
 */

/* Before the first scenario of a test. */
void allocation_start(void);

/*
 * One way through the code. It comes to an answer in words, which the caller frees, or to an error.
 * A refusal is an answer too, which the scenario has to put into words.
 */
typedef int (*allocation_scenario_fn)(void *context, char **ret_answer, struct vb_error *err);

/* Memory that never fails, for the scenario's own needs. */
char *allocation_strdup(const char *text);

/*
 * Runs the scenario with enough memory, and then again and again with each of its allocations
 * failing in turn; above 500 every stride-th one. Each time the answer must be the same, or the
 * error a clean -ENOMEM. Returns how many failed; fails the test otherwise.
 */
unsigned int allocation_starve(
	const char *name, allocation_scenario_fn scenario, void *context, unsigned int stride);

/* Runs a function with allocation `number` failing. Returns whether there was one. */
bool allocation_fail_one(unsigned int number, void (*function)(void *context), void *context);

#endif
