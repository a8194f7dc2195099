/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence_sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>

#include "vb/adjust/oci_text.h"
#include "vb/base/buf.h"
#include "vb/base/file.h"

enum {
	ENVIRON_MAX = 2 << 20,
	PID_FILE_MAX = 64,
	/* A workload can have any number of mappings; reading them must end. */
	MAPS_MAX = 64 << 20,
};

/* What /proc says when a process has just ended, depending on the file and on how far it got. */
static int gone_or(int r)
{
	return r == -ENOENT || r == -ESRCH || r == -EINVAL ? -ESRCH : r;
}

static int open_process(pid_t pid, const char *container_id, int *ret_fd, struct vb_error *err)
{
	char path[32];
	vb_auto_free char *cgroup = NULL;

	(void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	vb_auto_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return gone_or(vb_error_set(err, errno, "open its directory in /proc"));
	int r = vb_file_read_stream(fd, "cgroup", VB_PROC_CGROUP_MAX, &cgroup, err);
	if (r < 0)
		return gone_or(r);
	if (!vb_proc_cgroup_is_of(cgroup, container_id))
		return vb_error_say(
			err, ESRCH, "the process is in no cgroup of container %s", container_id);
	*ret_fd = vb_steal_fd(&fd);
	return 0;
}

int vb_evidence_check_process(pid_t pid, const char *container_id, struct vb_error *err)
{
	vb_auto_close int fd = -1;

	return open_process(pid, container_id, &fd, err);
}

/* Where a path leads to, seen from the process's root; empty when that cannot be found out. */
static int resolve_destination(int root_fd, const char *path, struct vb_strv *destinations)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
	char link[64];
	char target[PATH_MAX];

	vb_auto_close int fd =
		root_fd < 0 ? -1 : (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
	if (fd < 0)
		return vb_strv_add(destinations, "");
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t length = readlink(link, target, sizeof(target));
	if (length < 0 || length == (ssize_t)sizeof(target))
		length = 0;
	return vb_strv_add_n(destinations, target, (size_t)length);
}

/* Only those that are not mounted by their own name, which are few, are worth the look. */
static int resolve_destinations(
	int proc_fd, const struct vb_plan *plan, struct vb_evidence *evidence)
{
	vb_auto_close int root_fd = -1;

	for (size_t i = 0; i < plan->mounts.count; i++) {
		const char *destination = plan->mounts.items[i].destination;
		bool is_mounted = vb_mountinfo_topmost(&evidence->mounts, destination) != NULL;
		if (!is_mounted && root_fd < 0)
			root_fd = openat(proc_fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
		int r = is_mounted ? vb_strv_add(&evidence->destinations, "")
				   : resolve_destination(
					     root_fd, destination, &evidence->destinations);
		if (r < 0)
			return r;
	}
	return 0;
}

static int look_for_shim(int proc_fd, const char *path, bool *ret_mapped, struct vb_error *err)
{
	struct vb_maps_scan scan = {0};
	char data[16384];
	size_t total = 0;

	vb_auto_close int fd = openat(proc_fd, "maps", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return vb_error_set(err, errno, "open maps");
	while (!scan.found && total < MAPS_MAX) {
		ssize_t n = read(fd, data, sizeof(data));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return vb_error_set(err, errno, "read maps");
		if (n == 0)
			break;
		vb_maps_scan_feed(&scan, data, (size_t)n, path);
		total += (size_t)n;
	}
	*ret_mapped = scan.found;
	return 0;
}

static int read_texts(int fd, struct vb_evidence *evidence, struct vb_error *err)
{
	vb_auto_free char *status = NULL;
	vb_auto_free char *mountinfo = NULL;

	int r = vb_file_read_stream(fd, "status", VB_PROC_STATUS_MAX, &status, err);
	if (r == 0)
		r = vb_file_read_stream(fd, "mountinfo", VB_PROC_MOUNTINFO_MAX, &mountinfo, err);
	if (r == 0)
		r = vb_file_read_stream(fd, "limits", VB_PROC_LIMITS_MAX, &evidence->limits, err);
	if (r < 0)
		return gone_or(r);
	r = vb_proc_status_parse(status, &evidence->status, err);
	if (r < 0)
		return r;
	if (evidence->status.is_dead)
		return vb_error_say(err, ESRCH, "the process has exited");
	return vb_mountinfo_parse(mountinfo, &evidence->mounts, err);
}

int vb_evidence_read_process(pid_t pid, const char *container_id, const struct vb_plan *plan,
	enum vb_stage stage, struct vb_evidence *evidence, struct vb_error *err)
{
	vb_auto_evidence struct vb_evidence fresh = {.stage = stage};
	vb_auto_close int fd = -1;

	int r = open_process(pid, container_id, &fd, err);
	if (r == 0)
		r = read_texts(fd, &fresh, err);
	if (r < 0)
		return r;
	if (resolve_destinations(fd, plan, &fresh) < 0)
		return vb_error_set(err, ENOMEM, "read evidence");
	if (stage == VB_STAGE_RUNNING && vb_plan_has(plan, VB_LAYER_PRELOAD)) {
		r = look_for_shim(fd, vb_evidence_shim_path(&fresh, plan), &fresh.shim_mapped, err);
		if (r < 0)
			return gone_or(r);
	}
	fresh.page_size_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	/* What config.json said stays; the rest of the old evidence goes with fresh. */
	struct vb_spec_evidence spec = evidence->spec;
	evidence->spec = (struct vb_spec_evidence){0};
	struct vb_evidence old = *evidence;
	*evidence = fresh;
	evidence->spec = spec;
	fresh = old;
	return 0;
}

int vb_evidence_read_environ(
	pid_t pid, const char *container_id, struct vb_strv *ret_env, struct vb_error *err)
{
	vb_auto_close int fd = -1;
	vb_auto_strv struct vb_strv env = {0};
	char data[4096];
	vb_auto_buf struct vb_buf *text = vb_buf_create(ENVIRON_MAX);

	int r = open_process(pid, container_id, &fd, err);
	if (r < 0)
		return r;
	vb_auto_close int environ_fd = openat(fd, "environ", O_RDONLY | O_CLOEXEC);
	if (text == NULL || environ_fd < 0)
		return gone_or(vb_error_set(err, text == NULL ? ENOMEM : errno, "open environ"));
	for (ssize_t n = 1; n != 0;) {
		n = read(environ_fd, data, sizeof(data));
		if (n < 0 && errno != EINTR)
			return gone_or(vb_error_set(err, errno, "read environ"));
		if (n > 0 && vb_buf_append(text, data, (size_t)n) < 0)
			return vb_error_say(err, EFBIG, "the environment is too large");
	}
	const char *next = (const char *)vb_buf_data(text);
	for (size_t left = vb_buf_size(text); left > 0;) {
		size_t length = strnlen(next, left);
		if (vb_strv_add_n(&env, next, length) < 0)
			return vb_error_set(err, ENOMEM, "read environ");
		size_t step = length < left ? length + 1 : length;
		next += step;
		left -= step;
	}
	*ret_env = env;
	env = (struct vb_strv){0};
	return 0;
}

int vb_evidence_read_spec(const char *bundle_dir, const struct vb_plan *plan,
	struct vb_spec_cache *cache, struct vb_spec_evidence *ret_spec, struct vb_error *err)
{
	vb_auto_free char *path = vb_str_format("%s/config.json", bundle_dir);
	vb_auto_free char *text = NULL;
	size_t size = 0;

	if (path == NULL)
		return vb_error_set(err, ENOMEM, "read config.json again");
	int r = vb_file_read(path, VB_OCI_TEXT_MAX, &text, &size, err);
	if (r < 0)
		return r;
	return vb_spec_evidence_parse(text, size, plan, cache, ret_spec, err);
}

int vb_evidence_read_pid_file(const char *path, pid_t *ret_pid, struct vb_error *err)
{
	vb_auto_free char *text = NULL;
	size_t size = 0;
	char *end = NULL;

	int r = vb_file_read(path, PID_FILE_MAX, &text, &size, err);
	if (r < 0)
		return r;
	errno = 0;
	long pid = strtol(text, &end, 10);
	if (errno != 0 || end == text || (*end != '\0' && *end != '\n') || pid <= 0 ||
		pid > INT_MAX)
		return vb_error_say(err, EINVAL, "'%s' holds no pid", path);
	*ret_pid = (pid_t)pid;
	return 0;
}
