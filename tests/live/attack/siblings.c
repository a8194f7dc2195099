/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that do what a call of the starter profile does, under another name. */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"

/* Of Linux 6.15; the same number everywhere. */
enum { OPEN_TREE_ATTR = 467 };

static long victims_data = 1;

static int try_fsopen(const char *unused)
{
	(void)unused;
	return syscall(SYS_fsopen, "tmpfs", 0) < 0 ? errno : 0;
}

static int try_fsconfig(const char *unused)
{
	(void)unused;
	return syscall(SYS_fsconfig, -1, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0 ? errno : 0;
}

static int try_fsmount(const char *unused)
{
	(void)unused;
	return syscall(SYS_fsmount, -1, 0, 0) < 0 ? errno : 0;
}

static int try_fspick(const char *unused)
{
	(void)unused;
	return syscall(SYS_fspick, AT_FDCWD, "/", 0) < 0 ? errno : 0;
}

static int try_move_mount(const char *unused)
{
	(void)unused;
	return syscall(SYS_move_mount, -1, "", -1, "", MOVE_MOUNT_F_EMPTY_PATH) < 0 ? errno : 0;
}

static int try_open_tree(const char *unused)
{
	(void)unused;
	return syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE) < 0 ? errno : 0;
}

/* All of a mount, by the calls that Linux has for it since 5.2. */
static int try_new_mount(const char *unused)
{
	(void)unused;
	int context = (int)syscall(SYS_fsopen, "tmpfs", 0);
	if (context < 0 || syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return errno;
	int mounted = (int)syscall(SYS_fsmount, context, 0, 0);
	if (mounted < 0)
		return errno;
	return syscall(SYS_move_mount, mounted, "", AT_FDCWD, "/home/user",
		       MOVE_MOUNT_F_EMPTY_PATH) < 0
		       ? errno
		       : 0;
}

/* Clears the read-only flag of the root mount. */
static int try_mount_setattr(const char *unused)
{
	struct mount_attr attr = {.attr_clr = MOUNT_ATTR_RDONLY};

	(void)unused;
	return syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, &attr, sizeof(attr)) < 0 ? errno : 0;
}

static int try_open_tree_attr(const char *unused)
{
	struct mount_attr attr = {.attr_clr = MOUNT_ATTR_RDONLY};

	(void)unused;
	return syscall(OPEN_TREE_ATTR, AT_FDCWD, "/", 0, &attr, sizeof(attr)) < 0 ? errno : 0;
}

/* The result of a call that forks: the child has nothing to do. */
static int forked(long pid)
{
	int r = errno;

	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return r;
	waitpid((pid_t)pid, NULL, __WALL);
	return 0;
}

static int try_clone_user(const char *unused)
{
	(void)unused;
	return forked(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL));
}

static int try_clone3_user(const char *unused)
{
	struct clone_args arguments = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};

	(void)unused;
	return forked(syscall(SYS_clone3, &arguments, sizeof(arguments)));
}

/* Calls process_vm_readv() or process_vm_writev() on another process. */
static int touch_memory(long number)
{
	long mine = 2;
	struct iovec local = {.iov_base = &mine, .iov_len = sizeof(mine)};
	struct iovec remote = {.iov_base = &victims_data, .iov_len = sizeof(victims_data)};
	pid_t victim = attack_spawn_victim();

	int r = syscall(number, victim, &local, 1, &remote, 1, 0) < 0 ? errno : 0;
	kill(victim, SIGKILL);
	return r;
}

static int try_vm_readv(const char *unused)
{
	(void)unused;
	return touch_memory(SYS_process_vm_readv);
}

static int try_vm_writev(const char *unused)
{
	(void)unused;
	return touch_memory(SYS_process_vm_writev);
}

static int try_pidfd_getfd(const char *unused)
{
	(void)unused;
	pid_t victim = attack_spawn_victim();
	int pidfd = (int)syscall(SYS_pidfd_open, victim, 0);
	int r = syscall(SYS_pidfd_getfd, pidfd, STDERR_FILENO, 0) < 0 ? errno : 0;
	kill(victim, SIGKILL);
	return r;
}

/* Not a call of its own, so nothing that looks at calls can tell it from reading a file. */
static int try_proc_mem(const char *unused)
{
	char path[32];
	long word = 0;

	(void)unused;
	pid_t victim = attack_spawn_victim();
	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)victim);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	int r = fd < 0 || pread(fd, &word, sizeof(word), (off_t)(intptr_t)&victims_data) < 0 ? errno
											     : 0;
	kill(victim, SIGKILL);
	return r;
}

const struct attempt attack_siblings[] = {
	{"fsopen", try_fsopen},
	{"fsconfig", try_fsconfig},
	{"fsmount", try_fsmount},
	{"fspick", try_fspick},
	{"move-mount", try_move_mount},
	{"open-tree", try_open_tree},
	{"new-mount", try_new_mount},
	{"mount-setattr", try_mount_setattr},
	{"open-tree-attr", try_open_tree_attr},
	{"clone-user", try_clone_user},
	{"clone3-user", try_clone3_user},
	{"process-vm-readv", try_vm_readv},
	{"process-vm-writev", try_vm_writev},
	{"pidfd-getfd", try_pidfd_getfd},
	{"proc-mem", try_proc_mem},
	{NULL, NULL},
};
