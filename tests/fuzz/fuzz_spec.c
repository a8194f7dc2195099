/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json and process.json: any text is refused or edited, and what was edited reads again,
 * holds the edits, and does not change by a second pass. Reading linux.seccomp apart and putting it
 * back makes no difference. The seccomp engine has targets of its own, so that layer is left out
 * here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "vb/adjust/caps.h"
#include "vb/adjust/json.h"
#include "vb/adjust/oci_apply.h"
#include "vb/adjust/oci_check.h"
#include "vb/adjust/oci_document.h"
#include "vb/adjust/oci_process.h"
#include "vb/adjust/oci_text.h"
#include "vb/base/str.h"

static void demand(bool condition)
{
	if (!condition)
		abort();
}

static struct vb_plan *make_plan(void)
{
	struct vb_plan *plan = vb_plan_create();
	char type[] = "RLIMIT_NOFILE";
	const struct vb_rlimit rlimit = {.type = type, .soft = 1024, .hard = 4096};

	demand(plan != NULL);
	for (unsigned int i = 0; i < VB_LAYER_COUNT; i++)
		plan->sources[i] = VB_SOURCE_BUNDLE;
	plan->cap_drop = UINT64_C(1) << 13 | UINT64_C(1) << 21;
	demand(vb_rlimit_list_add(&plan->rlimits, &rlimit) == 0);
	demand(vb_strv_add(&plan->env, "LD_PRELOAD=/s.so") == 0);
	struct vb_plan_mount *mount = vb_plan_mounts_add(&plan->mounts, "/tmp", "tmpfs", "tmpfs");
	demand(mount != NULL && vb_strv_add(&mount->options, "nosuid") == 0);
	return plan;
}

/* An image whose links are made of the paths themselves: some lead on, some in circles. */
static int read_link(const char *path, char *ret_target, size_t size)
{
	size_t length = strlen(path);
	int n = -EINVAL;

	if (path[length - 1] == 'l')
		n = snprintf(ret_target, size, "/tmp");
	else if (path[length - 1] == 'o')
		n = snprintf(ret_target, size, "../%s", path);
	else if (path[length - 1] == 'x')
		n = -EIO;
	return n >= 0 && (size_t)n >= size ? -ENAMETOOLONG : n;
}

static int open_file(const char *path, struct vb_oci_file *ret_file)
{
	*ret_file = (struct vb_oci_file){.mode = 04755, .has_capabilities = strlen(path) % 7 == 0};
	return strlen(path) % 5 == 0 ? -ENOENT : 0;
}

static int read_file(void *context, uint64_t offset, void *buffer, size_t size)
{
	static const char script[] = "#!/bin/sh\n";

	(void)context;
	if (offset > 0 || size < sizeof(script))
		return 0;
	memcpy(buffer, script, sizeof(script) - 1);
	return (int)sizeof(script) - 1;
}

static void close_file(struct vb_oci_file *file)
{
	file->mode = 0;
}

static int limit(const char *type, uint64_t *ret_soft, uint64_t *ret_hard)
{
	(void)type;
	*ret_soft = 512;
	*ret_hard = 2048;
	return 0;
}

static char *written(const json_t *document)
{
	char *text = NULL;
	size_t size = 0;

	demand(vb_oci_text_write(document, &text, &size, NULL) == 0);
	demand(strlen(text) == size);
	return text;
}

static void check_edited(const json_t *spec, const struct vb_receipt *receipt)
{
	demand(json_is_true(json_object_get(json_object_get(spec, "root"), "readonly")));
	demand(json_is_true(json_object_get(json_object_get(spec, "process"), "noNewPrivileges")));
	demand(((receipt->cap_bounding | receipt->cap_effective | receipt->cap_permitted |
			receipt->cap_inheritable | receipt->cap_ambient) &
		       (UINT64_C(1) << 13 | UINT64_C(1) << 21)) == 0);
	demand((receipt->cap_ambient & ~(receipt->cap_permitted & receipt->cap_inheritable)) == 0);
}

static void apply_twice(json_t *spec, const struct vb_oci_edit *edit)
{
	vb_auto_receipt struct vb_receipt receipt = {0};
	vb_auto_receipt struct vb_receipt again = {0};
	vb_auto_json json_t *reread = NULL;

	if (vb_oci_apply(spec, edit, &receipt, NULL) < 0)
		return;
	check_edited(spec, &receipt);
	vb_auto_free char *text = written(spec);
	demand(vb_oci_text_parse(text, strlen(text), &reread, NULL) == 0);
	demand(json_equal(spec, reread));
	demand(vb_oci_apply(reread, edit, &again, NULL) == 0);
	vb_auto_free char *text_again = written(reread);
	demand(strcmp(text, text_again) == 0);
}

/* whole is NULL where the text cannot be read as one tree. */
static void read_apart(const char *text, size_t size, const json_t *whole)
{
	vb_auto_oci_document struct vb_oci_document document = {0};
	vb_auto_plan struct vb_plan *plan = vb_plan_create();
	const struct vb_oci_edit edit = {.plan = plan, .seccomp = &document.seccomp};
	vb_auto_receipt struct vb_receipt receipt = {0};
	vb_auto_free char *together = NULL;
	size_t together_size = 0;

	demand(plan != NULL);
	if (vb_oci_document_read(text, size, &document, NULL) < 0) {
		demand(whole == NULL);
		return;
	}
	demand(vb_oci_document_write(&document, &together, &together_size, NULL) == 0);
	demand(strlen(together) == together_size);
	if (whole != NULL) {
		vb_auto_json json_t *reread = NULL;
		demand(vb_oci_text_parse(together, together_size, &reread, NULL) == 0);
		demand(json_equal(whole, reread));
	}
	/* What is wrong with the part apart is seen when it is read, but for its depth in the
	 * whole.
	 */
	if (vb_oci_apply(document.tree, &edit, &receipt, NULL) < 0)
		return;
	demand(document.seccomp == NULL);
	demand(whole == NULL ? vb_json_check_depth(text, size, VB_OCI_DEPTH_MAX, NULL) < 0
			     : json_equal(whole, document.tree));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct vb_oci_view view = {.rootfs = "/r",
		.read_link = read_link,
		.open_file = open_file,
		.read_file = read_file,
		.close_file = close_file};
	vb_auto_plan struct vb_plan *plan = make_plan();
	const struct vb_oci_edit edit = {.plan = plan,
		.layers = VB_OCI_LAYERS_ALL & ~(1U << VB_LAYER_SECCOMP),
		.inherited_limit = limit};
	const struct vb_receipt receipt = {.cap_bounding = 0xff, .no_new_privileges = true};
	vb_auto_json json_t *spec = NULL;
	vb_auto_json json_t *process = NULL;
	vb_auto_free char *verdict = NULL;

	int parsed = vb_oci_text_parse((const char *)data, size, &spec, NULL);
	read_apart((const char *)data, size, spec);
	if (parsed < 0)
		return 0;
	demand(vb_oci_text_parse((const char *)data, size, &process, NULL) == 0);
	int r = vb_oci_check(spec, plan, "d", &view, &verdict, NULL);
	demand(r <= 0 && (r == 0) == (verdict != NULL));
	apply_twice(spec, &edit);
	if (vb_oci_process_apply(process, &edit, &receipt, NULL) == 0) {
		vb_auto_free char *text = written(process);
		demand(strstr(text, "\"noNewPrivileges\":true") != NULL);
	}
	return 0;
}
