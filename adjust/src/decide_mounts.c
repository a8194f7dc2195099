/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "decide_internal.h"
#include "vb/adjust/codes.h"

static bool same_tmpfs(const struct vb_tmpfs *a, const struct vb_tmpfs *b)
{
	return a->size_bytes == b->size_bytes && a->mode == b->mode && a->noexec == b->noexec;
}

/* Somebody's wish for a tmpfs. */
struct wish {
	const struct vb_tmpfs *tmpfs;
	const struct vb_side *side; /* NULL: the annotation's */
	enum vb_source source;
};

/* By path; one path's wishes with the floor's first, so that a conflict always reads the same. */
static int compare_wishes(const void *a, const void *b)
{
	const struct wish *left = a;
	const struct wish *right = b;
	int order = strcmp(left->tmpfs->path, right->tmpfs->path);

	return order != 0 ? order : (int)left->source - (int)right->source;
}

static int refuse_other_options(
	const struct wish *kept, const struct wish *other, struct vb_error *err)
{
	static const char annotation[] = "tmpfs.vambrace.dev";
	const struct vb_who first = vb_side_who(kept->side, annotation);
	const struct vb_who second = vb_side_who(other->side, annotation);

	if (kept->source != other->source)
		(void)vb_error_refuse(err, VB_CODE_CONFLICT,
			"tmpfs '%.128s' has other options in %s than in %s", kept->tmpfs->path,
			first.text, second.text);
	else
		(void)vb_error_refuse(err, VB_CODE_CONFLICT,
			"tmpfs '%.128s' is in %s twice, with different options", kept->tmpfs->path,
			first.text);
	return vb_error_fix(err, "give both the same options, or remove one");
}

/* The union: the same path asked for twice must be the same tmpfs. */
static int unite_wishes(
	const struct wish *wishes, size_t count, struct vb_tmpfs_list *tmpfs, struct vb_error *err)
{
	const struct wish *kept = NULL;

	for (size_t i = 0; i < count; i++) {
		const struct wish *wish = &wishes[i];
		bool repeated = kept != NULL && strcmp(kept->tmpfs->path, wish->tmpfs->path) == 0;
		if (repeated && !same_tmpfs(kept->tmpfs, wish->tmpfs))
			return refuse_other_options(kept, wish, err);
		if (repeated)
			continue;
		if (vb_tmpfs_list_add(tmpfs, wish->tmpfs) < 0)
			return vb_error_set(err, ENOMEM, "decide a plan");
		kept = wish;
	}
	return 0;
}

/* Returns how many there are now. */
static size_t add_wishes(struct wish *wishes, size_t count, const struct vb_tmpfs_list *tmpfs,
	const struct vb_side *side)
{
	for (size_t i = 0; i < tmpfs->count; i++)
		wishes[count++] = (struct wish){
			&tmpfs->items[i], side, side != NULL ? side->source : VB_SOURCE_ANNOTATION};
	return count;
}

int vb_decide_tmpfs(const struct vb_decision *d, struct vb_plan *plan, struct vb_error *err)
{
	size_t wanted = d->request->tmpfs.count;
	size_t count = 0;

	for (size_t i = 0; i < d->side_count; i++)
		wanted += d->sides[i].bundle->tmpfs.count;
	if (wanted == 0)
		return 0;
	vb_auto_free struct wish *wishes = calloc(wanted, sizeof(*wishes));
	if (wishes == NULL)
		return vb_error_set(err, ENOMEM, "decide a plan");
	for (size_t i = 0; i < d->side_count; i++)
		count = add_wishes(wishes, count, &d->sides[i].bundle->tmpfs, &d->sides[i]);
	count = add_wishes(wishes, count, &d->request->tmpfs, NULL);
	for (size_t i = 0; i < count; i++)
		plan->sources[VB_LAYER_TMPFS] |= wishes[i].source;
	/* Sorted and merged, not searched: a pod may list thousands. */
	qsort(wishes, count, sizeof(*wishes), compare_wishes);
	return unite_wishes(wishes, count, &plan->tmpfs, err);
}

/* A Kubernetes volume has its name at the end of a long path on the node. */
static const char *volume(const struct vb_subject_mount *mount)
{
	return mount->source != NULL && mount->source[0] != '\0' ? mount->source : "no source";
}

static int refuse_cover(
	const char *path, const struct vb_subject_mount *mount, struct vb_error *err)
{
	if (strcmp(path, VB_SHIM_CONTAINER_PATH) == 0) {
		(void)vb_error_refuse(err, VB_CODE_CONFLICT,
			"the preload shim would cover the mount at '%.128s' (%.200s)",
			mount->destination, volume(mount));
		return vb_error_fix(err, "mount the volume elsewhere");
	}
	(void)vb_error_refuse(err, VB_CODE_CONFLICT,
		"tmpfs '%.128s' would cover the mount at '%.128s' (%.200s)", path,
		mount->destination, volume(mount));
	return vb_error_fix(err, "remove the tmpfs or the volume");
}

static int refuse_read_only(
	const char *path, const struct vb_subject_mount *mount, struct vb_error *err)
{
	(void)vb_error_refuse(err, VB_CODE_CONFLICT,
		"'%.128s' lies in the read-only mount at '%.128s' (%.200s), where it cannot be "
		"mounted",
		path, mount->destination, volume(mount));
	return vb_error_fix(err, "make the volume writable, or mount it elsewhere");
}

/* A mount that the container has, by its clean destination. */
struct place {
	char *path;
	const struct vb_subject_mount *mount;
};

struct places {
	struct place *items; /* by path; of one path in the order of mounting */
	size_t count;
};

static void finish_places(struct places *places)
{
	for (size_t i = 0; i < places->count; i++)
		free(places->items[i].path);
	free(places->items);
}

static int compare_places(const void *a, const void *b)
{
	const struct place *left = a;
	const struct place *right = b;
	int order = strcmp(left->path, right->path);

	return order != 0 ? order : (left->mount > right->mount) - (left->mount < right->mount);
}

/* Runtimes take a relative destination from the root. */
static int clean_destination(const char *destination, char **ret_path)
{
	vb_auto_free char *rooted = NULL;

	if (destination[0] == '/')
		return vb_path_clean(destination, ret_path);
	rooted = vb_str_format("/%s", destination);
	return rooted == NULL ? -ENOMEM : vb_path_clean(rooted, ret_path);
}

/* Sorted, not searched one by one: a pod may have a thousand mounts and list thousands of tmpfs. */
static int sort_places(
	const struct vb_subject *subject, struct places *ret_places, struct vb_error *err)
{
	vb_auto(finish_places) struct places places = {0};

	places.items = calloc(subject->mount_count + 1, sizeof(*places.items));
	if (places.items == NULL)
		return vb_error_set(err, ENOMEM, "decide a plan");
	for (size_t i = 0; i < subject->mount_count; i++) {
		struct place *place = &places.items[places.count];
		if (clean_destination(subject->mounts[i].destination, &place->path) < 0)
			return vb_error_set(err, ENOMEM, "decide a plan");
		place->mount = &subject->mounts[i];
		places.count++;
	}
	qsort(places.items, places.count, sizeof(*places.items), compare_places);
	*ret_places = places;
	places = (struct places){0};
	return 0;
}

static bool is_at(const struct places *places, size_t i, const char *path, size_t length)
{
	return i < places->count && strncmp(places->items[i].path, path, length) == 0 &&
	       places->items[i].path[length] == '\0';
}

/* The index of the first mount at the first `length` bytes of the path, or of whatever follows. */
static size_t find_place(const struct places *places, const char *path, size_t length)
{
	size_t low = 0;
	size_t high = places->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strncmp(places->items[middle].path, path, length) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* "/a/b" -> "/a" -> "/"; only for lengths over 1. */
static size_t parent_length(const char *path, size_t length)
{
	do
		length--;
	while (path[length] != '/');
	return length > 0 ? length : 1;
}

/* What the container already mounts must neither be covered nor stand in the way. */
static int check_destination(const struct places *places, const char *path, struct vb_error *err)
{
	size_t length = strlen(path);
	size_t i = find_place(places, path, length);

	if (is_at(places, i, path, length))
		return refuse_cover(path, places->items[i].mount, err);
	/* The innermost mount is the one that path lies in; of several there the last. */
	while (length > 1) {
		length = parent_length(path, length);
		i = find_place(places, path, length);
		if (!is_at(places, i, path, length))
			continue;
		while (is_at(places, i + 1, path, length))
			i++;
		const struct vb_subject_mount *around = places->items[i].mount;
		return around->read_only ? refuse_read_only(path, around, err) : 0;
	}
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

static bool has_tmpfs(const struct vb_plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->tmpfs.count; i++)
		if (strcmp(plan->tmpfs.items[i].path, path) == 0)
			return true;
	return false;
}

static int check_count(
	const struct vb_decision *d, const struct vb_plan *plan, struct vb_error *err)
{
	size_t count = d->subject->mount_count + plan->tmpfs.count +
		       (vb_plan_has(plan, VB_LAYER_PRELOAD) ? 1 : 0);

	if (count <= VB_PLAN_MOUNTS_MAX)
		return 0;
	(void)vb_error_refuse(err, VB_CODE_INVALID_VALUE,
		"the container would have %zu mounts, of which Vambrace follows at most %d", count,
		VB_PLAN_MOUNTS_MAX);
	return vb_error_fix(err, "use fewer volumes and tmpfs");
}

int vb_decide_mounts(const struct vb_decision *d, struct vb_plan *plan, struct vb_error *err)
{
	vb_auto(finish_places) struct places places = {0};

	int r = check_count(d, plan, err);
	if (r == 0)
		r = sort_places(d->subject, &places, err);
	for (size_t i = 0; r == 0 && i < plan->tmpfs.count; i++) {
		const struct vb_tmpfs *tmpfs = &plan->tmpfs.items[i];
		r = check_destination(&places, tmpfs->path, err);
		if (r == 0)
			r = add_tmpfs_mount(plan, tmpfs, err);
	}
	if (r < 0 || !vb_plan_has(plan, VB_LAYER_PRELOAD))
		return r;
	if (has_tmpfs(plan, VB_SHIM_CONTAINER_PATH)) {
		(void)vb_error_refuse(err, VB_CODE_CONFLICT,
			"a tmpfs at %s would cover the preload shim", VB_SHIM_CONTAINER_PATH);
		return vb_error_fix(err, "remove that tmpfs");
	}
	r = check_destination(&places, VB_SHIM_CONTAINER_PATH, err);
	return r < 0 ? r : add_shim_mount(plan, err);
}
