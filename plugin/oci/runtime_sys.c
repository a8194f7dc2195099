/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hook.h"
#include "vb/base/file.h"
#include "vb/base/str.h"

static int read_settings(char **ret_text, size_t *ret_size, struct vb_error *err)
{
	vb_auto_close int fd =
		open(VB_HOOK_CONFIG_PATH, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return vb_error_set(err, errno, "open '%s'", VB_HOOK_CONFIG_PATH);
	/* It says which program runs as root. */
	if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return vb_error_say(err, EPERM,
			"'%s' must belong to root and be writable by nobody else",
			VB_HOOK_CONFIG_PATH);
	return vb_file_read_fd(fd, VB_HOOK_CONFIG_PATH, VB_OCI_CONFIG_MAX, ret_text, ret_size, err);
}

/* Whether both are the hook: it would call itself for ever. */
static bool is_hook(const struct stat *runtime)
{
	struct stat own;

	return stat("/proc/self/exe", &own) == 0 && own.st_dev == runtime->st_dev &&
	       own.st_ino == runtime->st_ino;
}

int vb_hook_find_runtime(struct vb_hook *hook, struct vb_error *err)
{
	vb_auto_free char *text = NULL;
	size_t size = 0;

	int r = read_settings(&text, &size, err);
	if (r < 0)
		return r;
	r = vb_oci_config_find(text, size, hook->handler, &hook->settings, err);
	return r < 0 ? vb_error_wrap(err, "'%s'", VB_HOOK_CONFIG_PATH) : 0;
}

int vb_hook_check_runtime(const char *runtime, struct vb_error *err)
{
	struct stat st;

	if (stat(runtime, &st) < 0)
		return vb_error_set(err, errno, "the OCI runtime '%s'", runtime);
	if (is_hook(&st))
		return vb_error_say(
			err, ELOOP, "the OCI runtime '%s' is vambrace-oci itself", runtime);
	return 0;
}

int vb_hook_become(const char *runtime, char *argv[], struct vb_error *err)
{
	char *const called_as = argv[0];

	int r = vb_hook_check_runtime(runtime, err);
	if (r < 0)
		return r;
	/* execv() takes its arguments non-const and leaves them alone. */
	argv[0] = (char *)(uintptr_t)runtime;
	(void)execv(runtime, argv);
	argv[0] = called_as;
	return vb_error_set(err, errno, "execute the OCI runtime '%s'", runtime);
}

static bool state_has(const struct vb_hook *hook, const char *default_root, const char *name)
{
	char path[PATH_MAX];
	const char *root = hook->args.root != NULL ? hook->args.root : default_root;

	int length = snprintf(path, sizeof(path), "%s/%s/%s", root, hook->args.id, name);
	return length > 0 && (size_t)length < sizeof(path) && access(path, F_OK) == 0;
}

static int become_first(const char *const *runtimes, char *argv[], struct vb_error *err)
{
	int r = -ENOENT;

	for (size_t i = 0; runtimes[i] != NULL; i++)
		r = vb_hook_become(runtimes[i], argv, err);
	return r;
}

int vb_hook_become_any(const struct vb_hook *hook, char *argv[], struct vb_error *err)
{
	static const char *const runc[] = {"/usr/bin/runc", "/usr/sbin/runc", "/usr/local/bin/runc",
		"/usr/local/sbin/runc", "/opt/bin/runc", "/bin/runc",
		"/var/lib/rancher/k3s/data/current/bin/runc", NULL};
	static const char *const crun[] = {"/usr/bin/crun", "/usr/sbin/crun", "/usr/local/bin/crun",
		"/usr/local/sbin/crun", "/opt/bin/crun", "/bin/crun", NULL};

	if (hook->args.id == NULL)
		return vb_error_say(err, ENOENT, "no container is named");
	/* runc's libcontainer keeps state.json, crun's libcrun a file `status`. */
	if (state_has(hook, "/run/runc", "state.json"))
		return become_first(runc, argv, err);
	if (state_has(hook, "/run/crun", "status"))
		return become_first(crun, argv, err);
	return vb_error_say(err, ENOENT, "no OCI runtime knows the container");
}
