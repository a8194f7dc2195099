/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hostile workload: `attack NAME...` tries each named thing and prints one line for it,
 * `NAME ok`, `NAME <ERRNO>`, or `NAME <SIGNAL>` where the kernel killed it. A name may have an
 * argument, NAME=ARGUMENT. Each attempt runs in a child, so that one cannot spoil the next.
 * `attack --wait NAME...` does the same and then sleeps, for looking at it from outside.
 * `attack --exit NAME` tries one thing itself, prints nothing and exits with the errno.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"

static const struct attempt *const tables[] = {attack_files, attack_kernel, attack_libraries,
	attack_network, attack_programs, attack_siblings};

static int attempt(const char *word)
{
	size_t length = strcspn(word, "=");
	const char *argument = word[length] == '=' ? word + length + 1 : "";

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct attempt *one = tables[i]; one->name != NULL; one++)
			if (strlen(one->name) == length && strncmp(one->name, word, length) == 0)
				return one->try(argument);
	(void)fprintf(stderr, "attack: unknown attempt %s\n", word);
	exit(2);
}

static void print_result(const char *word, int status)
{
	if (WIFSIGNALED(status))
		printf("%s SIG%s\n", word, sigabbrev_np(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0)
		printf("%s %s\n", word, strerrorname_np(WEXITSTATUS(status)));
	else
		printf("%s ok\n", word);
}

/* What an attempt or the program that it becomes prints must not be taken for a result. */
static void silence(void)
{
	int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (nothing < 0 || dup2(nothing, STDOUT_FILENO) < 0)
		abort();
	close(nothing);
}

/* The child's exit status is the errno. */
static void run(const char *word)
{
	int status = 0;

	pid_t child = fork();
	if (child == 0) {
		silence();
		_exit(attempt(word));
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		abort();
	print_result(word, status);
}

int main(int argc, char **argv)
{
	const char *option = argc > 1 ? argv[1] : "";
	int waits = strcmp(option, "--wait") == 0;

	if (strcmp(option, "--exit") == 0 && argc == 3)
		return attempt(argv[2]);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	printf("WORKLOAD_START\n");
	for (int i = 1 + waits; i < argc; i++)
		run(argv[i]);
	printf("WORKLOAD_END\n");
	if (waits)
		pause();
	return 0;
}
