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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
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

/*
 * Called containerd, it waits for input that never comes; its arguments are those of a containerd
 * with this socket, where it listens, and with one more argument, or NULL.
 */
static pid_t start_listening(const char *address, const char *more)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0); // NOLINT(android-cloexec-pipe)
	(void)snprintf(name.sun_path, sizeof(name.sun_path), "%s%s", root, address);
	pid_t pid = fork();
	if (pid == 0) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0); // NOLINT(android-cloexec-socket)
		if (bind(fd, (const struct sockaddr *)&name, sizeof(name)) == 0 &&
			listen(fd, 1) == 0 && dup2(ends[0], STDIN_FILENO) == 0 && enter_root())
			(void)execl("/bin/containerd", "sh", "-c", "read x", "-a", address, more,
				(char *)NULL);
		_exit(127);
	}
	(void)close(ends[0]);
	wait_for_name(pid);
	return pid;
}

static void expect_found(int r, struct vb_containerd *found, pid_t pid, const char *address)
{
	ck_assert_int_eq(r, 0);
	ck_assert_int_eq(found->pid, pid);
	ck_assert_str_eq(found->address, address);
	ck_assert_str_eq(found->config, "read x");
	vb_containerd_finish(found);
}

static void end(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

START_TEST(of_two_each_is_found_by_its_socket)
{
	const struct timespec two_ticks = {.tv_nsec = 20000000};
	struct vb_containerd first = {0};
	struct vb_containerd found = {0};

	if (!can_run())
		return;
	set_up();
	copy_busybox("/bin/containerd");
	pid_t one = start_listening("/one.sock", NULL);
	ck_assert_int_eq(nanosleep(&two_ticks, NULL), 0);
	pid_t question = start_listening("/three.sock", "--version");
	find(&first);
	ck_assert_int_eq(first.pid, one);
	ck_assert_str_eq(first.address, "/one.sock");
	/* Somebody asks it something: that is no second one. */
	ck_assert_int_eq(vb_containerd_find_other(root, &first, &found), -ENOENT);
	pid_t two = start_listening("/two.sock", NULL);
	expect_found(vb_containerd_find_other(root, &first, &found), &found, two, "/two.sock");
	expect_found(vb_containerd_find_again(root, &first, &found), &found, one, "/one.sock");
	expect_found(
		vb_containerd_find_listener(root, "/two.sock", &found), &found, two, "/two.sock");
	expect_found(
		vb_containerd_find_listener(root, "/one.sock", &found), &found, one, "/one.sock");
	ck_assert_int_eq(vb_containerd_find_listener(root, "/none.sock", &found), -ENOENT);
	end(two);
	ck_assert_int_eq(vb_containerd_find_listener(root, "/two.sock", &found), -ECONNREFUSED);
	end(question);
	vb_containerd_finish(&first);
	tear_down(one);
}
END_TEST

/* What containerd-shim-runc-v2 is started with. */
START_TEST(a_shim_says_which_containerd_it_is_of)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	char *address = NULL;
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0); // NOLINT(android-cloexec-pipe)
	pid_t pid = fork();
	if (pid == 0) {
		if (dup2(ends[0], STDIN_FILENO) == 0)
			(void)execl("/bin/sh", "/usr/bin/containerd-shim-runc-v2", "-c", "read x",
				"-namespace", "k8s.io", "-address", "/run/k3s/c.sock",
				(char *)NULL);
		_exit(127);
	}
	while ((address = vb_containerd_shim_address(pid)) == NULL)
		ck_assert_int_eq(nanosleep(&pause, NULL), 0);
	ck_assert_str_eq(address, "/run/k3s/c.sock");
	free(address);
	end(pid);
	ck_assert_ptr_null(vb_containerd_shim_address(getpid()));
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
	tcase_add_test(tests, of_two_each_is_found_by_its_socket);
	tcase_add_test(tests, a_shim_says_which_containerd_it_is_of);
	tcase_add_test(tests, a_process_of_another_user_is_not_it);
	return vb_unit_run("containerd_process", tests);
}
