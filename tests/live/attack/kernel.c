/* SPDX-License-Identifier: Apache-2.0 */
/* What the starter profile, capabilities and limits are there for. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <net/ethernet.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "attack.h"

pid_t attack_spawn_victim(void)
{
	pid_t child = fork();

	if (child == 0) {
		pause();
		_exit(0);
	}
	return child;
}

static int try_mount(const char *unused)
{
	(void)unused;
	return mount("none", "/home/user", "tmpfs", 0, NULL) < 0 ? errno : 0;
}

static int try_ptrace(const char *unused)
{
	(void)unused;
	pid_t victim = attack_spawn_victim();
	int r = ptrace(PTRACE_SEIZE, victim, NULL, NULL) < 0 ? errno : 0;
	kill(victim, SIGKILL);
	return r;
}

static int try_raw_socket(const char *unused)
{
	(void)unused;
	return socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)) < 0 ? errno : 0;
}

static int try_unshare_user(const char *unused)
{
	(void)unused;
	return unshare(CLONE_NEWUSER) < 0 ? errno : 0;
}

static int try_mknod(const char *unused)
{
	(void)unused;
	if (mknod("/tmp/null", S_IFCHR | 0666, makedev(1, 3)) < 0)
		return errno;
	unlink("/tmp/null");
	return 0;
}

static int try_bpf(const char *unused)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};

	(void)unused;
	return syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)) < 0 ? errno : 0;
}

/* Without a module: how far it gets tells enough, and nothing is ever loaded. */
static int try_init_module(const char *unused)
{
	(void)unused;
	return syscall(SYS_init_module, NULL, 0L, "") < 0 ? errno : 0;
}

static int try_finit_module(const char *unused)
{
	(void)unused;
	return syscall(SYS_finit_module, -1, "", 0) < 0 ? errno : 0;
}

static int try_no_new_privs(const char *unused)
{
	(void)unused;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? EACCES : 0;
}

/* Opens descriptors up to one more than the limit asked for. */
static int try_descriptors(const char *count)
{
	long wanted = strtol(count, NULL, 10);

	for (long i = 0; i < wanted; i++)
		if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0)
			return errno;
	return 0;
}

const struct attempt attack_kernel[] = {
	{"mount", try_mount},
	{"ptrace", try_ptrace},
	{"raw-socket", try_raw_socket},
	{"unshare-user", try_unshare_user},
	{"mknod", try_mknod},
	{"bpf", try_bpf},
	{"init-module", try_init_module},
	{"finit-module", try_finit_module},
	{"no-new-privs", try_no_new_privs},
	{"descriptors", try_descriptors},
	{NULL, NULL},
};
