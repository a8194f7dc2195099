/* SPDX-License-Identifier: Apache-2.0 */
#include "node_daemons.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "status.h"
#include "vb/adjust/state.h"
#include "vb/base/file.h"
#include "vb/base/str.h"

enum { LOOK_MS = 100, ENDING_MS = 2000 };

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/*
 * A process can call itself what it wants, and a container has what links it wants in its root; it
 * cannot have our directory unless it is given it.
 */
static bool serves(pid_t pid, const struct stat *state, bool *ret_is_in_container)
{
	vb_auto_free char *path = vb_str_format("/proc/%d/root", (int)pid);
	vb_auto_close int root = -1;
	vb_auto_close int directory = -1;
	struct stat theirs;
	struct stat its_root;
	struct stat ours;

	if (path == NULL)
		return false;
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || fstat(root, &its_root) < 0 || stat("/proc/self/root/", &ours) < 0 ||
		vb_file_open_beneath(
			root, &VB_STATE_DIR[1], O_PATH | O_DIRECTORY, &directory, NULL) < 0 ||
		fstat(directory, &theirs) < 0 || !is_same(&theirs, state))
		return false;
	*ret_is_in_container = !is_same(&its_root, &ours);
	return true;
}

static void look(enum vb_node_daemons_where where, struct vb_node_daemons *ret_daemons)
{
	struct vb_node_daemons found = {.count = 0};
	struct stat state;

	DIR *proc = stat(VB_STATE_DIR, &state) == 0 ? opendir("/proc") : NULL;
	for (const struct dirent *entry = proc != NULL ? readdir(proc) : NULL;
		entry != NULL && found.count < VB_NODE_DAEMONS_MAX; entry = readdir(proc)) {
		struct vb_node_daemon daemon = {.pid = (pid_t)strtol(entry->d_name, NULL, 10)};
		if (daemon.pid <= 0 || !vb_status_is_daemon(daemon.pid) ||
			!serves(daemon.pid, &state, &daemon.is_in_container) ||
			(where == VB_NODE_DAEMONS_ON_HOST && daemon.is_in_container))
			continue;
		found.items[found.count++] = daemon;
	}
	if (proc != NULL)
		(void)closedir(proc);
	*ret_daemons = found;
}

void vb_node_daemons_find(
	enum vb_node_daemons_where where, size_t expected, struct vb_node_daemons *ret_daemons)
{
	const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};

	look(where, ret_daemons);
	for (int i = 0; i < ENDING_MS / LOOK_MS && ret_daemons->count > expected; i++) {
		(void)nanosleep(&pause, NULL);
		look(where, ret_daemons);
	}
}

int vb_node_check_none(enum vb_node_daemons_where where, struct vb_error *err)
{
	struct vb_node_daemons daemons;

	vb_node_daemons_find(where, 0, &daemons);
	if (daemons.count == 0)
		return 0;
	const struct vb_node_daemon *first = &daemons.items[0];
	(void)vb_error_say(err, EBUSY,
		"vambrace-nri already serves this host, pid %d%s; a host can have only one",
		(int)first->pid, first->is_in_container ? " in a container" : "");
	if (first->is_in_container)
		return vb_error_fix(err,
			VB_NODE_KEEP_OFF ", and install when its pod is gone; or without "
					 "--pre-registered");
	return where == VB_NODE_DAEMONS_ON_HOST
		       ? vb_error_fix(err,
				 VB_NODE_KEEP_OFF "; or end it, and what starts it, on the host")
		       : vb_error_fix(err, "end it, and what starts it; or install without "
					   "--pre-registered");
}

int vb_node_check_single(struct vb_error *err)
{
	struct vb_node_daemons daemons;
	vb_auto_strv struct vb_strv pids = {0};
	bool has_pod = false;

	vb_node_daemons_find(VB_NODE_DAEMONS_ALL, 1, &daemons);
	if (daemons.count < 2)
		return 0;
	for (size_t i = 0; i < daemons.count; i++) {
		const struct vb_node_daemon *daemon = &daemons.items[i];
		vb_auto_free char *text = vb_str_format("%d%s", (int)daemon->pid,
			daemon->is_in_container ? " (in a container)" : "");
		if (text == NULL || vb_strv_add(&pids, text) < 0)
			return vb_error_set(err, ENOMEM, "look for plugins");
		has_pod = has_pod || daemon->is_in_container;
	}
	vb_auto_free char *list = vb_strv_join(&pids, ',');
	if (list == NULL)
		return vb_error_set(err, ENOMEM, "look for plugins");
	(void)vb_error_say(err, EBUSY,
		"%zu vambrace-nri processes are on this host, pids %s: one at a time is registered "
		"with containerd, and another waits until it has ended",
		daemons.count, list);
	return vb_error_fix(err, "%s", has_pod ? VB_NODE_ONE_OF_POD_AND_HOST : VB_NODE_ONE_OF_HOST);
}
