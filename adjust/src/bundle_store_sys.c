/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/bundle_store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "file_identity.h"
#include "vb/adjust/codes.h"
#include "vb/adjust/profile_store.h"
#include "vb/base/file.h"

struct entry {
	struct vb_file_identity identity;
	char *directory;
	struct vb_bundle *bundle;
};

struct vb_bundle_store {
	struct vb_strv directories;
	struct entry *entries;
	size_t count;
	struct vb_profile_store *profiles;
	struct vb_error warning; /* nothing when its errnum is 0 */
	bool any_owner;
};

struct vb_bundle_store *vb_bundle_store_create(const struct vb_strv *directories)
{
	struct vb_bundle_store *store = calloc(1, sizeof(*store));

	if (store == NULL)
		return NULL;
	store->profiles = vb_profile_store_create();
	if (store->profiles == NULL || vb_strv_copy(&store->directories, directories) < 0) {
		vb_bundle_store_destroy(store);
		return NULL;
	}
	return store;
}

void vb_bundle_store_destroy(struct vb_bundle_store *store)
{
	if (store == NULL)
		return;
	for (size_t i = 0; i < store->count; i++) {
		free(store->entries[i].directory);
		vb_bundle_destroy(store->entries[i].bundle);
	}
	free(store->entries);
	vb_strv_finish(&store->directories);
	vb_profile_store_destroy(store->profiles);
	free(store);
}

void vb_bundle_store_accept_any_owner(struct vb_bundle_store *store)
{
	store->any_owner = true;
	vb_profile_store_accept_any_owner(store->profiles);
}

/* Who can write a bundle decides what robots run. */
static int check_ownership(const struct vb_bundle_store *store, int fd, const struct stat *st,
	const char *name, struct vb_error *err)
{
	bool roots = store->any_owner;
	int r = roots ? 0 : vb_file_is_roots(fd, st, &roots);

	if (r < 0)
		return vb_error_set(err, -r, "statvfs of bundle '%s'", name);
	if (roots)
		return 0;
	(void)vb_error_refuse(err, VB_CODE_BUNDLE_INVALID,
		"bundle '%s' has a file or directory that others than root can write", name);
	return vb_error_fix(err, "chown it to root and chmod go-w");
}

/* A link that leads out of the bundle and a file in a directory's place are the bundle's fault. */
static int open_part(int dirfd, const char *path, int flags, int *ret_fd, struct vb_error *err)
{
	int r = vb_file_open_beneath(dirfd, path, flags, ret_fd, err);

	if (r != -EXDEV && r != -ENOTDIR && r != -ELOOP)
		return r;
	err->errnum = EPERM;
	err->code = VB_CODE_BUNDLE_INVALID;
	return vb_error_fix(err, "put a directory with a manifest.json there, and no links out");
}

/* Opens `<directory>/<name>`; -ENOENT when the bundle is not there. */
static int open_bundle(const struct vb_bundle_store *store, const char *directory, const char *name,
	int *ret_fd, struct vb_error *err)
{
	vb_auto_close int root = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	vb_auto_close int bundle = -1;
	struct stat st;

	if (root < 0)
		return vb_error_set(err, errno, "open '%s'", directory);
	int r = open_part(root, name, O_RDONLY | O_DIRECTORY, &bundle, err);
	if (r < 0)
		return vb_error_wrap(err, "bundle '%s' in %s", name, directory);
	if (fstat(bundle, &st) < 0)
		return vb_error_set(err, errno, "stat '%s/%s'", directory, name);
	r = check_ownership(store, bundle, &st, name, err);
	if (r == 0)
		*ret_fd = vb_steal_fd(&bundle);
	return r;
}

static int open_manifest(const struct vb_bundle_store *store, const char *directory,
	const char *name, int *ret_fd, struct vb_error *err)
{
	vb_auto_close int bundle = -1;

	int r = open_bundle(store, directory, name, &bundle, err);
	if (r < 0)
		return r;
	r = open_part(bundle, "manifest.json", O_RDONLY | O_NONBLOCK, ret_fd, err);
	return r < 0 ? vb_error_wrap(err, "bundle '%s' in %s", name, directory) : 0;
}

static struct entry *find_entry(
	struct vb_bundle_store *store, const char *directory, const char *name)
{
	for (size_t i = 0; i < store->count; i++)
		if (strcmp(store->entries[i].directory, directory) == 0 &&
			strcmp(store->entries[i].bundle->name, name) == 0)
			return &store->entries[i];
	return NULL;
}

static int keep(struct vb_bundle_store *store, const char *directory,
	const struct vb_file_identity *identity, struct vb_bundle *bundle, struct vb_error *err)
{
	struct entry *entry = find_entry(store, directory, bundle->name);

	if (entry != NULL) {
		vb_bundle_destroy(entry->bundle);
		entry->bundle = bundle;
		entry->identity = *identity;
		return 0;
	}
	struct entry *entries = reallocarray(store->entries, store->count + 1, sizeof(*entries));
	char *copy = strdup(directory);
	if (entries != NULL)
		store->entries = entries;
	if (entries == NULL || copy == NULL) {
		free(copy);
		vb_bundle_destroy(bundle);
		return vb_error_set(err, ENOMEM, "keep a bundle");
	}
	entries[store->count++] =
		(struct entry){.identity = *identity, .directory = copy, .bundle = bundle};
	return 0;
}

static int read_manifest(
	int fd, const char *name, struct vb_bundle **ret_bundle, struct vb_error *err)
{
	vb_auto_free char *data = NULL;
	size_t size = 0;

	int r = vb_file_read_fd(fd, "manifest.json", VB_BUNDLE_MANIFEST_MAX, &data, &size, err);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		err->errnum = EPERM;
		err->code = VB_CODE_BUNDLE_INVALID;
		(void)vb_error_fix(err, "see the file on the node");
		return vb_error_wrap(err, "bundle '%s'", name);
	}
	return vb_bundle_parse(data, size, name, ret_bundle, err);
}

/* The bundle of the manifest that fd is open on: the one kept, or read anew. The store owns it. */
static int load(struct vb_bundle_store *store, const char *directory, const char *name, int fd,
	struct vb_bundle **ret_bundle, struct vb_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return vb_error_set(err, errno, "stat manifest of '%s'", name);
	int r = check_ownership(store, fd, &st, name, err);
	if (r < 0)
		return r;
	const struct vb_file_identity identity = vb_file_identity(&st);
	const struct entry *known = find_entry(store, directory, name);
	if (known != NULL && vb_file_identity_is_same(&known->identity, &identity)) {
		*ret_bundle = known->bundle;
		return 0;
	}
	struct vb_bundle *bundle = NULL;
	r = read_manifest(fd, name, &bundle, err);
	if (r == -EPERM && known != NULL) {
		/* An update that went wrong must not stop the robots that ran with what was. */
		store->warning = *err;
		*ret_bundle = known->bundle;
		return 0;
	}
	if (r == 0)
		r = keep(store, directory, &identity, bundle, err);
	if (r == 0)
		*ret_bundle = bundle;
	return r;
}

static int refuse_missing(
	const struct vb_bundle_store *store, const char *name, struct vb_error *err)
{
	vb_auto_free char *directories = vb_strv_join(&store->directories, ',');

	if (directories == NULL)
		return vb_error_set(err, ENOMEM, "look up bundle '%.63s'", name);
	(void)vb_error_refuse(
		err, VB_CODE_BUNDLE_NOT_FOUND, "bundle '%.63s' is not on this node", name);
	return vb_error_fix(
		err, "install it in one of %s, or correct bundle.vambrace.dev", directories);
}

static int check_digest(const struct vb_bundle *bundle, const char *digest, struct vb_error *err)
{
	if (digest == NULL || strcmp(digest, bundle->digest) == 0)
		return 0;
	(void)vb_error_refuse(err, VB_CODE_BUNDLE_DIGEST,
		"bundle '%s' on this node has digest %s, the pod pins %s", bundle->name,
		bundle->digest, digest);
	return vb_error_fix(err, "install the pinned version, or correct the pin");
}

const char *vb_bundle_store_warning(const struct vb_bundle_store *store)
{
	return store->warning.errnum != 0 ? store->warning.what : NULL;
}

static const struct entry *find_owner(
	const struct vb_bundle_store *store, const struct vb_bundle *bundle)
{
	for (size_t i = 0; i < store->count; i++)
		if (store->entries[i].bundle == bundle)
			return &store->entries[i];
	return NULL;
}

int vb_bundle_store_profile(struct vb_bundle_store *store, const struct vb_bundle *bundle,
	const char *name, struct vb_custom_profile **ret_profile, struct vb_error *err)
{
	const struct entry *owner = find_owner(store, bundle);
	vb_auto_close int fd = -1;

	store->warning.errnum = 0;
	if (owner == NULL)
		return vb_error_say(err, EINVAL, "bundle '%s' is not kept", bundle->name);
	vb_auto_free char *directory = vb_str_format("%s/%s", owner->directory, bundle->name);
	vb_auto_free char *file = vb_str_format("profiles/%s.json", name);
	if (directory == NULL || file == NULL)
		return vb_error_set(err, ENOMEM, "look up a seccomp profile");
	int r = open_bundle(store, owner->directory, bundle->name, &fd, err);
	if (r < 0)
		return r;
	const struct vb_profile_place place = {.dirfd = fd, .directory = directory, .file = file};
	r = vb_profile_store_get_at(store->profiles, &place, ret_profile, err);
	const char *warning = vb_profile_store_warning(store->profiles);
	if (warning != NULL)
		(void)vb_error_say(&store->warning, EPERM, "profile '%s' of bundle '%s': %s", name,
			bundle->name, warning);
	return r;
}

/* The bundle as it is in one directory; -ENOENT when it is not there. */
static int find_bundle(struct vb_bundle_store *store, const char *directory, const char *name,
	struct vb_bundle **ret_bundle, struct vb_error *err)
{
	vb_auto_close int fd = -1;
	int r = open_manifest(store, directory, name, &fd, err);

	return r < 0 ? r : load(store, directory, name, fd, ret_bundle, err);
}

int vb_bundle_store_get(struct vb_bundle_store *store, const char *name, const char *digest,
	const struct vb_bundle **ret_bundle, struct vb_error *err)
{
	store->warning.errnum = 0;
	if (!vb_bundle_name_is_valid(name))
		return refuse_missing(store, name, err);
	for (size_t i = 0; i < store->directories.count; i++) {
		struct vb_bundle *bundle = NULL;
		/* Its own: that one directory lacks the bundle is no error of the caller's. */
		struct vb_error found;
		int r = find_bundle(store, store->directories.items[i], name, &bundle, &found);
		if (r == -ENOENT)
			continue;
		if (r < 0 && err != NULL)
			*err = found;
		if (r == 0)
			r = check_digest(bundle, digest, err);
		if (r == 0)
			*ret_bundle = bundle;
		return r;
	}
	return refuse_missing(store, name, err);
}
