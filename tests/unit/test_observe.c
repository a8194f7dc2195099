/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kill_sys.h"
#include "oci_node.h"
#include "oci_support.h"
#include "task.h"
#include "unit.h"
#include "vb/adjust/state.h"
#include "watch.h"

#define ID "c0ffee0123456789"

static struct vb_workshop shop;
static struct vb_error err;

static void start(void)
{
	support_enter_node();
	shop = (struct vb_workshop){0};
	memset(&err, 0, sizeof(err));
}

static void write_plan(void)
{
	vb_auto_plan struct vb_plan *plan = support_plan();
	vb_auto_free char *text = vb_plan_to_json(plan);
	ck_assert_msg(vb_state_write(VB_STATE_PLAN, ID, text, &err) == 0, "%s", err.what);
}

static pid_t dead_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	return pid;
}

/* A case that START has let through, and whose process has gone since. */
static struct vb_task *observation(void)
{
	struct vb_task *task = vb_task_create(&shop, VB_TASK_OBSERVE, vb_task_discard);

	ck_assert_ptr_nonnull(task);
	write_plan();
	task->container_id = strdup(ID);
	ck_assert_msg(vb_case_load(ID, &task->subject, &err) == 0, "%s", err.what);
	task->subject->pid = dead_process();
	task->subject->has_evidence = true;
	return task;
}

static bool has_outcome(void)
{
	vb_auto_free char *text = NULL;
	size_t size = 0;

	return vb_state_read(VB_STATE_OUTCOME, ID, &text, &size, NULL) == 0;
}

START_TEST(what_was_last_seen_of_a_container_is_written_down)
{
	vb_auto_task struct vb_task *task = observation();

	ck_assert_msg(vb_task_observe(task) == 0, "%s", task->err.what);
	ck_assert(task->has_outcome);
	ck_assert(has_outcome());
}
END_TEST

/* Nobody would remove its outcome any more. */
START_TEST(nothing_is_written_of_a_container_that_was_removed)
{
	vb_auto_task struct vb_task *task = observation();

	ck_assert_int_eq(vb_state_remove(VB_STATE_PLAN, ID, &err), 0);
	ck_assert_msg(vb_task_observe(task) == 0, "%s", task->err.what);
	ck_assert(!task->has_outcome);
	ck_assert(!has_outcome());
}
END_TEST

START_TEST(a_process_of_no_cgroup_of_the_container_is_not_killed)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	ck_assert_int_eq(vb_kill_container(pid, ID, &err), -ESRCH);
	ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), 0);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

/* Of containers whose start never comes, 128 at most are waited for. */
START_TEST(the_eldest_of_too_many_that_wait_for_their_start_is_given_up)
{
	struct event_base *base = event_base_new();
	/* Without a worker, a look at the eldest would crash. */
	const struct vb_watch_parts parts = {.base = base};
	struct vb_watch *watch = vb_watch_create(&parts);

	ck_assert_ptr_nonnull(watch);
	for (unsigned int i = 0; i < 129; i++) {
		struct vb_case *subject = calloc(1, sizeof(*subject));
		ck_assert_ptr_nonnull(subject);
		subject->container_id = vb_str_format("c%u", i);
		vb_watch_keep(watch, subject);
	}
	vb_watch_started(watch, "c0");
	vb_watch_destroy(watch);
	event_base_free(base);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("observe");

	tcase_add_checked_fixture(tcase, start, NULL);
	tcase_add_test(tcase, what_was_last_seen_of_a_container_is_written_down);
	tcase_add_test(tcase, nothing_is_written_of_a_container_that_was_removed);
	tcase_add_test(tcase, a_process_of_no_cgroup_of_the_container_is_not_killed);
	tcase_add_test(tcase, the_eldest_of_too_many_that_wait_for_their_start_is_given_up);
	return vb_unit_run("observe", tcase);
}
