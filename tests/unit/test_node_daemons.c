/* SPDX-License-Identifier: Apache-2.0 */
/* Who serves a host, on a /run of its own: needs root. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node_daemons.h"
#include "unit.h"
#include "vb/base/str.h"

#define STATE "/run/vambrace"

static char root[] = "/tmp/vambrace-daemons.XXXXXX";

static bool has_own_mounts(void)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

/* Nothing of it is seen outside of this test's process. */
static bool can_run(void)
{
	if (geteuid() != 0 || !has_own_mounts())
		return false;
	ck_assert_int_eq(mount("run", "/run", "tmpfs", 0, NULL), 0);
	ck_assert_int_eq(mkdir(STATE, 0700), 0);
	ck_assert_ptr_nonnull(mkdtemp(root));
	return true;
}

static bool enter_root(void)
{
	return chroot(".") == 0;
}

static bool begin_root(void)
{
	return has_own_mounts() && mount("root", root, "tmpfs", 0, NULL) == 0 && chdir(root) == 0;
}

/* The pod of a DaemonSet: /run/vambrace of the host is mounted. */
static bool enter_pod(void)
{
	return begin_root() && mkdir("run", 0755) == 0 && mkdir("run/vambrace", 0700) == 0 &&
	       mount(STATE, "run/vambrace", NULL, MS_BIND, NULL) == 0 && enter_root();
}

/* A container that has what we have, but not ours. */
static bool enter_stranger(void)
{
	return begin_root() && mkdir("run", 0755) == 0 && mkdir("run/vambrace", 0700) == 0 &&
	       enter_root();
}

/* Seen from outside, its links lead to what is outside. */
static bool enter_liar(void)
{
	return begin_root() && symlink("/run", "run") == 0 && enter_root();
}

static bool stay(void)
{
	return true;
}

static pid_t start(bool (*enter)(void))
{
	int ends[2];
	char said = 0;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (enter() && prctl(PR_SET_NAME, "vambrace-nri") == 0 &&
			write(ends[1], "+", 1) == 1)
			for (;;)
				(void)pause();
		_exit(127);
	}
	ck_assert_int_eq(close(ends[1]), 0);
	ck_assert_int_eq(read(ends[0], &said, 1), 1);
	ck_assert_int_eq(close(ends[0]), 0);
	return pid;
}

static void end(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

static void expect_text(const char *text, const char *wanted)
{
	ck_assert_msg(strstr(text, wanted) != NULL, "'%s' is not in '%s'", wanted, text);
}

static void expect_pid(const char *text, const char *before, pid_t pid, const char *after)
{
	vb_auto_free char *wanted = vb_str_format("%s%d%s", before, (int)pid, after);

	ck_assert_ptr_nonnull(wanted);
	expect_text(text, wanted);
}

START_TEST(a_host_that_nobody_serves_may_get_one)
{
	if (!can_run())
		return;
	ck_assert_int_eq(vb_node_check_none(VB_NODE_DAEMONS_ALL, NULL), 0);
	ck_assert_int_eq(vb_node_check_single(NULL), 0);
	ck_assert_int_eq(rmdir(root), 0);
}
END_TEST

START_TEST(one_on_the_host_is_in_the_way_of_any_other)
{
	struct vb_node_daemons daemons;
	struct vb_error err = {0};

	if (!can_run())
		return;
	pid_t pid = start(stay);
	vb_node_daemons_find(VB_NODE_DAEMONS_ALL, 1, &daemons);
	ck_assert_uint_eq(daemons.count, 1);
	ck_assert_int_eq(daemons.items[0].pid, pid);
	ck_assert(!daemons.items[0].is_in_container);
	ck_assert_int_eq(vb_node_check_none(VB_NODE_DAEMONS_ON_HOST, &err), -EBUSY);
	expect_pid(err.what, "pid ", pid, "; ");
	expect_text(err.fix, VB_NODE_KEEP_OFF);
	ck_assert_int_eq(vb_node_check_none(VB_NODE_DAEMONS_ALL, &err), -EBUSY);
	expect_text(err.fix, "without --pre-registered");
	ck_assert_int_eq(vb_node_check_single(&err), 0);
	end(pid);
	ck_assert_int_eq(rmdir(root), 0);
}
END_TEST

START_TEST(one_in_a_pod_is_in_the_way_of_the_hosts_own)
{
	struct vb_error err = {0};

	if (!can_run())
		return;
	pid_t pid = start(enter_pod);
	ck_assert_int_eq(vb_node_check_none(VB_NODE_DAEMONS_ON_HOST, &err), 0);
	ck_assert_int_eq(vb_node_check_none(VB_NODE_DAEMONS_ALL, &err), -EBUSY);
	expect_pid(err.what, "pid ", pid, " in a container; ");
	expect_text(err.fix, VB_NODE_KEEP_OFF);
	end(pid);
	ck_assert_int_eq(rmdir(root), 0);
}
END_TEST

START_TEST(two_are_told_with_the_way_to_one)
{
	struct vb_error err = {0};

	if (!can_run())
		return;
	pid_t own = start(stay);
	pid_t pod = start(enter_pod);
	ck_assert_int_eq(vb_node_check_single(&err), -EBUSY);
	expect_text(err.what, "2 vambrace-nri processes are on this host, pids ");
	expect_pid(err.what, "", pod, " (in a container)");
	expect_text(err.fix, VB_NODE_ONE_OF_POD_AND_HOST);
	end(pod);
	pid_t by_hand = start(stay);
	ck_assert_int_eq(vb_node_check_single(&err), -EBUSY);
	expect_pid(err.what, "", by_hand, "");
	expect_text(err.fix, VB_NODE_ONE_OF_HOST);
	end(by_hand);
	ck_assert_int_eq(vb_node_check_single(&err), 0);
	end(own);
	ck_assert_int_eq(rmdir(root), 0);
}
END_TEST

START_TEST(a_container_that_only_looks_like_it_is_none)
{
	struct vb_node_daemons daemons;

	if (!can_run())
		return;
	pid_t stranger = start(enter_stranger);
	pid_t liar = start(enter_liar);
	vb_node_daemons_find(VB_NODE_DAEMONS_ALL, VB_NODE_DAEMONS_MAX, &daemons);
	ck_assert_uint_eq(daemons.count, 0);
	end(stranger);
	end(liar);
	ck_assert_int_eq(rmdir(root), 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("node_daemons");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_host_that_nobody_serves_may_get_one);
	tcase_add_test(tcase, one_on_the_host_is_in_the_way_of_any_other);
	tcase_add_test(tcase, one_in_a_pod_is_in_the_way_of_the_hosts_own);
	tcase_add_test(tcase, two_are_told_with_the_way_to_one);
	tcase_add_test(tcase, a_container_that_only_looks_like_it_is_none);
	return vb_unit_run("node_daemons", tcase);
}
