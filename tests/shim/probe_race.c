/* SPDX-License-Identifier: Apache-2.0 */
/* Another thread changes the argument while the call is being judged. */
#include "probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SHARED_BYTES = 4096, EXIT_REFUSED = 7 };

struct race {
	atomic_bool over;
	volatile char *shared;
	const char *one;
	const char *other;
	size_t bytes;
};

static void *flip(void *data)
{
	struct race *race = data;

	while (!atomic_load(&race->over)) {
		for (size_t i = 0; i < race->bytes; i++)
			race->shared[i] = race->one[i];
		for (size_t i = 0; i < race->bytes; i++)
			race->shared[i] = race->other[i];
	}
	return NULL;
}

static volatile char *map_shared(void)
{
	void *memory =
		mmap(NULL, SHARED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		probe_die("mmap");
	return memory;
}

static int count_child(const volatile char *path)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		char *argv[] = {(char *)(uintptr_t)path, NULL};
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		dup2(null, STDERR_FILENO);
		dup2(null, STDOUT_FILENO);
		execve(argv[0], argv, environ);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		probe_die("fork");
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_REFUSED;
}

/* LISTED UNLISTED ROUNDS, the two of one length: how often did the unlisted one run? */
static int do_race_path(char **args)
{
	struct race race = {.shared = map_shared(), .one = args[0], .other = args[1]};
	long rounds = strtol(args[2], NULL, 10);
	pthread_t thread;
	int refused_ran = 0;

	race.bytes = strlen(args[0]);
	if (strlen(args[1]) != race.bytes || pthread_create(&thread, NULL, flip, &race) != 0)
		probe_die("race");
	for (long i = 0; i < rounds; i++)
		refused_ran += count_child(race.shared);
	atomic_store(&race.over, true);
	pthread_join(thread, NULL);
	errno = 0;
	return refused_ran;
}

static struct sockaddr_in parse(const char *address, const char *port)
{
	struct sockaddr_in parsed = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)strtol(port, NULL, 10))};

	if (inet_pton(AF_INET, address, &parsed.sin_addr) != 1)
		probe_die("address");
	return parsed;
}

/* Was the connection made, and to this address? */
static int reached(const volatile char *address, const struct sockaddr_in *unlisted)
{
	struct sockaddr_in peer = {0};
	socklen_t bytes = sizeof(peer);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int hit = 0;

	if (fd < 0)
		probe_die("socket");
	if (connect(fd, (const struct sockaddr *)(uintptr_t)address, sizeof(peer)) == 0 &&
		getpeername(fd, (struct sockaddr *)&peer, &bytes) == 0)
		hit = peer.sin_addr.s_addr == unlisted->sin_addr.s_addr;
	close(fd);
	return hit;
}

/* LISTED UNLISTED PORT ROUNDS: how often was the unlisted address reached? */
static int do_race_address(char **args)
{
	struct sockaddr_in listed = parse(args[0], args[2]);
	struct sockaddr_in unlisted = parse(args[1], args[2]);
	struct race race = {.shared = map_shared(),
		.one = (const char *)&listed,
		.other = (const char *)&unlisted,
		.bytes = sizeof(listed)};
	long rounds = strtol(args[3], NULL, 10);
	pthread_t thread;
	int hits = 0;

	if (pthread_create(&thread, NULL, flip, &race) != 0)
		probe_die("thread");
	for (long i = 0; i < rounds; i++)
		hits += reached(race.shared, &unlisted);
	atomic_store(&race.over, true);
	pthread_join(thread, NULL);
	errno = 0;
	return hits;
}

const struct probe_action probe_race_actions[] = {
	{"race-path", 3, do_race_path},
	{"race-address", 4, do_race_address},
	{0},
};
