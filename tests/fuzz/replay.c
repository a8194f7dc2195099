/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for libFuzzer where it is not linked: feeds every file of the corpus directory to the
 * target, so that each past finding is checked again in every test run.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>

#include "fuzz.h"
#include "vb/base/cleanup.h"

enum { CORPUS_FILE_MAX = 1 << 20 };

static int replay_file(int dirfd, const char *name)
{
	static uint8_t data[CORPUS_FILE_MAX];
	vb_auto_close int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	size_t size = 0;

	if (fd < 0)
		return -1;
	for (ssize_t n; (n = read(fd, data + size, sizeof(data) - size)) > 0;)
		size += (size_t)n;
	return LLVMFuzzerTestOneInput(data, size);
}

int main(int argc, char **argv)
{
	DIR *corpus = argc == 2 ? opendir(argv[1]) : NULL;
	unsigned int replayed = 0;

	if (corpus == NULL) {
		(void)fprintf(stderr, "usage: %s CORPUS-DIRECTORY\n", argv[0]);
		return 2;
	}
	for (const struct dirent *entry; (entry = readdir(corpus)) != NULL;) {
		if (entry->d_name[0] == '.')
			continue;
		if (replay_file(dirfd(corpus), entry->d_name) != 0) {
			(void)fprintf(stderr, "cannot replay %s\n", entry->d_name);
			return 1;
		}
		replayed++;
	}
	closedir(corpus);
	printf("%u inputs replayed\n", replayed);
	return replayed > 0 ? 0 : 1;
}
