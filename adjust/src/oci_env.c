/* SPDX-License-Identifier: Apache-2.0 */
#include "oci_internal.h"

#include <errno.h>
#include <string.h>

#include "vb/adjust/codes.h"
#include "vb/base/str.h"

/* Whether the entry sets the variable whose name is the first length bytes of planned. */
static bool sets_variable(const char *entry, const char *planned, size_t length)
{
	return strncmp(entry, planned, length) == 0 &&
	       (entry[length] == '=' || entry[length] == '\0');
}

static int refuse(const char *planned, size_t length, const char *why, struct vb_error *err)
{
	(void)vb_error_refuse(err, VB_CODE_PLAN_MISMATCH,
		"the planned environment variable %.*s %s", (int)length, planned, why);
	return vb_error_fix(err, "vambrace-nri must be the last NRI plugin to change env, and "
				 "running when the container "
				 "is created; recreate the pod");
}

static int check_variable(const json_t *env, const char *planned, struct vb_error *err)
{
	size_t length = strcspn(planned, "=");
	unsigned int found = 0;
	const json_t *entry;
	size_t i;

	json_array_foreach(env, i, entry) {
		const char *text = json_string_value(entry);
		if (text == NULL)
			return vb_error_say(err, EINVAL, "process.env[%zu] must be a string", i);
		if (!sets_variable(text, planned, length))
			continue;
		if (strcmp(text, planned) != 0)
			return refuse(planned, length, "has another value", err);
		found++;
	}
	if (found == 0)
		return refuse(planned, length, "is missing", err);
	return found == 1 ? 0 : refuse(planned, length, "is there more than once", err);
}

int vb_oci_env_check(json_t *process, const struct vb_plan *plan, struct vb_error *err)
{
	json_t *env = NULL;

	int r = vb_oci_get_array(process, "process", "env", &env, err);
	for (size_t i = 0; r == 0 && i < plan->env.count; i++)
		r = check_variable(env, plan->env.items[i], err);
	return r;
}
