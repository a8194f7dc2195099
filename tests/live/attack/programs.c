/* SPDX-License-Identifier: Apache-2.0 */
/* Ways to a program that is not in the list, or to more rights by one that is. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attack.h"

/* A program that exits with 0 and is in no list. */
#define INTRUDER "/opt/bin/intruder"

enum {
	NOBODY = 1000,
	PROGRAM_MAX = 1 << 24,
};

static char *const no_environment[] = {NULL};

/* Of a shell it is exit status 0; the others look at none of it. */
static char shell[] = "sh", command[] = "-c", script[] = "exit 0";
static char *const shell_arguments[] = {shell, command, script, NULL};

int attack_exec(const char *path)
{
	execve(path, shell_arguments, no_environment);
	return errno;
}

static int try_execveat(const char *path)
{
	execveat(AT_FDCWD, path, shell_arguments, no_environment, 0);
	return errno;
}

/* No path at all, and no flag that would allow that. */
static int try_execveat_nothing(const char *unused)
{
	(void)unused;
	execveat(AT_FDCWD, "", shell_arguments, no_environment, 0);
	return errno;
}

/* Makes the path a link to the intruder, and runs the path. */
static int try_symlink(const char *path)
{
	return symlink(INTRUDER, path) < 0 ? errno : attack_exec(path);
}

/* Makes the file the intruder, and runs it. */
static int try_overwrite(const char *path)
{
	int r = attack_copy(INTRUDER, path);

	return r != 0 ? r : attack_exec(path);
}

/* The program exits with the errno of what only root may do. */
static int try_setuid(const char *path)
{
	if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
		setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return errno;
	return attack_exec(path);
}

/* In the other root the listed path is another file. */
static int try_chroot(const char *root)
{
	if (chroot(root) < 0 || chdir("/") < 0)
		return errno;
	return attack_exec("/opt/bin/allowed");
}

static int try_inline_exec(const char *path)
{
	const long arguments[6] = {
		(intptr_t)path, (intptr_t)shell_arguments, (intptr_t)no_environment};

	return attack_result(attack_call(SYS_execve, arguments));
}

/* The program as a file that has no path. */
static int try_memfd_exec(const char *path)
{
	int memory = memfd_create("program", MFD_CLOEXEC);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	if (memory < 0 || file < 0 || sendfile(memory, file, NULL, PROGRAM_MAX) < 0)
		return errno;
	const long arguments[6] = {memory, (intptr_t) "", (intptr_t)shell_arguments,
		(intptr_t)no_environment, AT_EMPTY_PATH};

	return attack_result(attack_call(SYS_execveat, arguments));
}

static int try_libc_exec(const char *path)
{
	int (*exec)(const char *, char *const[], char *const[]) = attack_libc_symbol("execve");

	if (exec == NULL)
		return errno;
	exec(path, shell_arguments, no_environment);
	return errno;
}

/* A listed program that has no loader to preload anything, which is told to try the word. */
static int try_static(const char *word)
{
	char name[] = "static", option[] = "--exit";
	char *arguments[] = {name, option, (char *)(uintptr_t)word, NULL};

	execve("/opt/bin/static", arguments, no_environment);
	return errno;
}

const struct attempt attack_programs[] = {
	{"exec", attack_exec},
	{"execveat", try_execveat},
	{"execveat-nothing", try_execveat_nothing},
	{"symlink", try_symlink},
	{"overwrite", try_overwrite},
	{"setuid", try_setuid},
	{"chroot", try_chroot},
	{"inline-exec", try_inline_exec},
	{"memfd-exec", try_memfd_exec},
	{"libc-exec", try_libc_exec},
	{"static", try_static},
	{NULL, NULL},
};
