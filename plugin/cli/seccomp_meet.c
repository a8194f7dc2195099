/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "command.h"
#include "seccomp.h"

/* `vambrace seccomp meet A B` */

static int write_result(const struct vb_seccomp_options *options,
	const struct vb_seccomp_input *base, const struct vb_seccomp_input *tighter,
	const struct vb_profile *result)
{
	struct vb_json_writer report = vb_seccomp_begin_json(options);

	vb_json_put(&report, "base", vb_seccomp_input_to_json(options, base));
	vb_json_put(&report, "tighter", vb_seccomp_input_to_json(options, tighter));
	vb_json_put(&report, "result", vb_profile_to_json(result));
	return vb_seccomp_finish_json(&report, VB_EXIT_OK);
}

int vb_seccomp_meet(const struct vb_seccomp_options *options)
{
	vb_auto_seccomp_input struct vb_seccomp_input base = {0};
	vb_auto_seccomp_input struct vb_seccomp_input tighter = {0};
	vb_auto_profile struct vb_profile *result = NULL;
	struct vb_error err = {0};
	int code = vb_seccomp_read(options, options->arguments.operands[0], &base, &err);

	if (code != VB_EXIT_OK)
		return vb_seccomp_fail(options, &base, code, &err);
	code = vb_seccomp_read(options, options->arguments.operands[1], &tighter, &err);
	if (code != VB_EXIT_OK)
		return vb_seccomp_fail(options, &tighter, code, &err);
	int r = vb_profile_meet(base.profile, tighter.profile, &result, &err);
	if (r < 0) {
		(void)vb_error_wrap(&err, "%s and %s cannot be met", base.name, tighter.name);
		code = r == -ENOMEM ? VB_EXIT_TROUBLE : VB_EXIT_REFUSED;
		return vb_seccomp_fail(options, NULL, code, &err);
	}
	return options->json ? write_result(options, &base, &tighter, result)
			     : vb_seccomp_finish_profile(result, VB_EXIT_OK);
}
