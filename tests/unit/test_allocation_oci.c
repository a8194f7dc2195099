/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As test_allocation.c, for what comes behind the plan: profiles, the OCI renderer and its checks,
 * receipts, evidence and outcomes.
 */
#include <errno.h>
#include <glob.h>
#include <seccomp.h>
#include <string.h>

#include "allocation.h"
#include "outcome_support.h"
#include "unit.h"
#include "vb/adjust/json.h"
#include "vb/adjust/oci_apply.h"
#include "vb/adjust/oci_check.h"
#include "vb/adjust/oci_config.h"
#include "vb/adjust/oci_document.h"
#include "vb/adjust/oci_process.h"
#include "vb/adjust/oci_text.h"
#include "vb/adjust/starter.h"
#include "vb/base/file.h"

enum {
	FILE_MAX = 1 << 20,
	/* A meet compiles filters, which takes milliseconds; not each of its allocations is tried.
	 */
	MEET_STRIDE = 97,
};

static int out_of_memory(struct vb_error *err)
{
	return vb_error_set(err, ENOMEM, "render an answer");
}

/* Anything but -ENOMEM is an answer. */
static int answer_error(int r, const struct vb_error *err, char **ret_answer)
{
	if (r == -ENOMEM)
		return r;
	*ret_answer = allocation_strdup(err->what);
	return 0;
}

static char *read_text(const char *directory, const char *name)
{
	vb_auto_free char *path = vb_str_format("%s/%s", directory, name);
	char *text = NULL;
	size_t size = 0;

	return vb_file_read(path, FILE_MAX, &text, &size, NULL) < 0 ? NULL : text;
}

struct oci_case {
	char *plan;
	char *config;
	char *process; /* NULL: none */
	char digest[VB_DIGEST_SIZE];
};

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

static int edit_process(const struct oci_case *c, const struct vb_oci_edit *edit,
	const struct vb_receipt *receipt, char **ret_text, struct vb_error *err)
{
	vb_auto_json json_t *process = NULL;
	size_t size = 0;

	if (c->process == NULL)
		return 0;
	int r = vb_oci_text_parse(c->process, strlen(c->process), &process, err);
	if (r == 0)
		r = vb_oci_process_apply(process, edit, receipt, err);
	return r < 0 ? r : vb_oci_text_write(process, ret_text, &size, err);
}

/* The receipt's text, after it was read back. */
static int copy_receipt(const struct vb_receipt *receipt, char **ret_text, struct vb_error *err)
{
	vb_auto_receipt struct vb_receipt named = {0};
	vb_auto_free char *text = vb_receipt_to_json(receipt);

	if (text == NULL)
		return out_of_memory(err);
	/* A receipt of a test names no container, and is then not read. */
	int r = vb_receipt_from_json(text, strlen(text), &named, err);
	if (r == -ENOMEM)
		return r;
	*ret_text = VB_STEAL(text);
	return 0;
}

static int edit_config(const struct oci_case *c, const struct vb_plan *plan, char **ret_answer,
	struct vb_error *err)
{
	const struct vb_oci_view view = {
		.rootfs = "/rootfs", .read_link = no_link, .open_file = no_file};
	vb_auto_oci_document struct vb_oci_document document = {0};
	const struct vb_oci_edit edit = {.plan = plan,
		.layers = VB_OCI_LAYERS_ALL,
		.native = SCMP_ARCH_X86_64,
		.inherited_limit = inherited,
		.seccomp = &document.seccomp};
	vb_auto_receipt struct vb_receipt receipt = {0};
	vb_auto_free char *config = NULL;
	vb_auto_free char *process = NULL;
	vb_auto_free char *written = NULL;
	size_t size = 0;

	int r = vb_oci_document_read(c->config, strlen(c->config), &document, err);
	if (r == 0)
		r = vb_oci_check(
			document.tree, plan, c->digest, &view, &receipt.preload_verdict, err);
	if (r == 0)
		r = vb_oci_apply(document.tree, &edit, &receipt, err);
	if (r == 0)
		r = vb_oci_document_write(&document, &config, &size, err);
	if (r == 0)
		r = edit_process(c, &edit, &receipt, &process, err);
	if (r == 0)
		r = copy_receipt(&receipt, &written, err);
	if (r < 0)
		return r;
	char *answer = vb_str_format(
		"%s\n%s\n%s", config, written, process != NULL ? process : "no process");
	if (answer == NULL)
		return out_of_memory(err);
	*ret_answer = answer;
	return 0;
}

static int edit_case(void *context, char **ret_answer, struct vb_error *err)
{
	const struct oci_case *c = context;
	vb_auto_plan struct vb_plan *plan = NULL;

	int r = vb_plan_from_json(c->plan, strlen(c->plan), &plan, err);
	if (r == 0)
		r = edit_config(c, plan, ret_answer, err);
	return r < 0 ? answer_error(r, err, ret_answer) : 0;
}

static void load_case(const char *directory, struct oci_case *ret_case)
{
	vb_auto_free char *config = read_text(directory, "before.json");
	const char *mark = strstr(config, "@PLAN_DIGEST@");

	*ret_case = (struct oci_case){.plan = read_text(directory, "plan.json"),
		.process = read_text(directory, "process-before.json")};
	ck_assert(ret_case->plan != NULL && config != NULL);
	vb_digest(ret_case->plan, strlen(ret_case->plan), ret_case->digest);
	ret_case->config = mark == NULL ? VB_STEAL(config)
					: vb_str_format("%.*s%s%s", (int)(mark - config), config,
						  ret_case->digest, mark + strlen("@PLAN_DIGEST@"));
}

START_TEST(every_golden_edit_survives_failing_allocations)
{
	glob_t found;
	unsigned int total = 0;

	ck_assert_int_eq(glob(VB_TEST_DATA "/golden/oci/*", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct oci_case c;
		load_case(found.gl_pathv[i], &c);
		total += allocation_starve(found.gl_pathv[i], edit_case, &c, MEET_STRIDE);
		free(c.plan);
		free(c.config);
		free(c.process);
	}
	printf("%u allocations failed in %zu cases\n", total, found.gl_pathc);
	ck_assert_uint_gt(total, 1000);
	globfree(&found);
}
END_TEST

struct profile_case {
	char *base;
	uint32_t native;
};

/* A runtime's default profile, read, met with everything we bring along, and written. */
static int meet(void *context, char **ret_answer, struct vb_error *err)
{
	const struct profile_case *c = context;
	const struct vb_starter_options options = {.native = c->native,
		.parts = VB_STARTER_DENIALS | VB_STARTER_CLOSURE | VB_STARTER_IO_URING};
	vb_auto_json json_t *json = NULL;
	vb_auto_json json_t *written = NULL;
	vb_auto_profile struct vb_profile *base = NULL;
	vb_auto_profile struct vb_profile *starter = NULL;
	vb_auto_profile struct vb_profile *result = NULL;

	int r = vb_oci_text_parse(c->base, strlen(c->base), &json, err);
	if (r == 0)
		r = vb_profile_from_json(json, c->native, &base, err);
	if (r == 0)
		r = vb_profile_starter(&options, &starter, err);
	if (r == 0)
		r = vb_profile_meet(base, starter, &result, err);
	if (r < 0)
		return answer_error(r, err, ret_answer);
	written = vb_profile_to_json(result);
	char *text = written != NULL ? vb_json_dump(written, JSON_COMPACT) : NULL;
	if (text == NULL)
		return out_of_memory(err);
	*ret_answer = text;
	return 0;
}

static int print_starter(void *context, char **ret_answer, struct vb_error *err)
{
	const struct vb_starter_options options = {.parts = VB_STARTER_DENIALS};

	(void)context;
	return vb_profile_starter_text(&options, ret_answer, err);
}

START_TEST(a_meet_survives_failing_allocations)
{
	struct profile_case c = {.native = SCMP_ARCH_X86_64,
		.base = read_text(VB_TEST_DATA "/profiles", "containerd-2.1.9-default.json")};

	ck_assert_ptr_nonnull(c.base);
	ck_assert_uint_gt(allocation_starve("meet", meet, &c, MEET_STRIDE), 500);
	free(c.base);
	ck_assert_uint_gt(allocation_starve("starter", print_starter, NULL, 1), 50);
}
END_TEST

static int judge(void *context, char **ret_answer, struct vb_error *err)
{
	const struct outcome_scene *scene = context;
	const struct vb_outcome_case subject = {.container_id = scene_container_id,
		.plan = scene->plan,
		.plan_digest = scene->plan_digest,
		.receipt = scene->has_receipt ? &scene->receipt : NULL,
		.evidence = &scene->evidence,
		.probe = scene->probe};
	vb_auto_outcome struct vb_outcome outcome = {0};

	int r = vb_outcome_judge(&subject, &outcome, err);
	if (r < 0)
		return answer_error(r, err, ret_answer);
	char *text = vb_outcome_to_json(&outcome);
	if (text == NULL)
		return out_of_memory(err);
	*ret_answer = text;
	return 0;
}

START_TEST(an_outcome_survives_every_failing_allocation)
{
	const struct vb_speculation_probe matters = {
		.before = {3, 3}, .plain = {9, 9}, .allowed = {3, 3}};
	struct outcome_scene scene;

	scene_init(&scene);
	ck_assert_uint_gt(allocation_starve("held", judge, &scene, 1), 50);
	scene.probe = &matters;
	scene.receipt.speculation = (struct vb_receipt_speculation){.is_set = true,
		.had = VB_SPEC_STATE_ALLOW,
		.has = VB_SPEC_STATE_MITIGATE,
		.inherited = {3, 3}};
	ck_assert_uint_gt(allocation_starve("newly mitigated", judge, &scene, 1), 50);
	scene.evidence.stage = VB_STAGE_START;
	scene.evidence.status.no_new_privileges = false;
	scene.evidence.status.seccomp_mode = 0;
	ck_assert_uint_gt(allocation_starve("not held", judge, &scene, 1), 50);
	scene.has_receipt = false;
	ck_assert_uint_gt(allocation_starve("no receipt", judge, &scene, 1), 50);
	scene_finish(&scene);
}
END_TEST

static int read_mounts(void *context, char **ret_answer, struct vb_error *err)
{
	vb_auto_mountinfo struct vb_mountinfo mounts = {0};

	int r = vb_mountinfo_parse(context, &mounts, err);
	if (r < 0)
		return answer_error(r, err, ret_answer);
	*ret_answer = allocation_strdup(mounts.items[mounts.count - 1].mount_point);
	return 0;
}

struct spec_case {
	const struct vb_plan *plan;
	char *config;
};

static int read_spec(void *context, char **ret_answer, struct vb_error *err)
{
	const struct spec_case *c = context;
	vb_auto_spec_cache struct vb_spec_cache *cache =
		vb_spec_cache_create((struct vb_kernel_version){6, 1});
	vb_auto_spec_evidence struct vb_spec_evidence spec = {0};

	if (cache == NULL)
		return out_of_memory(err);
	int r = vb_spec_evidence_parse(c->config, strlen(c->config), c->plan, cache, &spec, err);
	if (r < 0)
		return answer_error(r, err, ret_answer);
	char *answer = vb_str_format("%s %u %zu %s", spec.digest, spec.seccomp, spec.env.count,
		spec.seccomp_reason != NULL ? spec.seccomp_reason : "complete");
	if (answer == NULL)
		return out_of_memory(err);
	*ret_answer = answer;
	return 0;
}

START_TEST(evidence_survives_failing_allocations)
{
	static char mounts[] = "100 99 0:50 / / ro,relatime - overlay overlay rw\n"
			       "101 100 0:51 / /a\\040b rw shared:1 - proc proc rw\n";
	struct outcome_scene scene;
	struct spec_case c;

	ck_assert_uint_gt(allocation_starve("mountinfo", read_mounts, mounts, 1), 10);
	scene_init(&scene);
	c.plan = scene.plan;
	c.config = read_text(VB_TEST_DATA "/golden/oci/all-layers-unconfined", "after.json");
	ck_assert_ptr_nonnull(c.config);
	ck_assert_uint_gt(allocation_starve("spec", read_spec, &c, MEET_STRIDE), 50);
	free(c.config);
	scene_finish(&scene);
}
END_TEST

static int find_handler(void *context, char **ret_answer, struct vb_error *err)
{
	static const char text[] = "{\"handlers\":{\"vambrace\":{\"runtime\":\"/usr/sbin/runc\"},"
				   "\"runc\":{\"runtime\":\"/r\",\"unplanned\":\"pass\"}}}";
	vb_auto_oci_handler struct vb_oci_handler handler = {0};

	int r = vb_oci_config_find(text, sizeof(text) - 1, context, &handler, err);
	if (r < 0)
		return answer_error(r, err, ret_answer);
	*ret_answer = allocation_strdup(handler.runtime);
	return 0;
}

START_TEST(the_hooks_settings_survive_every_failing_allocation)
{
	static char known[] = "vambrace";
	static char unknown[] = "kata";

	ck_assert_uint_gt(allocation_starve("known", find_handler, known, 1), 1);
	ck_assert_uint_gt(allocation_starve("unknown", find_handler, unknown, 1), 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("allocation_oci");

	tcase_set_timeout(tcase, 600);
	tcase_add_checked_fixture(tcase, allocation_start, NULL);
	tcase_add_test(tcase, every_golden_edit_survives_failing_allocations);
	tcase_add_test(tcase, a_meet_survives_failing_allocations);
	tcase_add_test(tcase, an_outcome_survives_every_failing_allocation);
	tcase_add_test(tcase, evidence_survives_failing_allocations);
	tcase_add_test(tcase, the_hooks_settings_survive_every_failing_allocation);
	return vb_unit_run("allocation_oci", tcase);
}
