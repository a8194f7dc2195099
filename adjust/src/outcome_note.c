/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "outcome_layers.h"
#include "vb/base/utf8.h"

enum { LINE_MAX_BYTES = 512 };

int vb_outcome_see(struct vb_layer_outcome *out, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	va_list args;

	va_start(args, format);
	int n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (n < 0)
		return -EINVAL;
	vb_utf8_scrub(line);
	return vb_strv_add(&out->evidence, line);
}

/* The first reason stays: it is the one that a person has to look at. */
int vb_outcome_conclude(
	struct vb_layer_outcome *out, enum vb_layer_state state, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	va_list args;

	if (out->reason != NULL)
		return 0;
	va_start(args, format);
	int n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (n < 0)
		return -EINVAL;
	vb_utf8_scrub(line);
	out->state = state;
	out->reason = strdup(line);
	return out->reason == NULL ? -ENOMEM : 0;
}
