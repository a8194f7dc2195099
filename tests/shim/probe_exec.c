/* SPDX-License-Identifier: Apache-2.0 */
#include "probe.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wordexp.h>

enum { VFORKS_TO_WARM_UP = 20, MOVED_FD = 100 };

/* Actions take the program first, then its arguments, which become its argv. */

static int do_execve(char **args)
{
	return execve(args[0], args, environ);
}

static int do_execve_without_environment(char **args)
{
	char *none[] = {NULL};

	return execve(args[0], args, none);
}

/* Linux takes a null pointer for an empty environment. */
static int do_execve_null_environment(char **args)
{
	return execve(args[0], args, NULL);
}

static int do_execve_null_path(char **args)
{
	/* Not a constant: compilers know that the parameter must not be null. */
	const char *volatile path = NULL;

	return execve(path, args, environ); // NOLINT(clang-analyzer-core.NonNullParamChecker)
}

static int do_execv(char **args)
{
	return execv(args[0], args);
}

static int do_execvp(char **args)
{
	return execvp(args[0], args);
}

static int do_execvpe(char **args)
{
	return execvpe(args[0], args, environ);
}

static int do_execl(char **args)
{
	return execl(args[0], args[0], "one", "two", (char *)NULL);
}

static int do_execlp(char **args)
{
	return execlp(args[0], args[0], "one", "two", (char *)NULL);
}

static int do_execle(char **args)
{
	char variable[] = "ONLY=this";
	char *envp[] = {variable, NULL};

	return execle(args[0], args[0], "one", "two", (char *)NULL, envp);
}

static int do_fexecve(char **args)
{
	int fd = open(args[0], O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		probe_die("open");
	errno = 0;
	return fexecve(fd, args, environ);
}

static int do_fexecve_fd(char **args)
{
	return fexecve((int)strtol(args[0], NULL, 10), args, environ);
}

static int do_fexecve_memory(char **args)
{
	int fd = memfd_create(args[0], MFD_CLOEXEC);

	if (fd < 0)
		probe_die("memfd");
	errno = 0;
	return fexecve(fd, args, environ);
}

/* musl and old glibc have no execveat; the shim brings one. */
typedef int execveat_function(
	int dirfd, const char *path, char *const argv[], char *const envp[], int flags);

static execveat_function *find_execveat(void)
{
	execveat_function *function;
	void *symbol = dlsym(RTLD_DEFAULT, "execveat");

	memcpy(&function, &symbol, sizeof(function));
	if (function == NULL)
		probe_die("no execveat");
	errno = 0;
	return function;
}

/* DIRFD PATH FLAGS; DIRFD is a number or a directory to open. */
static int do_execveat(char **args)
{
	execveat_function *function = find_execveat();
	char *end;
	int dirfd = (int)strtol(args[0], &end, 10);

	if (*end != '\0')
		dirfd = open(args[0], O_PATH | O_CLOEXEC);
	errno = 0;
	return function(dirfd, args[1], args + 1, environ, (int)strtol(args[2], NULL, 0));
}

static int report_spawned(pid_t pid, int error)
{
	int status;

	if (error != 0)
		return error;
	if (waitpid(pid, &status, 0) < 0)
		probe_die("waitpid");
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -1000;
}

static int do_posix_spawn(char **args)
{
	pid_t pid = -1;
	int error = posix_spawn(&pid, args[0], NULL, NULL, args, environ);

	return report_spawned(pid, error);
}

static int do_posix_spawnp(char **args)
{
	pid_t pid = -1;
	int error = posix_spawnp(&pid, args[0], NULL, NULL, args, environ);

	return report_spawned(pid, error);
}

/* DIRECTORY PROGRAM: the child changes to the directory first. */
static int do_posix_spawn_in(char **args)
{
	posix_spawn_file_actions_t actions;
	pid_t pid = -1;
	int error;

	if (posix_spawn_file_actions_init(&actions) != 0 ||
		posix_spawn_file_actions_addchdir_np(&actions, args[0]) != 0)
		probe_die("file actions");
	errno = 0;
	error = posix_spawn(&pid, args[1], &actions, NULL, args + 1, environ);
	return report_spawned(pid, error);
}

/* OTHER FILE PATH: descriptor 100 is FILE here, and OTHER in the child that executes PATH. */
static int do_posix_spawn_onto(char **args)
{
	posix_spawn_file_actions_t actions;
	int other = open(args[0], O_RDONLY | O_CLOEXEC);
	int file = open(args[1], O_RDONLY | O_CLOEXEC);
	pid_t pid = -1;
	int error;

	if (other < 0 || dup2(file, MOVED_FD) < 0 || posix_spawn_file_actions_init(&actions) != 0 ||
		posix_spawn_file_actions_adddup2(&actions, other, MOVED_FD) != 0)
		probe_die("file actions");
	errno = 0;
	error = posix_spawn(&pid, args[2], &actions, NULL, args + 2, environ);
	return report_spawned(pid, error);
}

typedef int pidfd_spawn_function(int *pidfd, const char *path, const void *actions,
	const void *attributes, char *const argv[], char *const envp[]);

static int pidfd_spawn_by(const char *name, char **args)
{
	pidfd_spawn_function *function;
	void *symbol = dlsym(RTLD_DEFAULT, name);
	int pidfd = -1;

	memcpy(&function, &symbol, sizeof(function));
	if (function == NULL)
		probe_die(name);
	errno = 0;
	return function(&pidfd, args[0], NULL, NULL, args, environ);
}

static int do_pidfd_spawn(char **args)
{
	return pidfd_spawn_by("pidfd_spawn", args);
}

static int do_pidfd_spawnp(char **args)
{
	return pidfd_spawn_by("pidfd_spawnp", args);
}

static int do_system(char **args)
{
	return system(args[0]); // NOLINT(cert-env33-c)
}

static int do_system_null(char **args)
{
	(void)args;
	return system(NULL); // NOLINT(cert-env33-c)
}

static int read_stream(FILE *stream)
{
	char line[256];

	if (stream == NULL)
		return -1;
	while (fgets(line, sizeof(line), stream) != NULL)
		(void)fputs(line, stdout);
	return pclose(stream);
}

static int do_popen(char **args)
{
	return read_stream(popen(args[0], "r")); // NOLINT(cert-env33-c)
}

/* glibc's second name for it. */
static int do_popen_alias(char **args)
{
	FILE *(*function)(const char *, const char *);
	void *symbol = dlsym(RTLD_DEFAULT, "_IO_popen");

	memcpy(&function, &symbol, sizeof(function));
	if (function == NULL)
		probe_die("no _IO_popen");
	errno = 0;
	return read_stream(function(args[0], "r"));
}

static int expand(const char *text, int flags)
{
	wordexp_t words = {0};
	int result = wordexp(text, &words, flags);

	if (result == 0) {
		printf("word=%s\n", words.we_wordv[0]);
		wordfree(&words);
	}
	return result;
}

static int do_wordexp(char **args)
{
	return expand(args[0], 0);
}

static int do_wordexp_without_commands(char **args)
{
	return expand(args[0], WRDE_NOCMD);
}

static long virtual_kib(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[256];
	long kib = -1;

	if (status == NULL)
		probe_die("/proc/self/status");
	while (kib < 0 && fgets(line, sizeof(line), status) != NULL) {
		if (strncmp(line, "VmSize:", 7) == 0)
			kib = strtol(line + 7, NULL, 10);
	}
	(void)fclose(status);
	return kib;
}

static void vfork_and_execute(char **args)
{
	int status;
	pid_t child = vfork(); // NOLINT(clang-analyzer-security.insecureAPI.vfork)

	if (child == 0) {
		execve(args[0], args, environ);
		_exit(1);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0)
		probe_die("vfork");
}

/* COUNT PROGRAM: how many KiB the parent grew by. */
static int do_vfork_growth(char **args)
{
	long count = strtol(args[0], NULL, 10);
	long before = 0;

	for (long i = 0; i < count; i++) {
		if (i == VFORKS_TO_WARM_UP)
			before = virtual_kib();
		vfork_and_execute(args + 1);
	}
	before = virtual_kib() - before;
	errno = 0;
	return (int)before;
}

const struct probe_action probe_exec_actions[] = {
	{"execve", 1, do_execve},
	{"execve-no-env", 1, do_execve_without_environment},
	{"execve-null-env", 1, do_execve_null_environment},
	{"execve-null", 0, do_execve_null_path},
	{"execv", 1, do_execv},
	{"execvp", 1, do_execvp},
	{"execvpe", 1, do_execvpe},
	{"execl", 1, do_execl},
	{"execlp", 1, do_execlp},
	{"execle", 1, do_execle},
	{"fexecve", 1, do_fexecve},
	{"fexecve-fd", 1, do_fexecve_fd},
	{"fexecve-memory", 1, do_fexecve_memory},
	{"execveat", 3, do_execveat},
	{"posix_spawn", 1, do_posix_spawn},
	{"posix_spawnp", 1, do_posix_spawnp},
	{"posix_spawn-in", 2, do_posix_spawn_in},
	{"posix_spawn-onto", 3, do_posix_spawn_onto},
	{"pidfd_spawn", 1, do_pidfd_spawn},
	{"pidfd_spawnp", 1, do_pidfd_spawnp},
	{"system", 1, do_system},
	{"system-null", 0, do_system_null},
	{"popen", 1, do_popen},
	{"_IO_popen", 1, do_popen_alias},
	{"wordexp", 1, do_wordexp},
	{"wordexp-no-commands", 1, do_wordexp_without_commands},
	{"vfork-growth", 2, do_vfork_growth},
	{0},
};
