/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hook.h"
#include "vb/adjust/codes.h"
#include "vb/adjust/json.h"
#include "vb/adjust/oci_apply.h"
#include "vb/adjust/oci_check.h"
#include "vb/adjust/oci_document.h"
#include "vb/adjust/state.h"
#include "vb/base/file.h"
#include "vb/base/str.h"

static char *copy_annotation(const json_t *spec, const char *key)
{
	const char *text = vb_oci_annotation(spec, key);

	return text != NULL ? strdup(text) : NULL;
}

/* As containerd's CRI plugin names them; only for the text of a refusal. */
static void name_container(struct vb_hook *hook, const json_t *spec)
{
	hook->namespace_name = copy_annotation(spec, "io.kubernetes.cri.sandbox-namespace");
	hook->pod = copy_annotation(spec, "io.kubernetes.cri.sandbox-name");
	hook->container = copy_annotation(spec, "io.kubernetes.cri.container-name");
}

/*
 * The sandbox's own container runs nothing but pause, and NRI brings no plan for it. containerd
 * names containers and never sandboxes: annotations that another NRI plugin adds do not make a
 * sandbox of a container.
 */
static bool is_sandbox(const struct vb_hook *hook, const json_t *spec)
{
	return vb_str_equal(
		       vb_oci_annotation(spec, "io.kubernetes.cri.container-type"), "sandbox") &&
	       vb_str_equal(
		       vb_oci_annotation(spec, "io.kubernetes.cri.sandbox-id"), hook->args.id) &&
	       vb_oci_annotation(spec, "io.kubernetes.cri.container-name") == NULL;
}

static int admit_unplanned(const struct vb_hook *hook, const json_t *spec, struct vb_error *err)
{
	if (is_sandbox(hook, spec))
		return 0;
	if (hook->settings.pass_unplanned && !vb_oci_has_annotation_of_ours(spec))
		return vb_state_write(VB_STATE_PASSED, hook->args.id, "{}", err);
	(void)vb_error_refuse(err, VB_CODE_NO_PLAN, "there is no plan for the container");
	return vb_error_fix(err,
		"vambrace-nri must be running when the container is created; kubelet tries again, "
		"see the log of vambrace-nri on the node");
}

/* spec.root.path is relative to the bundle. */
static char *rootfs_path(const char *bundle, const json_t *spec)
{
	const char *path =
		json_string_value(json_object_get(json_object_get(spec, "root"), "path"));

	if (path == NULL)
		path = "rootfs";
	return path[0] == '/' ? strdup(path) : vb_str_format("%s/%s", bundle, path);
}

static int check(json_t *spec, const char *bundle, const struct vb_plan *plan, const char *digest,
	char **ret_verdict, struct vb_error *err)
{
	vb_auto_free char *rootfs = rootfs_path(bundle, spec);
	struct vb_oci_view view;

	if (rootfs == NULL)
		return vb_error_set(err, ENOMEM, "look at the root filesystem");
	vb_hook_view(rootfs, &view);
	return vb_oci_check(spec, plan, digest, &view, ret_verdict, err);
}

/* An absent text is no error; a failed copy is. */
static int copy_text(const char *text, char **ret_copy)
{
	*ret_copy = text != NULL ? strdup(text) : NULL;
	return text == NULL || *ret_copy != NULL ? 0 : -ENOMEM;
}

static int fill_receipt(const struct vb_hook *hook, const char *bundle, const char *plan_digest,
	const char *config_digest, struct vb_receipt *receipt)
{
	int r = copy_text(hook->args.id, &receipt->container_id);

	if (r == 0)
		r = copy_text(bundle, &receipt->bundle_dir);
	if (r == 0)
		r = copy_text(plan_digest, &receipt->plan_digest);
	if (r == 0)
		r = copy_text(config_digest, &receipt->config_digest);
	if (r == 0)
		r = copy_text(hook->args.pid_file, &receipt->pid_file);
	if (r == 0)
		r = copy_text(hook->settings.runtime, &receipt->runtime);
	return r;
}

/* The receipt first: it can be taken back, the old config.json cannot. */
static int commit(const struct vb_hook *hook, const char *bundle, const char *plan_digest,
	const struct vb_oci_document *document, struct vb_receipt *receipt, struct vb_error *err)
{
	vb_auto_free char *path = vb_str_format("%s/config.json", bundle);
	vb_auto_free char *text = NULL;
	char config_digest[VB_DIGEST_SIZE];
	size_t size = 0;

	int r = vb_oci_document_write(document, &text, &size, err);
	if (r < 0)
		return r;
	vb_digest(text, size, config_digest);
	r = fill_receipt(hook, bundle, plan_digest, config_digest, receipt);
	vb_auto_free char *receipt_text = r == 0 ? vb_receipt_to_json(receipt) : NULL;
	if (receipt_text == NULL || path == NULL)
		return vb_error_set(err, ENOMEM, "write the receipt");
	r = vb_state_write(VB_STATE_RECEIPT, hook->args.id, receipt_text, err);
	if (r == 0)
		r = vb_file_rewrite(path, text, size, VB_FILE_ATOMIC, err);
	if (r < 0)
		vb_hook_forget(hook);
	return r;
}

static int harden(const struct vb_hook *hook, const char *bundle, struct vb_oci_document *document,
	const struct vb_plan *plan, const char *digest, struct vb_error *err)
{
	struct vb_oci_features features = {0};
	const struct vb_oci_edit edit = {.plan = plan,
		.layers = vb_hook_layers(),
		.native = VB_PROFILE_NATIVE,
		.kernel = vb_kernel_version_read(),
		.inherited_limit = vb_hook_limit,
		.features = &features,
		.memory = &vb_hook_memory,
		.seccomp = &document->seccomp};
	vb_auto_receipt struct vb_receipt receipt = {0};

	int r = check(document->tree, bundle, plan, digest, &receipt.preload_verdict, err);
	if (r == 0)
		r = vb_hook_check_runtime(hook->settings.runtime, err);
	if (r < 0)
		return r;
	if (vb_oci_features_matter(plan))
		vb_hook_features(hook->settings.runtime, &features);
	vb_speculation_read(&receipt.speculation.inherited);
	r = vb_oci_apply(document->tree, &edit, &receipt, err);
	return r == 0 ? commit(hook, bundle, digest, document, &receipt, err) : r;
}

int vb_hook_create(struct vb_hook *hook, struct vb_error *err)
{
	/* Absolute, for those who read the receipt from elsewhere. */
	vb_auto_free char *bundle =
		realpath(hook->args.bundle != NULL ? hook->args.bundle : ".", NULL);
	vb_auto_plan struct vb_plan *plan = NULL;
	vb_auto_oci_document struct vb_oci_document document = {0};
	char digest[VB_DIGEST_SIZE];

	if (bundle == NULL)
		return vb_error_set(err, errno, "find the OCI bundle");
	vb_auto_free char *path = vb_str_format("%s/config.json", bundle);
	if (path == NULL)
		return vb_error_set(err, ENOMEM, "find the OCI bundle");
	int r = vb_hook_load_document(path, &document, err);
	if (r < 0)
		return r;
	name_container(hook, document.tree);
	r = vb_hook_load_plan(hook, &plan, digest, err);
	if (r == -ENOENT)
		return admit_unplanned(hook, document.tree, err);
	return r == 0 ? harden(hook, bundle, &document, plan, digest, err) : r;
}

void vb_hook_forget(const struct vb_hook *hook)
{
	static const enum vb_state_kind written[] = {VB_STATE_RECEIPT, VB_STATE_PASSED};

	for (size_t i = 0; hook->args.id != NULL && i < VB_ARRAY_SIZE(written); i++) {
		/* Nobody to tell: what stays the plugin removes with the container. */
		int ignored = vb_state_remove(written[i], hook->args.id, NULL);
		(void)ignored;
	}
}

void vb_hook_clean_up(const struct vb_hook *hook)
{
	vb_auto_free char *plan = NULL;
	size_t size = 0;

	if (hook->args.id != NULL &&
		vb_state_read(VB_STATE_PLAN, hook->args.id, &plan, &size, NULL) == -ENOENT)
		vb_hook_forget(hook);
}
