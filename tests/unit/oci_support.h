/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_TESTS_UNIT_OCI_SUPPORT_H
#define VB_TESTS_UNIT_OCI_SUPPORT_H

#include <check.h>
#include <jansson.h>

#include "vb/adjust/json.h"
#include "vb/adjust/plan.h"
#include "vb/base/error.h"

/* What the tests of the OCI renderer and the hook share. JSON is written with ' for ". */

/* Each fails the test when it cannot do its work. The caller frees texts. */
char *support_quoted(const char *text);
json_t *support_document(const char *text);
char *support_printed(const json_t *document);

/* The document must print as exactly this. */
void support_assert_prints(const json_t *document, const char *expected);

/* A plan of robots/arm-0, container ctl, on handler vambrace, that asks for nothing yet. */
struct vb_plan *support_plan(void);
void support_plan_env(struct vb_plan *plan, const char *variable);
/* Options are separated by commas. */
void support_plan_mount(struct vb_plan *plan, const char *destination, const char *type,
	const char *source, const char *options);

/* The error must be this refusal, and its text hold these words. */
void support_assert_refused(int r, const struct vb_error *err, const char *code, const char *words);

/* Runs one test case as a whole suite; the program's exit code. */
int support_run(TCase *tcase);

#endif
