/* SPDX-License-Identifier: Apache-2.0 */
#include "oci_resolve.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "oci_internal.h"
#include "vb/adjust/codes.h"
#include "vb/base/str.h"

enum {
	LINKS_MAX = 40,        /* MAXSYMLINKS of Linux: with more a path does not open either */
	COMPONENTS_MAX = 4096, /* of all links of one path together */
	MOUNTS_MAX = 4096,
};

_Static_assert((int)MOUNTS_MAX > (int)VB_PLAN_MOUNTS_MAX, "what was planned can be followed");

/* A path on its way from the root: done has no links any more, ahead lies what is left. */
struct walk {
	char done[PATH_MAX];
	char ahead[PATH_MAX];
	unsigned int links;
};

void vb_oci_mounts_finish(struct vb_oci_mounts *mounts)
{
	for (size_t i = 0; i < mounts->count; i++) {
		free(mounts->items[i].destination);
		free(mounts->items[i].resolved);
	}
	free(mounts->items);
	*mounts = (struct vb_oci_mounts){0};
}

const struct vb_oci_mount *vb_oci_mounts_covering(
	const struct vb_oci_mounts *mounts, size_t count, const char *resolved)
{
	for (size_t i = count; i-- > 0;)
		if (vb_path_is_within(resolved, mounts->items[i].resolved))
			return &mounts->items[i];
	return NULL;
}

/* Where a resolved path of the container lies on the host. */
static int host_path(const struct vb_oci_mounts *mounts, const struct vb_oci_view *view,
	const char *resolved, char ret_path[PATH_MAX])
{
	const struct vb_oci_mount *mount = vb_oci_mounts_covering(mounts, mounts->count, resolved);
	const char *base = view->rootfs;
	const char *below = resolved;

	if (mount != NULL) {
		/* Anything but a bind mount is new and empty, or a view into the kernel. */
		if (mount->source == NULL)
			return -ENOENT;
		base = mount->source;
		below = strcmp(mount->resolved, "/") == 0 ? resolved
							  : resolved + strlen(mount->resolved);
	}
	int length = snprintf(ret_path, PATH_MAX, "%s%s", base, below);
	return length >= 0 && length < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* Whether something is mounted exactly there; it is no link then, whatever its source is. */
static bool is_mount_point(const struct vb_oci_mounts *mounts, const char *resolved)
{
	const struct vb_oci_mount *mount = vb_oci_mounts_covering(mounts, mounts->count, resolved);

	return mount != NULL && strcmp(mount->resolved, resolved) == 0;
}

/* Takes the next component off ahead; false at the end. */
static bool next_component(struct walk *walk, char ret_name[NAME_MAX + 1], int *ret_error)
{
	const char *start = walk->ahead + strspn(walk->ahead, "/");
	size_t length = strcspn(start, "/");

	*ret_error = length > NAME_MAX ? -ENAMETOOLONG : 0;
	if (length == 0 || length > NAME_MAX)
		return false;
	memcpy(ret_name, start, length);
	ret_name[length] = '\0';
	memmove(walk->ahead, start + length, strlen(start + length) + 1);
	return true;
}

/* done is "" at the root. */
static void go_up(struct walk *walk)
{
	char *slash = strrchr(walk->done, '/');

	if (slash != NULL)
		*slash = '\0';
}

/* Puts the link's target in front of what is left; an absolute one starts from the root again. */
static int follow(struct walk *walk, const char *target)
{
	char ahead[PATH_MAX];

	if (++walk->links > LINKS_MAX)
		return -ELOOP;
	int length = snprintf(ahead, sizeof(ahead), "%s/%s", target, walk->ahead);
	if (length < 0 || (size_t)length >= sizeof(ahead))
		return -ENAMETOOLONG;
	memcpy(walk->ahead, ahead, (size_t)length + 1);
	if (target[0] == '/')
		walk->done[0] = '\0';
	return 0;
}

static int step(const struct vb_oci_mounts *mounts, const struct vb_oci_view *view,
	struct walk *walk, const char *name)
{
	char path[PATH_MAX];
	char target[PATH_MAX];
	size_t used = strlen(walk->done);

	if (strcmp(name, ".") == 0)
		return 0;
	if (strcmp(name, "..") == 0) {
		go_up(walk);
		return 0;
	}
	int length = snprintf(walk->done + used, sizeof(walk->done) - used, "/%s", name);
	if (length < 0 || (size_t)length >= sizeof(walk->done) - used)
		return -ENAMETOOLONG;
	if (is_mount_point(mounts, walk->done))
		return 0;
	int r = host_path(mounts, view, walk->done, path);
	if (r == 0)
		r = view->read_link(path, target, sizeof(target));
	/* What is not there yet the runtime makes as a directory. */
	if (r == -EINVAL || r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return r;
	walk->done[used] = '\0';
	return follow(walk, target);
}

static int resolve(const struct vb_oci_mounts *mounts, const struct vb_oci_view *view,
	const char *destination, char **ret_resolved)
{
	struct walk walk = {0};
	char name[NAME_MAX + 1];
	int error = 0;

	if (strlen(destination) >= sizeof(walk.ahead))
		return -ENAMETOOLONG;
	memcpy(walk.ahead, destination, strlen(destination) + 1);
	for (unsigned int i = 0; next_component(&walk, name, &error); i++) {
		int r = i < COMPONENTS_MAX ? step(mounts, view, &walk, name) : -ELOOP;
		if (r < 0)
			return r;
	}
	if (error < 0)
		return error;
	*ret_resolved = strdup(walk.done[0] != '\0' ? walk.done : "/");
	return *ret_resolved != NULL ? 0 : -ENOMEM;
}

int vb_oci_mounts_locate(const struct vb_oci_mounts *mounts, const struct vb_oci_view *view,
	const char *path, char **ret_host_path)
{
	vb_auto_free char *resolved = NULL;
	char host[PATH_MAX];

	int r = resolve(mounts, view, path, &resolved);
	if (r == 0)
		r = host_path(mounts, view, resolved, host);
	if (r < 0)
		return r;
	*ret_host_path = strdup(host);
	return *ret_host_path != NULL ? 0 : -ENOMEM;
}

static int add_mount(json_t *json, const struct vb_oci_view *view, struct vb_oci_mounts *mounts,
	struct vb_error *err)
{
	vb_auto_free char *destination = NULL;
	vb_auto_free char *resolved = NULL;

	int r = vb_oci_mount_destination(json, &destination, err);
	if (r < 0)
		return r;
	r = resolve(mounts, view, destination, &resolved);
	if (r == -ENOMEM)
		return vb_error_set(err, ENOMEM, "resolve mounts");
	if (r < 0) {
		(void)vb_error_refuse(err, VB_CODE_CONFLICT,
			"the mount destination '%.128s' cannot be followed in the image (%s)",
			destination, strerrorname_np(-r));
		return vb_error_fix(err, "remove the symbolic links on that path from the image, "
					 "or mount elsewhere");
	}
	mounts->items[mounts->count++] = (struct vb_oci_mount){
		.json = json,
		.destination = VB_STEAL(destination),
		.resolved = VB_STEAL(resolved),
		.source = vb_oci_mount_is_bind(json)
				  ? json_string_value(json_object_get(json, "source"))
				  : NULL,
		.read_only = vb_oci_mount_has(json, "ro") || vb_oci_mount_has(json, "rro"),
	};
	return 0;
}

int vb_oci_mounts_resolve(json_t *spec, const struct vb_oci_view *view,
	struct vb_oci_mounts *ret_mounts, struct vb_error *err)
{
	vb_auto_oci_mounts struct vb_oci_mounts mounts = {0};
	json_t *array = NULL;
	json_t *mount;
	size_t i;

	int r = vb_oci_get_array(spec, "config.json", "mounts", &array, err);
	if (r < 0)
		return r;
	if (json_array_size(array) > MOUNTS_MAX)
		return vb_error_say(err, EINVAL, "more than %d mounts", MOUNTS_MAX);
	mounts.items = calloc(json_array_size(array) + 1, sizeof(*mounts.items));
	if (mounts.items == NULL)
		return vb_error_set(err, ENOMEM, "resolve mounts");
	json_array_foreach(array, i, mount) {
		r = add_mount(mount, view, &mounts, err);
		if (r < 0)
			return r;
	}
	*ret_mounts = mounts;
	mounts = (struct vb_oci_mounts){0};
	return 0;
}
