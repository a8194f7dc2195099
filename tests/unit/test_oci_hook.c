/* SPDX-License-Identifier: Apache-2.0 */
/* create and exec through the hook. */
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "golden.h"
#include "oci_hook_node.h"
#include "vb/adjust/receipt.h"
#include "vb/base/str.h"

START_TEST(create_edits_the_configuration_and_leaves_a_receipt)
{
	support_write_plan();
	support_assert_admitted(CREATE);
	static const char *const edits[] = {"\"bounding\":[\"CAP_KILL\"],\"effective\":[]",
		"\"noNewPrivileges\":true", "\"readonly\":true", "\"defaultAction\"",
		"{\"type\":\"RLIMIT_CORE\",\"soft\":0,\"hard\":0}",
		"\"hard\":18446744073709551615,\"soft\":18446744073709551615"};
	for (size_t i = 0; i < VB_ARRAY_SIZE(edits); i++)
		support_assert_contains(CONFIG, edits[i]);

	vb_auto_receipt struct vb_receipt receipt = {0};
	vb_auto_free char *text = support_read_file(RECEIPT);
	vb_auto_free char *config = support_read_file(CONFIG);
	char digest[VB_DIGEST_SIZE];
	ck_assert_int_eq(vb_receipt_from_json(text, strlen(text), &receipt, NULL), 0);
	vb_digest(config, strlen(config), digest);
	ck_assert_str_eq(receipt.config_digest, digest);
	ck_assert_str_eq(receipt.container_id, "abc");
	ck_assert_str_eq(receipt.bundle_dir, BUNDLE);
	ck_assert_str_eq(receipt.pid_file, BUNDLE "/init.pid");
	ck_assert_str_eq(receipt.runtime, BIN "/fake");
	ck_assert_uint_eq(receipt.cap_bounding, 1U << 5);
	ck_assert(receipt.no_new_privileges);
	ck_assert_uint_eq(receipt.writable_mounts.count, 1);
}
END_TEST

static struct vb_plan *plan_with_preload(bool require)
{
	struct vb_plan *plan = support_plan();

	plan->sources[VB_LAYER_PRELOAD] = VB_SOURCE_ANNOTATION;
	plan->preload.require = require;
	return plan;
}

START_TEST(the_receipt_says_whether_the_shim_covers_the_program)
{
	vb_auto_plan struct vb_plan *plan = plan_with_preload(false);

	support_write_this_plan(plan);
	support_assert_admitted(CREATE);
	support_assert_contains(RECEIPT, "\"preload_verdict\":\"not covered: program not found\"");
	support_make_directories(BUNDLE "/rootfs/bin");
	/* The machine's own shell, behind a link of the image. */
	ck_assert_int_eq(support_shell("cp /bin/sh " BUNDLE "/rootfs/bin/dynamic"), 0);
	ck_assert_int_eq(symlink("/bin/dynamic", BUNDLE "/rootfs/bin/x"), 0);
	support_assert_admitted(CREATE);
	support_assert_contains(RECEIPT, "\"preload_verdict\":\"covered\"");
	/* Opening a FIFO or a device of the image could block or do something. */
	ck_assert_int_eq(support_shell("cd " BUNDLE "/rootfs/bin && rm x && mkfifo -m 755 x"), 0);
	support_assert_admitted(CREATE);
	support_assert_contains(RECEIPT, "not covered: program not found");
}
END_TEST

START_TEST(a_plan_that_requires_coverage_refuses_a_program_without_it)
{
	vb_auto_plan struct vb_plan *plan = plan_with_preload(true);

	support_write_this_plan(plan);
	support_assert_create_refused("ErrPreloadUncovered");
}
END_TEST

static void write_features(const char *version, const char *flag)
{
	vb_auto_free char *text = vb_str_format(
		"{\"linux\":{\"seccomp\":{\"supportedFlags\":[\"SECCOMP_FILTER_FLAG_%s\"]}},"
		"\"annotations\":{\"org.opencontainers.runc.version\":\"%s\"}}",
		flag, version);

	ck_assert_ptr_nonnull(text);
	support_write_file(FEATURES, text, 0644);
}

START_TEST(the_runtime_is_asked_for_its_features_once)
{
	vb_auto_plan struct vb_plan *plan = support_plan();

	plan->sources[VB_LAYER_SECCOMP] = VB_SOURCE_BUNDLE;
	plan->sources[VB_LAYER_SPEC_ALLOW] = VB_SOURCE_BUNDLE;
	plan->seccomp.starter = true;
	plan->spec_allow = VB_SPEC_ALLOW_MITIGATE;
	support_write_this_plan(plan);
	write_features("1.3.6", "LOG");
	support_assert_admitted(CREATE);
	support_assert_contains(CONFIG, "\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"]");

	/* What it says now is not heard, as long as it is the same file ... */
	support_write_this_plan(plan);
	write_features("1.3.6", "NONE");
	support_assert_admitted(CREATE);
	support_assert_contains(CONFIG, "\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"]");
	/* ... that has not been asked for some time. */
	support_write_this_plan(plan);
	ck_assert_int_eq(support_shell("touch -d '11 minutes ago' " VB_STATE_DIR "/features/*"), 0);
	support_assert_create_refused("ErrUnsupportedByRuntime");
	write_features("1.3.6", "LOG");
	ck_assert_int_eq(support_shell("touch -d '1 hour' " VB_STATE_DIR "/features/*"), 0);
	support_assert_admitted(CREATE);
	support_write_this_plan(plan);
	write_features("1.3.6", "NONE");
	ck_assert_int_eq(support_shell("touch " BIN "/fake"), 0);
	support_assert_create_refused("ErrUnsupportedByRuntime");
}
END_TEST

START_TEST(a_runtime_that_says_nothing_useful_about_features_is_refused_what_needs_them)
{
	static const char *const answers[] = {"", "no such command", "{\"linux\":{}}"};
	vb_auto_plan struct vb_plan *plan = support_plan();

	plan->sources[VB_LAYER_SECCOMP] = VB_SOURCE_BUNDLE;
	plan->sources[VB_LAYER_SPEC_ALLOW] = VB_SOURCE_BUNDLE;
	plan->seccomp.starter = true;
	plan->spec_allow = VB_SPEC_ALLOW_MITIGATE;
	support_write_this_plan(plan);
	for (size_t i = 0; i < VB_ARRAY_SIZE(answers); i++) {
		support_write_file(FEATURES, answers[i], 0644);
		ck_assert_int_eq(support_shell("rm -rf " VB_STATE_DIR "/features"), 0);
		support_assert_create_refused("ErrUnsupportedByRuntime");
	}
	/* One that hangs is waited for no longer than two seconds. */
	ck_assert_int_eq(
		support_shell("rm -r " VB_STATE_DIR "/features " FEATURES " && mkfifo " FEATURES),
		0);
	support_assert_create_refused("ErrUnsupportedByRuntime");
	/* It may only have been slow: that is not remembered. */
	ck_assert_int_eq(support_shell("rm " FEATURES), 0);
	write_features("1.3.6", "LOG");
	support_assert_admitted(CREATE);
}
END_TEST

START_TEST(what_a_profile_became_is_remembered_for_this_program_only)
{
	static const char count[] = "test $(ls " VB_STATE_DIR "/meets | wc -l) = 1";

	support_write_plan();
	support_assert_admitted(CREATE);
	ck_assert_int_eq(support_shell(count), 0);
	vb_auto_free char *first = support_read_file(CONFIG);
	support_write_plan();
	support_assert_admitted(CREATE);
	ck_assert_int_eq(support_shell(count), 0);
	vb_auto_free char *second = support_read_file(CONFIG);
	ck_assert_str_eq(first, second);

	/* What is kept is what is used. */
	ck_assert_int_eq(support_shell("for f in " VB_STATE_DIR
				       "/meets/*; do echo '{\"kept\":1}' > $f; done"),
		0);
	support_write_plan();
	support_assert_admitted(CREATE);
	support_assert_contains(CONFIG, "\"kept\":1");
	/* Another program neither uses nor leaves it. */
	ck_assert_int_eq(
		support_shell("cd " BIN " && cp vambrace-oci new && mv new vambrace-oci"), 0);
	support_write_plan();
	support_assert_admitted(CREATE);
	vb_auto_free char *third = support_read_file(CONFIG);
	ck_assert_str_eq(first, third);
	ck_assert_int_eq(support_shell(count), 0);
}
END_TEST

START_TEST(the_edited_file_keeps_its_mode_and_nothing_else_stays)
{
	struct stat st;

	support_write_plan();
	support_assert_admitted(CREATE);
	ck_assert_int_eq(stat(CONFIG, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	support_assert_admitted(EXEC);
	ck_assert_int_eq(stat(PROCESS, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(support_shell("test $(ls " BUNDLE " | wc -l) = 2"), 0);
	ck_assert_int_eq(support_shell("test $(ls " VB_STATE_DIR "/receipts | wc -l) = 1"), 0);
}
END_TEST

/* What the hook put into the log at last. */
static const char *logged(json_t **entry)
{
	vb_auto_free char *text = support_read_file(LOG);

	*entry = json_loads(text, 0, NULL);
	return json_string_value(json_object_get(*entry, "msg"));
}

START_TEST(a_container_without_a_plan_is_refused_by_name)
{
	vb_auto_json json_t *entry = NULL;

	support_write_config(NULL);
	support_assert_create_refused("ErrNoPlan");
	assert_golden_refusal("no-plan-at-creation", logged(&entry));
}
END_TEST

START_TEST(a_container_that_lacks_a_piece_of_the_plan_is_refused)
{
	static const char *const removals[] = {"s/sha256:/sha256:0/", "s/LD_PRELOAD=/LD_PRELOAX=/",
		"s/\"nosuid\"/\"suid\"/", "s|\"/bin/x\"\\]|\"/bin/x\"],\"env\":[]|"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(removals) - 1; i++) {
		support_write_plan();
		vb_auto_free char *line = vb_str_format("sed -i '%s' " CONFIG, removals[i]);
		ck_assert_int_eq(support_shell(line), 0);
		support_assert_create_refused("ErrPlanMismatch");
	}
	support_write_plan();
	vb_auto_free char *line = vb_str_format("sed -i '%s' " CONFIG, removals[3]);
	ck_assert_int_eq(support_shell(line), 0);
	support_assert_create_refused("duplicate");
}
END_TEST

START_TEST(a_link_in_the_image_that_leads_onto_the_tmpfs_is_seen)
{
	support_write_plan();
	support_make_directories(BUNDLE "/rootfs/var");
	ck_assert_int_eq(symlink("/tmp", BUNDLE "/rootfs/var/tmp"), 0);
	ck_assert_int_eq(
		support_shell(
			"sed -i 's|\\[\"nosuid\"\\]}|&,{\"destination\":\"/var/tmp\",\"type\":"
			"\"bind\",\"source\":\"/run\",\"options\":[\"rbind\"]}|' " CONFIG),
		0);
	support_assert_create_refused("ErrConflict");
	support_assert_contains(LOG, "'/var/tmp' (in this image '/tmp')");
}
END_TEST

START_TEST(a_plan_that_cannot_be_read_refuses)
{
	support_write_plan();
	ck_assert_int_eq(vb_state_write(VB_STATE_PLAN, "abc", "{", NULL), 0);
	support_assert_create_refused("ErrPlanMismatch: the plan file of container abc is broken");
}
END_TEST

START_TEST(a_runtime_that_cannot_be_executed_leaves_nothing_of_a_create)
{
	support_write_plan();
	ck_assert_int_eq(chmod(BIN "/fake", 0644), 0);
	support_assert_hook_refused(CREATE, "execute the OCI runtime '" BIN "/fake'");
	ck_assert(!support_exists(RECEIPT));
}
END_TEST

START_TEST(a_configuration_that_cannot_be_written_leaves_no_receipt)
{
	support_write_plan();
	ck_assert_int_eq(mount(BUNDLE, BUNDLE, NULL, MS_BIND, NULL), 0);
	ck_assert_int_eq(mount(NULL, BUNDLE, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
	/* The hook's own exit code; the runtime's is another one. */
	ck_assert_int_eq(support_shell(CREATE), 1);
	ck_assert(!support_exists(RECEIPT));
}
END_TEST

START_TEST(a_configuration_that_cannot_be_read_refuses)
{
	support_write_plan();
	support_write_file(CONFIG, "{", 0644);
	support_assert_create_refused("JSON");
	ck_assert_int_eq(unlink(CONFIG), 0);
	support_assert_hook_refused(CREATE, "No such file");
	support_assert_hook_refused(
		HOOK " --log " LOG " create --bundle /nowhere abc", "OCI bundle");
	support_assert_hook_refused(
		HOOK " --log " LOG " create --bundle " BUNDLE " ../abc", "ErrInternal");
	support_assert_hook_refused(
		HOOK " --log " LOG " create --bundle " BUNDLE " abc def", "one container id");
	support_assert_hook_refused(
		HOOK " --log " LOG " create --bundle " BUNDLE, "one container id");
}
END_TEST

static void make_sandbox(const char *sandbox_id, bool is_named)
{
	vb_auto_free char *line =
		vb_str_format("sed -i 's/\"container\"/\"sandbox\"/;s/\"pod\"/\"%s\"/;%s' " CONFIG,
			sandbox_id, is_named ? "" : "s/\"[a-z.]*container-name\":\"ctl\",//");

	ck_assert_ptr_nonnull(line);
	support_write_config(NULL);
	ck_assert_int_eq(support_shell(line), 0);
}

START_TEST(a_sandbox_passes_as_it_is_when_it_is_its_own_and_has_no_plan)
{
	make_sandbox("abc", false);
	vb_auto_free char *before = support_read_file(CONFIG);
	support_assert_admitted(CREATE);
	vb_auto_free char *after = support_read_file(CONFIG);
	ck_assert_str_eq(before, after);
	ck_assert(!support_exists(RECEIPT));

	make_sandbox("other", false);
	support_assert_hook_refused(CREATE, "ErrNoPlan");
	make_sandbox("abc", false);
	ck_assert_int_eq(support_shell("sed -i 's/\"sandbox\"/\"container\"/' " CONFIG), 0);
	support_assert_hook_refused(CREATE, "ErrNoPlan");
	/* A container with the annotations of a sandbox is a container still. */
	make_sandbox("abc", true);
	support_assert_hook_refused(CREATE, "ErrNoPlan");

	support_write_plan();
	make_sandbox("abc", false);
	support_assert_hook_refused(CREATE, "ErrPlanMismatch");
}
END_TEST

#define LENIENT_CREATE BIN "/lenient --log " LOG " create --bundle " BUNDLE " abc"
#define LENIENT_EXEC   BIN "/lenient --log " LOG " exec --process " PROCESS " abc"

START_TEST(a_lenient_handler_passes_the_unplanned_and_their_processes)
{
	support_write_config(NULL);
	vb_auto_free char *before = support_read_file(CONFIG);
	support_assert_admitted(LENIENT_CREATE);
	vb_auto_free char *after = support_read_file(CONFIG);
	ck_assert_str_eq(before, after);
	ck_assert(support_exists(PASSED));
	support_assert_admitted(LENIENT_EXEC);
	support_assert_admitted(BIN "/lenient exec --cap CAP_SYS_ADMIN abc sh");
	/* The same container asked for through a strict handler. */
	support_assert_hook_refused(EXEC, "ErrNoPlan");
	support_assert_admitted(BIN "/lenient delete abc");
	ck_assert(!support_exists(PASSED));
	support_assert_hook_refused(LENIENT_EXEC, "ErrNoPlan");
}
END_TEST

START_TEST(a_lenient_handler_still_hardens_what_has_a_plan)
{
	support_write_plan();
	support_assert_admitted(LENIENT_CREATE);
	support_assert_contains(CONFIG, "\"readonly\":true");
	ck_assert(!support_exists(PASSED));
	ck_assert_int_eq(unlink(VB_STATE_DIR "/plans/abc.json"), 0);
	support_assert_hook_refused(LENIENT_EXEC, "ErrNoPlan");
	/* A mark from elsewhere does not open a container that has a receipt. */
	ck_assert_int_eq(vb_state_write(VB_STATE_PASSED, "abc", "{}", NULL), 0);
	support_assert_hook_refused(LENIENT_EXEC, "ErrNoPlan");
}
END_TEST

START_TEST(a_lenient_handler_never_passes_an_annotation_of_ours)
{
	support_write_config("sha256:0");
	support_assert_hook_refused(LENIENT_CREATE, "ErrNoPlan");
	ck_assert(!support_exists(PASSED));
	support_write_config(NULL);
	ck_assert_int_eq(
		support_shell(
			"sed -i 's/\"annotations\":{/&\"bundle.vambrace.dev\":\"x\",/' " CONFIG),
		0);
	support_assert_hook_refused(LENIENT_CREATE, "ErrNoPlan");
	ck_assert(!support_exists(PASSED));
}
END_TEST

START_TEST(exec_is_held_to_what_create_wrote)
{
	support_write_plan();
	support_assert_admitted(CREATE);
	support_assert_admitted(EXEC " < /dev/null");
	support_assert_contains(PROCESS, "\"bounding\":[\"CAP_KILL\"]");
	support_assert_contains(PROCESS, "\"noNewPrivileges\":true");
	support_assert_contains(PROCESS, "RLIMIT_CORE");
	support_assert_contains(
		CALLS, BIN "/fake --log " LOG " exec --process " PROCESS " --detach abc\n");
}
END_TEST

static void assert_exec_refused(const char *line, const char *words)
{
	vb_auto_free char *before = support_read_file(PROCESS);

	support_assert_hook_refused(line, words);
	vb_auto_free char *after = support_read_file(PROCESS);
	ck_assert_str_eq(before, after);
}

START_TEST(exec_that_cannot_be_held_to_the_plan_is_refused)
{
	vb_auto_json json_t *entry = NULL;

	support_write_plan();
	assert_exec_refused(EXEC, "ErrNoPlan");
	assert_golden_refusal("no-plan-at-exec", logged(&entry));
	support_assert_admitted(CREATE);
	assert_exec_refused(HOOK " --log " LOG " exec abc sh", "without --process");
	assert_exec_refused(HOOK " --log " LOG " exec -p " PROCESS " --cap CAP_KILL abc", "--cap");
	assert_exec_refused(
		HOOK " --log " LOG " exec -p " PROCESS " abc -p /x", "arguments behind");
	assert_exec_refused(HOOK " --log " LOG " exec -p " PROCESS " -x abc", "'-x'");
	assert_exec_refused(HOOK " --log " LOG " exec -p " PROCESS " abd", "ErrNoPlan");
	assert_exec_refused(HOOK " --log " LOG " exec -p /dev/null abc", "not a regular file");
	ck_assert_int_eq(support_shell("sed -i 's/LD_PRELOAD=/&x/' " PROCESS), 0);
	assert_exec_refused(EXEC, "ErrPlanMismatch");
}
END_TEST

START_TEST(exec_needs_the_plan_and_the_receipt_of_create)
{
	support_write_plan();
	support_assert_admitted(CREATE);
	ck_assert_int_eq(
		support_shell("sed -i 's/arm-0/arm-1/' " VB_STATE_DIR "/plans/abc.json"), 0);
	assert_exec_refused(EXEC, "ErrPlanMismatch");
	ck_assert_int_eq(unlink(VB_STATE_DIR "/plans/abc.json"), 0);
	assert_exec_refused(EXEC, "ErrNoPlan");
	support_write_plan();
	support_write_file(RECEIPT, "{}", 0600);
	assert_exec_refused(EXEC, "ErrInternal: the receipt of container abc");
	ck_assert_int_eq(unlink(RECEIPT), 0);
	assert_exec_refused(EXEC, "ErrNoPlan");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("oci_hook");

	tcase_add_checked_fixture(tcase, support_install_hook, NULL);
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, create_edits_the_configuration_and_leaves_a_receipt);
	tcase_add_test(tcase, the_receipt_says_whether_the_shim_covers_the_program);
	tcase_add_test(tcase, a_plan_that_requires_coverage_refuses_a_program_without_it);
	tcase_add_test(tcase, the_runtime_is_asked_for_its_features_once);
	tcase_add_test(tcase,
		a_runtime_that_says_nothing_useful_about_features_is_refused_what_needs_them);
	tcase_add_test(tcase, what_a_profile_became_is_remembered_for_this_program_only);
	tcase_add_test(tcase, the_edited_file_keeps_its_mode_and_nothing_else_stays);
	tcase_add_test(tcase, a_container_without_a_plan_is_refused_by_name);
	tcase_add_test(tcase, a_container_that_lacks_a_piece_of_the_plan_is_refused);
	tcase_add_test(tcase, a_link_in_the_image_that_leads_onto_the_tmpfs_is_seen);
	tcase_add_test(tcase, a_plan_that_cannot_be_read_refuses);
	tcase_add_test(tcase, a_runtime_that_cannot_be_executed_leaves_nothing_of_a_create);
	tcase_add_test(tcase, a_configuration_that_cannot_be_written_leaves_no_receipt);
	tcase_add_test(tcase, a_configuration_that_cannot_be_read_refuses);
	tcase_add_test(tcase, a_sandbox_passes_as_it_is_when_it_is_its_own_and_has_no_plan);
	tcase_add_test(tcase, a_lenient_handler_passes_the_unplanned_and_their_processes);
	tcase_add_test(tcase, a_lenient_handler_still_hardens_what_has_a_plan);
	tcase_add_test(tcase, a_lenient_handler_never_passes_an_annotation_of_ours);
	tcase_add_test(tcase, exec_is_held_to_what_create_wrote);
	tcase_add_test(tcase, exec_that_cannot_be_held_to_the_plan_is_refused);
	tcase_add_test(tcase, exec_needs_the_plan_and_the_receipt_of_create);
	return support_run(tcase);
}
