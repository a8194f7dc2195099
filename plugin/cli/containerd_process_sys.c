/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd_process_sys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "proc_stat.h"
#include "vb/base/buf.h"
#include "vb/base/file.h"
#include "vb/base/program.h"
#include "vb/base/str.h"

enum {
	COMMAND_LINE_MAX = 64 << 10,
	ANSWER_TIMEOUT_MS = 5000,
	VERSION_MAX = 4096,
	STATUS_MAX = 64 << 10,
	STAT_MAX = 4096,
};

void vb_containerd_finish(struct vb_containerd *process)
{
	free(process->executable);
	free(process->config);
	free(process->address);
}

static bool is_named_containerd(int proc, const char *pid)
{
	vb_auto_free char *path = vb_str_format("%s/comm", pid);
	vb_auto_free char *name = NULL;

	return path != NULL && vb_file_read_stream(proc, path, 64, &name, NULL) == 0 &&
	       strcmp(name, "containerd\n") == 0;
}

/*
 * Anybody can call a process containerd, and its program is run. Not by the owner of its directory
 * in /proc, which is root for every process that must not be dumped.
 */
static bool is_roots(int proc, const char *pid)
{
	vb_auto_free char *path = vb_str_format("%s/status", pid);
	vb_auto_free char *status = NULL;

	return path != NULL && vb_file_read_stream(proc, path, STATUS_MAX, &status, NULL) == 0 &&
	       strstr(status, "\nUid:\t0\t0\t0\t0\n") != NULL;
}

static int read_link(int proc, const char *pid, const char *name, char **ret_target)
{
	vb_auto_free char *path = vb_str_format("%s/%s", pid, name);
	char target[PATH_MAX];

	if (path == NULL)
		return -ENOMEM;
	ssize_t length = readlinkat(proc, path, target, sizeof(target) - 1);
	if (length < 0)
		return -errno;
	target[length] = '\0';
	*ret_target = strdup(target);
	return *ret_target == NULL ? -ENOMEM : 0;
}

/*
 * A containerd in a container, as kind's nodes are, is not the one that is asked about; one that
 * has ended has no root. Where another user's may not be seen, it is taken for the one.
 */
static bool is_here(int proc, const char *pid, const struct stat *root)
{
	vb_auto_free char *path = vb_str_format("%s/root/.", pid);
	struct stat theirs;

	if (path == NULL)
		return false;
	if (fstatat(proc, path, &theirs, 0) < 0)
		return errno == EACCES;
	return theirs.st_dev == root->st_dev && theirs.st_ino == root->st_ino;
}

static bool read_start(int proc, const char *pid, uint64_t *ret_ticks)
{
	vb_auto_free char *path = vb_str_format("%s/stat", pid);
	vb_auto_free char *text = NULL;

	return path != NULL && vb_file_read_stream(proc, path, STAT_MAX, &text, NULL) == 0 &&
	       vb_proc_start(text, ret_ticks);
}

/* A process' arguments: texts that end with a NUL each. */
struct arguments {
	const char *at, *end;
};

static const char *next_argument(struct arguments *arguments)
{
	const char *argument = arguments->at;

	if (argument >= arguments->end)
		return NULL;
	arguments->at += strlen(argument) + 1;
	return argument;
}

/*
 * Whether the argument is this option, by its name or its letter, as Go's flags are written: with
 * one dash or two, its value behind "=" or in the next argument. *ret_value NULL: there is none.
 */
static bool take_option(struct arguments *arguments, const char *argument, const char *name,
	const char *letter, const char **ret_value)
{
	const char *bare = argument + strspn(argument, "-");
	const char *rest = vb_str_after(bare, name);

	if (rest == NULL || (*rest != '\0' && *rest != '='))
		rest = letter != NULL ? vb_str_after(bare, letter) : NULL;
	if (bare == argument || rest == NULL || (*rest != '\0' && *rest != '='))
		return false;
	*ret_value = *rest == '=' ? rest + 1 : next_argument(arguments);
	return true;
}

static void replace(char **text, const char *by)
{
	free(*text);
	*text = by != NULL ? strdup(by) : NULL;
}

/* Whether they are those of the daemon, and not of a question to the program. */
static bool read_arguments(struct arguments *arguments, struct vb_containerd *process)
{
	const char *value = NULL;
	bool is_daemon = next_argument(arguments) != NULL;

	for (const char *argument; (argument = next_argument(arguments)) != NULL;) {
		if (take_option(arguments, argument, "config", "c", &value))
			replace(&process->config, value);
		else if (take_option(arguments, argument, "address", "a", &value))
			replace(&process->address, value);
		else if (!take_option(arguments, argument, "log-level", "l", &value) &&
			 !take_option(arguments, argument, "root", NULL, &value) &&
			 !take_option(arguments, argument, "state", NULL, &value))
			is_daemon = false;
	}
	return is_daemon;
}

/*
 * k3s is containerd, and much else, by the name under which it is called: its process shows the
 * file, but what can be asked is the link of that name beside it.
 */
static void prefer_own_name(int proc, const char *pid, struct vb_containerd *process)
{
	char *executable = process->executable;
	const char *name = executable != NULL ? strrchr(executable, '/') : NULL;
	struct stat st;

	if (name == NULL || strcmp(name, "/containerd") == 0)
		return;
	vb_auto_free char *link =
		vb_str_format("%.*s/containerd", (int)(name - executable), executable);
	vb_auto_free char *seen = link != NULL ? vb_str_format("%s/root%s", pid, link) : NULL;
	if (seen == NULL || fstatat(proc, seen, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	process->executable = VB_STEAL(link);
	free(executable);
}

/* Its arguments, in a buffer that the caller destroys. -ENOENT when there are none to be seen. */
static int open_arguments(
	const char *pid, struct vb_buf **ret_text, struct arguments *ret_arguments)
{
	vb_auto_free char *path = vb_str_format("/proc/%s/cmdline", pid);
	vb_auto_buf struct vb_buf *text = vb_buf_create(COMMAND_LINE_MAX);
	uint8_t *space = NULL;

	if (path == NULL || text == NULL || vb_buf_reserve(text, COMMAND_LINE_MAX - 1, &space) < 0)
		return -ENOMEM;
	vb_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, space, COMMAND_LINE_MAX - 1);
	if (n <= 0)
		return -ENOENT;
	space[n] = '\0';
	*ret_arguments = (struct arguments){(const char *)space, (const char *)space + n};
	*ret_text = VB_STEAL(text);
	return 0;
}

/* Whether it is a daemon. */
static bool look_at_process(int proc, const char *pid, struct vb_containerd *process)
{
	vb_auto_buf struct vb_buf *text = NULL;
	struct arguments arguments;

	(void)read_link(proc, pid, "exe", &process->executable);
	prefer_own_name(proc, pid, process);
	return open_arguments(pid, &text, &arguments) == 0 && read_arguments(&arguments, process);
}

static bool is_alike(const struct vb_containerd *a, const struct vb_containerd *b)
{
	return (a->config == b->config || vb_str_equal(a->config, b->config)) &&
	       (a->address == b->address || vb_str_equal(a->address, b->address));
}

/* Which containerds are looked for; all NULL or 0: any. */
struct search {
	struct stat root;
	pid_t only;
	const struct vb_containerd *same_as, *other_than;
};

static bool is_wanted(int proc, const char *pid, const struct search *search)
{
	vb_auto_containerd struct vb_containerd process = {0};

	if (search->only > 0 && strtol(pid, NULL, 10) != search->only)
		return false;
	if (search->same_as == NULL && search->other_than == NULL)
		return true;
	bool is_daemon = look_at_process(proc, pid, &process);
	return search->same_as != NULL ? is_alike(&process, search->same_as)
				       : is_daemon && !is_alike(&process, search->other_than);
}

/*
 * The oldest: until they execute something, the processes that a containerd starts have its name
 * too, and so has one that is asked for its version.
 */
static pid_t find_oldest(DIR *proc, const struct search *search)
{
	uint64_t oldest = UINT64_MAX;
	pid_t found = 0;

	for (const struct dirent *entry; (entry = readdir(proc)) != NULL;) {
		uint64_t start = 0;
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
			!is_named_containerd(dirfd(proc), entry->d_name) ||
			!is_roots(dirfd(proc), entry->d_name) ||
			!is_here(dirfd(proc), entry->d_name, &search->root) ||
			!read_start(dirfd(proc), entry->d_name, &start) || start >= oldest ||
			!is_wanted(dirfd(proc), entry->d_name, search))
			continue;
		oldest = start;
		found = (pid_t)strtol(entry->d_name, NULL, 10);
	}
	return found;
}

static int find(const char *root, struct search *search, struct vb_containerd *ret_containerd)
{
	char pid[16];

	if (stat(root, &search->root) < 0)
		return -errno;
	DIR *proc = opendir("/proc");
	if (proc == NULL)
		return -errno;
	struct vb_containerd found = {.pid = find_oldest(proc, search)};
	if (found.pid > 0) {
		(void)snprintf(pid, sizeof(pid), "%d", (int)found.pid);
		(void)look_at_process(dirfd(proc), pid, &found);
		*ret_containerd = found;
	}
	(void)closedir(proc);
	return found.pid > 0 ? 0 : -ENOENT;
}

int vb_containerd_find(const char *root, struct vb_containerd *ret_containerd)
{
	struct search search = {0};

	return find(root, &search, ret_containerd);
}

int vb_containerd_find_again(
	const char *root, const struct vb_containerd *one, struct vb_containerd *ret_containerd)
{
	struct search search = {.same_as = one};

	return find(root, &search, ret_containerd);
}

int vb_containerd_find_other(
	const char *root, const struct vb_containerd *one, struct vb_containerd *ret_containerd)
{
	struct search search = {.other_than = one};

	return find(root, &search, ret_containerd);
}

static int ask_listener(const char *path, pid_t *ret_pid)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct ucred listener = {0};
	socklen_t size = sizeof(listener);
	vb_auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &listener, &size) < 0)
		return -errno;
	*ret_pid = listener.pid;
	return listener.pid > 0 ? 0 : -ENOENT;
}

int vb_containerd_find_listener(
	const char *root, const char *address, struct vb_containerd *ret_containerd)
{
	vb_auto_free char *path =
		vb_str_format("%s%s", strcmp(root, "/") == 0 ? "" : root, address);
	struct search search = {0};

	int r = path != NULL ? ask_listener(path, &search.only) : -ENOMEM;
	return r < 0 ? r : find(root, &search, ret_containerd);
}

char *vb_containerd_shim_address(pid_t pid)
{
	vb_auto_free char *name = vb_str_format("%d", (int)pid);
	vb_auto_buf struct vb_buf *text = NULL;
	struct arguments arguments;
	const char *value = NULL;

	if (name == NULL || open_arguments(name, &text, &arguments) < 0)
		return NULL;
	const char *program = next_argument(&arguments);
	if (program == NULL || strstr(program, "containerd-shim-") == NULL)
		return NULL;
	for (const char *argument; (argument = next_argument(&arguments)) != NULL;)
		if (take_option(&arguments, argument, "address", NULL, &value))
			return value != NULL ? strdup(value) : NULL;
	return NULL;
}

/* "containerd github.com/containerd/containerd 1.7.24~ds1 ..." */
char *vb_containerd_version(const char *executable)
{
	const char *const argv[] = {executable, "--version", NULL};
	vb_auto_buf struct vb_buf *answer = vb_buf_create(VERSION_MAX + (16 << 10));

	if (answer == NULL || vb_program_run(argv, ANSWER_TIMEOUT_MS, answer) < 0)
		return NULL;
	vb_auto_free char *text = vb_buf_strdup(answer);
	if (text == NULL)
		return NULL;
	const char *word = text;
	for (int i = 0; i < 2; i++) {
		word += strcspn(word, " \n");
		word += strspn(word, " ");
	}
	word += *word == 'v';
	return strndup(word, strcspn(word, " \n"));
}
