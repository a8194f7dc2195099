/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "hook.h"
#include "vb/adjust/codes.h"
#include "vb/adjust/json.h"
#include "vb/adjust/oci_process.h"
#include "vb/adjust/state.h"
#include "vb/base/file.h"

static int refuse_unplanned(struct vb_error *err)
{
	(void)vb_error_refuse(
		err, VB_CODE_NO_PLAN, "there is no plan or receipt to hold a further process to");
	return vb_error_fix(err, "recreate the pod; /run/vambrace must outlive its containers");
}

/* Only what create let through without a plan, and only where the node still says so. */
static int admit_unplanned(const struct vb_hook *hook, struct vb_error *err)
{
	vb_auto_free char *text = NULL;
	vb_auto_free char *receipt = NULL;
	size_t size;

	if (hook->settings.pass_unplanned &&
		vb_state_read(VB_STATE_PASSED, hook->args.id, &text, &size, NULL) == 0 &&
		vb_state_read(VB_STATE_RECEIPT, hook->args.id, &receipt, &size, NULL) == -ENOENT)
		return 0;
	return refuse_unplanned(err);
}

static int load_receipt(const struct vb_hook *hook, const char *digest,
	struct vb_receipt *ret_receipt, struct vb_error *err)
{
	vb_auto_free char *text = NULL;
	size_t size;

	int r = vb_state_read(VB_STATE_RECEIPT, hook->args.id, &text, &size, err);
	if (r == -ENOENT)
		return refuse_unplanned(err);
	if (r == 0)
		r = vb_receipt_from_json(text, size, ret_receipt, err);
	if (r < 0)
		return vb_error_wrap(err, "the receipt of container %.12s", hook->args.id);
	if (vb_str_equal(ret_receipt->plan_digest, digest))
		return 0;
	(void)vb_error_refuse(err, VB_CODE_PLAN_MISMATCH,
		"the plan is not the one with which the container was created");
	return vb_error_fix(err, "recreate the pod");
}

/* Without a process file the runtime would make up a process that nobody held to the plan. */
static int check_arguments(const struct vb_hook_args *args, struct vb_error *err)
{
	if (args->process != NULL && !args->cap && !args->extra)
		return 0;
	(void)vb_error_refuse(err, VB_CODE_UNSUPPORTED, "exec %s in a hardened container",
		args->process == NULL ? "without --process"
		: args->cap           ? "with --cap"
				      : "with arguments behind the container's id");
	return vb_error_fix(err, "use kubectl exec, or crictl exec on the node");
}

int vb_hook_exec(struct vb_hook *hook, struct vb_error *err)
{
	vb_auto_plan struct vb_plan *plan = NULL;
	vb_auto_receipt struct vb_receipt receipt = {0};
	vb_auto_oci_document struct vb_oci_document process = {0};
	vb_auto_free char *text = NULL;
	char digest[VB_DIGEST_SIZE];
	size_t size;

	int r = vb_hook_load_plan(hook, &plan, digest, err);
	if (r == -ENOENT)
		return admit_unplanned(hook, err);
	if (r < 0)
		return r;
	r = load_receipt(hook, digest, &receipt, err);
	if (r == 0)
		r = check_arguments(&hook->args, err);
	if (r == 0)
		r = vb_hook_load_document(hook->args.process, &process, err);
	if (r < 0)
		return r;
	const struct vb_oci_edit edit = {.plan = plan,
		.layers = vb_hook_layers(),
		.native = VB_PROFILE_NATIVE,
		.inherited_limit = vb_hook_limit};
	r = vb_oci_process_apply(process.tree, &edit, &receipt, err);
	if (r == 0)
		r = vb_oci_document_write(&process, &text, &size, err);
	return r == 0 ? vb_file_rewrite(hook->args.process, text, size, VB_FILE_ATOMIC, err) : r;
}
