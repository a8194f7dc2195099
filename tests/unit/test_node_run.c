/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that the installer runs in containerd's mount namespace, here its own: needs root. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node.h"
#include "unit.h"

static char path[] = "/tmp/vambrace-run.XXXXXX";

/* -ENOSYS where it cannot be tried. The command finds a file of its own in $1. */
static int run(const char *command, unsigned int timeout_s, struct vb_error *err)
{
	vb_auto_close int mounts = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	const struct vb_node_host host = {.mounts_fd = mounts};
	const char *const argv[] = {"/bin/sh", "-c", command, "sh", path, NULL};

	return geteuid() == 0 ? vb_node_run_there(&host, argv, timeout_s, err) : -ENOSYS;
}

static void make_file(void)
{
	vb_auto_close int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
}

/* Who has written his number there is gone. */
static void expect_gone(void)
{
	vb_auto_fclose FILE *file = fopen(path, "re");
	char text[16] = "";

	ck_assert_ptr_nonnull(file);
	ck_assert_ptr_nonnull(fgets(text, sizeof(text), file));
	long pid = strtol(text, NULL, 10);
	ck_assert_int_gt(pid, 1);
	ck_assert(kill((pid_t)pid, 0) < 0 && errno == ESRCH);
}

START_TEST(a_program_that_ends_in_time_is_judged_by_its_status)
{
	struct vb_error err = {0};

	int r = run("exit 0", 60, &err);
	if (r == -ENOSYS)
		return;
	ck_assert_int_eq(r, 0);
	vb_assert_failed(run("exit 3", 60, &err), EIO, &err, "'/bin/sh' ends with status 3");
}
END_TEST

/* The second one does not want to end. */
static const char *const commands[] = {
	"echo $$ >$1; exec sleep 1000", "trap '' TERM; echo $$ >$1; while :; do sleep 0.1; done"};

START_TEST(a_program_that_does_not_end_is_ended_when_its_time_is_over)
{
	struct vb_error err = {0};

	make_file();
	int r = run(commands[_i], 1, &err);
	if (r != -ENOSYS) {
		vb_assert_failed(r, ETIMEDOUT, &err, "'/bin/sh' does not end within 1 s");
		expect_gone();
	}
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("node_run");

	tcase_add_test(tests, a_program_that_ends_in_time_is_judged_by_its_status);
	tcase_add_loop_test(tests, a_program_that_does_not_end_is_ended_when_its_time_is_over, 0,
		(int)VB_ARRAY_SIZE(commands));
	return vb_unit_run("node_run", tests);
}
