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
#include <sys/stat.h>
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

/* The value of --config or -c among NUL-terminated arguments. */
static char *find_config(const char *arguments, size_t size)
{
	const char *end = arguments + size;

	while (arguments < end) {
		const char *value = vb_str_after(arguments, "--config=");
		const char *next = arguments + strlen(arguments) + 1;
		if (value != NULL)
			return strdup(value);
		if ((strcmp(arguments, "--config") == 0 || strcmp(arguments, "-c") == 0) &&
			next < end)
			return strdup(next);
		arguments = next;
	}
	return NULL;
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

static void look_at_process(int proc, const char *pid, struct vb_containerd *process)
{
	vb_auto_free char *path = vb_str_format("/proc/%s/cmdline", pid);
	vb_auto_buf struct vb_buf *arguments = vb_buf_create(COMMAND_LINE_MAX);
	uint8_t *space = NULL;

	(void)read_link(proc, pid, "exe", &process->executable);
	prefer_own_name(proc, pid, process);
	if (path == NULL || arguments == NULL ||
		vb_buf_reserve(arguments, COMMAND_LINE_MAX - 1, &space) < 0)
		return;
	vb_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, space, COMMAND_LINE_MAX - 1);
	if (n <= 0)
		return;
	vb_buf_commit(arguments, (size_t)n);
	if (vb_buf_append(arguments, "", 1) == 0)
		process->config = find_config((const char *)vb_buf_data(arguments), (size_t)n);
}

/*
 * The oldest: until they execute something, the processes that a containerd starts have its name
 * too, and so has one that is asked for its version.
 */
static pid_t find_oldest(DIR *proc, const struct stat *root)
{
	uint64_t oldest = UINT64_MAX;
	pid_t found = 0;

	for (const struct dirent *entry; (entry = readdir(proc)) != NULL;) {
		uint64_t start = 0;
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
			!is_named_containerd(dirfd(proc), entry->d_name) ||
			!is_roots(dirfd(proc), entry->d_name) ||
			!is_here(dirfd(proc), entry->d_name, root) ||
			!read_start(dirfd(proc), entry->d_name, &start) || start >= oldest)
			continue;
		oldest = start;
		found = (pid_t)strtol(entry->d_name, NULL, 10);
	}
	return found;
}

int vb_containerd_find(const char *root, struct vb_containerd *ret_containerd)
{
	char pid[16];
	struct stat st;

	if (stat(root, &st) < 0)
		return -errno;
	DIR *proc = opendir("/proc");
	if (proc == NULL)
		return -errno;
	struct vb_containerd found = {.pid = find_oldest(proc, &st)};
	if (found.pid > 0) {
		(void)snprintf(pid, sizeof(pid), "%d", (int)found.pid);
		look_at_process(dirfd(proc), pid, &found);
		*ret_containerd = found;
	}
	(void)closedir(proc);
	return found.pid > 0 ? 0 : -ENOENT;
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
