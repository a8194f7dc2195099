/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lint.h"
#include "vb/adjust/bundle.h"
#include "vb/adjust/bundle_tar.h"
#include "vb/adjust/custom_profile.h"
#include "vb/base/file.h"
#include "vb/base/utf8.h"

void vb_lint_bundle_finish(struct vb_lint_bundle *bundle)
{
	free(bundle->directory);
	free(bundle->name);
	free(bundle->manifest_name);
	free(bundle->manifest);
	free(bundle->shown);
	free(bundle->tar);
	vb_strv_finish(&bundle->profiles);
}

static int out_of_memory(struct vb_error *err)
{
	return vb_error_set(err, ENOMEM, "read a bundle");
}

/* The name of a file without its ending, or NULL when it ends otherwise. */
static char *without_ending(const char *name, const char *ending)
{
	size_t length = strlen(name);
	size_t ending_length = strlen(ending);

	if (length <= ending_length || strcmp(name + length - ending_length, ending) != 0)
		return NULL;
	return strndup(name, length - ending_length);
}

/* Other files beside the profiles are nobody's business; a name that cannot be asked for neither.
 */
static int add_profile(struct vb_lint_bundle *bundle, const char *file)
{
	vb_auto_free char *name = without_ending(file, ".json");

	if (name == NULL || !vb_profile_name_is_valid(name))
		return 0;
	return vb_strv_add(&bundle->profiles, name);
}

static void close_directory(DIR **directory)
{
	if (*directory != NULL)
		(void)closedir(*directory);
}

static int list_profiles(struct vb_lint_bundle *bundle, int dirfd, struct vb_error *err)
{
	int fd = -1;
	struct vb_error ignored;

	if (vb_file_open_beneath(dirfd, "profiles", O_RDONLY | O_DIRECTORY, &fd, &ignored) < 0)
		return 0; /* where the manifest needs one, the plugin's own judgement says it */
	vb_auto(close_directory) DIR *directory = fdopendir(fd);
	if (directory == NULL) {
		int errnum = errno;
		vb_cleanup_close(&fd);
		return vb_error_set(err, errnum, "list '%s/profiles'", bundle->shown);
	}
	for (;;) {
		const struct dirent *entry = readdir(directory);
		if (entry == NULL)
			break;
		if (add_profile(bundle, entry->d_name) < 0)
			return out_of_memory(err);
	}
	vb_strv_sort_unique(&bundle->profiles);
	return 0;
}

/* A file of the directory, no link followed out of it. */
static int read_beneath(int dirfd, const char *path, size_t max_bytes, char **ret_data,
	size_t *ret_size, struct vb_error *err)
{
	vb_auto_close int fd = -1;
	/* O_NONBLOCK: a FIFO must not hold us. */
	int r = vb_file_open_beneath(dirfd, path, O_RDONLY | O_NONBLOCK, &fd, err);

	return r < 0 ? r : vb_file_read_fd(fd, path, max_bytes, ret_data, ret_size, err);
}

static int open_directory(const struct vb_lint_bundle *bundle, int *ret_fd, struct vb_error *err)
{
	vb_auto_free char *path = vb_str_format("%s/%s", bundle->directory, bundle->name);

	if (path == NULL)
		return out_of_memory(err);
	*ret_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret_fd < 0 ? vb_error_set(err, errno, "open '%s'", bundle->shown) : 0;
}

static int read_directory(struct vb_lint_bundle *bundle, struct vb_error *err)
{
	vb_auto_close int fd = -1;
	struct vb_error unreadable;

	int r = open_directory(bundle, &fd, err);
	if (r < 0)
		return r;
	r = read_beneath(fd, "manifest.json", VB_BUNDLE_MANIFEST_MAX, &bundle->manifest,
		&bundle->manifest_size, &unreadable);
	if (r == -ENOENT)
		return vb_error_set(err, ENOENT, "open '%s'", bundle->manifest_name);
	return r == -ENOMEM ? out_of_memory(err) : list_profiles(bundle, fd, err);
}

static int read_tar(struct vb_lint_bundle *bundle, struct vb_error *err)
{
	vb_auto_bundle_tar struct vb_bundle_tar tar = {0};
	vb_auto_free char *path = vb_str_format("%s/%s.tar", bundle->directory, bundle->name);
	struct vb_error unreadable;

	if (path == NULL)
		return out_of_memory(err);
	int r = vb_file_read(path, VB_BUNDLE_TAR_MAX, &bundle->tar, &bundle->tar_size, &unreadable);
	if (r == 0)
		r = vb_bundle_tar_read(bundle->tar, bundle->tar_size, "manifest.json",
			VB_BUNDLE_MANIFEST_MAX, &tar, &unreadable);
	if (r < 0)
		return r == -ENOMEM ? out_of_memory(err) : 0;
	for (size_t i = 0; i < tar.files.count; i++) {
		const char *file = vb_str_after(tar.files.items[i], "profiles/");
		if (file != NULL && add_profile(bundle, file) < 0)
			return out_of_memory(err);
	}
	vb_strv_sort_unique(&bundle->profiles);
	bundle->manifest = VB_STEAL(tar.content);
	bundle->manifest_size = tar.content_size;
	return 0;
}

static const char *last_component(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* "arm" and "bundles/arm" as they are written, "." and what ends in ".." as what they stand for. */
static int find_name(const char *path, char **ret_path, struct vb_error *err)
{
	vb_auto_free char *trimmed = strdup(path);

	if (trimmed == NULL)
		return out_of_memory(err);
	for (size_t n = strlen(trimmed); n > 1 && trimmed[n - 1] == '/'; n--)
		trimmed[n - 1] = '\0';
	const char *last = last_component(trimmed);
	bool named = last[0] != '\0' && strcmp(last, ".") != 0 && strcmp(last, "..") != 0;
	*ret_path = named ? VB_STEAL(trimmed) : realpath(trimmed, NULL);
	return *ret_path == NULL ? vb_error_set(err, errno, "open '%s'", path) : 0;
}

/* Sets all names of a bundle that lies at path; ending is that of the bundle's file. */
static int set_names(struct vb_lint_bundle *bundle, const char *path, const char *ending,
	const char *separator, struct vb_error *err)
{
	const char *file = last_component(path);

	bundle->directory = vb_path_parent(path);
	bundle->name = strndup(file, strlen(file) - strlen(ending));
	bundle->shown = strdup(path);
	bundle->manifest_name = vb_str_format("%s%smanifest.json", path, separator);
	if (bundle->directory == NULL || bundle->name == NULL || bundle->shown == NULL ||
		bundle->manifest_name == NULL)
		return out_of_memory(err);
	vb_utf8_scrub(bundle->shown);
	vb_utf8_scrub(bundle->manifest_name);
	return 0;
}

static int read_named_directory(
	const char *path, struct vb_lint_bundle *bundle, struct vb_error *err)
{
	vb_auto_free char *found = NULL;
	int r = find_name(path, &found, err);

	if (r == 0)
		r = set_names(bundle, found, "", "/", err);
	return r == 0 ? read_directory(bundle, err) : r;
}

static int read_named_tar(const char *path, struct vb_lint_bundle *bundle, struct vb_error *err)
{
	int r = set_names(bundle, path, ".tar", ":", err);

	return r == 0 ? read_tar(bundle, err) : r;
}

static int read_named(const char *path, struct vb_lint_bundle *bundle, struct vb_error *err)
{
	const char *file = last_component(path);
	vb_auto_free char *name = without_ending(file, ".tar");
	vb_auto_free char *parent = vb_path_parent(path);
	struct stat st;

	if (parent == NULL)
		return out_of_memory(err);
	if (stat(path, &st) < 0)
		return vb_error_set(err, errno, "open '%s'", path);
	if (S_ISDIR(st.st_mode))
		return read_named_directory(path, bundle, err);
	if (strcmp(file, "manifest.json") == 0)
		return read_named_directory(parent, bundle, err);
	if (name != NULL)
		return read_named_tar(path, bundle, err);
	(void)vb_error_say(err, EINVAL,
		"'%s' is no bundle: neither a directory nor a .tar nor a manifest.json", path);
	return vb_error_fix(err, "a bundle is <name>/manifest.json, or <name>.tar");
}

int vb_lint_bundle_read(const char *path, struct vb_lint_bundle *ret_bundle, struct vb_error *err)
{
	vb_auto(vb_lint_bundle_finish) struct vb_lint_bundle bundle = {0};
	int r = read_named(path, &bundle, err);

	if (r < 0)
		return r;
	*ret_bundle = bundle;
	bundle = (struct vb_lint_bundle){0};
	return 0;
}

int vb_lint_profile_read(const struct vb_lint_bundle *bundle, const char *name, char **ret_data,
	size_t *ret_size, struct vb_error *err)
{
	vb_auto_bundle_tar struct vb_bundle_tar tar = {0};
	vb_auto_free char *file = vb_str_format("profiles/%s.json", name);
	vb_auto_close int fd = -1;

	if (file == NULL)
		return out_of_memory(err);
	if (bundle->tar == NULL) {
		int r = open_directory(bundle, &fd, err);
		return r < 0 ? r
			     : read_beneath(
				       fd, file, VB_CUSTOM_PROFILE_MAX, ret_data, ret_size, err);
	}
	int r = vb_bundle_tar_read(
		bundle->tar, bundle->tar_size, file, VB_CUSTOM_PROFILE_MAX, &tar, err);
	if (r < 0)
		return r;
	if (tar.content == NULL)
		return vb_error_set(err, ENOENT, "find '%s' in '%s'", file, bundle->shown);
	*ret_data = VB_STEAL(tar.content);
	*ret_size = tar.content_size;
	return 0;
}
