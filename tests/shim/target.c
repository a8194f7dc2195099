/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the probe executes: a static program, so that it runs whatever LD_PRELOAD names. Prints its
 * arguments and its environment. A copy of it whose name ends in "refused" exits with 7.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_REFUSED = 7, PATH_BYTES = 4096 };

int main(int argc, char **argv)
{
	static const char refused[] = "refused";
	char path[PATH_BYTES] = {0};
	size_t length;

	for (int i = 0; i < argc; i++)
		printf("argv=%s\n", argv[i]);
	for (char **entry = environ; *entry != NULL; entry++)
		printf("env=%s\n", *entry);
	if (readlink("/proc/self/exe", path, sizeof(path) - 1) < 0)
		return 0;
	length = strlen(path);
	if (length >= sizeof(refused) - 1 &&
		strcmp(path + length - (sizeof(refused) - 1), refused) == 0)
		return EXIT_REFUSED;
	return 0;
}
