/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "node.h"

enum { LOOK_MS = 20, GRACE_MS = 5000 };

/* In containerd's mount namespace, so that a daemon that is started belongs to the host. */
static void become(int mounts_fd, const char *const argv[])
{
	vb_node_let_signals();
	if (setns(mounts_fd, CLONE_NEWNS) < 0 || chdir("/") < 0)
		_exit(126);
	(void)execvp(argv[0], (char **)(uintptr_t)argv);
	_exit(127);
}

/*
 * What interrupts us ends the child as well, however it came, and so does its time. Of one that no
 * signal ends, since it hangs in the kernel, the end is not waited for.
 */
static int wait_for(pid_t pid, unsigned int timeout_s, int *ret_status)
{
	static const int signals[] = {SIGTERM, SIGKILL};
	const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
	unsigned int looks = timeout_s * (1000 / LOOK_MS);
	size_t sent = 0;
	int reason = 0;

	for (;;) {
		pid_t ended = waitpid(pid, ret_status, WNOHANG);
		if (ended < 0 && errno != EINTR)
			return -errno;
		if (ended > 0)
			return reason;
		if (vb_node_is_interrupted() && reason == 0) {
			reason = -EINTR;
			looks = 0;
		}
		if (looks > 0) {
			looks--;
			(void)nanosleep(&pause, NULL);
			continue;
		}
		if (reason == 0)
			reason = -ETIMEDOUT;
		if (sent == VB_ARRAY_SIZE(signals))
			return reason;
		(void)kill(pid, signals[sent++]);
		looks = GRACE_MS / LOOK_MS;
	}
}

int vb_node_run_there(const struct vb_node_host *host, const char *const argv[],
	unsigned int timeout_s, struct vb_error *err)
{
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		return vb_error_set(err, errno, "run '%s'", argv[0]);
	if (pid == 0)
		become(host->mounts_fd, argv);
	int r = wait_for(pid, timeout_s, &status);
	if (r == -EINTR)
		return vb_error_say(err, EINTR, "interrupted");
	if (r == -ETIMEDOUT)
		return vb_error_say(
			err, ETIMEDOUT, "'%s' does not end within %u s", argv[0], timeout_s);
	if (r < 0)
		return vb_error_set(err, -r, "run '%s'", argv[0]);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return vb_error_say(err, EIO, "'%s' ends with status %d", argv[0],
		WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}
