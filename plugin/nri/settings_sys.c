/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "clock.h"
#include "vb/base/file_identity.h"

struct vb_settings_file {
	const char *path;
	struct vb_file_identity seen; /* zero: there was none */
	bool is_unread;               /* what was seen is still to be read */
	char digest[VB_DIGEST_SIZE];  /* of what was read last, good or bad */
};

void vb_settings_destroy(struct vb_settings *settings)
{
	if (settings == NULL)
		return;
	vb_config_finish(&settings->config);
	free(settings->problem);
	free(settings);
}

struct vb_settings *vb_settings_create_default(const char *problem)
{
	vb_auto_settings struct vb_settings *settings = calloc(1, sizeof(*settings));

	if (settings == NULL || vb_config_init(&settings->config) < 0)
		return NULL;
	settings->loaded_at = vb_clock_now();
	settings->problem = problem != NULL ? strdup(problem) : NULL;
	if (problem != NULL && settings->problem == NULL)
		return NULL;
	return VB_STEAL(settings);
}

struct vb_settings_file *vb_settings_file_create(const char *path)
{
	struct vb_settings_file *file = calloc(1, sizeof(*file));

	if (file != NULL)
		file->path = path;
	return file;
}

void vb_settings_file_destroy(struct vb_settings_file *file)
{
	free(file);
}

/* What cannot be looked at is taken for gone, zero; reading it says why. */
static struct vb_file_identity identify(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? vb_file_identity(&st) : (struct vb_file_identity){0};
}

static int parse(const char *text, size_t size, const char *digest,
	struct vb_settings **ret_settings, struct vb_error *err)
{
	vb_auto_settings struct vb_settings *settings = calloc(1, sizeof(*settings));

	if (settings == NULL)
		return vb_error_set(err, ENOMEM, "make the node config");
	int r = vb_config_parse(text, size, &settings->config, err);
	if (r < 0)
		return r;
	memcpy(settings->digest, digest, sizeof(settings->digest));
	settings->loaded_at = vb_clock_now();
	*ret_settings = VB_STEAL(settings);
	return 0;
}

/* Unless anew, what is as it was read last is not parsed, and *ret_settings not set. */
static int read_settings(struct vb_settings_file *file, bool anew,
	struct vb_settings **ret_settings, struct vb_error *err)
{
	vb_auto_free char *text = NULL;
	char digest[VB_DIGEST_SIZE];
	size_t size = 0;

	int r = vb_config_read(file->path, &text, &size, err);
	if (r < 0)
		return r;
	vb_digest(text, size, digest);
	if (!anew && strcmp(digest, file->digest) == 0)
		return 0;
	memcpy(file->digest, digest, sizeof(file->digest));
	return parse(text, size, digest, ret_settings, err);
}

int vb_settings_load(
	struct vb_settings_file *file, struct vb_settings **ret_settings, struct vb_error *err)
{
	struct vb_error why = {0};

	/* Ahead of reading: a change in between is seen as one at the next look. */
	file->seen = identify(file->path);
	int r = read_settings(file, true, ret_settings, &why);
	if (r == 0)
		return 0;
	if (r != -ENOENT) {
		*err = why;
		return vb_error_wrap(err, "node config '%s'", file->path);
	}
	*ret_settings = vb_settings_create_default(NULL);
	return *ret_settings != NULL ? 0 : vb_error_set(err, ENOMEM, "make the node config");
}

void vb_settings_file_forget(struct vb_settings_file *file)
{
	file->is_unread = true;
}

int vb_settings_refresh(struct vb_settings_file *file, bool forced,
	struct vb_settings **ret_settings, struct vb_error *err)
{
	struct vb_file_identity now = identify(file->path);
	bool is_there = now.inode != 0;

	/* No file is what the defaults are for; asked to read it again, that is no failure either.
	 */
	if (vb_file_identity_is_same(&file->seen, &now) && !file->is_unread &&
		(!forced || !is_there))
		return 0;
	bool is_doubtful = vb_file_identity_looks_same(&file->seen, &now) && !file->is_unread;
	file->seen = now;
	file->is_unread = false;
	struct vb_settings *settings = NULL;
	int r = read_settings(file, !is_doubtful || forced, &settings, err);
	if (r == 0 && settings == NULL)
		return 0;
	if (r == 0) {
		*ret_settings = settings;
		return 1;
	}
	/* What the node was short of says nothing about the file. */
	if (r == -ENOMEM || r == -EMFILE || r == -ENFILE)
		vb_settings_file_forget(file);
	return vb_error_wrap(err, "node config '%s'", file->path);
}
