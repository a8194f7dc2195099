/* SPDX-License-Identifier: Apache-2.0 */
#include "process_sys.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vb/base/cleanup.h"

/* The second number of statm(5), in pages. */
static uint64_t resident_bytes(void)
{
	char text[128] = "";
	vb_auto_close int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return 0;
	const char *second = strchr(text, ' ');
	if (second == NULL)
		return 0;
	return (uint64_t)strtoul(second, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t count_fds(void)
{
	DIR *directory = opendir("/proc/self/fd");
	uint64_t count = 0;

	if (directory == NULL)
		return 0;
	for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
		count += entry->d_name[0] != '.';
	(void)closedir(directory);
	/* One was for looking. */
	return count > 0 ? count - 1 : 0;
}

void vb_process_measure(struct vb_process_usage *ret_usage)
{
	struct timespec cpu = {0};

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	*ret_usage = (struct vb_process_usage){.resident_bytes = resident_bytes(),
		.open_fds = count_fds(),
		.cpu_us = (uint64_t)cpu.tv_sec * 1000000 + (uint64_t)cpu.tv_nsec / 1000};
}
