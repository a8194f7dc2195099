/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/bundle.h"

#include <errno.h>
#include <string.h>

#include "bundle_internal.h"
#include "vb/adjust/codes.h"
#include "vb/adjust/values.h"
#include "vb/base/utf8.h"

bool vb_bundle_name_is_valid(const char *name)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	size_t length = strlen(name);

	return length > 0 && length <= 63 && strchr(first, name[0]) != NULL &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == length;
}

/* Shown with every plan that the bundle takes part in. */
enum { WARNINGS_MAX = 16 };

void vb_bundle_profiles_finish(struct vb_bundle_profiles *profiles)
{
	for (size_t i = 0; i < profiles->count; i++)
		free(profiles->items[i].name);
	free(profiles->items);
}

void vb_bundle_destroy(struct vb_bundle *bundle)
{
	if (bundle == NULL)
		return;
	free(bundle->name);
	free(bundle->version);
	free(bundle->seccomp_profile);
	vb_tmpfs_list_finish(&bundle->tmpfs);
	vb_rlimit_list_finish(&bundle->rlimits);
	vb_plan_preload_finish(&bundle->preload_settings);
	vb_bundle_profiles_finish(&bundle->profiles);
	vb_strv_finish(&bundle->warnings);
	free(bundle);
}

const char *vb_bundle_profile_digest(const struct vb_bundle *bundle, const char *name)
{
	for (size_t i = 0; i < bundle->profiles.count; i++)
		if (strcmp(bundle->profiles.items[i].name, name) == 0)
			return bundle->profiles.items[i].digest;
	return NULL;
}

/* Every error inside a manifest is ErrBundleInvalid, and says in which bundle it is. */
static int invalid(int r, const char *name, struct vb_error *err)
{
	if (r == -ENOMEM)
		return r;
	if (err == NULL)
		return -EPERM;
	err->code = VB_CODE_BUNDLE_INVALID;
	err->errnum = EPERM;
	if (err->fix[0] == '\0')
		(void)vb_error_fix(err, "correct the bundle's manifest.json");
	return vb_error_wrap(err, "bundle '%s'", name);
}

int vb_bundle_read_list(const json_t *object, const char *where, const char *key,
	int (*add)(const char *, struct vb_allowlist *, struct vb_error *),
	struct vb_allowlist *list, struct vb_error *err)
{
	vb_auto_strv struct vb_strv entries = {0};

	if (json_object_get(object, key) == NULL)
		return 0;
	list->set = true;
	int r = vb_json_get_strings(object, where, key, &entries, err);
	for (size_t i = 0; r == 0 && i < entries.count; i++) {
		r = add(entries.items[i], list, err);
		if (r < 0)
			(void)vb_error_wrap(err, "%s.%s[%zu]", where, key, i);
	}
	vb_strv_sort_unique(&list->entries);
	return r;
}

/* Outside of `hardening` an unknown key is worth a warning, no more. */
static int warn_unknown_keys(const json_t *object, const char *where, const char *const *known,
	struct vb_bundle *bundle, struct vb_error *err)
{
	const char *key;
	json_t *value;

	/* The iterators take a non-const object but only read it. */
	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		const char *const *entry = known;
		while (*entry != NULL && strcmp(*entry, key) != 0)
			entry++;
		if (*entry != NULL || bundle->warnings.count == WARNINGS_MAX)
			continue;
		vb_auto_free char *warning = vb_str_format("unknown key '%.64s' in %s", key, where);
		if (warning == NULL)
			return vb_error_set(err, ENOMEM, "read a manifest");
		vb_utf8_scrub(warning);
		if (vb_strv_add(&bundle->warnings, warning) < 0)
			return vb_error_set(err, ENOMEM, "read a manifest");
	}
	return 0;
}

static int read_dlopen(const json_t *manifest, struct vb_bundle *bundle, struct vb_error *err)
{
	static const char *const known[] = {"paths", NULL};
	const json_t *dlopen = NULL;

	int r = vb_json_get_object(manifest, "manifest", "dlopen_allowlist", &dlopen, err);
	if (r < 0 || dlopen == NULL)
		return r;
	bundle->preload = true;
	bundle->preload_settings.dlopen.set = true;
	r = warn_unknown_keys(dlopen, "dlopen_allowlist", known, bundle, err);
	if (r < 0)
		return r;
	return vb_bundle_read_list(dlopen, "dlopen_allowlist", "paths", vb_value_dlopen_entry,
		&bundle->preload_settings.dlopen, err);
}

int vb_bundle_profiles_add(
	struct vb_bundle_profiles *profiles, const char *name, const char *digest)
{
	struct vb_bundle_profile *items =
		reallocarray(profiles->items, profiles->count + 1, sizeof(*items));
	char *copy = strdup(name);

	if (items != NULL)
		profiles->items = items;
	if (items == NULL || copy == NULL) {
		free(copy);
		return -ENOMEM;
	}
	struct vb_bundle_profile *added = &items[profiles->count++];
	added->name = copy;
	memcpy(added->digest, digest, sizeof(added->digest));
	return 0;
}

/* `profiles` binds the files beside the manifest: the signature and the pin are the manifest's. */
static int read_profiles(const json_t *manifest, struct vb_bundle *bundle, struct vb_error *err)
{
	const json_t *profiles = NULL;
	const char *name;
	json_t *value;

	int r = vb_json_get_object(manifest, "manifest", "profiles", &profiles, err);
	if (r < 0 || profiles == NULL)
		return r;
	/* The iterators take a non-const object but only read it. */
	json_object_foreach((json_t *)(uintptr_t)profiles, name, value) {
		const char *digest = json_string_value(value);
		if (digest == NULL || !vb_digest_is_valid(digest))
			return vb_error_say(err, EINVAL,
				"manifest.profiles['%.64s'] must be \"sha256:<64 lower-case hex "
				"digits>\"",
				name);
		if (vb_bundle_profiles_add(&bundle->profiles, name, digest) < 0)
			return vb_error_set(err, ENOMEM, "read a manifest");
	}
	return 0;
}

static int copy_name(const json_t *manifest, const char *key, char **ret_text, struct vb_error *err)
{
	const char *text = NULL;

	int r = vb_json_get_string(manifest, "manifest", key, &text, err);
	if (r < 0)
		return r;
	if (text == NULL)
		return vb_error_say(err, EINVAL, "manifest.%s is missing", key);
	if (strlen(text) > 128)
		return vb_error_say(err, EINVAL, "manifest.%s is longer than 128 bytes", key);
	*ret_text = strdup(text);
	return *ret_text == NULL ? vb_error_set(err, ENOMEM, "read a manifest") : 0;
}

/* Sets *ret_hardening_allowed by the schema version. */
static int check_kind(const json_t *manifest, bool *ret_hardening_allowed, struct vb_error *err)
{
	const char *kind = "";
	const char *version = "";

	int r = vb_json_get_string(manifest, "manifest", "kind", &kind, err);
	if (r == 0)
		r = vb_json_get_string(manifest, "manifest", "schema_version", &version, err);
	if (r < 0)
		return r;
	if (strcmp(kind, "bundle") != 0)
		return vb_error_say(err, EINVAL, "manifest.kind is not \"bundle\"");
	*ret_hardening_allowed = strcmp(version, "1.6") == 0;
	if (!*ret_hardening_allowed && strcmp(version, "1.5") != 0)
		return vb_error_say(
			err, EINVAL, "manifest.schema_version '%.16s' is not 1.5 or 1.6", version);
	return 0;
}

static int read_manifest(const json_t *manifest, const char *expected_name,
	struct vb_bundle *bundle, struct vb_error *err)
{
	/* The first is none of schema 1.5, where someone may have used it for something else. */
	static const char *const known[] = {"profiles", "kind", "schema_version", "name", "version",
		"channel", "min_adk_version", "dlopen_allowlist", "hardening", NULL};
	const json_t *hardening = NULL;
	bool hardening_allowed = false;

	if (!json_is_object(manifest))
		return vb_error_say(err, EINVAL, "the manifest is not a JSON object");
	int r = check_kind(manifest, &hardening_allowed, err);
	if (r == 0)
		r = copy_name(manifest, "name", &bundle->name, err);
	if (r == 0)
		r = copy_name(manifest, "version", &bundle->version, err);
	if (r == 0 && !vb_str_equal(bundle->name, expected_name))
		r = vb_error_say(err, EINVAL,
			"manifest.name is '%.64s', not the name of its directory or tar",
			bundle->name);
	if (r == 0)
		r = read_dlopen(manifest, bundle, err);
	if (r == 0)
		r = vb_json_get_object(manifest, "manifest", "hardening", &hardening, err);
	if (r == 0 && hardening != NULL && !hardening_allowed)
		r = vb_error_say(err, EINVAL, "a hardening block needs schema_version 1.6");
	if (r == 0 && hardening != NULL)
		r = vb_bundle_parse_hardening(hardening, bundle, err);
	if (r == 0 && hardening_allowed)
		r = read_profiles(manifest, bundle, err);
	if (r == 0)
		r = warn_unknown_keys(
			manifest, "manifest", hardening_allowed ? known : known + 1, bundle, err);
	return r;
}

/* Commas and brackets in strings count too, where they have no business. */
static bool has_too_many_values(const char *data, size_t size)
{
	size_t values = 0;

	for (size_t i = 0; i < size; i++)
		values += data[i] == ',' || data[i] == '[' || data[i] == '{';
	return values > VB_BUNDLE_VALUES_MAX;
}

int vb_bundle_parse(const char *data, size_t size, const char *expected_name,
	struct vb_bundle **ret_bundle, struct vb_error *err)
{
	vb_auto_json json_t *manifest = NULL;
	vb_auto_bundle struct vb_bundle *bundle = calloc(1, sizeof(*bundle));

	if (bundle == NULL)
		return vb_error_set(err, ENOMEM, "read a manifest");
	bundle->preload_settings.datagrams = true;
	int r = 0;
	if (has_too_many_values(data, size))
		r = vb_error_say(
			err, EINVAL, "the manifest has more than %d values", VB_BUNDLE_VALUES_MAX);
	if (r == 0)
		r = vb_json_parse(data, size, VB_BUNDLE_JSON_DEPTH_MAX, &manifest, err);
	if (r == 0)
		r = read_manifest(manifest, expected_name, bundle, err);
	if (r < 0)
		return invalid(r, expected_name, err);
	vb_digest(data, size, bundle->digest);
	*ret_bundle = VB_STEAL(bundle);
	return 0;
}
