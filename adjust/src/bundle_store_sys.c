/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/bundle_store.h"

#include <errno.h>
#include <string.h>

#include "bundle_cache.h"
#include "profile_part.h"
#include "vb/adjust/codes.h"

/* Of versions that were read since somebody asked: in one decision there are two at most. */
enum { LOADED_MAX = 16 };

struct vb_bundle_store {
	struct vb_strv directories;
	struct vb_bundle_cache *cache;
	struct vb_bundle_trust trust;
	struct vb_profile_store *profiles;
	struct vb_error warning; /* nothing when its errnum is 0 */
	bool any_owner;
	struct vb_strv loaded; /* "<name>@<digest>", not yet taken */
};

struct vb_bundle_store *vb_bundle_store_create(const struct vb_strv *directories)
{
	struct vb_bundle_store *store = calloc(1, sizeof(*store));

	if (store == NULL)
		return NULL;
	store->cache = vb_bundle_cache_create();
	store->profiles = vb_profile_store_create();
	if (store->cache == NULL || store->profiles == NULL ||
		vb_strv_copy(&store->directories, directories) < 0) {
		vb_bundle_store_destroy(store);
		return NULL;
	}
	return store;
}

void vb_bundle_store_destroy(struct vb_bundle_store *store)
{
	if (store == NULL)
		return;
	vb_bundle_cache_destroy(store->cache);
	vb_bundle_trust_finish(&store->trust);
	vb_profile_store_destroy(store->profiles);
	vb_strv_finish(&store->directories);
	vb_strv_finish(&store->loaded);
	free(store);
}

void vb_bundle_store_accept_any_owner(struct vb_bundle_store *store)
{
	store->any_owner = true;
	vb_profile_store_accept_any_owner(store->profiles);
}

int vb_bundle_store_trust(struct vb_bundle_store *store, const struct vb_strv *trusted_keys,
	bool require_signature, struct vb_error *err)
{
	vb_auto_bundle_trust struct vb_bundle_trust trust = {0};
	struct vb_bundle_cache *cache = vb_bundle_cache_create();

	int r = vb_bundle_trust_init(&trust, trusted_keys, require_signature, err);
	if (r == 0 && cache == NULL)
		r = vb_error_set(err, ENOMEM, "trust other keys");
	if (r < 0) {
		vb_bundle_cache_destroy(cache);
		return r;
	}
	/* What is known was taken by the former keys. */
	vb_profile_store_forget(store->profiles);
	vb_bundle_cache_destroy(store->cache);
	store->cache = cache;
	const struct vb_bundle_trust former = store->trust;
	store->trust = trust;
	trust = former;
	return 0;
}

/* For the record; out of memory, it has a gap. */
static void note_loaded(struct vb_bundle_store *store, const struct vb_bundle *bundle)
{
	vb_auto_free char *text = vb_str_format("%s@%s", bundle->name, bundle->digest);

	if (text != NULL && store->loaded.count < LOADED_MAX)
		(void)!vb_strv_add(&store->loaded, text);
}

void vb_bundle_store_take_loaded(struct vb_bundle_store *store, struct vb_strv *ret_loaded)
{
	*ret_loaded = store->loaded;
	store->loaded = (struct vb_strv){0};
}

struct vb_bundle_usage vb_bundle_store_usage(const struct vb_bundle_store *store)
{
	return vb_bundle_cache_usage(store->cache);
}

static int use_known(struct vb_bundle_store *store, struct vb_bundle_entry *known,
	struct vb_bundle **ret_bundle, struct vb_error *err)
{
	if (vb_bundle_cache_ready(store->cache, known) < 0)
		return vb_error_set(err, ENOMEM, "unpack a bundle");
	*ret_bundle = known->bundle;
	return 0;
}

/* A ConfigMap volume makes all of its files anew when one changes. */
static bool is_same_version(const struct vb_bundle_entry *known, const struct vb_bundle *bundle)
{
	return known != NULL && strcmp(known->bundle->digest, bundle->digest) == 0 &&
	       known->bundle->signature == bundle->signature;
}

static int keep_take(struct vb_bundle_store *store, const struct vb_bundle_file *file,
	const char *directory, struct vb_bundle *bundle, struct vb_bundle **ret_bundle,
	struct vb_error *err)
{
	if (vb_bundle_cache_put_take(store->cache, directory, &file->origin, bundle) < 0)
		return vb_error_set(err, ENOMEM, "keep a bundle");
	note_loaded(store, bundle);
	*ret_bundle = bundle;
	return 0;
}

/* The bundle that was opened: the one kept, or read anew. The store owns it. */
static int load(struct vb_bundle_store *store, const struct vb_bundle_file *file,
	const struct vb_bundle_place *place, struct vb_bundle **ret_bundle, struct vb_error *err)
{
	struct vb_bundle_entry *known =
		vb_bundle_cache_find(store->cache, place->directory, place->name);
	vb_auto_bundle_read struct vb_bundle_read read = {0};

	if (known != NULL && vb_bundle_origin_is_same(&known->origin, &file->origin))
		return use_known(store, known, ret_bundle, err);
	int r = vb_bundle_file_read(file, place, &store->trust, &read, err);
	if (r == 0 && !is_same_version(known, read.bundle))
		return keep_take(
			store, file, place->directory, VB_STEAL(read.bundle), ret_bundle, err);
	/* An update that went wrong must not stop the robots that ran with what was; a forged one
	 * must. */
	if (r != 0 && (known == NULL || !vb_str_equal(err->code, VB_CODE_BUNDLE_INVALID)))
		return r;
	if (r != 0)
		store->warning = *err;
	else
		known->origin = file->origin;
	return use_known(store, known, ret_bundle, err);
}

/* bare: the first directory in which the bundle's own lacks its manifest; NULL: none. */
static int refuse_missing(const struct vb_bundle_store *store, const char *name, const char *bare,
	struct vb_error *err)
{
	vb_auto_free char *directories = vb_strv_join(&store->directories, ',');

	if (directories == NULL)
		return vb_error_set(err, ENOMEM, "look up bundle '%.63s'", name);
	(void)vb_error_refuse(
		err, VB_CODE_BUNDLE_NOT_FOUND, "bundle '%.63s' is not on this node", name);
	if (store->directories.count == 0)
		return vb_error_fix(err, "give the node config bundle_dirs, which it sets to "
					 "none, or name no bundle");
	if (bare != NULL)
		return vb_error_fix(err,
			"put its manifest.json into %.200s/%.63s, or correct bundle.vambrace.dev",
			bare, name);
	return vb_error_fix(
		err, "install it in one of %s, or correct bundle.vambrace.dev", directories);
}

int vb_bundle_pin_check(
	const struct vb_bundle_pin *pin, const struct vb_bundle *bundle, struct vb_error *err)
{
	if (pin->digest == NULL || strcmp(pin->digest, bundle->digest) == 0)
		return 0;
	(void)vb_error_refuse(err, VB_CODE_BUNDLE_DIGEST,
		"bundle '%s' on this node has digest %s, %s pins %s", bundle->name, bundle->digest,
		pin->who, pin->digest);
	return vb_error_fix(err, "install the pinned version, or correct the pin");
}

const char *vb_bundle_store_warning(const struct vb_bundle_store *store)
{
	return store->warning.errnum != 0 ? store->warning.what : NULL;
}

/* A tar that is open, and the file in it that is wanted. */
struct tar_part {
	const struct vb_bundle_file *file;
	const struct vb_bundle_place *place;
	const struct vb_bundle *bundle;
	const char *name;
};

static int read_tar_part(
	const void *context, char **ret_text, size_t *ret_size, struct vb_error *err)
{
	const struct tar_part *part = context;
	struct vb_bundle_text text = {0};

	int r = vb_bundle_file_read_profile(
		part->file, part->place, part->bundle, part->name, &text, err);
	if (r < 0)
		return r;
	*ret_text = text.data;
	*ret_size = text.size;
	return 0;
}

static int get_from_tar(struct vb_bundle_store *store, const struct vb_bundle_entry *owner,
	const char *name, struct vb_custom_profile **ret_profile, struct vb_error *err)
{
	const struct vb_bundle *bundle = owner->bundle;
	const struct vb_bundle_place place = {.directory = owner->directory,
		.name = bundle->name,
		.form = VB_BUNDLE_TAR,
		.any_owner = store->any_owner};
	vb_auto_bundle_file struct vb_bundle_file file = {.fd = -1, .signature_fd = -1};
	vb_auto_free char *path =
		vb_str_format("%s/%s.tar/profiles/%s.json", owner->directory, bundle->name, name);

	if (path == NULL)
		return vb_error_set(err, ENOMEM, "look up a seccomp profile");
	int r = vb_bundle_file_open(&place, &file, err);
	if (r < 0)
		return r;
	const struct tar_part tar = {&file, &place, bundle, name};
	const struct vb_profile_part part = {.path = path,
		.identity = &file.origin.file,
		.read = read_tar_part,
		.context = &tar};
	r = vb_profile_store_get_part(store->profiles, &part, ret_profile, err);
	if (r != -ENOENT)
		return r;
	(void)vb_error_refuse(err, VB_CODE_PROFILE_INVALID,
		"there is no file 'profiles/%s.json' in '%.200s/%s.tar'", name, owner->directory,
		bundle->name);
	return vb_error_fix(err, "pack the bundle again with the file, or name another profile");
}

static int get_from_directory(struct vb_bundle_store *store, const struct vb_bundle_entry *owner,
	const char *name, struct vb_custom_profile **ret_profile, struct vb_error *err)
{
	const struct vb_bundle_place bundle = {.directory = owner->directory,
		.name = owner->bundle->name,
		.any_owner = store->any_owner};
	vb_auto_free char *directory = vb_str_format("%s/%s", bundle.directory, bundle.name);
	vb_auto_free char *file = vb_str_format("profiles/%s.json", name);
	vb_auto_close int fd = -1;

	if (directory == NULL || file == NULL)
		return vb_error_set(err, ENOMEM, "look up a seccomp profile");
	int r = vb_bundle_file_open_directory(&bundle, &fd, err);
	if (r < 0)
		return r;
	const struct vb_profile_place place = {.dirfd = fd, .directory = directory, .file = file};
	return vb_profile_store_get_at(store->profiles, &place, ret_profile, err);
}

/* The signature and the pin of a directory are over the manifest alone. */
static int check_bound(const struct vb_bundle *bundle, const char *name,
	const struct vb_custom_profile *profile, struct vb_error *err)
{
	const char *bound = vb_bundle_profile_digest(bundle, name);
	char digest[VB_DIGEST_SIZE];

	vb_digest(profile->text, strlen(profile->text), digest);
	if (bound == NULL && bundle->signature != VB_BUNDLE_SIGNED)
		return 0;
	if (bound == NULL) {
		(void)vb_error_refuse(err, VB_CODE_BUNDLE_SIGNATURE,
			"profile '%s' is not covered by the signature of bundle '%s'", name,
			bundle->name);
		return vb_error_fix(err,
			"add \"profiles\": {\"%s\": \"%s\"} to manifest.json, or pack the bundle, "
			"and sign again",
			name, digest);
	}
	if (strcmp(bound, digest) == 0)
		return 0;
	(void)vb_error_refuse(err, VB_CODE_BUNDLE_DIGEST,
		"profile '%s' of bundle '%s' has digest %s, the manifest says %s", name,
		bundle->name, digest, bound);
	return vb_error_fix(err, "install the right file, or correct the manifest");
}

int vb_bundle_store_profile(struct vb_bundle_store *store, const struct vb_bundle *bundle,
	const char *name, struct vb_custom_profile **ret_profile, struct vb_error *err)
{
	const struct vb_bundle_entry *owner = vb_bundle_cache_owner(store->cache, bundle);
	vb_auto_custom_profile struct vb_custom_profile *profile = NULL;

	store->warning.errnum = 0;
	if (owner == NULL)
		return vb_error_say(err, EINVAL, "bundle '%s' is not kept", bundle->name);
	bool is_tar = owner->origin.is_tar;
	int r = is_tar ? get_from_tar(store, owner, name, &profile, err)
		       : get_from_directory(store, owner, name, &profile, err);
	if (r == 0 && !is_tar)
		r = check_bound(bundle, name, profile, err);
	const char *warning = vb_profile_store_warning(store->profiles);
	if (warning != NULL)
		(void)vb_error_say(&store->warning, EPERM, "profile '%s' of bundle '%s': %s", name,
			bundle->name, warning);
	if (r == 0)
		*ret_profile = VB_STEAL(profile);
	return r;
}

/* The bundle as it is in one directory; -ENOENT or -ENODATA when it is not there. */
static int find_bundle(struct vb_bundle_store *store, const char *directory, const char *name,
	struct vb_bundle **ret_bundle, struct vb_error *err)
{
	const struct vb_bundle_place place = {
		.directory = directory, .name = name, .any_owner = store->any_owner};
	vb_auto_bundle_file struct vb_bundle_file file = {.fd = -1, .signature_fd = -1};

	int r = vb_bundle_file_open(&place, &file, err);
	return r < 0 ? r : load(store, &file, &place, ret_bundle, err);
}

int vb_bundle_store_get(struct vb_bundle_store *store, const char *name,
	const struct vb_bundle_pin *pin, const struct vb_bundle **ret_bundle, struct vb_error *err)
{
	const char *bare = NULL;

	store->warning.errnum = 0;
	vb_bundle_cache_begin(store->cache);
	if (!vb_bundle_name_is_valid(name))
		return refuse_missing(store, name, bare, err);
	for (size_t i = 0; i < store->directories.count; i++) {
		struct vb_bundle *bundle = NULL;
		/* Its own: that one directory lacks the bundle is no error of the caller's. */
		struct vb_error found;
		int r = find_bundle(store, store->directories.items[i], name, &bundle, &found);
		if (r == -ENODATA && bare == NULL)
			bare = store->directories.items[i];
		if (r == -ENOENT || r == -ENODATA)
			continue;
		if (r < 0 && err != NULL)
			*err = found;
		if (r == 0 && pin != NULL)
			r = vb_bundle_pin_check(pin, bundle, err);
		if (r == 0)
			*ret_bundle = bundle;
		return r;
	}
	return refuse_missing(store, name, bare, err);
}
