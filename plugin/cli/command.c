/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <stdio.h>

int vb_command_fail(const struct vb_error *err)
{
	(void)fprintf(stderr, "vambrace: %s\n", err->what);
	if (err->fix[0] != '\0')
		(void)fprintf(stderr, "  %s\n", err->fix);
	return VB_EXIT_TROUBLE;
}

int vb_command_usage(const char *command)
{
	(void)fprintf(stderr, "Try 'vambrace %s --help'.\n", command);
	return VB_EXIT_TROUBLE;
}
