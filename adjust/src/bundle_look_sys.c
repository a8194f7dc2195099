/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/bundle_look.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "bundle_file.h"
#include "vb/adjust/bundle_tar.h"
#include "vb/adjust/codes.h"
#include "vb/adjust/custom_profile.h"
#include "vb/base/file.h"

enum { DIRECTORY_ENTRIES_MAX = 4096 };

void vb_bundle_look_finish(struct vb_bundle_look *look)
{
	vb_bundle_destroy(look->bundle);
	vb_bundle_profiles_finish(&look->profiles);
	free(look->signed_path);
	free(look->signed_data);
}

/* A path taken apart; the parts are owned. */
struct path_parts {
	char *directory;
	char *name;
	enum vb_bundle_form form;
};

static void finish_parts(struct path_parts *parts)
{
	free(parts->directory);
	free(parts->name);
}

/* "dir/arm", "dir/arm/" or "dir/arm.tar"; a path without a name of its own is looked up. */
static int split_path(const char *path, struct path_parts *ret_parts, struct vb_error *err)
{
	struct stat st;
	vb_auto_free char *copy = NULL;

	if (stat(path, &st) < 0)
		return vb_error_set(err, errno, "open '%s'", path);
	bool is_directory = S_ISDIR(st.st_mode);
	const char *last = strrchr(path, '/');
	last = last != NULL ? last + 1 : path;
	if (is_directory && (strcmp(last, ".") == 0 || strcmp(last, "..") == 0))
		copy = realpath(path, NULL);
	else
		copy = strdup(path);
	if (copy == NULL)
		return vb_error_set(err, errno, "open '%s'", path);
	for (size_t length = strlen(copy); length > 1 && copy[length - 1] == '/'; length--)
		copy[length - 1] = '\0';
	char *slash = strrchr(copy, '/');
	char *name = slash != NULL ? slash + 1 : copy;
	size_t length = strlen(name);
	if (!is_directory && length > 4 && strcmp(name + length - 4, ".tar") == 0)
		length -= 4;
	else if (!is_directory)
		return vb_error_say(err, EINVAL, "'%s' is neither a directory nor a .tar", path);
	vb_auto(finish_parts) struct path_parts parts = {.name = strndup(name, length),
		.form = is_directory ? VB_BUNDLE_DIRECTORY : VB_BUNDLE_TAR};
	if (slash == NULL)
		parts.directory = strdup(".");
	else
		parts.directory =
			slash == copy ? strdup("/") : strndup(copy, (size_t)(slash - copy));
	if (parts.name == NULL || parts.directory == NULL)
		return vb_error_set(err, ENOMEM, "open '%s'", path);
	if (!vb_bundle_name_is_valid(parts.name))
		return vb_error_say(err, EINVAL, "'%s' cannot be the name of a bundle", parts.name);
	*ret_parts = parts;
	parts = (struct path_parts){0};
	return 0;
}

/* "camera" of "camera.json", or NULL; the caller frees it. */
static char *profile_name(const char *file)
{
	size_t length = strlen(file);

	if (length <= 5 || strcmp(file + length - 5, ".json") != 0 || strchr(file, '/') != NULL)
		return NULL;
	char *name = strndup(file, length - 5);
	if (name != NULL && !vb_profile_name_is_valid(name)) {
		free(name);
		return NULL;
	}
	return name;
}

static int add_profile(struct vb_bundle_look *look, const char *file, const void *data, size_t size)
{
	vb_auto_free char *name = profile_name(file);
	char digest[VB_DIGEST_SIZE];

	if (name == NULL)
		return 0;
	vb_digest(data, size, digest);
	return vb_bundle_profiles_add(&look->profiles, name, digest);
}

static int add_from_tar(
	const struct vb_bundle_read *read, struct vb_bundle_look *look, struct vb_error *err)
{
	for (size_t i = 0; i < read->files.count; i++) {
		vb_auto_bundle_tar struct vb_bundle_tar tar = {0};
		const char *file = vb_str_after(read->files.items[i], "profiles/");
		if (file == NULL)
			continue;
		int r = vb_bundle_tar_read(read->text.data, read->text.size, read->files.items[i],
			VB_CUSTOM_PROFILE_MAX, &tar, err);
		if (r == 0 && add_profile(look, file, tar.content, tar.content_size) < 0)
			r = vb_error_set(err, ENOMEM, "look at a bundle");
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_from_file(
	int directory, const char *name, struct vb_bundle_look *look, struct vb_error *err)
{
	vb_auto_free char *path = vb_str_format("profiles/%s", name);
	vb_auto_free char *data = NULL;
	vb_auto_close int fd = -1;
	size_t size = 0;

	if (path == NULL)
		return vb_error_set(err, ENOMEM, "look at a bundle");
	int r = vb_file_open_beneath(directory, path, O_RDONLY | O_NONBLOCK, &fd, err);
	if (r == 0)
		r = vb_file_read_fd(fd, path, VB_CUSTOM_PROFILE_MAX, &data, &size, err);
	if (r == 0 && add_profile(look, name, data, size) < 0)
		r = vb_error_set(err, ENOMEM, "look at a bundle");
	return r;
}

static int list_json_files(int directory, struct vb_strv *names, struct vb_error *err)
{
	int fd = -1;
	int r = vb_file_open_beneath(directory, "profiles", O_RDONLY | O_DIRECTORY, &fd, err);

	if (r < 0)
		return r;
	DIR *stream = fdopendir(fd);
	if (stream == NULL) {
		(void)close(fd);
		return vb_error_set(err, ENOMEM, "list the profiles");
	}
	for (size_t i = 0; r == 0 && i < DIRECTORY_ENTRIES_MAX; i++) {
		const struct dirent *entry = readdir(stream);
		if (entry == NULL)
			break;
		vb_auto_free char *name = profile_name(entry->d_name);
		if (name != NULL)
			r = vb_strv_add(names, entry->d_name);
	}
	(void)closedir(stream);
	vb_strv_sort_unique(names);
	return r < 0 ? vb_error_set(err, ENOMEM, "list the profiles") : 0;
}

static int add_from_directory(
	const struct vb_bundle_place *place, struct vb_bundle_look *look, struct vb_error *err)
{
	vb_auto_strv struct vb_strv names = {0};
	vb_auto_close int directory = -1;

	int r = vb_bundle_file_open_directory(place, &directory, err);
	if (r < 0)
		return r;
	struct vb_error found;
	r = list_json_files(directory, &names, &found);
	if (r == -ENOENT)
		return 0;
	if (r < 0) {
		*err = found;
		return r;
	}
	for (size_t i = 0; r == 0 && i < names.count; i++)
		r = add_from_file(directory, names.items[i], look, err);
	return r;
}

static int fill(const struct vb_bundle_place *place, const struct vb_bundle_trust *trust,
	struct vb_bundle_look *look, struct vb_error *err)
{
	vb_auto_bundle_file struct vb_bundle_file file = {.fd = -1, .signature_fd = -1};
	vb_auto_bundle_read struct vb_bundle_read read = {0};

	int r = vb_bundle_file_open(place, &file, err);
	if (r == 0)
		r = vb_bundle_file_read(&file, place, trust, &read, err);
	if (r < 0)
		return r;
	look->is_tar = file.origin.is_tar;
	look->has_signature = file.origin.has_signature;
	memcpy(look->signer, read.signer, sizeof(look->signer));
	r = look->is_tar ? add_from_tar(&read, look, err) : add_from_directory(place, look, err);
	look->bundle = VB_STEAL(read.bundle);
	look->signed_data = VB_STEAL(read.text.data);
	look->signed_size = read.text.size;
	return r;
}

int vb_bundle_look(const char *path, const struct vb_bundle_trust *trust,
	struct vb_bundle_look *ret_look, struct vb_error *err)
{
	vb_auto_bundle_look struct vb_bundle_look look = {0};
	vb_auto(finish_parts) struct path_parts parts = {0};

	int r = split_path(path, &parts, err);
	if (r < 0)
		return r;
	const struct vb_bundle_place place = {.directory = parts.directory,
		.name = parts.name,
		.form = parts.form,
		.any_owner = true};
	r = fill(&place, trust, &look, err);
	if (r < 0)
		return r;
	look.signed_path = vb_str_format(
		"%s/%s%s", parts.directory, parts.name, look.is_tar ? ".tar" : "/manifest.json");
	if (look.signed_path == NULL)
		return vb_error_set(err, ENOMEM, "look at a bundle");
	*ret_look = look;
	look = (struct vb_bundle_look){0};
	return 0;
}

int vb_bundle_look_check_bound(const struct vb_bundle_look *look, struct vb_error *err)
{
	for (size_t i = 0; !look->is_tar && i < look->profiles.count; i++) {
		const struct vb_bundle_profile *profile = &look->profiles.items[i];
		const char *bound = vb_bundle_profile_digest(look->bundle, profile->name);
		if (vb_str_equal(bound, profile->digest))
			continue;
		(void)vb_error_refuse(err, VB_CODE_BUNDLE_SIGNATURE,
			"the manifest of bundle '%s' does not bind profile '%s'",
			look->bundle->name, profile->name);
		return vb_error_fix(err,
			"add \"profiles\": {\"%s\": \"%s\"} to manifest.json, or pack the bundle "
			"and "
			"sign the tar",
			profile->name, profile->digest);
	}
	return 0;
}
