/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "outcome_layers.h"
#include "vb/base/utf8.h"

/* The layers that are mounts: read-only root, tmpfs, and where the shim lies. */

static int see_mount(struct vb_layer_outcome *out, const struct vb_mount *mount)
{
	bool is_tmpfs = strcmp(mount->fs_type, "tmpfs") == 0;

	/* Of other file systems the options say nothing to us, and can be long. */
	return vb_outcome_see(out, "%s %s - %s%s%s", mount->mount_point, mount->options,
		mount->fs_type, is_tmpfs ? " " : "", is_tmpfs ? mount->super_options : "");
}

/* The runtime's own files in /etc, which stay writable when only "/" is made read-only. */
static const char *const runtime_files[] = {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"};

/* Where a file could be put and run although the root is read-only. */
static const char *const device_mounts[] = {"/dev", "/dev/shm"};

static int judge_mount_has(const struct vb_mountinfo *mounts, const char *path, const char *option,
	struct vb_layer_outcome *out)
{
	const struct vb_mount *mount = vb_mountinfo_topmost(mounts, path);

	if (mount == NULL)
		return 0;
	int r = see_mount(out, mount);
	if (r == 0 && !vb_mount_options_have(mount->options, option))
		r = vb_outcome_conclude(out, VB_LAYER_FAILED, "%s is not mounted %s", path, option);
	return r;
}

int vb_outcome_judge_read_only_rootfs(
	const struct vb_outcome_case *subject, struct vb_layer_outcome *out)
{
	const struct vb_mountinfo *mounts = &subject->evidence->mounts;
	int r = 0;

	if (vb_mountinfo_topmost(mounts, "/") == NULL)
		r = vb_outcome_conclude(out, VB_LAYER_FAILED, "mountinfo shows no root");
	else
		r = judge_mount_has(mounts, "/", "ro", out);
	for (size_t i = 0; i < VB_ARRAY_SIZE(runtime_files) && r == 0; i++)
		r = judge_mount_has(mounts, runtime_files[i], "ro", out);
	for (size_t i = 0; i < VB_ARRAY_SIZE(device_mounts) && r == 0; i++)
		r = judge_mount_has(mounts, device_mounts[i], "noexec", out);
	return r;
}

/* The bytes of a size that the kernel shows in KiB ("65536k"); 0 when it is something else. */
static uint64_t shown_size_bytes(const char *value, size_t length)
{
	uint64_t kib = 0;

	if (length < 2 || length > 16 || value[length - 1] != 'k')
		return 0;
	for (size_t i = 0; i < length - 1; i++) {
		if (value[i] < '0' || value[i] > '9')
			return 0;
		kib = kib * 10 + (uint64_t)(value[i] - '0');
	}
	return kib * 1024;
}

static unsigned int shown_mode(const char *super_options)
{
	const char *value = NULL;
	size_t length = 0;
	unsigned int mode = 0;

	/* The kernel leaves out what it takes as the default. */
	if (!vb_mount_options_get(super_options, "mode", &value, &length))
		return 01777;
	for (size_t i = 0; i < length && value[i] >= '0' && value[i] <= '7'; i++)
		mode = mode * 8 + (unsigned int)(value[i] - '0');
	return mode;
}

/* Options of a plan that the mount itself must show. */
static int judge_mount_flags(const struct vb_plan_mount *asked, const struct vb_mount *mount,
	struct vb_layer_outcome *out)
{
	static const char *const flags[] = {"ro", "nosuid", "nodev", "noexec"};
	int r = 0;

	for (size_t i = 0; i < VB_ARRAY_SIZE(flags) && r == 0; i++)
		if (vb_strv_contains(&asked->options, flags[i]) &&
			!vb_mount_options_have(mount->options, flags[i]))
			r = vb_outcome_conclude(out, VB_LAYER_FAILED, "%s is not mounted %s",
				asked->destination, flags[i]);
	return r;
}

static int judge_tmpfs_mount(const struct vb_tmpfs *tmpfs, const struct vb_mount *mount,
	uint64_t page_size, struct vb_layer_outcome *out)
{
	const char *value = NULL;
	size_t length = 0;
	uint64_t size = 0;
	uint64_t pages = tmpfs->size_bytes / page_size + (tmpfs->size_bytes % page_size != 0);

	if (strcmp(mount->fs_type, "tmpfs") != 0)
		return vb_outcome_conclude(out, VB_LAYER_FAILED, "on %s is no tmpfs, but %s",
			tmpfs->path, mount->fs_type);
	if (vb_mount_options_get(mount->super_options, "size", &value, &length))
		size = shown_size_bytes(value, length);
	if (size != pages * page_size)
		return vb_outcome_conclude(out, VB_LAYER_FAILED,
			"the tmpfs on %s is not %" PRIu64 " bytes", tmpfs->path, pages * page_size);
	if (shown_mode(mount->super_options) != tmpfs->mode)
		return vb_outcome_conclude(out, VB_LAYER_FAILED, "the tmpfs on %s has not mode %o",
			tmpfs->path, tmpfs->mode);
	return 0;
}

/* The topmost mount at the destination of one of the plan's mounts, or NULL with a conclusion. */
static const struct vb_mount *find_mount(const struct vb_outcome_case *subject, size_t index,
	struct vb_layer_outcome *out, int *ret_r)
{
	const struct vb_evidence *evidence = subject->evidence;
	const char *destination = subject->plan->mounts.items[index].destination;
	const struct vb_mount *mount = vb_mountinfo_topmost(&evidence->mounts, destination);

	/* Nothing is ever mounted on a symbolic link itself; then it is where the link leads. */
	if (mount == NULL && index < evidence->destinations.count)
		mount = vb_mountinfo_topmost(
			&evidence->mounts, evidence->destinations.items[index]);
	*ret_r = mount == NULL ? vb_outcome_conclude(out, VB_LAYER_FAILED,
					 "nothing is mounted on %s", destination)
			       : see_mount(out, mount);
	return mount;
}

static const struct vb_tmpfs *find_tmpfs(const struct vb_plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->tmpfs.count; i++)
		if (strcmp(plan->tmpfs.items[i].path, path) == 0)
			return &plan->tmpfs.items[i];
	return NULL;
}

int vb_outcome_judge_tmpfs(const struct vb_outcome_case *subject, struct vb_layer_outcome *out)
{
	const struct vb_plan *plan = subject->plan;
	size_t judged = 0;
	int r = 0;

	for (size_t i = 0; i < plan->mounts.count && r == 0; i++) {
		const struct vb_plan_mount *asked = &plan->mounts.items[i];
		const struct vb_tmpfs *tmpfs = find_tmpfs(plan, asked->destination);
		if (tmpfs == NULL)
			continue;
		judged++;
		const struct vb_mount *mount = find_mount(subject, i, out, &r);
		if (mount != NULL && r == 0)
			r = judge_tmpfs_mount(
				tmpfs, mount, subject->evidence->page_size_bytes, out);
		if (mount != NULL && r == 0)
			r = judge_mount_flags(asked, mount, out);
	}
	if (r == 0 && judged != plan->tmpfs.count)
		r = vb_outcome_conclude(
			out, VB_LAYER_FAILED, "the plan has no mount for one of its tmpfs");
	return r;
}

/*
 * Whether the mounted file has the name of the source's. Directories may differ: the kernel shows
 * the path within its file system. A file that an upgrade has replaced stays mounted and mapped in
 * running containers, and is shown with "//deleted" behind it (seq_dentry() of Linux).
 */
static bool is_mount_of(const struct vb_mount *mount, const char *source)
{
	static const char deleted[] = "//deleted";
	size_t length = strlen(mount->root);
	const char *name = strrchr(source, '/');

	if (length > strlen(deleted) &&
		strcmp(mount->root + length - strlen(deleted), deleted) == 0)
		length -= strlen(deleted);
	size_t name_length = name != NULL ? strlen(name) : 0;
	return name != NULL && length >= name_length &&
	       memcmp(mount->root + length - name_length, name, name_length) == 0;
}

int vb_outcome_judge_shim_mount(const struct vb_outcome_case *subject, struct vb_layer_outcome *out)
{
	const struct vb_plan_mounts *mounts = &subject->plan->mounts;
	size_t i = 0;
	int r = 0;

	while (i < mounts->count &&
		strcmp(mounts->items[i].destination, VB_SHIM_CONTAINER_PATH) != 0)
		i++;
	if (i == mounts->count)
		return vb_outcome_conclude(
			out, VB_LAYER_FAILED, "the plan has no mount for the shim");
	const struct vb_mount *mount = find_mount(subject, i, out, &r);
	if (mount == NULL || r < 0)
		return r;
	if (!is_mount_of(mount, mounts->items[i].source))
		return vb_outcome_conclude(
			out, VB_LAYER_FAILED, "on %s is %s", VB_SHIM_CONTAINER_PATH, mount->root);
	return judge_mount_flags(&mounts->items[i], mount, out);
}

/* File systems of the kernel's own; what is writable there is the masks' and seccomp's business. */
static bool is_kernel_fs(const char *fs_type)
{
	static const char *const types[] = {
		"proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(types); i++)
		if (strcmp(fs_type, types[i]) == 0)
			return true;
	return false;
}

int vb_outcome_list_writable(const struct vb_outcome_case *subject, struct vb_strv *ret_writable)
{
	const struct vb_mountinfo *mounts = &subject->evidence->mounts;

	for (size_t i = 0; i < mounts->count; i++) {
		const struct vb_mount *mount = &mounts->items[i];
		if (vb_mountinfo_topmost(mounts, mount->mount_point) != mount ||
			!vb_mount_options_have(mount->options, "rw") ||
			!vb_mount_options_have(mount->super_options, "rw") ||
			is_kernel_fs(mount->fs_type) ||
			find_tmpfs(subject->plan, mount->mount_point) != NULL)
			continue;
		if (vb_strv_add(ret_writable, mount->mount_point) < 0)
			return -ENOMEM;
	}
	for (size_t i = 0; i < ret_writable->count; i++)
		vb_utf8_scrub(ret_writable->items[i]);
	vb_strv_sort_unique(ret_writable);
	return 0;
}
