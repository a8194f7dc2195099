/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `calls NUMBER[:ARGUMENT...] ...` makes each system call in a child of its own and prints a line
 * for it, `NUMBER[:ARGUMENT...] ok`, `... <ERRNO>`, `... SIGSYS` or `... stuck`. Arguments that are
 * not given are all ones, which is no address, no descriptor and no flag.
 */
#define _GNU_SOURCE // NOLINT(bugprone-reserved-identifier): what the C library asks for
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGUMENTS = 6, STUCK_MS = 2000 };

static void call(const char *text)
{
	long arguments[ARGUMENTS] = {-1, -1, -1, -1, -1, -1};
	char *end = NULL;
	long number = strtol(text, &end, 0);

	for (int i = 0; *end == ':' && i < ARGUMENTS; i++)
		arguments[i] = (long)strtoull(end + 1, &end, 0);
	long r = syscall(number, arguments[0], arguments[1], arguments[2], arguments[3],
		arguments[4], arguments[5]);
	_exit(r < 0 ? errno : 0);
}

/* The child's status, or -1: it had to be killed. */
static int await(pid_t child)
{
	struct pollfd exited = {.fd = (int)syscall(SYS_pidfd_open, child, 0), .events = POLLIN};
	int status = 0;

	int r = poll(&exited, 1, STUCK_MS);
	close(exited.fd);
	if (r == 0)
		kill(child, SIGKILL);
	waitpid(child, &status, 0);
	return r == 0 ? -1 : status;
}

static void report(const char *text, int status)
{
	const char *result = "ok";

	if (status == -1)
		result = "stuck";
	else if (WIFSIGNALED(status))
		result = WTERMSIG(status) == SIGSYS ? "SIGSYS" : "killed";
	else if (WEXITSTATUS(status) != 0)
		result = strerrorname_np(WEXITSTATUS(status));
	printf("%s %s\n", text, result != NULL ? result : "unknown");
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		fflush(stdout);
		pid_t child = fork();
		if (child == 0) {
			/* What it prints or reads is nobody's business. */
			close(STDIN_FILENO);
			close(STDOUT_FILENO);
			setsid();
			call(argv[i]);
		}
		report(argv[i], await(child));
	}
	puts("END");
	return 0;
}
