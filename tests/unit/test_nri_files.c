/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of containers goes with them, and one that nothing is known of is noticed. */
#include <check.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "nri_runtime.h"
#include "oci_node.h"
#include "unit.h"

#define STATE   "/run/vambrace"
#define PLAN    STATE "/plans/" CONTAINER_ID ".json"
#define RECEIPT STATE "/receipts/" CONTAINER_ID ".json"
#define OUTCOME STATE "/outcomes/" CONTAINER_ID ".json"

static const struct event_text plain = {.handler = "runc"};
static const struct event_text hardened = {
	.handler = "vambrace", .annotation = "no-new-privileges.vambrace.dev", .value = "true"};

static struct runtime runtime;

static void set_up(void)
{
	runtime_init(&runtime);
	runtime_start_daemon(&runtime, "{}");
	(void)runtime_greet(&runtime, "2.2.7");
}

static void tear_down(void)
{
	runtime_finish(&runtime);
}

/* It is refused, when the thread that does the I/O has done what was asked of it before. */
static void wait_for_worker(void)
{
	ck_assert_int_ne(
		runtime_call(&runtime, "StartContainer", event_payload(&hardened))->code, 0);
}

START_TEST(the_files_of_a_container_go_with_it)
{
	static const char *const paths[] = {
		PLAN, RECEIPT, OUTCOME, STATE "/passed/" CONTAINER_ID ".json"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(paths); i++) {
		vb_auto_free char *directory =
			strndup(paths[i], (size_t)(strrchr(paths[i], '/') - paths[i]));
		support_make_directories(directory);
		support_write_file(paths[i], "{}", 0600);
	}
	ck_assert_int_eq(runtime_call(&runtime, "StateChange",
				 state_change_payload(VB_NRI_EVENT_REMOVE_CONTAINER, &hardened))
				 ->code,
		0);
	for (size_t i = 0; i < VB_ARRAY_SIZE(paths); i++)
		runtime_wait_file(paths[i], false);
}
END_TEST

/* A Synchronize request with the container in that state. */
static struct vb_buf *state_payload(
	const struct event_text *text, enum vb_nri_container_state state)
{
	struct vb_buf *payload = payload_new();
	struct vb_buf *container = event_container(text);

	put_number(container, 4, state);
	put_number(container, 12, 1);
	put_part(payload, 1, event_pod(text));
	put_part(payload, 2, container);
	return payload;
}

/* One with the container running, and one more that cannot be read. */
static struct vb_buf *synchronize_payload(const struct event_text *text, bool is_broken)
{
	struct vb_buf *payload = state_payload(text, VB_NRI_CONTAINER_RUNNING);

	if (is_broken) {
		struct vb_buf *broken = payload_new();
		ck_assert_int_eq(vb_buf_append(broken, "\x0a\x7f", 2), 0);
		put_part(payload, 2, broken);
	}
	return payload;
}

/* Moves a file's time: into the future, it was written after the containers were listed. */
static void set_time(const char *path, time_t ahead_s)
{
	const struct timespec times[2] = {
		{.tv_nsec = UTIME_OMIT}, {.tv_sec = time(NULL) + ahead_s}};

	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

START_TEST(files_of_containers_that_are_no_more_go_when_all_are_known)
{
	/* Behind the sweep of the Synchronize with which the connection began. */
	wait_for_worker();
	support_make_directories(STATE "/plans");
	support_make_directories(STATE "/outcomes");
	support_write_file(STATE "/plans/gone.json", "{}", 0600);
	support_write_file(STATE "/plans/gone.json.A1b2C3", "{", 0600);
	support_write_file(STATE "/outcomes/gone.json", "{}", 0600);
	support_write_file(STATE "/outcomes/" CONTAINER_ID ".json", "{}", 0600);
	set_time(STATE "/plans/gone.json", -3600);
	ck_assert_int_eq(
		runtime_call(&runtime, "Synchronize", synchronize_payload(&plain, true))->code, 0);
	wait_for_worker();
	runtime_wait_log("event=synchronized pods=1 containers=1 complete=false");
	ck_assert(runtime_has_file(STATE "/plans/gone.json"));
	support_write_file(STATE "/plans/new.json", "{}", 0600);
	set_time(STATE "/plans/new.json", 3600);
	/* File times come in steps of some milliseconds. */
	(void)usleep(20000);
	ck_assert_int_eq(
		runtime_call(&runtime, "Synchronize", synchronize_payload(&plain, false))->code, 0);
	runtime_wait_file(STATE "/plans/gone.json", false);
	runtime_wait_file(STATE "/plans/gone.json.A1b2C3", false);
	runtime_wait_file(STATE "/outcomes/gone.json", false);
	ck_assert(runtime_has_file(OUTCOME));
	ck_assert(runtime_has_file(STATE "/plans/new.json"));
}
END_TEST

START_TEST(files_of_a_container_that_a_later_chunk_tells_of_stay)
{
	static const struct event_text later = {.id = "1ater", .handler = "runc"};
	struct vb_buf *chunk = state_payload(&plain, VB_NRI_CONTAINER_RUNNING);

	wait_for_worker();
	support_make_directories(STATE "/plans");
	support_write_file(STATE "/plans/1ater.json", "{}", 0600);
	support_write_file(STATE "/plans/gone.json", "{}", 0600);
	set_time(STATE "/plans/1ater.json", -3600);
	set_time(STATE "/plans/gone.json", -3600);
	put_number(chunk, 3, 1);
	ck_assert_int_eq(runtime_call(&runtime, "Synchronize", chunk)->code, 0);
	ck_assert_int_eq(runtime_call(&runtime, "Synchronize",
				 state_payload(&later, VB_NRI_CONTAINER_RUNNING))
				 ->code,
		0);
	runtime_wait_file(STATE "/plans/gone.json", false);
	ck_assert(runtime_has_file(STATE "/plans/1ater.json"));
}
END_TEST

START_TEST(a_container_of_ours_that_runs_without_a_plan_is_reported)
{
	ck_assert_int_eq(
		runtime_call(&runtime, "Synchronize", synchronize_payload(&plain, false))->code, 0);
	ck_assert_int_eq(
		runtime_call(&runtime, "Synchronize", synchronize_payload(&hardened, false))->code,
		0);
	runtime_wait_log("container_id=" CONTAINER_ID
			 " event=unhardened namespace=\"robots\" pod=\"arm-0\" container=\"ctl\" "
			 "handler=\"vambrace\"");
	vb_auto_free char *log = support_read_file(RUNTIME_LOG);
	ck_assert_ptr_null(strstr(log, "handler=\"runc\""));
}
END_TEST

/* What START would refuse on whatever handler. */
static const struct {
	struct event_text text;
	enum vb_nri_container_state state;
} lapses[] = {
	{{.handler = "kata", .annotation = "tmpfs.vambrace.dev", .value = "/tmp"},
		VB_NRI_CONTAINER_RUNNING},
	{{.handler = "kata", .annotation = "tmpfs.vambrace.dev/container.other", .value = "tmp"},
		VB_NRI_CONTAINER_RUNNING},
	{{.handler = "kata", .plan_digest = "sha256:0"}, VB_NRI_CONTAINER_RUNNING},
	{{.handler = "vambrace"}, VB_NRI_CONTAINER_PAUSED},
};

START_TEST(a_container_that_asks_for_something_or_has_a_plans_mark_is_reported_too)
{
	ck_assert_int_eq(runtime_call(&runtime, "Synchronize",
				 state_payload(&lapses[_i].text, lapses[_i].state))
				 ->code,
		0);
	runtime_wait_log("container_id=" CONTAINER_ID " event=unhardened");
}
END_TEST

/* It asks for nothing itself, or does not run and has START before it. */
static const struct {
	struct event_text text;
	enum vb_nri_container_state state;
} in_order[] = {
	{{.id = "0ther",
		 .handler = "kata",
		 .annotation = "tmpfs.vambrace.dev/container.other",
		 .value = "/tmp"},
		VB_NRI_CONTAINER_RUNNING},
	{{.id = "0ther", .handler = "vambrace"}, VB_NRI_CONTAINER_CREATED},
	{{.id = "0ther", .handler = "vambrace"}, VB_NRI_CONTAINER_STOPPED},
};

START_TEST(a_container_that_start_would_admit_or_has_before_it_is_not_reported)
{
	ck_assert_int_eq(runtime_call(&runtime, "Synchronize",
				 state_payload(&in_order[_i].text, in_order[_i].state))
				 ->code,
		0);
	ck_assert_int_eq(
		runtime_call(&runtime, "Synchronize", synchronize_payload(&hardened, false))->code,
		0);
	runtime_wait_log("container_id=" CONTAINER_ID " event=unhardened");
	vb_auto_free char *log = support_read_file(RUNTIME_LOG);
	ck_assert_ptr_null(strstr(log, "container_id=0ther"));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("files");

	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, the_files_of_a_container_go_with_it);
	tcase_add_test(tcase, files_of_containers_that_are_no_more_go_when_all_are_known);
	tcase_add_test(tcase, files_of_a_container_that_a_later_chunk_tells_of_stay);
	tcase_add_test(tcase, a_container_of_ours_that_runs_without_a_plan_is_reported);
	tcase_add_loop_test(tcase,
		a_container_that_asks_for_something_or_has_a_plans_mark_is_reported_too, 0,
		(int)VB_ARRAY_SIZE(lapses));
	tcase_add_loop_test(tcase,
		a_container_that_start_would_admit_or_has_before_it_is_not_reported, 0,
		(int)VB_ARRAY_SIZE(in_order));
	return vb_unit_run("files", tcase);
}
