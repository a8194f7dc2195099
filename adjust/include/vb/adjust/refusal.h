/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_REFUSAL_H
#define VB_ADJUST_REFUSAL_H

#include "vb/base/error.h"

enum { VB_REFUSAL_LINE_MAX = 1536 };

/*
 * The one line that a person sees:
 * `vambrace: <Code>: <what> (<namespace>/<pod>, container <name>): <how to fix>`.
 * An error without a code is ErrInternal; one without advice points to the node's log. The line is
 * cut at its size, never split, and is valid UTF-8 without control characters.
 */
void vb_refusal_format(char line[VB_REFUSAL_LINE_MAX], const struct vb_error *err,
	const char *namespace_name, const char *pod, const char *container);

#endif
