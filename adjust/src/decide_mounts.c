/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "decide_internal.h"
#include "vb/adjust/codes.h"

static const struct vb_tmpfs *find_tmpfs(const struct vb_tmpfs_list *list, const char *path)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i].path, path) == 0)
			return &list->items[i];
	return NULL;
}

static bool same_tmpfs(const struct vb_tmpfs *a, const struct vb_tmpfs *b)
{
	return a->size_bytes == b->size_bytes && a->mode == b->mode && a->noexec == b->noexec;
}

/* The union: the same path asked for twice must be the same tmpfs. */
static int add_tmpfs(struct vb_plan *plan, const struct vb_tmpfs_list *from, const char *source,
	const char *earlier, struct vb_error *err)
{
	for (size_t i = 0; i < from->count; i++) {
		const struct vb_tmpfs *wanted = &from->items[i];
		const struct vb_tmpfs *present = find_tmpfs(&plan->tmpfs, wanted->path);
		if (present != NULL && same_tmpfs(present, wanted))
			continue;
		if (present != NULL) {
			(void)vb_error_refuse(err, VB_CODE_CONFLICT,
				"tmpfs '%.128s' is asked for with other options by %s and by %s",
				wanted->path, earlier, source);
			return vb_error_fix(err, "give both the same options, or remove one");
		}
		if (vb_tmpfs_list_add(&plan->tmpfs, wanted) < 0)
			return vb_error_set(err, ENOMEM, "decide a plan");
	}
	return 0;
}

static int compare_tmpfs(const void *a, const void *b)
{
	const struct vb_tmpfs *left = a;
	const struct vb_tmpfs *right = b;

	return strcmp(left->path, right->path);
}

static int refuse_cover(
	const char *path, const struct vb_subject_mount *mount, struct vb_error *err)
{
	(void)vb_error_refuse(err, VB_CODE_CONFLICT,
		"'%.128s' would cover the mount at '%.128s' (%.64s)", path, mount->destination,
		mount->source);
	return vb_error_fix(err, "remove the tmpfs or the volume");
}

static int refuse_read_only(
	const char *path, const struct vb_subject_mount *mount, struct vb_error *err)
{
	(void)vb_error_refuse(err, VB_CODE_CONFLICT,
		"'%.128s' lies in the read-only mount at '%.128s' (%.64s), where it cannot be "
		"mounted",
		path, mount->destination, mount->source);
	return vb_error_fix(err, "make the volume writable, or mount it elsewhere");
}

/* What the container already mounts must neither be covered nor stand in the way. */
static int check_destination(
	const struct vb_subject *subject, const char *path, struct vb_error *err)
{
	for (size_t i = 0; i < subject->mount_count; i++) {
		const struct vb_subject_mount *mount = &subject->mounts[i];
		vb_auto_free char *clean = NULL;
		int r = vb_path_clean(mount->destination, &clean);
		if (r == -ENOMEM)
			return vb_error_set(err, ENOMEM, "decide a plan");
		if (r < 0) /* relative: the runtime takes it from the root */
			continue;
		if (strcmp(clean, path) == 0)
			return refuse_cover(path, mount, err);
		if (mount->read_only && vb_path_is_within(path, clean))
			return refuse_read_only(path, mount, err);
	}
	return 0;
}

int vb_decide_tmpfs(const struct vb_decision *d, struct vb_plan *plan, struct vb_error *err)
{
	static const char annotation[] = "tmpfs.vambrace.dev";

	if (d->bundle != NULL) {
		int r = add_tmpfs(plan, &d->bundle->tmpfs, "the bundle", "the bundle", err);
		if (r < 0)
			return r;
		if (d->bundle->tmpfs.count > 0)
			plan->sources[VB_LAYER_TMPFS] |= VB_SOURCE_BUNDLE;
	}
	int r = add_tmpfs(plan, &d->request->tmpfs, annotation,
		d->bundle != NULL ? "the bundle" : annotation, err);
	if (r < 0)
		return r;
	if (d->request->tmpfs.count > 0)
		plan->sources[VB_LAYER_TMPFS] |= VB_SOURCE_ANNOTATION;
	if (plan->tmpfs.count > 0)
		qsort(plan->tmpfs.items, plan->tmpfs.count, sizeof(*plan->tmpfs.items),
			compare_tmpfs);
	return 0;
}

static int add_option(struct vb_plan_mount *mount, const char *option, struct vb_error *err)
{
	if (option == NULL || vb_strv_add(&mount->options, option) < 0)
		return vb_error_set(err, ENOMEM, "decide a plan");
	return 0;
}

static int add_tmpfs_mount(struct vb_plan *plan, const struct vb_tmpfs *tmpfs, struct vb_error *err)
{
	vb_auto_free char *mode = vb_str_format("mode=%04o", tmpfs->mode);
	vb_auto_free char *size = vb_str_format("size=%" PRIu64, tmpfs->size_bytes);
	struct vb_plan_mount *mount =
		vb_plan_mounts_add(&plan->mounts, tmpfs->path, "tmpfs", "tmpfs");

	if (mount == NULL)
		return vb_error_set(err, ENOMEM, "decide a plan");
	int r = add_option(mount, "nosuid", err);
	if (r == 0)
		r = add_option(mount, "nodev", err);
	if (r == 0 && tmpfs->noexec)
		r = add_option(mount, "noexec", err);
	if (r == 0)
		r = add_option(mount, mode, err);
	return r < 0 ? r : add_option(mount, size, err);
}

static int add_shim_mount(struct vb_plan *plan, struct vb_error *err)
{
	static const char *const options[] = {"bind", "ro", "nosuid", "nodev", "rprivate"};
	struct vb_plan_mount *mount = vb_plan_mounts_add(
		&plan->mounts, VB_SHIM_CONTAINER_PATH, "bind", VB_SHIM_HOST_PATH);

	if (mount == NULL)
		return vb_error_set(err, ENOMEM, "decide a plan");
	for (size_t i = 0; i < VB_ARRAY_SIZE(options); i++) {
		int r = add_option(mount, options[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

int vb_decide_mounts(const struct vb_decision *d, struct vb_plan *plan, struct vb_error *err)
{
	for (size_t i = 0; i < plan->tmpfs.count; i++) {
		int r = check_destination(d->subject, plan->tmpfs.items[i].path, err);
		if (r == 0)
			r = add_tmpfs_mount(plan, &plan->tmpfs.items[i], err);
		if (r < 0)
			return r;
	}
	if (!vb_plan_has(plan, VB_LAYER_PRELOAD))
		return 0;
	if (find_tmpfs(&plan->tmpfs, VB_SHIM_CONTAINER_PATH) != NULL) {
		(void)vb_error_refuse(err, VB_CODE_CONFLICT,
			"a tmpfs at %s would cover the preload shim", VB_SHIM_CONTAINER_PATH);
		return vb_error_fix(err, "remove that tmpfs");
	}
	int r = check_destination(d->subject, VB_SHIM_CONTAINER_PATH, err);
	return r < 0 ? r : add_shim_mount(plan, err);
}
