/* SPDX-License-Identifier: Apache-2.0 */
/* What the hook lets pass, its settings, and how it says no. */
#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci_hook_node.h"
#include "vb/base/str.h"

START_TEST(the_runtime_gets_arguments_input_and_descriptors_unchanged)
{
	support_write_plan();
	support_assert_admitted("printf 'in put' | " CREATE " 7</dev/null > /run/out 2> /run/err");
	support_assert_contains(CALLS,
		BIN "/fake --root /run/r --log " LOG " --log-format json create --bundle " BUNDLE
		    " --pid-file " BUNDLE "/init.pid abc\nin putfd 7\n");
	support_assert_contains("/run/out", "out\n");
	support_assert_contains("/run/err", "err\n");
}
END_TEST

START_TEST(other_commands_pass_with_nothing_but_the_settings)
{
	static const char *const commands[] = {"features", "--version", "start abc",
		"kill --all abc 9", "delete --force abc", "state abc", "ps --format json abc",
		"pause abc", "resume abc", "update --resources=- abc", "events --stats abc", "list",
		"checkpoint abc", ""};

	for (size_t i = 0; i < VB_ARRAY_SIZE(commands); i++) {
		vb_auto_free char *line = vb_str_format(HOOK " %s </dev/null", commands[i]);
		vb_auto_free char *called = vb_str_format(BIN "/fake %s\n", commands[i]);
		ck_assert_ptr_nonnull(line);
		ck_assert_ptr_nonnull(called);
		support_assert_admitted(line);
		support_assert_contains(CALLS, called);
	}
	ck_assert(!support_exists(VB_STATE_DIR));
}
END_TEST

START_TEST(restore_run_and_unknown_commands_with_a_bundle_are_refused)
{
	support_assert_hook_refused(
		HOOK " --log " LOG " restore --bundle /b abc", "ErrUnsupportedByRuntime");
	support_assert_hook_refused(HOOK " --log " LOG " run abc", "'run'");
	support_assert_hook_refused(
		HOOK " --log " LOG " frobnicate --bundle /b abc", "'frobnicate'");
	support_assert_hook_refused(
		HOOK " --log " LOG " --frob create --bundle /b abc", "'--frob'");
	support_assert_hook_refused(
		HOOK " --log " LOG " create --config /x --bundle /b abc", "'--config'");
}
END_TEST

START_TEST(delete_removes_the_receipt_when_the_plan_is_gone)
{
	/* The second command line is not plain, and goes another way through the hook. */
	static const char *const lines[] = {HOOK " delete --force abc < /dev/null",
		HOOK " --rootless=false delete abc < /dev/null"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(lines); i++) {
		support_write_plan();
		support_assert_admitted(CREATE);
		support_assert_admitted(lines[i]);
		/* The plugin may still want to look at it. */
		ck_assert(support_exists(RECEIPT));
		ck_assert_int_eq(vb_state_remove(VB_STATE_PLAN, "abc", NULL), 0);
		support_assert_admitted(lines[i]);
		ck_assert(!support_exists(RECEIPT));
	}
}
END_TEST

START_TEST(settings_that_cannot_be_trusted_refuse)
{
	support_write_plan();
	ck_assert_int_eq(chmod(SETTINGS, 0664), 0);
	support_assert_create_refused("must belong to root");
	ck_assert_int_eq(chmod(SETTINGS, 0646), 0);
	support_assert_create_refused("must belong to root");
	support_assert_hook_refused(HOOK " --log " LOG " pause abc", "must belong to root");
	ck_assert_int_eq(chmod(SETTINGS, 0644), 0);
	/* In a user namespace of a single user nobody else can own it. */
	if (chown(SETTINGS, 1, 0) == 0)
		support_assert_create_refused("must belong to root");
	ck_assert_int_eq(unlink(SETTINGS), 0);
	ck_assert_int_eq(symlink("other.json", SETTINGS), 0);
	support_assert_create_refused("ErrInternal");
	ck_assert_int_eq(unlink(SETTINGS), 0);
	support_assert_create_refused("No such file");
	support_write_file(SETTINGS, "{}", 0644);
	support_assert_create_refused(SETTINGS);
}
END_TEST

START_TEST(a_handler_without_a_usable_runtime_refuses_and_leaves_no_receipt)
{
	support_write_plan();
	support_assert_hook_refused(
		BIN "/stranger --log " LOG " create --bundle " BUNDLE " abc", "'stranger'");
	support_assert_hook_refused(BIN "/self --log " LOG " kill abc 9", "itself");
	support_assert_hook_refused(
		BIN "/self --log " LOG " create --bundle " BUNDLE " abc", "itself");
	ck_assert(!support_exists(RECEIPT));
	support_assert_hook_refused(
		BIN "/gone --log " LOG " create --bundle " BUNDLE " abc", "/nowhere/runc");
	ck_assert(!support_exists(RECEIPT));
}
END_TEST

START_TEST(a_container_can_be_stopped_without_any_settings)
{
	static const char *const commands[] = {
		"start abc", "kill --all abc 9", "state abc", "delete --force abc"};

	ck_assert_int_eq(unlink(SETTINGS), 0);
	support_fake_usual_runtime("/opt/bin", "runc");
	support_fake_usual_runtime("/opt/bin", "crun");
	support_make_directories("/run/runc-root/abc");
	support_make_directories("/run/crun-root/abc");
	support_write_file("/run/runc-root/abc/state.json", "{}", 0600);
	support_write_file("/run/crun-root/abc/status", "{}", 0600);
	for (size_t i = 0; i < VB_ARRAY_SIZE(commands); i++) {
		vb_auto_free char *runc =
			vb_str_format(HOOK " --root /run/runc-root %s < /dev/null", commands[i]);
		vb_auto_free char *crun = vb_str_format(
			BIN "/stranger --root=/run/crun-root %s < /dev/null", commands[i]);
		support_assert_admitted(runc);
		support_assert_contains(CALLS, "/runc --root /run/runc-root");
		support_assert_admitted(crun);
		support_assert_contains(CALLS, "/crun --root=/run/crun-root");
	}
	support_assert_hook_refused(HOOK " --log " LOG " --root /run/none kill abc 9", "oci.json");
	support_assert_hook_refused(
		HOOK " --log " LOG " --root /run/runc-root pause abc", "oci.json");
}
END_TEST

START_TEST(a_container_of_k3s_can_be_stopped_without_any_settings)
{
	static const char place[] = "/var/lib/rancher/k3s/data/current/bin";

	ck_assert_int_eq(unlink(SETTINGS), 0);
	ck_assert_int_eq(mount("tmpfs", "/var/lib", "tmpfs", 0, "mode=0755"), 0);
	support_fake_usual_runtime(place, "runc");
	support_make_directories("/run/runc-root/abc");
	support_write_file("/run/runc-root/abc/state.json", "{}", 0600);
	support_assert_admitted(HOOK " --root /run/runc-root kill abc 9 < /dev/null");
	support_assert_contains(CALLS, place);
}
END_TEST

START_TEST(the_line_is_appended_and_stands_on_stderr_too)
{
	support_write_config(NULL);
	support_write_file(LOG, "{\"level\":\"info\",\"msg\":\"first\"}\n", 0600);
	ck_assert_int_eq(support_shell(CREATE " 2> /run/err"), 1);
	support_assert_contains(
		LOG, "\"first\"}\n{\"level\":\"error\",\"msg\":\"vambrace: ErrNoPlan: ");
	support_assert_contains(LOG, "Z\"}\n");
	support_assert_contains("/run/err", "vambrace: ErrNoPlan: ");
	ck_assert_int_eq(support_shell(HOOK " create --bundle " BUNDLE " abc 2> /run/err"), 1);
	support_assert_contains("/run/err", "container ctl)");
	ck_assert_int_eq(
		support_shell(HOOK " --log file:/run/other create --bundle " BUNDLE " abc"), 1);
	support_assert_contains("/run/other", "ErrNoPlan");
}
END_TEST

START_TEST(names_that_need_escaping_reach_the_log_whole)
{
	support_write_config(NULL);
	ck_assert_int_eq(
		support_shell("sed -i 's/\"ctl\"/\"c\\\\\"t\\\\\\\\l\\\\n\"/' " CONFIG), 0);
	support_assert_hook_refused(CREATE, "container c\"t\\l?)");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("oci_passing");

	tcase_add_checked_fixture(tcase, support_install_hook, NULL);
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, the_runtime_gets_arguments_input_and_descriptors_unchanged);
	tcase_add_test(tcase, other_commands_pass_with_nothing_but_the_settings);
	tcase_add_test(tcase, restore_run_and_unknown_commands_with_a_bundle_are_refused);
	tcase_add_test(tcase, delete_removes_the_receipt_when_the_plan_is_gone);
	tcase_add_test(tcase, settings_that_cannot_be_trusted_refuse);
	tcase_add_test(tcase, a_handler_without_a_usable_runtime_refuses_and_leaves_no_receipt);
	tcase_add_test(tcase, a_container_can_be_stopped_without_any_settings);
	tcase_add_test(tcase, a_container_of_k3s_can_be_stopped_without_any_settings);
	tcase_add_test(tcase, the_line_is_appended_and_stands_on_stderr_too);
	tcase_add_test(tcase, names_that_need_escaping_reach_the_log_whole);
	return support_run(tcase);
}
