/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon lets happen to containers, and what it leaves behind. */
#include <check.h>
#include <dirent.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "golden.h"
#include "nri_runtime.h"
#include "oci_node.h"
#include "unit.h"
#include "vb/adjust/plan.h"
#include "vb/base/file.h"
#include "vb/base/str.h"

#define STATE "/run/vambrace"
#define PLAN  STATE "/plans/" CONTAINER_ID ".json"
#define PLACE " (robots/arm-0, container ctl): "

static const char config[] = "{\"bundle_dirs\":[\"" RUNTIME_BUNDLE "\"],\"deadline_ms\":1500}";

static const struct event_text plain = {.handler = "runc"};
static const struct event_text hardened = {
	.handler = "vambrace", .annotation = "no-new-privileges.vambrace.dev", .value = "true"};
static const struct event_text with_tmpfs = {
	.annotation = "tmpfs.vambrace.dev", .value = "/tmp:size=1Mi"};

static struct runtime runtime;

static void set_up(void)
{
	runtime_init(&runtime);
	runtime_start_daemon(&runtime, config);
	(void)runtime_greet(&runtime, "2.2.7");
}

static void tear_down(void)
{
	runtime_finish(&runtime);
}

static const struct answer *call(const char *method, const struct event_text *text)
{
	return runtime_call(&runtime, method, event_payload(text));
}

/* The digest of the plan file's bytes. */
static const char *plan_digest(void)
{
	static char digest[VB_DIGEST_SIZE];
	vb_auto_free char *text = support_read_file(PLAN);

	vb_digest(text, strlen(text), digest);
	return digest;
}

static void expect_refused(const struct answer *answer, const char *line)
{
	ck_assert_int_eq(answer->code, VB_TTRPC_UNKNOWN);
	ck_assert_str_eq(answer->message, line);
	ck_assert_uint_eq(answer->payload_size, 0);
}

static void expect_golden(const struct answer *answer, const char *name)
{
	expect_refused(answer, answer->message);
	assert_golden_refusal(name, answer->message);
}

START_TEST(a_pod_that_asks_for_nothing_is_left_alone)
{
	static const char *const methods[] = {"CreateContainer", "ValidateContainerAdjustment",
		"StartContainer", "PostStartContainer", "StopContainer"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(methods); i++) {
		const struct answer *answer = call(methods[i], &plain);
		ck_assert_int_eq(answer->code, 0);
		ck_assert_uint_eq(answer->payload_size, 0);
	}
	ck_assert(!runtime_has_file(STATE "/plans"));
}
END_TEST

START_TEST(a_pod_of_our_handler_gets_a_plan_and_its_digest)
{
	const struct answer *answer = call("CreateContainer", &hardened);

	ck_assert_msg(answer->code == 0, "%s", answer->message);
	ck_assert(answer_has(answer, "plan-digest.vambrace.dev"));
	ck_assert(answer_has(answer, plan_digest()));
	vb_auto_free char *plan = support_read_file(PLAN);
	ck_assert_ptr_nonnull(strstr(plan, "\"no_new_privileges\""));
	ck_assert_ptr_nonnull(strstr(plan, "\"seccomp\""));
}
END_TEST

START_TEST(a_tmpfs_of_another_handler_is_a_mount_of_the_adjustment)
{
	const struct answer *answer = call("CreateContainer", &with_tmpfs);

	ck_assert_msg(answer->code == 0, "%s", answer->message);
	ck_assert(answer_has(answer, "/tmp"));
	ck_assert(answer_has(answer, "size=1048576"));
	ck_assert(answer_has(answer, plan_digest()));
}
END_TEST

/* "rro" is what recursiveReadOnly mounts become. */
START_TEST(a_tmpfs_in_a_volume_that_is_read_only_is_a_conflict)
{
	static const char *const options[] = {"ro", "rro", "rw"};
	const struct event_text text = {.annotation = "tmpfs.vambrace.dev", .value = "/data/x"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(options); i++) {
		struct vb_buf *payload = payload_new();
		struct vb_buf *container = event_container(&text);
		struct vb_buf *mount = payload_new();
		put_text(mount, 1, "/data");
		put_text(mount, 2, "bind");
		put_text(mount, 3, "/srv");
		put_text(mount, 4, "rbind");
		put_text(mount, 4, options[i]);
		put_part(container, 9, mount);
		put_part(payload, 1, event_pod(&text));
		put_part(payload, 2, container);
		const struct answer *answer = runtime_call(&runtime, "CreateContainer", payload);
		if (strcmp(options[i], "rw") == 0)
			ck_assert_msg(answer->code == 0, "%s", answer->message);
		else
			expect_refused(answer,
				"vambrace: ErrConflict: '/data/x' lies in the read-only mount at "
				"'/data' (/srv), where it cannot be mounted" PLACE
				"make the volume writable, or mount it elsewhere");
	}
}
END_TEST

START_TEST(a_refusal_says_why_in_one_line_and_leaves_nothing)
{
	const struct event_text unknown = {
		.handler = "vambrace", .annotation = "cap-dorp.vambrace.dev", .value = "ALL"};
	const struct event_text missing = {
		.handler = "vambrace", .annotation = "bundle.vambrace.dev", .value = "arm"};
	const struct event_text elsewhere = {
		.handler = "runc", .annotation = "no-new-privileges.vambrace.dev", .value = "true"};
	const struct event_text *const refused[] = {&unknown, &missing, &elsewhere};
	static const char *const codes[] = {
		"ErrUnknownAnnotation", "ErrBundleNotFound", "ErrHardeningRequiresRuntime"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(refused); i++) {
		const struct answer *answer = call("CreateContainer", refused[i]);
		vb_auto_free char *start = vb_str_format("vambrace: %s: ", codes[i]);
		ck_assert_int_eq(answer->code, VB_TTRPC_UNKNOWN);
		ck_assert_msg(
			strncmp(answer->message, start, strlen(start)) == 0, "%s", answer->message);
		ck_assert_ptr_nonnull(strstr(answer->message, PLACE));
		ck_assert_ptr_null(strchr(answer->message, '\n'));
		ck_assert(!runtime_has_file(PLAN));
	}
	runtime_wait_log("event=refused request=CreateContainer namespace=\"robots\" "
			 "pod=\"arm-0\" container=\"ctl\" error=\"vambrace: ErrUnknownAnnotation");
}
END_TEST

START_TEST(a_second_create_of_the_same_container_replaces_its_plan)
{
	const struct event_text refused = {
		.handler = "vambrace", .annotation = "bundle.vambrace.dev", .value = "arm"};

	ck_assert_int_eq(call("CreateContainer", &hardened)->code, 0);
	vb_auto_free char *first = strdup(plan_digest());
	ck_assert_int_eq(call("CreateContainer", &with_tmpfs)->code, 0);
	ck_assert_str_ne(plan_digest(), first);
	ck_assert_int_ne(call("CreateContainer", &refused)->code, 0);
	ck_assert(!runtime_has_file(PLAN));
}
END_TEST

START_TEST(text_that_is_no_text_is_refused_where_it_concerns_us)
{
	const struct event_text bad = {.handler = "vambrace",
		.annotation = "no-new-privileges.vambrace.dev",
		.value = "tru\xff"};

	expect_refused(call("CreateContainer", &bad),
		"vambrace: ErrInvalidValue: the pod or container has a text with a NUL or bytes "
		"that are not UTF-8" PLACE "remove it from annotations, env and mounts");
	struct vb_buf *payload = payload_new();
	struct vb_buf *container = event_container(&hardened);
	put_text(container, 8, "MODE=\xff");
	put_part(payload, 1, event_pod(&hardened));
	put_part(payload, 2, container);
	expect_refused(runtime_call(&runtime, "CreateContainer", payload),
		"vambrace: ErrInvalidValue: the pod or container has a text with a NUL or bytes "
		"that are not UTF-8" PLACE "remove it from annotations, env and mounts");
}
END_TEST

START_TEST(a_container_id_that_cannot_name_a_file_is_refused)
{
	const struct event_text bad = {.id = "../../etc/passwd", .handler = "vambrace"};

	const struct answer *answer = call("CreateContainer", &bad);
	ck_assert_int_eq(answer->code, VB_TTRPC_UNKNOWN);
	ck_assert_int_eq(strncmp(answer->message, "vambrace: ErrInternal: ", 23), 0);
	ck_assert(!runtime_has_file(STATE "/plans"));
}
END_TEST

START_TEST(a_start_without_a_plan_is_refused)
{
	const struct event_text digest = {.plan_digest = "sha256:0"};
	const struct event_text *const planless[] = {&hardened, &with_tmpfs, &digest};

	for (size_t i = 0; i < VB_ARRAY_SIZE(planless); i++)
		expect_golden(call("StartContainer", planless[i]), "no-plan-at-start");
	/* The other style of the same event. */
	expect_golden(runtime_call(&runtime, "StateChange",
			      state_change_payload(VB_NRI_EVENT_START_CONTAINER, &hardened)),
		"no-plan-at-start");
	ck_assert_int_eq(call("StartContainer", &plain)->code, 0);
}
END_TEST

START_TEST(a_start_whose_adjustment_was_lost_or_changed_is_refused)
{
	struct event_text text = hardened;

	ck_assert_int_eq(call("CreateContainer", &hardened)->code, 0);
	const struct answer *answer = call("StartContainer", &text);
	ck_assert_ptr_nonnull(strstr(
		answer->message, "ErrPlanMismatch: the container was made without its plan"));
	text.plan_digest = "sha256:0";
	answer = call("StartContainer", &text);
	ck_assert_ptr_nonnull(strstr(
		answer->message, "ErrPlanMismatch: the container was made with another plan"));
}
END_TEST

START_TEST(a_plan_of_another_container_or_none_at_all_does_not_pass)
{
	struct event_text text = hardened;

	ck_assert_int_eq(call("CreateContainer", &hardened)->code, 0);
	text.handler = "other";
	text.plan_digest = plan_digest();
	const struct answer *answer = call("StartContainer", &text);
	ck_assert_ptr_nonnull(strstr(answer->message,
		"ErrPlanMismatch: the plan is of robots/arm-0, container ctl, handler 'vambrace'"));
	support_write_file(PLAN, "{\"plan_version\":1", 0600);
	answer = call("StartContainer", &hardened);
	ck_assert_ptr_nonnull(strstr(answer->message, "vambrace: ErrPlanMismatch: "));
}
END_TEST

/* Makes the container's plan, and writes another text of the same length in the place of one. */
static void create_with(const char *from, const char *to)
{
	ck_assert_int_eq(call("CreateContainer", &hardened)->code, 0);
	vb_auto_free char *text = support_read_file(PLAN);
	char *place = strstr(text, from);

	ck_assert_ptr_nonnull(place);
	for (size_t i = 0; to[i] != '\0'; i++)
		place[i] = to[i];
	support_write_file(PLAN, text, 0600);
}

START_TEST(a_plan_of_another_namespace_pod_or_container_does_not_pass)
{
	static const char *const methods[] = {"StartContainer", "ValidateContainerAdjustment"};
	static const struct {
		const char *from;
		const char *to;
		const char *words;
	} names[] = {
		{"\"robots\"", "\"robotz\"", "the plan is of robotz/arm-0, container ctl, "},
		{"\"arm-0\"", "\"arm-1\"", "the plan is of robots/arm-1, container ctl, "},
		{"\"ctl\"", "\"cto\"", "the plan is of robots/arm-0, container cto, "},
	};

	for (size_t i = 0; i < VB_ARRAY_SIZE(names); i++) {
		struct event_text text = hardened;
		create_with(names[i].from, names[i].to);
		text.plan_digest = plan_digest();
		for (size_t j = 0; j < VB_ARRAY_SIZE(methods); j++) {
			const struct answer *answer = call(methods[j], &text);
			ck_assert_msg(strstr(answer->message, "vambrace: ErrPlanMismatch: ") ==
					      answer->message,
				"%s", answer->message);
			ck_assert_msg(strstr(answer->message, names[i].words) != NULL, "%s",
				answer->message);
		}
	}
}
END_TEST

START_TEST(a_start_that_cannot_be_examined_is_refused)
{
	struct event_text text = hardened;

	ck_assert_int_eq(call("CreateContainer", &hardened)->code, 0);
	text.plan_digest = plan_digest();
	expect_golden(call("StartContainer", &text), "not-applied-at-start");
}
END_TEST

/* This test's own process is in no cgroup of the container. */
START_TEST(a_process_of_someone_else_is_not_examined)
{
	ck_assert_int_eq(call("CreateContainer", &hardened)->code, 0);
	struct event_text text = hardened;
	text.plan_digest = plan_digest();
	struct vb_buf *payload = payload_new();
	struct vb_buf *container = event_container(&text);
	put_number(container, 12, (uint64_t)getpid());
	put_part(payload, 1, event_pod(&text));
	put_part(payload, 2, container);
	const struct answer *answer = runtime_call(&runtime, "StartContainer", payload);
	ck_assert_ptr_nonnull(
		strstr(answer->message, "is in no cgroup of container " CONTAINER_ID));
}
END_TEST

/* The adjustment that the daemon's own reply was. */
static struct vb_buf *adjustment_of(const struct answer *created)
{
	/* CreateContainerResponse{adjust=1}: what follows its tag and length is the adjustment. */
	size_t start = created->payload[1] < 0x80 ? 2 : 3;
	struct vb_buf *adjustment = payload_new();

	ck_assert_int_eq(
		vb_buf_append(adjustment, created->payload + start, created->payload_size - start),
		0);
	return adjustment;
}

/* A validation request with that adjustment; created NULL: with none. */
static const struct answer *validate(const struct event_text *text, const struct answer *created)
{
	struct vb_buf *payload = event_payload(text);

	if (created != NULL)
		put_part(payload, 3, adjustment_of(created));
	return runtime_call(&runtime, "ValidateContainerAdjustment", payload);
}

START_TEST(a_validation_passes_when_all_that_we_brought_is_there)
{
	struct answer created = *call("CreateContainer", &with_tmpfs);

	ck_assert_int_eq(created.code, 0);
	const struct answer *answer = validate(&with_tmpfs, &created);
	ck_assert_msg(answer->code == 0, "%s", answer->message);
	ck_assert_uint_eq(answer->payload_size, 0);
}
END_TEST

START_TEST(a_validation_refuses_when_ours_is_missing)
{
	ck_assert_int_eq(call("CreateContainer", &with_tmpfs)->code, 0);
	expect_refused(validate(&with_tmpfs, NULL),
		"vambrace: ErrPlanMismatch: what the plan adds does not reach the container: the "
		"annotation plan-digest.vambrace.dev is missing or another one" PLACE
		"check the node's other NRI plugins");
}
END_TEST

/* Such a text would be changed on its way to the comparison. */
START_TEST(a_validation_refuses_text_that_is_no_text)
{
	const struct answer created = *call("CreateContainer", &with_tmpfs);
	struct vb_buf *payload = event_payload(&with_tmpfs);
	struct vb_buf *adjustment = adjustment_of(&created);

	put_pair(adjustment, 2, "another-plugins", "annotation\xff");
	put_part(payload, 3, adjustment);
	const struct answer *answer =
		runtime_call(&runtime, "ValidateContainerAdjustment", payload);
	ck_assert_int_eq(answer->code, VB_TTRPC_UNKNOWN);
	ck_assert_ptr_nonnull(strstr(answer->message,
		"vambrace: ErrPlanMismatch: an adjustment holds a text with a NUL or bytes that "
		"are not UTF-8"));
	ck_assert_ptr_nonnull(strstr(answer->message, "check the node's other NRI plugins"));
}
END_TEST

START_TEST(a_validation_refuses_a_container_of_ours_that_has_no_plan)
{
	const struct answer *answer = validate(&hardened, NULL);
	ck_assert_ptr_nonnull(strstr(answer->message, "vambrace: ErrNoPlan: "));
	answer = validate(&with_tmpfs, NULL);
	ck_assert_ptr_nonnull(strstr(answer->message, "vambrace: ErrNoPlan: "));
	ck_assert_int_eq(validate(&plain, NULL)->code, 0);
}
END_TEST

/*
 * Stops the thread that does the I/O, as a disk that hangs would: not in the midst of something,
 * where it could hold the heap's lock, but waiting.
 */
static pid_t stop_worker(void)
{
	ck_assert_int_ne(call("StartContainer", &hardened)->code, 0);
	(void)usleep(50000);
	vb_auto_free char *path = vb_str_format("/proc/%d/task", (int)runtime.daemon);
	DIR *tasks = opendir(path);
	pid_t worker = 0;

	ck_assert_ptr_nonnull(tasks);
	for (const struct dirent *entry; (entry = readdir(tasks)) != NULL;) {
		pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);
		if (tid > 0 && tid != runtime.daemon)
			worker = tid;
	}
	(void)closedir(tasks);
	ck_assert_int_eq(ptrace(PTRACE_SEIZE, worker, NULL, NULL), 0);
	ck_assert_int_eq(ptrace(PTRACE_INTERRUPT, worker, NULL, NULL), 0);
	ck_assert_int_eq(waitpid(worker, NULL, __WALL), worker);
	return worker;
}

/* Behind this START, which finds the plan or no more, the plan has been there. */
static void expect_late_plan_gone(void)
{
	const struct answer *answer = call("StartContainer", &hardened);

	ck_assert_int_eq(answer->code, VB_TTRPC_UNKNOWN);
	ck_assert(runtime_has_file(STATE "/plans"));
	runtime_wait_file(PLAN, false);
	answer = call("StartContainer", &hardened);
	ck_assert_ptr_nonnull(strstr(answer->message, "vambrace: ErrNoPlan: "));
}

START_TEST(a_hanging_disk_is_answered_at_the_deadline_and_leaves_nothing)
{
	struct timespec before = {0};
	struct timespec after = {0};

	pid_t worker = stop_worker();
	(void)clock_gettime(CLOCK_MONOTONIC, &before);
	const struct answer *answer = call("CreateContainer", &hardened);
	(void)clock_gettime(CLOCK_MONOTONIC, &after);
	long ms =
		(after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
	ck_assert_int_ge(ms, 1495);
	expect_golden(answer, "deadline-at-creation");
	/* The loop is alive: others are let through, ours are still refused. */
	ck_assert_int_eq(call("CreateContainer", &plain)->code, 0);
	answer = call("StartContainer", &hardened);
	ck_assert_int_eq(strncmp(answer->message, "vambrace: ErrDeadline: ", 23), 0);
	/* The plan that comes late is taken away again. */
	ck_assert_int_eq(ptrace(PTRACE_DETACH, worker, NULL, NULL), 0);
	expect_late_plan_gone();
	runtime_wait_audit("\"request\":\"CreateContainer\",\"code\":\"ErrDeadline\",\"error\":"
			   "\"vambrace: ErrDeadline: the node did not answer within 1500 ms" PLACE);
}
END_TEST

/* Behind the runtime's own timeout the answer would be no answer, and the container would go on. */
START_TEST(a_runtime_of_less_patience_than_the_config_is_answered_within_its_own)
{
	static const struct {
		int64_t timeout_ms;
		const char *words;
	} cases[] = {{1000, "ErrDeadline: the node did not answer within 700 ms "},
		{310, "ErrDeadline: the node did not answer within 50 ms "}};
	pid_t worker = stop_worker();

	for (size_t i = 0; i < VB_ARRAY_SIZE(cases); i++) {
		runtime.timeout_ns = cases[i].timeout_ms * 1000000;
		const struct answer *answer = call("CreateContainer", &hardened);
		ck_assert_msg(
			strstr(answer->message, cases[i].words) != NULL, "%s", answer->message);
	}
	ck_assert_int_eq(ptrace(PTRACE_DETACH, worker, NULL, NULL), 0);
}
END_TEST

START_TEST(a_plan_whose_reply_finds_no_connection_is_taken_away)
{
	pid_t worker = stop_worker();
	(void)runtime_send(&runtime, "CreateContainer", event_payload(&hardened));
	(void)usleep(50000);
	runtime_close(&runtime);
	(void)runtime_greet(&runtime, "2.2.7");
	ck_assert_int_eq(ptrace(PTRACE_DETACH, worker, NULL, NULL), 0);
	expect_late_plan_gone();
}
END_TEST

START_TEST(a_reply_longer_than_4096_bytes_arrives_whole)
{
	vb_auto_buf struct vb_buf *manifest = vb_buf_create(1 << 20);
	const struct event_text text = {
		.handler = "vambrace", .annotation = "bundle.vambrace.dev", .value = "arm"};

	ck_assert_int_eq(
		vb_buf_append_string(manifest,
			"{\"kind\":\"bundle\",\"schema_version\":\"1.6\",\"name\":\"arm\","
			"\"version\":\"1\",\"channel\":\"dev\",\"min_adk_version\":\"1.0\","
			"\"hardening\":{\"preload\":{\"exec_allowlist\":[\"/bin/x\""),
		0);
	for (int i = 0; i < 500; i++)
		ck_assert_int_eq(vb_buf_printf(manifest, ",\"/usr/bin/program-number-%d\"", i), 0);
	ck_assert_int_eq(vb_buf_append_string(manifest, "]}}}"), 0);
	support_make_directories(RUNTIME_BUNDLE "/arm");
	support_make_directories("/opt/vambrace/lib");
	support_write_file(VB_SHIM_HOST_PATH, "shim", 0755);
	vb_auto_free char *json = vb_buf_strdup(manifest);
	support_write_file(RUNTIME_BUNDLE "/arm/manifest.json", json, 0644);
	const struct answer *answer = call("CreateContainer", &text);
	ck_assert_msg(answer->code == 0, "%s", answer->message);
	ck_assert_uint_gt(answer->payload_size, 8192);
	ck_assert(answer_has(answer, "/usr/bin/program-number-499"));
	ck_assert(answer_has(answer, plan_digest()));
	/* And the connection is in step. */
	ck_assert_int_eq(call("CreateContainer", &plain)->code, 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("gate");

	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_pod_that_asks_for_nothing_is_left_alone);
	tcase_add_test(tcase, a_pod_of_our_handler_gets_a_plan_and_its_digest);
	tcase_add_test(tcase, a_tmpfs_of_another_handler_is_a_mount_of_the_adjustment);
	tcase_add_test(tcase, a_tmpfs_in_a_volume_that_is_read_only_is_a_conflict);
	tcase_add_test(tcase, a_refusal_says_why_in_one_line_and_leaves_nothing);
	tcase_add_test(tcase, a_second_create_of_the_same_container_replaces_its_plan);
	tcase_add_test(tcase, text_that_is_no_text_is_refused_where_it_concerns_us);
	tcase_add_test(tcase, a_container_id_that_cannot_name_a_file_is_refused);
	tcase_add_test(tcase, a_start_without_a_plan_is_refused);
	tcase_add_test(tcase, a_start_whose_adjustment_was_lost_or_changed_is_refused);
	tcase_add_test(tcase, a_plan_of_another_container_or_none_at_all_does_not_pass);
	tcase_add_test(tcase, a_plan_of_another_namespace_pod_or_container_does_not_pass);
	tcase_add_test(tcase, a_start_that_cannot_be_examined_is_refused);
	tcase_add_test(tcase, a_process_of_someone_else_is_not_examined);
	tcase_add_test(tcase, a_validation_passes_when_all_that_we_brought_is_there);
	tcase_add_test(tcase, a_validation_refuses_when_ours_is_missing);
	tcase_add_test(tcase, a_validation_refuses_text_that_is_no_text);
	tcase_add_test(tcase, a_validation_refuses_a_container_of_ours_that_has_no_plan);
	tcase_add_test(tcase, a_hanging_disk_is_answered_at_the_deadline_and_leaves_nothing);
	tcase_add_test(
		tcase, a_runtime_of_less_patience_than_the_config_is_answered_within_its_own);
	tcase_add_test(tcase, a_plan_whose_reply_finds_no_connection_is_taken_away);
	tcase_add_test(tcase, a_reply_longer_than_4096_bytes_arrives_whole);
	return vb_unit_run("gate", tcase);
}
