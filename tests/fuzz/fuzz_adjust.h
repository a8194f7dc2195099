/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_TESTS_FUZZ_ADJUST_H
#define VB_TESTS_FUZZ_ADJUST_H

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "vb/adjust/plan.h"
#include "vb/adjust/refusal.h"
#include "vb/adjust/text.h"
#include "vb/base/utf8.h"

/* What must hold whatever the input is. */
static inline void fuzz_require(bool holds)
{
	if (!holds)
		abort();
}

static inline void fuzz_require_line(const char *text)
{
	fuzz_require(vb_utf8_is_valid(text, strlen(text)));
	for (const char *c = text; *c != '\0'; c++)
		fuzz_require((unsigned char)*c >= 0x20 && *c != 0x7f);
}

/* A failure has its text; a refusal also its code and its advice. */
static inline void fuzz_check_error(int r, const struct vb_error *err)
{
	char line[VB_REFUSAL_LINE_MAX];

	fuzz_require(r < 0 && err->errnum == -r && err->what[0] != '\0');
	fuzz_require_line(err->what);
	fuzz_require_line(err->fix);
	fuzz_require((err->code != NULL) == (err->fix[0] != '\0'));
	vb_refusal_format(line, err, "robots", "arm-7", "driver");
	fuzz_require_line(line);
	fuzz_require(strlen(line) + 1 < sizeof(line));
}

/* A plan has its one text, which reads back as itself, and can be shown. */
static inline void fuzz_check_plan(const struct vb_plan *plan)
{
	vb_auto_free char *json = vb_plan_to_json(plan);
	vb_auto_plan struct vb_plan *again = NULL;
	vb_auto_buf struct vb_buf *text = vb_buf_create(16 << 20);

	fuzz_require(json != NULL && text != NULL);
	fuzz_require(vb_plan_from_json(json, strlen(json), &again, NULL) == 0);
	vb_auto_free char *same = vb_plan_to_json(again);
	fuzz_require(same != NULL && strcmp(same, json) == 0);
	fuzz_require(vb_plan_to_text(plan, 2, text) == 0);
}

#endif
