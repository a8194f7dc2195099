/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `bench_shim_calls CALL COUNT [ARGUMENT]`, under the shim: times slices of COUNT calls in pairs,
 * by libc's own function and through the shim. `bench_shim_calls start RUNS PROGRAM`, without it:
 * the same with starts of the program, with no environment and with the variables that are called
 * BENCH_... here. `bench_shim_calls first-dlopen RUNS FILE`, under the shim: the second dlopen of a
 * process, and what the first one takes longer. All print two medians in ns: without the shim (or
 * of the second), and what a pair differs by.
 * shim.py beside this file runs it.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAIRS = 101, WARM_UP = 4, PAYLOAD_BYTES = 64, CHILD_VARIABLES_MAX = 16, PORT = 443 };

static const char child_prefix[] = "BENCH_";

__attribute__((noreturn)) static void fail(const char *what)
{
	(void)fprintf(stderr, "bench_shim_calls: %s: %s\n", what, strerror(errno));
	exit(1);
}

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left;
	double b = *(const double *)right;

	return (a > b) - (a < b);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

/* The functions under test: as the program is linked, or libc's own. */
struct functions {
	int (*connect)(int fd, const struct sockaddr *address, socklen_t bytes);
	ssize_t (*sendto)(int fd, const void *data, size_t bytes, int flags,
		const struct sockaddr *address, socklen_t address_bytes);
	ssize_t (*sendmsg)(int fd, const struct msghdr *message, int flags);
	int (*execve)(const char *path, char *const argv[], char *const envp[]);
	void *(*dlopen)(const char *name, int flags);
	long (*syscall)(long number, ...);
};

static const struct functions linked = {connect, sendto, sendmsg, execve, dlopen, syscall};

static void find(void *libc, const char *name, void *ret_function)
{
	void *symbol = dlsym(libc, name);

	if (symbol == NULL)
		fail(name);
	memcpy(ret_function, &symbol, sizeof(symbol));
}

static struct functions own_of_libc(void)
{
	struct functions own;
	void *libc = dlopen("libc.so.6", RTLD_NOW);

	if (libc == NULL)
		fail("libc.so.6");
	find(libc, "connect", &own.connect);
	find(libc, "sendto", &own.sendto);
	find(libc, "sendmsg", &own.sendmsg);
	find(libc, "execve", &own.execve);
	find(libc, "dlopen", &own.dlopen);
	find(libc, "syscall", &own.syscall);
	return own;
}

/* What a call works on. */
struct subject {
	int fd;
	struct sockaddr_in address;
	struct sockaddr_in6 address6;
	char payload[PAYLOAD_BYTES];
	char *argument;
};

static bool call_connect(const struct functions *functions, struct subject *subject)
{
	return functions->connect(subject->fd, (struct sockaddr *)&subject->address,
		       sizeof(subject->address)) == 0;
}

static bool call_connect6(const struct functions *functions, struct subject *subject)
{
	return functions->connect(subject->fd, (struct sockaddr *)&subject->address6,
		       sizeof(subject->address6)) == 0;
}

static bool call_sendto(const struct functions *functions, struct subject *subject)
{
	return functions->sendto(subject->fd, subject->payload, PAYLOAD_BYTES, 0,
		       (struct sockaddr *)&subject->address,
		       sizeof(subject->address)) == PAYLOAD_BYTES;
}

static bool call_sendmsg(const struct functions *functions, struct subject *subject)
{
	struct iovec vector = {.iov_base = subject->payload, .iov_len = PAYLOAD_BYTES};
	struct msghdr message = {.msg_name = &subject->address,
		.msg_namelen = sizeof(subject->address),
		.msg_iov = &vector,
		.msg_iovlen = 1};

	return functions->sendmsg(subject->fd, &message, 0) == PAYLOAD_BYTES;
}

/* Of a file that is no program: the kernel comes as far as its permissions. */
static bool call_execve(const struct functions *functions, struct subject *subject)
{
	char *argv[] = {subject->argument, NULL};

	return functions->execve(subject->argument, argv, environ) == -1 && errno == EACCES;
}

static bool call_dlopen(const struct functions *functions, struct subject *subject)
{
	return functions->dlopen(subject->argument, RTLD_NOW) != NULL;
}

static bool call_syscall(const struct functions *functions, struct subject *subject)
{
	(void)subject;
	return functions->syscall(SYS_getppid) > 0;
}

static const struct call {
	const char *name;
	int family;
	bool (*run)(const struct functions *functions, struct subject *subject);
} calls[] = {
	{"connect", AF_INET, call_connect},
	{"connect6", AF_INET6, call_connect6},
	{"sendto", AF_INET, call_sendto},
	{"sendmsg", AF_INET, call_sendmsg},
	{"execve", AF_UNSPEC, call_execve},
	{"dlopen", AF_UNSPEC, call_dlopen},
	{"syscall", AF_UNSPEC, call_syscall},
};

/* Somebody must listen, or each datagram is answered by an error. Nobody reads: the rest is
 * dropped. */
static void open_sockets(int family, struct subject *subject)
{
	int listener = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	subject->fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || subject->fd < 0 ||
		bind(listener, (struct sockaddr *)&subject->address, sizeof(subject->address)) < 0)
		fail("socket");
}

static double time_slice(const struct call *call, const struct functions *functions, long count,
	struct subject *subject)
{
	long long begin = now_ns();

	for (long n = 0; n < count; n++) {
		if (!call->run(functions, subject))
			fail(call->name);
	}
	return (double)(now_ns() - begin) / (double)count;
}

/* Pairs of slices, one by libc's own function and one as linked, which goes first by turns. */
static void measure_call(const struct call *call, long count, struct subject *subject)
{
	struct functions own = own_of_libc();
	double plain[PAIRS];
	double cost[PAIRS];

	if (call->family != AF_UNSPEC)
		open_sockets(call->family, subject);
	for (int i = -WARM_UP; i < PAIRS; i++) {
		int at = i < 0 ? 0 : i;
		double before = i % 2 == 0 ? 0 : time_slice(call, &linked, count, subject);

		plain[at] = time_slice(call, &own, count, subject);
		if (i % 2 == 0)
			before = time_slice(call, &linked, count, subject);
		cost[at] = before - plain[at];
	}
	printf("%.1f %.1f\n", median(plain, PAIRS), median(cost, PAIRS));
}

static double start_once(char *program, char **environment)
{
	char *argv[] = {program, NULL};
	long long begin = now_ns();
	int status = -1;
	pid_t pid;

	errno = posix_spawn(&pid, program, NULL, NULL, argv, environment);
	if (errno != 0 || waitpid(pid, &status, 0) < 0 || status != 0)
		fail(program);
	return (double)(now_ns() - begin);
}

static void measure_start(size_t runs, char *program)
{
	char *none[] = {NULL};
	char *given[CHILD_VARIABLES_MAX + 1] = {NULL};
	double *plain = calloc(runs, sizeof(*plain));
	double *guarded = calloc(runs, sizeof(*guarded));
	size_t count = 0;

	if (plain == NULL || guarded == NULL)
		fail("memory");
	for (char **entry = environ; *entry != NULL && count < CHILD_VARIABLES_MAX; entry++) {
		if (strncmp(*entry, child_prefix, sizeof(child_prefix) - 1) == 0)
			given[count++] = *entry + sizeof(child_prefix) - 1;
	}
	for (size_t i = 0; i < runs; i++) {
		bool plain_first = i % 2 == 0;

		if (plain_first)
			plain[i] = start_once(program, none);
		guarded[i] = start_once(program, given);
		if (!plain_first)
			plain[i] = start_once(program, none);
	}
	for (size_t i = 0; i < runs; i++)
		guarded[i] -= plain[i];
	printf("%.0f %.0f\n", median(plain, runs), median(guarded, runs));
	free(plain);
	free(guarded);
}

/* In a child each: the shim looks up what its list leads to at a process's first call. */
static void measure_first_dlopen(size_t runs, const char *file)
{
	double *second = calloc(runs, sizeof(*second));
	double *first = calloc(runs, sizeof(*first));
	long long times[3];
	int ends[2];

	if (second == NULL || first == NULL || pipe2(ends, O_CLOEXEC) < 0)
		fail("memory");
	for (size_t i = 0; i < runs; i++) {
		pid_t child = fork();

		if (child == 0) {
			for (int call = 0; call < 3; call++) {
				times[call] = now_ns();
				if (dlopen(file, RTLD_NOW) == NULL)
					fail(file);
			}
			_exit(write(ends[1], times, sizeof(times)) == sizeof(times) ? 0 : 1);
		}
		if (child < 0 || read(ends[0], times, sizeof(times)) != sizeof(times) ||
			waitpid(child, NULL, 0) < 0)
			fail("child");
		second[i] = (double)(times[2] - times[1]);
		first[i] = (double)(times[1] - times[0]) - second[i];
	}
	printf("%.0f %.0f\n", median(second, runs), median(first, runs));
	free(second);
	free(first);
}

int main(int argc, char **argv)
{
	struct subject subject = {.address = {.sin_family = AF_INET, .sin_port = htons(PORT)},
		.address6 = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)}};

	if (argc < 3)
		return 2;
	if (inet_pton(AF_INET, "10.42.0.5", &subject.address.sin_addr) != 1 ||
		inet_pton(AF_INET6, "2001:db8::1", &subject.address6.sin6_addr) != 1)
		fail("address");
	if (argc > 3)
		subject.argument = argv[3];
	if (strcmp(argv[1], "first-dlopen") == 0 && argc > 3) {
		measure_first_dlopen(strtoul(argv[2], NULL, 10), argv[3]);
		return 0;
	}
	if (strcmp(argv[1], "start") == 0 && argc > 3) {
		measure_start(strtoul(argv[2], NULL, 10), argv[3]);
		return 0;
	}
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (strcmp(calls[i].name, argv[1]) == 0) {
			measure_call(&calls[i], strtol(argv[2], NULL, 10), &subject);
			return 0;
		}
	}
	return 2;
}
