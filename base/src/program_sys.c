/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/base/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { READ_SIZE = 16 << 10 };

extern char **environ;

static int start(const char *path, const char *const argv[], int output, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;

	int error = posix_spawn_file_actions_init(&actions);
	if (error != 0)
		return -error;
	error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	if (error == 0)
		error = posix_spawn_file_actions_addopen(
			&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	/* posix_spawn() takes its arguments non-const and leaves them alone. */
	if (error == 0)
		error = posix_spawn(
			ret_pid, path, &actions, NULL, (char **)(uintptr_t)argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	return -error;
}

static long long now_ms(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int wait_readable(int fd, long long deadline_ms)
{
	for (;;) {
		struct pollfd waiting = {.fd = fd, .events = POLLIN};
		long long left_ms = deadline_ms - now_ms();
		int ready = left_ms > 0 ? poll(&waiting, 1, (int)left_ms) : 0;
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready < 0)
			return -errno;
		return ready > 0 ? 0 : -ETIMEDOUT;
	}
}

static int collect(int input, long long deadline_ms, struct vb_buf *output)
{
	for (;;) {
		uint8_t *space = NULL;
		int r = wait_readable(input, deadline_ms);
		if (r == 0)
			r = vb_buf_reserve(output, READ_SIZE, &space);
		if (r < 0)
			return r;
		ssize_t n = read(input, space, READ_SIZE);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return 0;
		if (n > 0)
			vb_buf_commit(output, (size_t)n);
	}
}

/* A program can close its output and live on. Before Linux 5.3 it can do so for ever. */
static int wait_for_end(pid_t pid, long long deadline_ms)
{
	vb_auto_close int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0)
		return errno == ENOSYS ? 0 : -errno;
	return wait_readable(fd, deadline_ms);
}

int vb_program_run_as(
	const char *path, const char *const argv[], unsigned int timeout_ms, struct vb_buf *output)
{
	long long deadline_ms = now_ms() + timeout_ms;
	int ends[2];
	pid_t pid = -1;
	int status = 0;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	vb_auto_close int input = ends[0];
	vb_auto_close int end = ends[1];
	int r = start(path, argv, end, &pid);
	if (r < 0)
		return r;
	(void)close(vb_steal_fd(&end));
	r = collect(input, deadline_ms, output);
	if (r == 0)
		r = wait_for_end(pid, deadline_ms);
	if (r < 0)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return r == 0 && status != 0 ? -EIO : r;
}

int vb_program_run(const char *const argv[], unsigned int timeout_ms, struct vb_buf *output)
{
	return vb_program_run_as(argv[0], argv, timeout_ms, output);
}
