/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `spawn RUNS [--restore FROM TO] -- PROGRAM [ARG...]`: runs the program that often, one after the
 * other, and prints the wall-clock nanoseconds of each run, one a line. --restore copies a file
 * into place before each run, outside the measured time.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void restore(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (in < 0 || out < 0 || sendfile(out, in, NULL, 1 << 24) < 0) {
		perror("spawn: restore");
		exit(1);
	}
	close(in);
	close(out);
}

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static long long measure(char **argv)
{
	char *environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
	int status = 0;
	pid_t pid;

	long long begin = now_ns();
	int error = posix_spawn(&pid, argv[0], NULL, NULL, argv, environment);
	if (error != 0 || waitpid(pid, &status, 0) < 0 || status != 0) {
		fprintf(stderr, "spawn: %s failed (%s, status %d)\n", argv[0], strerror(error),
			status);
		exit(1);
	}
	return now_ns() - begin;
}

int main(int argc, char **argv)
{
	int restores = argc > 4 && strcmp(argv[2], "--restore") == 0;
	int dashes = restores ? 5 : 2;

	if (argc < dashes + 2 || strcmp(argv[dashes], "--") != 0) {
		fprintf(stderr, "usage: spawn RUNS [--restore FROM TO] -- PROGRAM [ARG...]\n");
		return 2;
	}
	for (long run = strtol(argv[1], NULL, 10); run > 0; run--) {
		if (restores)
			restore(argv[3], argv[4]);
		printf("%lld\n", measure(argv + dashes + 1));
	}
	return 0;
}
