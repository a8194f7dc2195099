/* SPDX-License-Identifier: Apache-2.0 */
/* Where in its own memory a text stands. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 512 };

/* Copied out: the scan must not fault, nor find the text in what it reads into. */
static int count_in(int memory, uintptr_t start, uintptr_t end, const char *text)
{
	size_t bytes = end - start;
	char *copy = malloc(bytes);
	ssize_t length = copy == NULL ? -1 : pread(memory, copy, bytes, (off_t)start);
	int count = 0;

	for (char *at = copy; length > 0 && at != NULL; count++) {
		at = memmem(at, (size_t)(copy + length - at), text, strlen(text));
		if (at == NULL)
			break;
		at++;
	}
	if (copy != NULL)
		memset(copy, 0, bytes);
	free(copy);
	return count;
}

/*
 * TEXT: how often it stands in memory that can be written to, the stack and what malloc gives
 * aside; prints how often in the rest.
 */
static int do_find_text(char **args)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	char line[LINE_BYTES];
	int writable = 0;
	int constant = 0;

	if (maps == NULL || memory < 0)
		probe_die("/proc/self");
	while (fgets(line, sizeof(line), maps) != NULL) {
		char *end;
		uintptr_t start = strtoul(line, &end, 16);
		uintptr_t behind = strtoul(end + 1, &end, 16);
		bool is_writable = end[2] == 'w';

		if (end[1] != 'r' || strchr(line, '[') != NULL)
			continue;
		*(is_writable ? &writable : &constant) += count_in(memory, start, behind, args[0]);
	}
	(void)fclose(maps);
	close(memory);
	printf("constant=%d\n", constant);
	errno = 0;
	return writable;
}

const struct probe_action probe_memory_actions[] = {
	{"find-text", 1, do_find_text},
	{0},
};
