/* SPDX-License-Identifier: Apache-2.0 */
/* What is called containerd, on a root file system of its own: needs root, and busybox. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "containerd_process_sys.h"
#include "unit.h"
#include "vb/base/str.h"

#define BUSYBOX "/bin/busybox"

static char root[] = "/tmp/vambrace-containerd.XXXXXX";

static bool can_run(void)
{
	return geteuid() == 0 && access(BUSYBOX, X_OK) == 0;
}

static char *below_root(const char *path)
{
	char *whole = vb_str_format("%s%s", root, path);

	ck_assert_ptr_nonnull(whole);
	return whole;
}

static void copy_busybox(const char *path)
{
	vb_auto_free char *target = below_root(path);
	vb_auto_close int in = open(BUSYBOX, O_RDONLY | O_CLOEXEC);
	vb_auto_close int out = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	struct stat st;

	ck_assert(in >= 0 && out >= 0 && fstat(in, &st) == 0);
	ck_assert_int_eq(sendfile(out, in, NULL, (size_t)st.st_size), st.st_size);
}

static void link_containerd_to_k3s(void)
{
	vb_auto_free char *link = below_root("/bin/containerd");

	ck_assert_int_eq(symlink("k3s", link), 0);
}

/* As a host is seen from a container: /proc shows the paths of its own mount namespace. */
static bool enter_root(void)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount(root, root, NULL, MS_BIND, NULL) == 0 && chdir(root) == 0 &&
	       mount(".", "/", NULL, MS_MOVE, NULL) == 0 && chroot(".") == 0;
}

/* Called containerd, whatever the file; busybox goes by argv[0] and sleeps. */
static pid_t become_containerd(pid_t pid)
{
	if (pid == 0) {
		if (enter_root())
			(void)execl("/bin/containerd", "sleep", "600", (char *)NULL);
		_exit(127);
	}
	return pid;
}

static pid_t start(void)
{
	return become_containerd(fork());
}

/* With a number that is free, which fork() gives only when the numbers begin anew. */
static pid_t start_as(pid_t number)
{
	struct clone_args arguments = {
		.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&number, .set_tid_size = 1};

	return become_containerd((pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments)));
}

/* It has its name some time after fork(). */
static void find(struct vb_containerd *containerd)
{
	const struct timespec pause = {.tv_nsec = 10000000};

	while (vb_containerd_find(root, containerd) < 0)
		ck_assert_int_eq(nanosleep(&pause, NULL), 0);
}

static void wait_for_name(pid_t pid)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	vb_auto_free char *path = vb_str_format("/proc/%d/comm", (int)pid);
	char name[] = "containerd\n";
	char is[sizeof(name)] = "";

	while (strcmp(is, name) != 0) {
		FILE *comm = fopen(path, "re");
		ck_assert_ptr_nonnull(comm);
		ck_assert_ptr_nonnull(fgets(is, sizeof(is), comm));
		ck_assert_int_eq(fclose(comm), 0);
		ck_assert_int_eq(nanosleep(&pause, NULL), 0);
	}
}

static void check(pid_t pid, const char *executable)
{
	vb_auto_containerd struct vb_containerd containerd = {0};

	find(&containerd);
	ck_assert_int_eq(containerd.pid, pid);
	ck_assert_str_eq(containerd.executable, executable);
}

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(root));
	vb_auto_free char *directory = below_root("/bin");
	ck_assert_int_eq(mkdir(directory, 0755), 0);
}

static void tear_down(pid_t pid)
{
	vb_auto_free char *command = vb_str_format("rm -r '%s'", root);

	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert(command != NULL && system(command) == 0);
}

START_TEST(a_program_of_that_name_is_it)
{
	if (!can_run())
		return;
	set_up();
	copy_busybox("/bin/containerd");
	pid_t pid = start();

	check(pid, "/bin/containerd");
	tear_down(pid);
}
END_TEST

START_TEST(k3s_called_containerd_is_the_link_of_that_name)
{
	if (!can_run())
		return;
	set_up();
	copy_busybox("/bin/k3s");
	link_containerd_to_k3s();
	pid_t pid = start();

	check(pid, "/bin/containerd");
	vb_auto_free char *link = below_root("/bin/containerd");
	ck_assert_int_eq(unlink(link), 0);
	check(pid, "/bin/k3s");
	tear_down(pid);
}
END_TEST

START_TEST(one_that_has_ended_and_one_that_is_younger_are_not_it)
{
	const struct timespec two_ticks = {.tv_nsec = 20000000};
	siginfo_t info;

	if (!can_run())
		return;
	set_up();
	copy_busybox("/bin/containerd");
	pid_t ended = start();
	check(ended, "/bin/containerd");
	ck_assert_int_eq(kill(ended, SIGKILL), 0);
	ck_assert_int_eq(waitid(P_PID, (id_t)ended, &info, WEXITED | WNOWAIT), 0);
	pid_t pid = start();
	check(pid, "/bin/containerd");
	ck_assert_int_eq(nanosleep(&two_ticks, NULL), 0);
	ck_assert_int_eq(waitpid(ended, NULL, 0), ended);
	pid_t younger = start_as(ended);
	/* qemu's user mode has no clone3. */
	if (younger >= 0 || errno != ENOSYS) {
		ck_assert_int_eq(younger, ended);
		wait_for_name(younger);
		check(pid, "/bin/containerd");
		ck_assert_int_eq(kill(younger, SIGKILL), 0);
		ck_assert_int_eq(waitpid(younger, NULL, 0), younger);
	}
	tear_down(pid);
}
END_TEST

/* As anybody can; a process that must not be dumped has a directory of root's in /proc. */
static void pretend(int ready)
{
	if (setgid(65534) == 0 && setuid(65534) == 0 && prctl(PR_SET_DUMPABLE, 0) == 0 &&
		prctl(PR_SET_NAME, "containerd") == 0 && write(ready, "", 1) == 1)
		(void)pause();
	_exit(127);
}

/* Its program would be run by whoever asks, and that is root. */
START_TEST(a_process_of_another_user_is_not_it)
{
	vb_auto_containerd struct vb_containerd containerd = {0};
	int ready[2];
	char byte = 0;

	if (geteuid() != 0)
		return;
	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0)
		pretend(ready[1]);
	(void)close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	/* The machine may have one of its own. */
	if (vb_containerd_find("/", &containerd) == 0)
		ck_assert_int_ne(containerd.pid, pid);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("containerd_process");

	tcase_add_test(tests, a_program_of_that_name_is_it);
	tcase_add_test(tests, k3s_called_containerd_is_the_link_of_that_name);
	tcase_add_test(tests, one_that_has_ended_and_one_that_is_younger_are_not_it);
	tcase_add_test(tests, a_process_of_another_user_is_not_it);
	return vb_unit_run("containerd_process", tests);
}
