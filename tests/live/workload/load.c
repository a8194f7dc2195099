/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `load NAME...` loads each named library and prints `NAME ok` or `NAME <ERRNO>`; a denial must
 * leave a text in dlerror(). `load --wait NAME...` does the same and then sleeps.
 */
#define _GNU_SOURCE // NOLINT(bugprone-reserved-identifier): what the C library asks for
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *load(const char *name)
{
	int error;

	errno = 0;
	if (dlopen(name, RTLD_NOW) != NULL)
		return "ok";
	/* Before dlerror(), which may set another. */
	error = errno;
	if (dlerror() == NULL)
		return "silent";
	return error != 0 ? strerrorname_np(error) : "failed";
}

int main(int argc, char **argv)
{
	int first = argc > 1 && strcmp(argv[1], "--wait") == 0 ? 2 : 1;

	printf("WORKLOAD_START\n");
	for (int i = first; i < argc; i++)
		printf("%s %s\n", argv[i], load(argv[i]));
	printf("WORKLOAD_END\n");
	fflush(stdout);
	if (first == 2)
		pause();
	return 0;
}
