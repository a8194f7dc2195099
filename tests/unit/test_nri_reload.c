/* SPDX-License-Identifier: Apache-2.0 */
/* A new node config comes into force without a restart, and without a request that suffers. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "nri_runtime.h"
#include "oci_node.h"
#include "unit.h"
#include "vb/base/file.h"

#define STATUS  "/run/vambrace/daemon.json"
#define BUNDLES "\"bundle_dirs\":[\"" RUNTIME_BUNDLE "\"]"

static const struct event_text with_bundle = {
	.handler = "vambrace", .annotation = "bundle.vambrace.dev", .value = "arm"};
static const struct event_text on_other_handler = {.handler = "nvidia"};

static struct runtime runtime;

static void set_up(void)
{
	runtime_init(&runtime);
	support_make_directories(RUNTIME_BUNDLE "/arm");
	support_write_file(RUNTIME_BUNDLE "/arm/manifest.json",
		"{\"kind\":\"bundle\",\"schema_version\":\"1.6\",\"name\":\"arm\","
		"\"version\":\"1\",\"channel\":\"dev\",\"min_adk_version\":\"1.0\","
		"\"hardening\":{\"capabilities\":{\"drop\":[\"NET_RAW\"]}}}",
		0644);
	runtime_start_daemon(&runtime, "{\"bundle_dirs\":[]}");
	(void)runtime_greet(&runtime, "2.2.7");
}

static void tear_down(void)
{
	runtime_finish(&runtime);
}

static const struct answer *create(const struct event_text *text)
{
	return runtime_call(&runtime, "CreateContainer", event_payload(text));
}

/* Replaces the config at once, as an editor or a package does. */
static void write_config(const char *text)
{
	ck_assert_int_eq(vb_file_replace(RUNTIME_CONFIG, text, strlen(text), 0644, NULL), 0);
}

START_TEST(a_config_that_was_replaced_is_in_force_for_the_next_container)
{
	ck_assert_ptr_nonnull(strstr(create(&with_bundle)->message, "ErrBundleNotFound"));
	write_config("{" BUNDLES "}");
	const struct answer *answer = create(&with_bundle);
	ck_assert_msg(answer->code == 0, "%s", answer->message);
	runtime_wait_log("container_id=- event=config-loaded path=\"" RUNTIME_CONFIG "\"");
	runtime_wait_audit("{\"event\":\"config-loaded\",");
	runtime_wait_audit(",\"path\":\"" RUNTIME_CONFIG "\",\"digest\":\"sha256:");
	write_config("{\"bundle_dirs\":[]}");
	ck_assert_ptr_nonnull(strstr(create(&with_bundle)->message, "ErrBundleNotFound"));
}
END_TEST

START_TEST(a_handler_that_becomes_ours_is_ours_for_the_next_container)
{
	for (unsigned int i = 0; i < 50; i++) {
		ck_assert_uint_eq(create(&on_other_handler)->payload_size, 0);
		write_config("{\"runtime_handlers\":[\"nvidia\"]}");
		ck_assert_uint_gt(create(&on_other_handler)->payload_size, 0);
		write_config("{\"runtime_handlers\":[]}");
	}
}
END_TEST

/* What is mounted over the directory is no change of the directory itself. */
START_TEST(a_config_that_nobody_tells_of_is_seen_at_the_next_container_of_ours)
{
	ck_assert_ptr_nonnull(strstr(create(&with_bundle)->message, "ErrBundleNotFound"));
	support_make_directories("/run/other/bundles/arm");
	ck_assert_int_eq(mount(RUNTIME_BUNDLE, "/run/other/bundles", NULL, MS_BIND, NULL), 0);
	ck_assert_int_eq(mount("/run/other", RUNTIME_DIR, NULL, MS_BIND | MS_REC, NULL), 0);
	write_config("{" BUNDLES "}");
	const struct answer *answer = create(&with_bundle);
	ck_assert_msg(answer->code == 0, "%s", answer->message);
	ck_assert_int_eq(umount2(RUNTIME_DIR, MNT_DETACH), 0);
}
END_TEST

/* Of its directory too, so that whom the new config concerns does not slip through. */
START_TEST(a_config_in_another_directory_of_the_same_name_is_in_force_for_all)
{
	const struct event_text plain = {.handler = "runc"};

	ck_assert_int_eq(runtime_call(&runtime, "StartContainer", event_payload(&plain))->code, 0);
	ck_assert_int_eq(rename(RUNTIME_DIR, "/run/former"), 0);
	support_make_directories(RUNTIME_DIR);
	write_config("{\"rules\":[{\"namespaces\":[\"robots\"],\"default\":\"arm\"}]}");
	runtime_wait_audit("{\"event\":\"config-loaded\",");
	const struct answer *answer =
		runtime_call(&runtime, "StartContainer", event_payload(&plain));
	ck_assert_ptr_nonnull(strstr(answer->message, "vambrace: ErrNoPlan: "));
}
END_TEST

START_TEST(a_namespace_that_gets_a_default_is_ours_at_start_too)
{
	const struct event_text plain = {.handler = "runc"};

	ck_assert_int_eq(runtime_call(&runtime, "StartContainer", event_payload(&plain))->code, 0);
	write_config("{" BUNDLES ",\"rules\":[{\"namespaces\":[\"robots\"],\"default\":\"arm\"}]}");
	const struct answer *answer =
		runtime_call(&runtime, "StartContainer", event_payload(&plain));
	ck_assert_ptr_nonnull(strstr(answer->message, "vambrace: ErrNoPlan: "));
}
END_TEST

START_TEST(a_bad_config_keeps_the_old_one_and_is_told_of_everywhere)
{
	write_config("{" BUNDLES "}");
	ck_assert_int_eq(create(&with_bundle)->code, 0);
	write_config("{" BUNDLES ",\"deadline\":1}");
	ck_assert_int_eq(create(&with_bundle)->code, 0);
	runtime_wait_log("event=config-kept path=\"" RUNTIME_CONFIG
			 "\" error=\"node config '" RUNTIME_CONFIG "': unknown key 'deadline'");
	runtime_wait_audit("{\"event\":\"config-kept\",");
	runtime_wait_audit("\"error\":\"node config '" RUNTIME_CONFIG "': unknown key 'deadline'");
	runtime_wait_text(STATUS, "\"problem\":\"node config '" RUNTIME_CONFIG
				  "': unknown key 'deadline' in config, did you mean "
				  "'deadline_ms'?\",\"refuses_all\":false}");
	/* Gone altogether is no better. */
	ck_assert_int_eq(unlink(RUNTIME_CONFIG), 0);
	ck_assert_int_eq(create(&with_bundle)->code, 0);
	runtime_wait_text(STATUS, "No such file or directory");
	write_config("{" BUNDLES "}");
	runtime_wait_text(STATUS, "\"problem\":null,\"refuses_all\":false}");
	ck_assert_int_eq(create(&with_bundle)->code, 0);
}
END_TEST

START_TEST(sighup_reads_the_config_and_opens_the_audit_log_again)
{
	ck_assert_int_ne(create(&with_bundle)->code, 0);
	runtime_wait_audit("ErrBundleNotFound");
	ck_assert_int_eq(rename(RUNTIME_AUDIT, RUNTIME_AUDIT ".1"), 0);
	ck_assert_int_eq(kill(runtime.daemon, SIGHUP), 0);
	runtime_wait_log("event=config-loaded");
	runtime_wait_file(RUNTIME_AUDIT, true);
	runtime_wait_audit("{\"event\":\"config-loaded\",");
}
END_TEST

START_TEST(another_audit_log_is_taken_without_a_restart)
{
	write_config("{" BUNDLES ",\"audit_log\":\"/var/log/elsewhere/a.jsonl\"}");
	ck_assert_int_eq(create(&with_bundle)->code, 0);
	runtime_wait_text("/var/log/elsewhere/a.jsonl", "{\"event\":\"admission\",");
}
END_TEST

START_TEST(requests_in_flight_are_all_answered_while_configs_come_and_go)
{
	enum { REQUESTS = 200 };
	uint32_t streams[REQUESTS];

	write_config("{" BUNDLES ",\"deadline_ms\":60000}");
	ck_assert_int_eq(create(&with_bundle)->code, 0);
	for (unsigned int i = 0; i < REQUESTS; i++) {
		streams[i] = runtime_send(&runtime, "CreateContainer", event_payload(&with_bundle));
		if (i % 10 == 0)
			write_config(i % 20 == 0 ? "{" BUNDLES ",\"deadline_ms\":59000}" : "{");
		if (i % 7 == 0)
			ck_assert_int_eq(kill(runtime.daemon, SIGHUP), 0);
	}
	for (unsigned int i = 0; i < REQUESTS; i++) {
		const struct answer *answer = runtime_receive(&runtime, streams[i]);
		ck_assert_msg(answer->code == 0, "%u: %s", i, answer->message);
		ck_assert_uint_gt(answer->payload_size, 0);
	}
}
END_TEST

static void set_up_launched(void)
{
	runtime_init(&runtime);
	runtime_launch_daemon(&runtime, "{");
	(void)runtime_greet(&runtime, "1.7.24");
}

START_TEST(with_a_bad_config_others_are_let_through_while_a_worse_one_is_looked_at)
{
	const struct event_text others = {.handler = "runc"};

	for (unsigned int i = 0; i < 50; i++) {
		write_config(i % 2 == 0 ? "[" : "{");
		const struct answer *answer = create(&others);
		ck_assert_msg(answer->code == 0, "%s", answer->message);
		ck_assert_uint_eq(answer->payload_size, 0);
	}
}
END_TEST

START_TEST(a_launched_plugin_with_a_bad_config_is_mended_by_a_good_one)
{
	const struct event_text ours = {.handler = "vambrace"};

	ck_assert_ptr_nonnull(
		strstr(create(&ours)->message, "ErrInternal: the node config is bad"));
	runtime_wait_text(STATUS, "\"refuses_all\":true}");
	write_config("{}");
	const struct answer *answer = create(&ours);
	ck_assert_msg(answer->code == 0, "%s", answer->message);
	runtime_wait_text(STATUS, "\"problem\":null,\"refuses_all\":false}");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("reload");
	TCase *launched = tcase_create("launched");

	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_config_that_was_replaced_is_in_force_for_the_next_container);
	tcase_add_test(tcase, a_handler_that_becomes_ours_is_ours_for_the_next_container);
	tcase_add_test(tcase, a_config_that_nobody_tells_of_is_seen_at_the_next_container_of_ours);
	tcase_add_test(tcase, a_config_in_another_directory_of_the_same_name_is_in_force_for_all);
	tcase_add_test(tcase, a_namespace_that_gets_a_default_is_ours_at_start_too);
	tcase_add_test(tcase, a_bad_config_keeps_the_old_one_and_is_told_of_everywhere);
	tcase_add_test(tcase, sighup_reads_the_config_and_opens_the_audit_log_again);
	tcase_add_test(tcase, another_audit_log_is_taken_without_a_restart);
	tcase_add_test(tcase, requests_in_flight_are_all_answered_while_configs_come_and_go);
	tcase_set_timeout(launched, 30);
	tcase_add_checked_fixture(launched, set_up_launched, tear_down);
	tcase_add_test(
		launched, with_a_bad_config_others_are_let_through_while_a_worse_one_is_looked_at);
	tcase_add_test(launched, a_launched_plugin_with_a_bad_config_is_mended_by_a_good_one);

	Suite *suite = suite_create("reload");
	suite_add_tcase(suite, tcase);
	suite_add_tcase(suite, launched);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
