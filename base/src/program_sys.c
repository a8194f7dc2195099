/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/base/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { READ_SIZE = 16 << 10 };

extern char **environ;

static int start(const char *const argv[], int output, pid_t *ret_pid)
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
			ret_pid, argv[0], &actions, NULL, (char **)(uintptr_t)argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	return -error;
}

static long long now_ms(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int collect(int input, unsigned int timeout_ms, struct vb_buf *output)
{
	long long deadline = now_ms() + timeout_ms;

	for (;;) {
		struct pollfd waiting = {.fd = input, .events = POLLIN};
		uint8_t *space = NULL;
		long long left = deadline - now_ms();
		int ready = left > 0 ? poll(&waiting, 1, (int)left) : 0;
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			return ready < 0 ? -errno : -ETIMEDOUT;
		int r = vb_buf_reserve(output, READ_SIZE, &space);
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

int vb_program_run(const char *const argv[], unsigned int timeout_ms, struct vb_buf *output)
{
	int ends[2];
	pid_t pid = -1;
	int status = 0;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	vb_auto_close int input = ends[0];
	vb_auto_close int end = ends[1];
	int r = start(argv, end, &pid);
	if (r < 0)
		return r;
	(void)close(vb_steal_fd(&end));
	r = collect(input, timeout_ms, output);
	if (r < 0)
		(void)kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	return r == 0 && status != 0 ? -EIO : r;
}
