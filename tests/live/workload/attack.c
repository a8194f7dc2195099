/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hostile workload: `attack NAME...` tries each named thing and prints one line for it,
 * `NAME ok` or `NAME <ERRNO>`. Each attempt runs in a child, so that one cannot spoil the next.
 * `attack --wait NAME...` does the same and then sleeps, for looking at it from outside.
 */
#define _GNU_SOURCE // NOLINT(bugprone-reserved-identifier): what the C library asks for
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <net/ethernet.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

/* Each attempt returns 0 or the errno that stopped it. */

static int try_mount(const char *unused)
{
	(void)unused;
	mkdir("/tmp/mnt", 0755);
	return mount("none", "/tmp/mnt", "tmpfs", 0, NULL) < 0 ? errno : 0;
}

static int try_ptrace(const char *unused)
{
	(void)unused;
	pid_t child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	int r = ptrace(PTRACE_SEIZE, child, NULL, NULL) < 0 ? errno : 0;
	kill(child, SIGKILL);
	return r;
}

static int try_raw_socket(const char *unused)
{
	(void)unused;
	return socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)) < 0 ? errno : 0;
}

static int try_write(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644) < 0 ? errno : 0;
}

static int try_exec(const char *path)
{
	char *argv[] = {(char *)path, "-c", "exit 0", NULL};
	char *envp[] = {NULL};

	execve(path, argv, envp);
	return errno;
}

static int try_unshare_user(const char *unused)
{
	(void)unused;
	return unshare(CLONE_NEWUSER) < 0 ? errno : 0;
}

/* The same through clone(2), which the starter's name list does not hold. */
static int try_clone_user(const char *unused)
{
	(void)unused;
	long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid == 0)
		_exit(0);
	return pid < 0 ? errno : 0;
}

static int try_mknod(const char *unused)
{
	(void)unused;
	return mknod("/tmp/null", S_IFCHR | 0666, makedev(1, 3)) < 0 ? errno : 0;
}

static int try_chmod(const char *path)
{
	return chmod(path, 0700) < 0 ? errno : 0;
}

static int try_chown(const char *path)
{
	return chown(path, 1, 1) < 0 ? errno : 0;
}

static int try_bpf(const char *unused)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4,
		.max_entries = 1};

	(void)unused;
	return syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)) < 0 ? errno : 0;
}

/* Clears the read-only flag of the root mount through the new mount API. */
static int try_mount_setattr(const char *unused)
{
	struct {
		unsigned long long set, clear, propagation, userns_fd;
	} attr = {.clear = 1 /* MOUNT_ATTR_RDONLY */};

	(void)unused;
	return syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, &attr, sizeof(attr)) < 0 ? errno : 0;
}

static int try_io_uring(const char *unused)
{
	char params[120] = {0};

	(void)unused;
	return syscall(SYS_io_uring_setup, 1, params) < 0 ? errno : 0;
}

static int try_no_new_privs(const char *unused)
{
	(void)unused;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? EACCES : 0;
}

/* Opens descriptors up to one more than the limit asked for. */
static int try_descriptors(const char *count)
{
	for (int i = 0; i < atoi(count); i++)
		if (open("/dev/null", O_RDONLY) < 0)
			return errno;
	return 0;
}

static int listen_on_loopback(struct sockaddr_in *address)
{
	socklen_t length = sizeof(*address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address->sin_family = AF_INET;
	address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)address, length) < 0 || listen(fd, 1) < 0)
		return -1;
	return getsockname(fd, (struct sockaddr *)address, &length);
}

static int try_loopback(const char *unused)
{
	struct sockaddr_in address = {0};

	(void)unused;
	if (listen_on_loopback(&address) < 0)
		return errno;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;
}

/* "10.1.2.3:80" */
static int try_connect(const char *target)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	char host[64] = {0};
	const char *colon = strchr(target, ':');

	memcpy(host, target, (size_t)(colon - target));
	inet_pton(AF_INET, host, &address.sin_addr);
	address.sin_port = htons((unsigned short)atoi(colon + 1));
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;
}

static const struct {
	const char *name;
	int (*try)(const char *argument);
} attempts[] = {
	{"mount", try_mount},
	{"ptrace", try_ptrace},
	{"raw-socket", try_raw_socket},
	{"write", try_write},
	{"exec", try_exec},
	{"unshare-user", try_unshare_user},
	{"clone-user", try_clone_user},
	{"mknod", try_mknod},
	{"chmod", try_chmod},
	{"chown", try_chown},
	{"bpf", try_bpf},
	{"mount-setattr", try_mount_setattr},
	{"io-uring", try_io_uring},
	{"no-new-privs", try_no_new_privs},
	{"descriptors", try_descriptors},
	{"loopback", try_loopback},
	{"connect", try_connect},
};

static int attempt(const char *name, size_t length, const char *argument)
{
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++)
		if (strlen(attempts[i].name) == length && strncmp(attempts[i].name, name, length) == 0)
			return attempts[i].try(argument);
	fprintf(stderr, "attack: unknown attempt %s\n", name);
	exit(2);
}

/* NAME or NAME=ARGUMENT; the child's exit status is the errno. */
static void run(const char *word)
{
	size_t length = strcspn(word, "=");
	int status = 0;

	pid_t child = fork();
	if (child == 0)
		_exit(attempt(word, length, word[length] == '=' ? word + length + 1 : ""));
	if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status)) {
		printf("%s KILLED\n", word);
		return;
	}
	const char *name = strerrorname_np(WEXITSTATUS(status));
	printf("%s %s\n", word, WEXITSTATUS(status) == 0 ? "ok" : name);
}

int main(int argc, char **argv)
{
	int first = argc > 1 && strcmp(argv[1], "--wait") == 0 ? 2 : 1;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("WORKLOAD_START\n");
	for (int i = first; i < argc; i++)
		run(argv[i]);
	printf("WORKLOAD_END\n");
	if (first == 2)
		pause();
	return 0;
}
