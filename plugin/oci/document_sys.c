/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "hook.h"
#include "vb/adjust/codes.h"
#include "vb/adjust/oci_text.h"
#include "vb/adjust/state.h"
#include "vb/base/file.h"
#include "vb/base/str.h"

/* The plan knows the names for certain; config.json's annotations are what a pod may influence. */
static int take_names(struct vb_hook *hook, const struct vb_plan *plan)
{
	free(hook->namespace_name);
	free(hook->pod);
	free(hook->container);
	hook->namespace_name = strdup(plan->namespace_name);
	hook->pod = strdup(plan->pod);
	hook->container = strdup(plan->container);
	return hook->namespace_name != NULL && hook->pod != NULL && hook->container != NULL
		       ? 0
		       : -ENOMEM;
}

/* Not the file that the plugin wrote, whatever it is now. */
static int refuse_broken_plan(const struct vb_hook *hook, struct vb_error *err)
{
	char problem[128] = "";

	if (err != NULL)
		(void)snprintf(problem, sizeof(problem), "%.127s", err->what);
	(void)vb_error_refuse(err, VB_CODE_PLAN_MISMATCH,
		"the plan file of container %.12s is broken: %s", hook->args.id, problem);
	return vb_error_fix(err, "delete the pod, so that it is planned anew");
}

int vb_hook_load_plan(struct vb_hook *hook, struct vb_plan **ret_plan,
	char ret_digest[VB_DIGEST_SIZE], struct vb_error *err)
{
	vb_auto_free char *text = NULL;
	vb_auto_plan struct vb_plan *plan = NULL;
	size_t size;

	int r = vb_state_read(VB_STATE_PLAN, hook->args.id, &text, &size, err);
	if (r < 0)
		return r;
	r = vb_plan_from_json(text, size, &plan, err);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return refuse_broken_plan(hook, err);
	r = take_names(hook, plan);
	if (r < 0)
		return vb_error_set(err, -r, "read the plan");
	vb_digest(text, size, ret_digest);
	*ret_plan = VB_STEAL(plan);
	return 0;
}

int vb_hook_load_document(
	const char *path, struct vb_oci_document *ret_document, struct vb_error *err)
{
	vb_auto_free char *text = NULL;
	size_t size;

	int r = vb_file_read(path, VB_OCI_TEXT_MAX, &text, &size, err);
	if (r < 0)
		return r;
	r = vb_oci_document_read(text, size, ret_document, err);
	return r < 0 ? vb_error_wrap(err, "'%s'", path) : 0;
}

int vb_hook_limit(const char *type, uint64_t *ret_soft, uint64_t *ret_hard)
{
	static const struct {
		const char *name;
		__rlimit_resource_t resource;
	} limits[] = {
		{"RLIMIT_AS", RLIMIT_AS},
		{"RLIMIT_CORE", RLIMIT_CORE},
		{"RLIMIT_CPU", RLIMIT_CPU},
		{"RLIMIT_DATA", RLIMIT_DATA},
		{"RLIMIT_FSIZE", RLIMIT_FSIZE},
		{"RLIMIT_LOCKS", RLIMIT_LOCKS},
		{"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
		{"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
		{"RLIMIT_NICE", RLIMIT_NICE},
		{"RLIMIT_NOFILE", RLIMIT_NOFILE},
		{"RLIMIT_NPROC", RLIMIT_NPROC},
		{"RLIMIT_RSS", RLIMIT_RSS},
		{"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
		{"RLIMIT_RTTIME", RLIMIT_RTTIME},
		{"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
		{"RLIMIT_STACK", RLIMIT_STACK},
	};

	for (size_t i = 0; i < VB_ARRAY_SIZE(limits); i++) {
		struct rlimit limit;
		if (strcmp(type, limits[i].name) != 0)
			continue;
		if (getrlimit(limits[i].resource, &limit) < 0)
			return -errno;
		/* RLIM_INFINITY is UINT64_MAX with 64-bit rlim_t, as it is in OCI documents. */
		*ret_soft = limit.rlim_cur;
		*ret_hard = limit.rlim_max;
		return 0;
	}
	return -EINVAL;
}
