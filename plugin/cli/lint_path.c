/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lint.h"

/* Directories that lie in /usr where it is merged, with links to them in the root. */
static const char *const merged[] = {"/bin", "/sbin", "/lib", "/lib64"};

/* Mounts of the runtime's own: what the image has below them, nobody ever sees. */
static const char *const kernel_mounts[] = {"/dev", "/proc", "/sys"};

/* A listed path while it is looked at. */
struct look {
	const struct vb_lint_setting *setting;
	const struct vb_lint_path *path;
	const struct vb_lint_text *text;
	struct vb_lint_report *report;
	const char *canonical; /* in the image; the entry itself without one */
};

static int warn(const struct look *look, struct vb_error *warning, const char *fix)
{
	(void)vb_error_fix(warning, "%s", fix);
	return vb_lint_warn(look->report, look->text, warning, look->path->place);
}

/* What a path means in the image, or the path itself. */
static int canonical_of(const struct vb_lint_root *root, const char *path, char **ret_canonical)
{
	mode_t mode = 0;
	int r = root != NULL ? vb_lint_root_find(root, path, ret_canonical, &mode) : -ENOENT;

	if (r == 0 || r == -ENOMEM)
		return r;
	*ret_canonical = strdup(path);
	return *ret_canonical == NULL ? -ENOMEM : 0;
}

static int check_tmpfs(const struct look *look)
{
	const struct vb_strv *tmpfs = look->path->tmpfs;

	for (size_t i = 0; i < tmpfs->count; i++) {
		vb_auto_free char *mount = NULL;
		struct vb_error warning = {0};
		if (canonical_of(look->setting->root, tmpfs->items[i], &mount) < 0)
			return -ENOMEM;
		if (!vb_path_is_within(look->canonical, mount))
			continue;
		(void)vb_error_say(&warning, EINVAL,
			"'%.200s' lies in the bundle's own tmpfs '%.128s', which covers the "
			"image's file and which the workload can write to",
			look->path->entry, tmpfs->items[i]);
		return warn(look, &warning, "remove the entry, or mount the tmpfs elsewhere");
	}
	return 0;
}

static int check_kernel_mounts(const struct look *look)
{
	for (size_t i = 0; i < VB_ARRAY_SIZE(kernel_mounts); i++) {
		struct vb_error warning = {0};
		if (!vb_path_is_within(look->canonical, kernel_mounts[i]))
			continue;
		(void)vb_error_say(&warning, EINVAL,
			"'%.200s' lies in %s, a mount of the runtime's own that hides the image's",
			look->path->entry, kernel_mounts[i]);
		return warn(look, &warning, "remove the entry");
	}
	return 0;
}

/* The same file's path by the other name of its directory, on an image with /usr merged or not. */
static char *other_name(const char *path)
{
	const char *in_usr = vb_str_after(path, "/usr");

	for (size_t i = 0; i < VB_ARRAY_SIZE(merged); i++) {
		if (in_usr != NULL && vb_path_is_within(in_usr, merged[i]))
			return strdup(in_usr);
		if (vb_path_is_within(path, merged[i]))
			return vb_str_format("/usr%s", path);
	}
	return strdup("");
}

static int warn_missing(const struct look *look)
{
	vb_auto_free char *other = other_name(look->path->entry);
	vb_auto_free char *canonical = NULL;
	vb_auto_free char *fix = NULL;
	struct vb_error warning = {0};
	mode_t mode = 0;

	if (other == NULL)
		return -ENOMEM;
	int r = other[0] != '\0' ? vb_lint_root_find(look->setting->root, other, &canonical, &mode)
				 : -ENOENT;
	if (r == -ENOMEM)
		return r;
	(void)vb_error_say(
		&warning, EINVAL, "'%.200s' does not exist in the image", look->path->entry);
	fix = r == 0 ? vb_str_format("the image has '%s': list that", other)
		     : strdup("remove the entry, or install the file in the image");
	return fix == NULL ? -ENOMEM : warn(look, &warning, fix);
}

/*
 * The entry as the shim matches it: links that stand for merged directories are followed, others
 * are not.
 */
static int match_name(const struct look *look, char **ret_name)
{
	const char *entry = look->path->entry;

	for (size_t i = 0; i < VB_ARRAY_SIZE(merged); i++) {
		vb_auto_free char *directory = NULL;
		if (!vb_path_is_within(entry, merged[i]))
			continue;
		if (canonical_of(look->setting->root, merged[i], &directory) < 0)
			return -ENOMEM;
		if (!vb_path_is_within(directory, "/usr"))
			break;
		*ret_name = vb_str_format("%s%s", directory, entry + strlen(merged[i]));
		return *ret_name == NULL ? -ENOMEM : 0;
	}
	*ret_name = strdup(entry);
	return *ret_name == NULL ? -ENOMEM : 0;
}

/* The shim asks for the file that a program's path leads to, so that must be listed. */
static int check_link(const struct look *look)
{
	vb_auto_free char *name = NULL;
	vb_auto_free char *other = other_name(look->canonical);
	vb_auto_free char *fix = NULL;
	struct vb_error warning = {0};

	if (other == NULL || match_name(look, &name) < 0)
		return -ENOMEM;
	if (strcmp(name, look->canonical) == 0 ||
		vb_strv_contains(look->path->listed, look->canonical) ||
		(other[0] != '\0' && vb_strv_contains(look->path->listed, other)))
		return 0;
	(void)vb_error_say(&warning, EINVAL,
		"'%.200s' is a symbolic link to '%.200s', which is not listed, so that the shim "
		"denies it",
		look->path->entry, look->canonical);
	fix = vb_str_format("list '%s' instead", look->canonical);
	return fix == NULL ? -ENOMEM : warn(look, &warning, fix);
}

static int check_file(const struct look *look, mode_t mode)
{
	struct vb_error warning = {0};

	if (!S_ISREG(mode)) {
		(void)vb_error_say(
			&warning, EINVAL, "'%.200s' is no file in the image", look->path->entry);
		return warn(look, &warning, "list each file that is needed");
	}
	if (!look->path->exec)
		return 0;
	if ((mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0)
		return check_link(look);
	(void)vb_error_say(
		&warning, EINVAL, "'%.200s' is not executable in the image", look->path->entry);
	return warn(look, &warning, "remove the entry, or chmod the file in the image");
}

int vb_lint_advise_path(const struct vb_lint_setting *setting, const struct vb_lint_path *path,
	const struct vb_lint_text *text, struct vb_lint_report *report)
{
	vb_auto_free char *canonical = NULL;
	struct look look = {.setting = setting,
		.path = path,
		.text = text,
		.report = report,
		.canonical = path->entry};
	mode_t mode = 0;
	int found = -ENOSYS;

	if (setting->root != NULL)
		found = vb_lint_root_find(setting->root, path->entry, &canonical, &mode);
	if (found == -ENOMEM)
		return found;
	if (found == 0)
		look.canonical = canonical;
	size_t before = report->warnings;
	int r = check_tmpfs(&look);
	if (r == 0 && report->warnings == before)
		r = check_kernel_mounts(&look);
	/* What is mounted over need not be there. */
	if (r < 0 || setting->root == NULL || report->warnings != before)
		return r;
	return found == 0 ? check_file(&look, mode) : warn_missing(&look);
}
