/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `test_oci_golden CASE-DIRECTORY`: renders plan.json onto before.json and compares the result with
 * after.json and the receipt with receipt.json; or, where there is a file `error`, the refusal with
 * that. features.json, if there, is what the runtime says; process-before.json, if there, becomes
 * process-after.json. White space in the expected documents does not count, everything else does.
 * @PLAN_DIGEST@ stands for the plan's digest.
 *
 * Thrice: with the whole document as a tree, with linux.seccomp apart, and once more when what
 * became of that is remembered.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>

#include "oci_one_text.h"
#include "vb/adjust/json.h"
#include "vb/adjust/oci_apply.h"
#include "vb/adjust/oci_check.h"
#include "vb/adjust/oci_document.h"
#include "vb/adjust/oci_process.h"
#include "vb/adjust/oci_text.h"
#include "vb/adjust/refusal.h"
#include "vb/base/file.h"
#include "vb/base/str.h"

enum { FILE_MAX = 1 << 20 };

struct golden {
	const char *directory;
	struct vb_plan *plan;
	char digest[VB_DIGEST_SIZE];
};

static char *read_text(const struct golden *golden, const char *name)
{
	vb_auto_free char *path = vb_str_format("%s/%s", golden->directory, name);
	vb_auto_free char *text = NULL;
	size_t size = 0;

	if (path == NULL || vb_file_read(path, FILE_MAX, &text, &size, NULL) < 0)
		return NULL;
	char *at = strstr(text, "@PLAN_DIGEST@");
	if (at == NULL)
		return VB_STEAL(text);
	return vb_str_format(
		"%.*s%s%s", (int)(at - text), text, golden->digest, at + strlen("@PLAN_DIGEST@"));
}

static json_t *read_document(const struct golden *golden, const char *name)
{
	vb_auto_free char *text = read_text(golden, name);
	json_t *document = NULL;
	struct vb_error err = {.what = "no such file"};

	if (text == NULL || vb_oci_text_parse(text, strlen(text), &document, &err) < 0)
		(void)fprintf(stderr, "%s/%s: %s\n", golden->directory, name, err.what);
	return document;
}

static int compare(const char *what, const char *got, const char *expected)
{
	if (vb_str_equal(got, expected))
		return 0;
	(void)fprintf(stderr, "%s is\n%s\nexpected\n%s\n", what, got, expected);
	return 1;
}

static int compare_document(
	const struct golden *golden, const struct vb_oci_document *got, const char *name)
{
	vb_auto_json json_t *document = read_document(golden, name);
	vb_auto_free char *text = NULL;
	vb_auto_free char *expected = NULL;
	size_t size = 0;

	if (document == NULL || vb_oci_text_write(document, &expected, &size, NULL) < 0 ||
		vb_oci_document_write(got, &text, &size, NULL) < 0)
		return 1;
	return compare(name, text, expected);
}

static int compare_receipt(const struct golden *golden, const struct vb_receipt *receipt)
{
	vb_auto_free char *text = vb_receipt_to_json(receipt);
	vb_auto_free char *expected = read_text(golden, "receipt.json");

	if (expected != NULL)
		expected[strcspn(expected, "\n")] = '\0';
	return compare("receipt.json", text, expected);
}

static int compare_error(const struct golden *golden, const struct vb_error *err)
{
	char line[VB_REFUSAL_LINE_MAX];
	vb_auto_free char *expected = read_text(golden, "error");

	vb_refusal_format(line, err, golden->plan->namespace_name, golden->plan->pod,
		golden->plan->container);
	if (expected != NULL)
		expected[strcspn(expected, "\n")] = '\0';
	return compare("error", line, expected);
}

static int no_link(const char *path, char *ret_target, size_t size)
{
	(void)path;
	(void)ret_target;
	(void)size;
	return -EINVAL;
}

static int no_file(const char *path, struct vb_oci_file *ret_file)
{
	(void)path;
	(void)ret_file;
	return -ENOENT;
}

static int inherited(const char *type, uint64_t *ret_soft, uint64_t *ret_hard)
{
	(void)type;
	*ret_soft = 1024;
	*ret_hard = 4096;
	return 0;
}

static int check_process(const struct golden *golden, const struct vb_oci_edit *edit,
	const struct vb_receipt *receipt)
{
	vb_auto_free char *text = read_text(golden, "process-before.json");
	vb_auto_json json_t *process = NULL;
	struct vb_error err = {0};

	if (text == NULL)
		return 0;
	process = read_document(golden, "process-before.json");
	int r = process != NULL ? vb_oci_process_apply(process, edit, receipt, &err) : -EINVAL;
	return r < 0 ? compare("process", err.what, "edited")
		     : compare_document(golden, &(struct vb_oci_document){.tree = process},
			       "process-after.json");
}

/* NULL: the runtime does not tell. */
static const struct vb_oci_features *read_features(
	const struct golden *golden, struct vb_oci_features *features)
{
	vb_auto_free char *text = read_text(golden, "features.json");

	return text != NULL && vb_oci_features_parse(text, strlen(text), features, NULL) == 0
		       ? features
		       : NULL;
}

/* one is NULL for a document that is a tree as a whole. */
static int check_case(const struct golden *golden, struct one_text *one)
{
	const struct vb_oci_memory memory = one_text_memory(one);
	vb_auto_free char *before = read_text(golden, "before.json");
	vb_auto_oci_document struct vb_oci_document document = {0};
	struct vb_oci_features features = {0};
	const struct vb_oci_view view = {
		.rootfs = "/rootfs", .read_link = no_link, .open_file = no_file};
	const struct vb_oci_edit edit = {.plan = golden->plan,
		.layers = VB_OCI_LAYERS_ALL,
		.native = SCMP_ARCH_X86_64,
		.kernel = {6, 1},
		.inherited_limit = inherited,
		.features = read_features(golden, &features),
		.memory = one != NULL ? &memory : NULL,
		.seccomp = one != NULL ? &document.seccomp : NULL};
	vb_auto_receipt struct vb_receipt receipt = {0};
	struct vb_error err = {0};

	if (one == NULL)
		document.tree = read_document(golden, "before.json");
	else if (vb_oci_document_read(before, strlen(before), &document, NULL) < 0)
		return 1;
	if (document.tree == NULL)
		return 1;
	int r = vb_oci_check(
		document.tree, golden->plan, golden->digest, &view, &receipt.preload_verdict, &err);
	if (r == 0)
		r = vb_oci_apply(document.tree, &edit, &receipt, &err);
	if (r < 0)
		return compare_error(golden, &err);
	return compare_document(golden, &document, "after.json") |
	       compare_receipt(golden, &receipt) | check_process(golden, &edit, &receipt);
}

static int check_with_memory(const struct golden *golden)
{
	struct one_text one = {0};

	int result = check_case(golden, &one);
	unsigned int kept = one.kept;
	if (result == 0)
		result = check_case(golden, &one);
	if (result == 0 && one.recalled != kept)
		result = compare("the memory", "not asked", "asked");
	free(one.text);
	return result;
}

int main(int argc, char **argv)
{
	struct golden golden = {.directory = argc == 2 ? argv[1] : "."};
	vb_auto_free char *text = read_text(&golden, "plan.json");
	vb_auto_plan struct vb_plan *plan = NULL;
	struct vb_error err = {.what = "no such file"};

	if (text == NULL || vb_plan_from_json(text, strlen(text), &plan, &err) < 0) {
		(void)fprintf(stderr, "%s/plan.json: %s\n", golden.directory, err.what);
		return 2;
	}
	golden.plan = plan;
	vb_digest(text, strlen(text), golden.digest);
	return check_case(&golden, NULL) | check_with_memory(&golden);
}
