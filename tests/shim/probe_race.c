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
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SHARED_BYTES = 4096, EXIT_REFUSED = 7, EXIT_NOT_RUN = 8 };

/* What one round came to: nothing, the listed target, the unlisted one. */
enum outcome { REFUSED, ALLOWED, HIT, OUTCOMES };

typedef enum outcome race_round(const volatile char *argument);

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

/*
 * Plays that many rounds against the other thread, and goes on until both have had their turns:
 * some refused, some allowed. Returns how often the unlisted target was reached.
 */
static int race_rounds(struct race *race, long rounds, race_round *round)
{
	long outcomes[OUTCOMES] = {0};
	pthread_t thread;

	if (pthread_create(&thread, NULL, flip, race) != 0)
		probe_die("thread");
	for (long i = 0; i < rounds || outcomes[REFUSED] == 0 || outcomes[ALLOWED] == 0; i++)
		outcomes[round(race->shared)]++;
	atomic_store(&race->over, true);
	pthread_join(thread, NULL);
	errno = 0;
	return (int)outcomes[HIT];
}

static enum outcome executes(const volatile char *path)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		char *argv[] = {(char *)(uintptr_t)path, NULL};
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		dup2(null, STDERR_FILENO);
		dup2(null, STDOUT_FILENO);
		execve(argv[0], argv, environ);
		_exit(EXIT_NOT_RUN);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		probe_die("fork");
	if (WEXITSTATUS(status) == EXIT_NOT_RUN)
		return REFUSED;
	return WEXITSTATUS(status) == EXIT_REFUSED ? HIT : ALLOWED;
}

/* LISTED UNLISTED ROUNDS, the two of one length: how often did the unlisted one run? */
static int do_race_path(char **args)
{
	struct race race = {.shared = map_shared(), .one = args[0], .other = args[1]};

	race.bytes = strlen(args[0]);
	if (strlen(args[1]) != race.bytes)
		probe_die("race");
	return race_rounds(&race, strtol(args[2], NULL, 10), executes);
}

static struct sockaddr_in parse(const char *address, const char *port)
{
	struct sockaddr_in parsed = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)strtol(port, NULL, 10))};

	if (inet_pton(AF_INET, address, &parsed.sin_addr) != 1)
		probe_die("address");
	return parsed;
}

/* The address that must not be reached. */
static struct sockaddr_in unlisted;

static const struct sockaddr *as_address(const volatile char *argument)
{
	return (const struct sockaddr *)(uintptr_t)argument;
}

static enum outcome connects(const volatile char *argument)
{
	struct sockaddr_in peer = {0};
	socklen_t bytes = sizeof(peer);
	int fd = probe_socket(AF_INET, SOCK_DGRAM);
	enum outcome outcome = REFUSED;

	if (connect(fd, as_address(argument), sizeof(peer)) == 0 &&
		getpeername(fd, (struct sockaddr *)&peer, &bytes) == 0)
		outcome = peer.sin_addr.s_addr == unlisted.sin_addr.s_addr ? HIT : ALLOWED;
	close(fd);
	return outcome;
}

static int datagram_socket(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = probe_socket(AF_INET, SOCK_DGRAM);
	return fd;
}

/* For the senders the test itself counts what arrives at the unlisted address. */
static enum outcome was_sent(long result)
{
	return result == 1 ? ALLOWED : REFUSED;
}

static enum outcome sends_to(const volatile char *argument)
{
	return was_sent(
		sendto(datagram_socket(), "x", 1, 0, as_address(argument), sizeof(unlisted)));
}

static struct mmsghdr message_to(const volatile char *argument)
{
	static char byte[] = "x";
	static struct iovec vector = {.iov_base = byte, .iov_len = 1};

	return (struct mmsghdr){.msg_hdr = {.msg_name = (char *)(uintptr_t)argument,
					.msg_namelen = sizeof(unlisted),
					.msg_iov = &vector,
					.msg_iovlen = 1}};
}

static enum outcome sends_message(const volatile char *argument)
{
	struct mmsghdr message = message_to(argument);

	return was_sent(sendmsg(datagram_socket(), &message.msg_hdr, 0));
}

static enum outcome sends_messages(const volatile char *argument)
{
	struct mmsghdr message = message_to(argument);

	return was_sent(sendmmsg(datagram_socket(), &message, 1, 0));
}

/* LISTED UNLISTED PORT ROUNDS */
static int race_addresses(char **args, race_round *round)
{
	struct sockaddr_in listed = parse(args[0], args[2]);
	struct race race = {.shared = map_shared(),
		.one = (const char *)&listed,
		.other = (const char *)&unlisted,
		.bytes = sizeof(listed)};

	unlisted = parse(args[1], args[2]);
	return race_rounds(&race, strtol(args[3], NULL, 10), round);
}

static int do_race_address(char **args)
{
	return race_addresses(args, connects);
}

static int do_race_sendto(char **args)
{
	return race_addresses(args, sends_to);
}

static int do_race_sendmsg(char **args)
{
	return race_addresses(args, sends_message);
}

static int do_race_sendmmsg(char **args)
{
	return race_addresses(args, sends_messages);
}

const struct probe_action probe_race_actions[] = {
	{"race-path", 3, do_race_path},
	{"race-address", 4, do_race_address},
	{"race-sendto", 4, do_race_sendto},
	{"race-sendmsg", 4, do_race_sendmsg},
	{"race-sendmmsg", 4, do_race_sendmmsg},
	{0},
};
