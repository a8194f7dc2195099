/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a control loop does before it starts, and how it shares memory: `realtime` prints a line for
 * each step, `NAME ok` or `NAME <ERRNO>`, as the hostile workload does.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PRIORITY = 80, SEGMENT = 1 << 20, MARK = 42 };

static int become_fifo(void)
{
	struct sched_param wanted = {.sched_priority = PRIORITY};

	if (sched_setscheduler(0, SCHED_FIFO, &wanted) < 0)
		return errno;
	/* The kernel's own word. */
	return sched_getscheduler(0) == SCHED_FIFO ? 0 : ENOTSUP;
}

static int lock_memory(void)
{
	return mlockall(MCL_CURRENT | MCL_FUTURE) < 0 ? errno : 0;
}

/* The other process of two that share a segment. */
static int write_mark(const char *name)
{
	int fd = shm_open(name, O_RDWR, 0);
	unsigned char *segment;

	if (fd < 0)
		return errno;
	segment = mmap(NULL, SEGMENT, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (segment == MAP_FAILED)
		return errno;
	segment[SEGMENT - 1] = MARK;
	return 0;
}

static int share_memory(void)
{
	static const char name[] = "/realtime";
	int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	int status = 0;

	if (fd < 0 || ftruncate(fd, SEGMENT) < 0)
		return errno;
	const unsigned char *segment = mmap(NULL, SEGMENT, PROT_READ, MAP_SHARED, fd, 0);
	if (segment == MAP_FAILED)
		return errno;
	pid_t child = fork();
	if (child == 0)
		_exit(write_mark(name));
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return errno;
	shm_unlink(name);
	if (status != 0)
		return WEXITSTATUS(status);
	return segment[SEGMENT - 1] == MARK ? 0 : EIO;
}

static int share_by_system_v(void)
{
	int id = shmget(IPC_PRIVATE, SEGMENT, 0600);

	if (id < 0)
		return errno;
	return shmctl(id, IPC_RMID, NULL) < 0 ? errno : 0;
}

static void print_result(const char *name, int error)
{
	printf("%s %s\n", name, error == 0 ? "ok" : strerrorname_np(error));
}

int main(void)
{
	printf("WORKLOAD_START\n");
	print_result("shared-memory", share_memory());
	print_result("system-v", share_by_system_v());
	print_result("fifo", become_fifo());
	print_result("mlockall", lock_memory());
	printf("WORKLOAD_END\n");
	return 0;
}
