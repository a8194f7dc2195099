/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon writes down for those who ask later: the audit log, and its own status. */
#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>

#include "nri_runtime.h"
#include "oci_node.h"
#include "unit.h"
#include "vb/adjust/plan.h"
#include "vb/base/file.h"
#include "vb/base/str.h"

#define PLAN   "/run/vambrace/plans/" CONTAINER_ID ".json"
#define STATUS "/run/vambrace/daemon.json"
#define WHO    "\"namespace\":\"robots\",\"pod\":\"arm-0\",\"container\":\"ctl\",\"container_id\":"
#define NOBODY ",\"bundle\":null,\"bundle_digest\":null,\"plan_digest\":null"

static const struct event_text hardened = {
	.handler = "vambrace", .annotation = "no-new-privileges.vambrace.dev", .value = "true"};
static const struct event_text unknown = {
	.handler = "vambrace", .annotation = "cap-dorp.vambrace.dev", .value = "ALL"};

#define UNKNOWN_LINE                                                                               \
	"vambrace: ErrUnknownAnnotation: unknown annotation 'cap-dorp.vambrace.dev' "              \
	"(robots/arm-0, container ctl): the nearest known key is cap-drop.vambrace.dev"

static struct runtime runtime;

static void set_up(void)
{
	runtime_init(&runtime);
	runtime_start_daemon(&runtime,
		"{\"bundle_dirs\":[\"" RUNTIME_BUNDLE "\"],\"rules\":[{\"namespaces\":[\"robots\"],"
		"\"permit\":[\"seccomp-opt-out\"]}]}");
	(void)runtime_greet(&runtime, "2.2.7");
}

static void tear_down(void)
{
	if (runtime.daemon > 0)
		runtime_finish(&runtime);
}

/* Ends the daemon ahead of the test's end, so that everything is written. */
static void stop(void)
{
	runtime_finish(&runtime);
	runtime.daemon = 0;
}

static const struct answer *call(const char *method, const struct event_text *text)
{
	return runtime_call(&runtime, method, event_payload(text));
}

static size_t count_in(const char *path, const char *text)
{
	vb_auto_free char *content = support_read_file(path);
	size_t count = 0;

	for (const char *at = content; (at = strstr(at, text)) != NULL; at++)
		count++;
	return count;
}

/* Every line of the audit log is an object with an event and a time. */
static void expect_all_lines_to_be_frames(void)
{
	vb_auto_free char *content = support_read_file(RUNTIME_AUDIT);
	char *rest = content;

	for (char *line; (line = strsep(&rest, "\n")) != NULL && *line != '\0';) {
		json_t *frame = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
		ck_assert_msg(frame != NULL, "%s", line);
		ck_assert_int_eq(strncmp(line, "{\"event\":\"", 10), 0);
		ck_assert_uint_eq(strlen(json_string_value(json_object_get(frame, "ts"))), 30);
		json_decref(frame);
	}
	ck_assert_ptr_null(rest);
}

START_TEST(an_admission_names_the_container_its_plan_and_its_layers)
{
	char digest[VB_DIGEST_SIZE];

	ck_assert_int_eq(call("CreateContainer", &hardened)->code, 0);
	vb_auto_free char *plan = support_read_file(PLAN);
	vb_digest(plan, strlen(plan), digest);
	vb_auto_free char *frame = vb_str_format(WHO
		"\"" CONTAINER_ID "\",\"handler\":\"vambrace\",\"bundle\":null,"
		"\"bundle_digest\":null,\"plan_digest\":\"%s\",\"bundle_is_default\":false,"
		"\"floor\":null,\"floor_digest\":null,"
		"\"layers\":{\"seccomp\":\"asked\",\"no_new_privileges\":\"asked\"}}\n",
		digest);
	runtime_wait_audit(frame);
	ck_assert_uint_eq(count_in(RUNTIME_AUDIT, "{\"event\":\"admission\",\"ts\":\"20"), 1);
}
END_TEST

static void install_bundle(const char *name)
{
	vb_auto_free char *directory = vb_str_format(RUNTIME_BUNDLE "/%s", name);
	vb_auto_free char *path = vb_str_format("%s/manifest.json", directory);
	vb_auto_free char *manifest =
		vb_str_format("{\"kind\":\"bundle\",\"schema_version\":\"1.6\",\"name\":\"%s\","
			      "\"version\":\"1\",\"channel\":\"dev\",\"min_adk_version\":\"1.0\","
			      "\"hardening\":{\"capabilities\":{\"drop\":[\"NET_RAW\"]}}}",
			name);

	support_make_directories(directory);
	support_write_file(path, manifest, 0644);
}

START_TEST(a_rules_bundles_are_marked_and_their_problems_told)
{
	const struct event_text plain = {.handler = "vambrace"};
	const struct event_text naming = {
		.handler = "vambrace", .annotation = "bundle.vambrace.dev", .value = "arm"};

	support_write_file(RUNTIME_CONFIG,
		"{\"bundle_dirs\":[\"" RUNTIME_BUNDLE "\"],\"rules\":[{\"namespaces\":[\"robots\"],"
		"\"default\":\"arm\",\"floor\":\"base\"}]}",
		0644);
	install_bundle("arm");
	install_bundle("base");
	const struct answer *answer = call("CreateContainer", &plain);
	ck_assert_msg(answer->code == 0, "%s", answer->message);
	runtime_wait_audit(
		"\"bundle_is_default\":true,\"floor\":\"base\",\"floor_digest\":\"sha256:");
	/* One bad update more each time; whose bundle it is adds up while the problem lasts. */
	support_write_file(RUNTIME_BUNDLE "/base/manifest.json", "{", 0644);
	ck_assert_int_eq(call("CreateContainer", &plain)->code, 0);
	runtime_wait_text(
		STATUS, "\"bundle_problems\":[{\"name\":\"base\",\"problem\":\"bundle 'base'");
	runtime_wait_text(STATUS, "\"used_as\":[\"floor\"]}]");
	support_write_file(RUNTIME_BUNDLE "/arm/manifest.json", "{", 0644);
	ck_assert_int_eq(call("CreateContainer", &plain)->code, 0);
	runtime_wait_text(STATUS, "\"used_as\":[\"floor\"]},{\"name\":\"arm\",\"problem\":\"");
	runtime_wait_text(STATUS, "\"used_as\":[\"default\"]}]");
	ck_assert_int_eq(call("CreateContainer", &naming)->code, 0);
	runtime_wait_text(STATUS, "\"used_as\":[\"pod\",\"default\"]}]");
	runtime_wait_audit("\"bundle_is_default\":false,\"floor\":\"base\"");
	/* Whole again, it is none any more, and the other one stays. */
	install_bundle("base");
	ck_assert_int_eq(call("CreateContainer", &plain)->code, 0);
	runtime_wait_text(STATUS, "\"bundle_problems\":[{\"name\":\"arm\",\"problem\":\"");
}
END_TEST

START_TEST(a_bundle_is_named_with_its_digest)
{
	const struct event_text with_bundle = {
		.handler = "vambrace", .annotation = "bundle.vambrace.dev", .value = "arm"};

	install_bundle("arm");
	const struct answer *answer = call("CreateContainer", &with_bundle);
	ck_assert_msg(answer->code == 0, "%s", answer->message);
	runtime_wait_audit("\"bundle\":\"arm\",\"bundle_digest\":\"sha256:");
	runtime_wait_audit("\"bundle\":\"arm@sha256:");
	ck_assert_uint_eq(count_in(RUNTIME_AUDIT, "{\"event\":\"bundle-loaded\","), 1);
	/* An update that does not parse is a frame of its own, and in the status. */
	support_write_file(RUNTIME_BUNDLE "/arm/manifest.json", "{", 0644);
	ck_assert_int_eq(call("CreateContainer", &with_bundle)->code, 0);
	runtime_wait_audit("{\"event\":\"bundle-kept\",");
	runtime_wait_text(STATUS, "\"bundle_problems\":[{\"name\":\"arm\",\"problem\":\"");
}
END_TEST

START_TEST(a_refusal_is_there_with_its_code_and_its_very_line)
{
	ck_assert_str_eq(call("CreateContainer", &unknown)->message, UNKNOWN_LINE);
	runtime_wait_audit(WHO "\"" CONTAINER_ID "\",\"handler\":\"vambrace\"" NOBODY
			       ",\"request\":\"CreateContainer\",\"code\":\"ErrUnknownAnnotation\","
			       "\"error\":\"" UNKNOWN_LINE "\",\"count\":1,\"since\":\"20");
	ck_assert_int_ne(call("StartContainer", &hardened)->code, 0);
	runtime_wait_audit("\"request\":\"StartContainer\",\"code\":\"ErrNoPlan\",\"error\":"
			   "\"vambrace: ErrNoPlan: ");
	ck_assert_int_ne(call("ValidateContainerAdjustment", &hardened)->code, 0);
	runtime_wait_audit("\"request\":\"ValidateContainerAdjustment\",\"code\":\"ErrNoPlan\"");
}
END_TEST

START_TEST(retries_of_a_refusal_are_one_frame_with_a_count)
{
	char id[16];

	for (int i = 0; i < 20; i++) {
		struct event_text retry = unknown;
		(void)snprintf(id, sizeof(id), "attempt%d", i);
		retry.id = id;
		ck_assert_int_ne(call("CreateContainer", &retry)->code, 0);
	}
	stop();
	ck_assert_uint_eq(count_in(RUNTIME_AUDIT, "{\"event\":\"refusal\","), 2);
	ck_assert_uint_eq(count_in(RUNTIME_AUDIT, "\"container_id\":\"attempt0\""), 1);
	ck_assert_uint_eq(count_in(RUNTIME_AUDIT, "\",\"count\":1,\"since\":"), 1);
	ck_assert_uint_eq(count_in(RUNTIME_AUDIT, "\"container_id\":\"attempt19\""), 1);
	ck_assert_uint_eq(count_in(RUNTIME_AUDIT, "\",\"count\":19,\"since\":"), 1);
	ck_assert_uint_eq(count_in(RUNTIME_LOG, "event=refused "), 20);
	runtime_wait_text(STATUS, "\"count\":20,");
}
END_TEST

START_TEST(a_container_that_asks_for_nothing_leaves_no_frame)
{
	const struct event_text plain = {.handler = "runc"};

	ck_assert_int_eq(call("CreateContainer", &plain)->code, 0);
	ck_assert_int_eq(call("StartContainer", &plain)->code, 0);
	stop();
	ck_assert_uint_eq(count_in(RUNTIME_AUDIT, "{\"event\":\"started\","), 1);
	ck_assert_uint_eq(count_in(RUNTIME_AUDIT, "{\"event\":\"stopped\","), 1);
	ck_assert_uint_eq(count_in(RUNTIME_AUDIT, "\n"), 2);
	expect_all_lines_to_be_frames();
}
END_TEST

START_TEST(hostile_names_and_values_stay_inside_their_quotes)
{
	const struct event_text hostile = {.handler = "vambrace\",\"event\":\"seccomp-opt-out",
		.annotation = "x.vambrace.dev",
		.value = "\n{\"event\":\"seccomp-opt-out\"}\n\xff"};

	ck_assert_int_ne(call("CreateContainer", &hostile)->code, 0);
	stop();
	expect_all_lines_to_be_frames();
	ck_assert_uint_eq(count_in(RUNTIME_AUDIT, "\n{\"event\":\"seccomp-opt-out"), 0);
}
END_TEST

START_TEST(with_a_log_that_cannot_be_written_everything_goes_on_counted_and_alarmed)
{
	runtime_wait_audit("{\"event\":\"started\",");
	ck_assert_int_eq(mount("tmpfs", "/var/log", "tmpfs", MS_RDONLY, NULL), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(call("CreateContainer", &hardened)->code, 0);
	ck_assert_int_ne(call("CreateContainer", &unknown)->code, 0);
	runtime_wait_log("container_id=- event=audit-failed lost=1 error=\"");
	runtime_wait_log("Read-only file system");
	/* Writing goes on beside the answers. */
	runtime_wait_text(STATUS, "\"lost\":4,");
	ck_assert_int_eq(umount("/var/log"), 0);
	ck_assert_int_eq(call("CreateContainer", &hardened)->code, 0);
	runtime_wait_log("container_id=- event=audit-restored lost=4");
	runtime_wait_audit("{\"event\":\"audit-lost\",");
	ck_assert_uint_eq(count_in(RUNTIME_AUDIT, ",\"count\":4}"), 1);
	ck_assert_uint_eq(count_in(RUNTIME_LOG, "event=audit-failed"), 1);
}
END_TEST

static const struct event_text opting_out = {.handler = "vambrace",
	.annotation = "containers.vambrace.dev",
	.value = "{\"ctl\":{\"seccomp\":\"opt-out\",\"seccomp-opt-out-reason\":\"vendor blob\"}}"};

/* Scrapers depend on both: changing either is a breaking change. */
START_TEST(an_opt_out_is_in_log_and_audit_log_before_its_container_is_admitted)
{
	const struct answer *answer = call("CreateContainer", &opting_out);

	ck_assert_msg(answer->code == 0, "%s", answer->message);
	/* Both are there already; nothing is waited for. */
	ck_assert_uint_eq(
		count_in(RUNTIME_LOG, "container_id=" CONTAINER_ID
				      " event=seccomp-opt-out namespace=\"robots\" pod=\"arm-0\" "
				      "container=\"ctl\" reason=\"vendor blob\" "
				      "Audit event: seccomp-opt-out\n"),
		1);
	ck_assert_uint_eq(count_in(RUNTIME_AUDIT, "{\"event\":\"seccomp-opt-out\",\"ts\":\"20"), 1);
	ck_assert_uint_eq(count_in(RUNTIME_AUDIT, ",\"reason\":\"vendor blob\"}\n"), 1);
	runtime_wait_audit("{\"event\":\"admission\",");
	vb_auto_free char *log = support_read_file(RUNTIME_AUDIT);
	ck_assert(strstr(log, "\"seccomp-opt-out\"") < strstr(log, "\"admission\""));
}
END_TEST

START_TEST(an_opt_out_that_cannot_be_written_down_is_refused)
{
	runtime_wait_audit("{\"event\":\"started\",");
	ck_assert_int_eq(mount("tmpfs", "/var/log", "tmpfs", MS_RDONLY, NULL), 0);
	const struct answer *answer = call("CreateContainer", &opting_out);
	ck_assert_str_eq(answer->message,
		"vambrace: ErrNotPermitted: seccomp.vambrace.dev asks for opt-out, which the audit "
		"log has to show, and it cannot be written: make directory '/var/log/vambrace': "
		"Read-only file system (robots/arm-0, container ctl): remove the annotation, or "
		"make room for the audit log on the node");
	ck_assert(!runtime_has_file(PLAN));
	ck_assert_uint_eq(count_in(RUNTIME_LOG, "Audit event: seccomp-opt-out"), 0);
	ck_assert_int_eq(call("CreateContainer", &hardened)->code, 0);
}
END_TEST

START_TEST(the_status_tells_of_the_connection_and_of_the_end)
{
	runtime_wait_text(STATUS, "\"runtime\":{\"connected\":true,\"name\":\"containerd\","
				  "\"nri_version\":null,\"problem\":null,\"since\":\"20");
	runtime_wait_text(STATUS, "\"validates\":true,\"version\":\"2.2.7\"}");
	runtime_wait_text(STATUS, "\"stopped_at\":null");
	vb_auto_free char *pid = vb_str_format("\"pid\":%d,", (int)runtime.daemon);
	runtime_wait_text(STATUS, pid);
	ck_assert_int_ne(call("CreateContainer", &unknown)->code, 0);
	runtime_wait_text(STATUS, "\"error\":\"" UNKNOWN_LINE "\"");
	runtime_close(&runtime);
	runtime_wait_text(STATUS, "\"runtime\":{\"connected\":false,");
	stop();
	ck_assert_uint_eq(count_in(STATUS, "\"stopped_at\":\"20"), 1);
	ck_assert_uint_eq(count_in(STATUS, UNKNOWN_LINE), 1);
}
END_TEST

START_TEST(a_killed_daemon_leaves_a_log_that_the_next_one_goes_on_with)
{
	ck_assert_int_eq(call("CreateContainer", &hardened)->code, 0);
	runtime_wait_audit("{\"event\":\"admission\",");
	ck_assert_int_eq(kill(runtime.daemon, SIGKILL), 0);
	runtime_wait_closed(&runtime);
	/* As after a loss of power in the midst of a line. */
	FILE *log = fopen(RUNTIME_AUDIT, "ae");
	ck_assert_int_ge(fputs("{\"event\":\"adm", log), 0);
	ck_assert_int_eq(fclose(log), 0);
	runtime_start_daemon(&runtime, NULL);
	runtime_wait_audit("{\"event\":\"adm\n{\"event\":\"audit-repaired\",\"ts\":\"20");
	runtime_wait_audit(",\"count\":13}\n{\"event\":\"started\",");
	ck_assert_uint_eq(count_in(RUNTIME_AUDIT, "{\"event\":\"admission\","), 1);
	(void)runtime_greet(&runtime, "2.2.7");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("audit");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, an_admission_names_the_container_its_plan_and_its_layers);
	tcase_add_test(tcase, a_bundle_is_named_with_its_digest);
	tcase_add_test(tcase, a_rules_bundles_are_marked_and_their_problems_told);
	tcase_add_test(tcase, a_refusal_is_there_with_its_code_and_its_very_line);
	tcase_add_test(tcase, retries_of_a_refusal_are_one_frame_with_a_count);
	tcase_add_test(tcase, a_container_that_asks_for_nothing_leaves_no_frame);
	tcase_add_test(tcase, hostile_names_and_values_stay_inside_their_quotes);
	tcase_add_test(
		tcase, with_a_log_that_cannot_be_written_everything_goes_on_counted_and_alarmed);
	tcase_add_test(tcase, an_opt_out_is_in_log_and_audit_log_before_its_container_is_admitted);
	tcase_add_test(tcase, an_opt_out_that_cannot_be_written_down_is_refused);
	tcase_add_test(tcase, the_status_tells_of_the_connection_and_of_the_end);
	tcase_add_test(tcase, a_killed_daemon_leaves_a_log_that_the_next_one_goes_on_with);
	return vb_unit_run("audit", tcase);
}
