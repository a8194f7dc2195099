/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "supervise.h"

enum {
	STOP_MS = 2000, /* for a plugin to end; it needs one second at most */
	ARGUMENTS_MAX = 32,
	PID_TEXT_MAX = 16,
};

struct parent {
	const struct vb_supervise_parts *parts;
	const char *path; /* of the plugin */
	sigset_t mask;    /* the same */
	pid_t pid;        /* of this process */
	pid_t runtime;
	pid_t plugin;
	bool is_child; /* it is not the one that the runtime launched */
	int runtime_fd;
	int plugin_fd; /* -1: there is none, a start is due */
	int signal_fd;
	int64_t started_ms;
	unsigned int delay_ms;
};

static int64_t now_ms(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static void log_plugin(const struct parent *parent, const char *event, const char *key, int number)
{
	struct vb_log_line line;

	vb_log_begin(&line, NULL, event);
	vb_log_number(&line, key, number);
	if (parent->plugin_fd < 0)
		vb_log_number(&line, "retry_ms", parent->delay_ms);
	vb_log_write(parent->parts->log, &line);
}

/* In the child. With the parent it ends too: nobody would take it away when the runtime ends. */
static void become_plugin(const struct parent *parent)
{
	char *const *argv = parent->parts->argv;
	char pid[PID_TEXT_MAX];
	char *arguments[ARGUMENTS_MAX + 3];
	size_t count = 0;

	for (; count < ARGUMENTS_MAX && argv[count] != NULL; count++)
		arguments[count] = argv[count];
	(void)snprintf(pid, sizeof(pid), "%d", (int)parent->runtime);
	arguments[count++] = (char[]){"--runtime-pid"};
	arguments[count++] = pid;
	arguments[count] = NULL;
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent->pid ||
		unsetenv("NRI_PLUGIN_SOCKET") < 0 ||
		sigprocmask(SIG_SETMASK, &parent->mask, NULL) < 0)
		_exit(126);
	/* By the name that the runtime knows it by, which may lead to a newer release by now. */
	(void)execv(parent->path, arguments);
	_exit(127);
}

static void start_plugin(struct parent *parent)
{
	pid_t pid = fork();

	if (pid == 0)
		become_plugin(parent);
	if (pid > 0)
		parent->plugin_fd = pidfd_open(pid, 0);
	if (parent->plugin_fd < 0) {
		int problem = errno;
		if (pid > 0) {
			(void)kill(pid, SIGKILL);
			(void)waitpid(pid, NULL, 0);
		}
		parent->delay_ms = vb_supervise_delay_ms(parent->delay_ms, 0);
		log_plugin(parent, "plugin-not-started", "errno", problem);
		return;
	}
	parent->plugin = pid;
	parent->is_child = true;
	parent->started_ms = now_ms();
	log_plugin(parent, "plugin-started", "pid", pid);
}

static void note_end(struct parent *parent)
{
	int status = 0;
	bool is_known = parent->is_child && waitpid(parent->plugin, &status, 0) > 0;

	(void)close(parent->plugin_fd);
	parent->plugin_fd = -1;
	parent->delay_ms = vb_supervise_delay_ms(parent->delay_ms, now_ms() - parent->started_ms);
	if (!is_known)
		log_plugin(parent, "plugin-ended", "pid", parent->plugin);
	else if (WIFSIGNALED(status))
		log_plugin(parent, "plugin-ended", "signal", WTERMSIG(status));
	else
		log_plugin(parent, "plugin-ended", "status", WEXITSTATUS(status));
}

static void signal_plugin(const struct parent *parent, int number)
{
	if (parent->plugin_fd >= 0)
		(void)pidfd_send_signal(parent->plugin_fd, number, NULL, 0);
}

/* Passes it on; whether it ends us as well. */
static bool take_signal(const struct parent *parent)
{
	struct signalfd_siginfo info = {0};

	if (read(parent->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return false;
	signal_plugin(parent, (int)info.ssi_signo);
	return info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT;
}

/* Until there is nothing left to keep; the reason, for the log. */
static const char *keep(struct parent *parent)
{
	for (;;) {
		struct pollfd waiting[] = {{.fd = parent->runtime_fd, .events = POLLIN},
			{.fd = parent->signal_fd, .events = POLLIN},
			{.fd = parent->plugin_fd, .events = POLLIN}};
		int timeout_ms = parent->plugin_fd >= 0 ? -1 : (int)parent->delay_ms;
		int ready = poll(waiting, VB_ARRAY_SIZE(waiting), timeout_ms);
		if (ready < 0 && errno != EINTR)
			return "poll";
		if (ready < 0)
			continue;
		if (waiting[0].revents != 0)
			return "runtime-gone";
		if (waiting[1].revents != 0 && take_signal(parent))
			return "signal";
		if (waiting[2].revents != 0)
			note_end(parent);
		else if (ready == 0)
			start_plugin(parent);
	}
}

/* The launched one sees the end of its connection by itself. */
static void end_plugin(const struct parent *parent)
{
	struct pollfd waiting = {.fd = parent->plugin_fd, .events = POLLIN};

	if (parent->plugin_fd < 0 || !parent->is_child)
		return;
	signal_plugin(parent, SIGTERM);
	if (poll(&waiting, 1, STOP_MS) != 1)
		signal_plugin(parent, SIGKILL);
	(void)waitpid(parent->plugin, NULL, 0);
}

static int prepare(struct parent *parent)
{
	sigset_t passed;

	(void)sigemptyset(&passed);
	(void)sigaddset(&passed, SIGTERM);
	(void)sigaddset(&passed, SIGINT);
	(void)sigaddset(&passed, SIGHUP);
	(void)sigaddset(&passed, SIGUSR1);
	if (sigprocmask(SIG_BLOCK, &passed, &parent->mask) < 0)
		return -errno;
	parent->signal_fd = signalfd(-1, &passed, SFD_CLOEXEC | SFD_NONBLOCK);
	if (parent->signal_fd < 0 || setsid() < 0 || prctl(PR_SET_NAME, "vambrace-parent") < 0)
		return -errno;
	/* Or the runtime would not see the plugin go. */
	(void)close(parent->parts->launched_fd);
	parent->pid = getpid();
	parent->started_ms = now_ms();
	return 0;
}

static void run(struct parent *parent)
{
	struct vb_log_line line;

	if (prepare(parent) < 0)
		_exit(EXIT_FAILURE);
	const char *reason = keep(parent);
	end_plugin(parent);
	vb_log_begin(&line, NULL, "parent-ends");
	vb_log_word(&line, "reason", reason);
	vb_log_write(parent->parts->log, &line);
	_exit(EXIT_SUCCESS);
}

int vb_supervise_start(const struct vb_supervise_parts *parts, struct vb_error *err)
{
	struct ucred runtime = {0};
	socklen_t size = sizeof(runtime);

	if (getsockopt(parts->launched_fd, SOL_SOCKET, SO_PEERCRED, &runtime, &size) < 0)
		return vb_error_set(err, errno, "ask who launches the plugin");
	vb_auto_close int runtime_fd = pidfd_open(runtime.pid, 0);
	vb_auto_close int plugin_fd = pidfd_open(getpid(), 0);
	if (runtime_fd < 0 || plugin_fd < 0)
		return vb_error_set(err, errno, "watch the runtime");
	/* Asked afterwards: now the number still was that process's when it was opened. */
	if (getppid() != runtime.pid)
		return vb_error_set(err, ESRCH, "find the runtime that launches the plugin");
	const char *name = parts->argv[0];
	struct parent parent = {.parts = parts,
		.path = name != NULL && name[0] == '/' ? name : "/proc/self/exe",
		.runtime = runtime.pid,
		.plugin = getpid(),
		.runtime_fd = runtime_fd,
		.plugin_fd = plugin_fd};
	/* Twice, so that it is nobody's child here. */
	pid_t pid = fork();
	if (pid == 0) {
		pid = fork();
		if (pid == 0)
			run(&parent);
		_exit(pid < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
	}
	int status = EXIT_FAILURE;
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
		return vb_error_set(err, pid < 0 ? errno : EAGAIN, "start the supervising parent");
	return 0;
}
