/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/bundle.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
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

int vb_bundle_settle(
	struct vb_bundle_reader *reader, int r, struct vb_error *err, const char *format, ...)
{
	char place[VB_ERROR_PLACE_MAX];
	va_list args;

	if (r == 0 || r == -ENOMEM)
		return r;
	va_start(args, format);
	(void)vsnprintf(place, sizeof(place), format, args);
	va_end(args);
	(void)vb_error_at(err, "%s", place);
	if (reader->report == NULL)
		return r;
	reader->problems++;
	r = reader->report(reader->context, VB_BUNDLE_ERROR, err);
	memset(err, 0, sizeof(*err));
	return r;
}

int vb_bundle_check_keys(struct vb_bundle_reader *reader, const json_t *object, const char *where,
	const char *const *known, struct vb_error *err)
{
	const char *key;
	json_t *value;

	/* The iterators take a non-const object but only read it. */
	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		int r = vb_json_check_key(key, where, known, err);
		if (r < 0 && reader->report != NULL)
			(void)vb_error_fix(err, "remove the key, or correct it");
		r = vb_bundle_settle(reader, r, err, "%s.%s", where, key);
		if (r != 0)
			return r;
	}
	return 0;
}

static int read_item(
	const struct vb_bundle_array *array, size_t index, const json_t *item, struct vb_error *err)
{
	if (!json_is_string(item))
		return vb_error_say(err, EINVAL, "%s.%s[%zu] must be a string", array->where,
			array->key, index);
	int r = array->add(array->context, json_string_value(item), err);
	return r < 0 ? vb_error_wrap(err, "%s.%s[%zu]", array->where, array->key, index) : 0;
}

int vb_bundle_read_array(
	struct vb_bundle_reader *reader, const struct vb_bundle_array *array, struct vb_error *err)
{
	const json_t *items = NULL;
	const json_t *item;
	size_t i;

	int r = vb_json_get_array(array->object, array->where, array->key, &items, err);
	r = vb_bundle_settle(reader, r, err, "%s.%s", array->where, array->key);
	json_array_foreach(items, i, item) {
		if (r == 0)
			r = read_item(array, i, item, err);
		r = vb_bundle_settle(reader, r, err, "%s.%s[%zu]", array->where, array->key, i);
		/* Whatever follows the longest possible list is wrong for the same reason. */
		if (r != 0 || i >= VB_BUNDLE_LIST_MAX)
			break;
	}
	return r;
}

static int add_to_list(void *context, const char *text, struct vb_error *err)
{
	const struct vb_bundle_list *list = context;

	return list->add(text, list->list, err);
}

int vb_bundle_read_list(
	struct vb_bundle_reader *reader, const struct vb_bundle_list *list, struct vb_error *err)
{
	/* Handed back to add_to_list() only, which does not change it. */
	const struct vb_bundle_array array = {
		list->object, list->where, list->key, add_to_list, (void *)(uintptr_t)list};

	if (json_object_get(list->object, list->key) == NULL)
		return 0;
	list->list->set = true;
	int r = vb_bundle_read_array(reader, &array, err);
	vb_strv_sort_unique(&list->list->entries);
	return r;
}

/* Whether somebody gets to see one more; a text for each of 65,000 keys would take its time. */
static bool hears_warnings(const struct vb_bundle_reader *reader)
{
	return reader->report != NULL || reader->bundle->warnings.count < WARNINGS_MAX;
}

static int add_warning(struct vb_bundle *bundle, const struct vb_error *warning)
{
	if (bundle->warnings.count == WARNINGS_MAX)
		return 0;
	return vb_strv_add(&bundle->warnings, warning->what);
}

/* Outside of `hardening` an unknown key is worth a warning, no more. */
static int warn_unknown_keys(struct vb_bundle_reader *reader, const json_t *object,
	const char *where, const char *const *known, struct vb_error *err)
{
	const char *key;
	json_t *value;

	/* The iterators take a non-const object but only read it. */
	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		const char *const *entry = known;
		struct vb_error warning = {0};
		while (*entry != NULL && strcmp(*entry, key) != 0)
			entry++;
		if (*entry != NULL || !hears_warnings(reader))
			continue;
		(void)vb_error_say(&warning, EINVAL, "unknown key '%.64s' in %s", key, where);
		(void)vb_error_fix(
			&warning, "remove it, or did you mean '%s'?", vb_json_nearest(key, known));
		(void)vb_error_at(&warning, "%s%s%s", strcmp(where, "manifest") == 0 ? "" : where,
			strcmp(where, "manifest") == 0 ? "" : ".", key);
		if (add_warning(reader->bundle, &warning) < 0)
			return vb_error_set(err, ENOMEM, "read a manifest");
		int r = reader->report == NULL
				? 0
				: reader->report(reader->context, VB_BUNDLE_WARNING, &warning);
		if (r != 0)
			return r;
	}
	return 0;
}

static int read_dlopen(
	const json_t *manifest, struct vb_bundle_reader *reader, struct vb_error *err)
{
	static const char *const known[] = {"paths", NULL};
	static const char where[] = "dlopen_allowlist";
	struct vb_bundle *bundle = reader->bundle;
	const json_t *dlopen = NULL;

	int r = vb_json_get_object(manifest, "manifest", where, &dlopen, err);
	r = vb_bundle_settle(reader, r, err, "%s", where);
	if (r != 0 || dlopen == NULL)
		return r;
	const struct vb_bundle_list list = {
		dlopen, where, "paths", vb_value_dlopen_entry, &bundle->preload_settings.dlopen};
	bundle->preload = true;
	bundle->preload_settings.dlopen.set = true;
	r = warn_unknown_keys(reader, dlopen, where, known, err);
	return r != 0 ? r : vb_bundle_read_list(reader, &list, err);
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

static int read_profile(
	struct vb_bundle *bundle, const char *name, const json_t *value, struct vb_error *err)
{
	const char *digest = json_string_value(value);

	if (digest == NULL || !vb_digest_is_valid(digest))
		return vb_error_say(err, EINVAL,
			"manifest.profiles['%.64s'] must be \"sha256:<64 lower-case hex "
			"digits>\"",
			name);
	if (vb_bundle_profiles_add(&bundle->profiles, name, digest) < 0)
		return vb_error_set(err, ENOMEM, "read a manifest");
	return 0;
}

/* `profiles` binds the files beside the manifest, which signature and pin alone do not cover. */
static int read_profiles(
	const json_t *manifest, struct vb_bundle_reader *reader, struct vb_error *err)
{
	const json_t *profiles = NULL;
	const char *name;
	json_t *value;

	int r = vb_json_get_object(manifest, "manifest", "profiles", &profiles, err);
	r = vb_bundle_settle(reader, r, err, "profiles");
	if (r != 0 || profiles == NULL)
		return r;
	/* The iterators take a non-const object but only read it. */
	json_object_foreach((json_t *)(uintptr_t)profiles, name, value) {
		r = read_profile(reader->bundle, name, value, err);
		r = vb_bundle_settle(reader, r, err, "profiles.%s", name);
		if (r != 0)
			return r;
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

static int check_kind(const json_t *manifest, struct vb_error *err)
{
	const char *kind = "";

	int r = vb_json_get_string(manifest, "manifest", "kind", &kind, err);
	if (r == 0 && strcmp(kind, "bundle") != 0)
		r = vb_error_say(err, EINVAL, "manifest.kind is not \"bundle\"");
	return r;
}

/* Sets *ret_hardening_allowed by the schema version; one that is not known may have it. */
static int check_version(const json_t *manifest, bool *ret_hardening_allowed, struct vb_error *err)
{
	const char *version = "";

	int r = vb_json_get_string(manifest, "manifest", "schema_version", &version, err);
	*ret_hardening_allowed = strcmp(version, "1.5") != 0;
	if (r == 0 && *ret_hardening_allowed && strcmp(version, "1.6") != 0)
		r = vb_error_say(
			err, EINVAL, "manifest.schema_version '%.16s' is not 1.5 or 1.6", version);
	return r;
}

static int read_head(const json_t *manifest, const char *expected_name,
	struct vb_bundle_reader *reader, bool *ret_hardening_allowed, struct vb_error *err)
{
	struct vb_bundle *bundle = reader->bundle;

	int r = vb_bundle_settle(reader, check_kind(manifest, err), err, "kind");
	if (r == 0)
		r = vb_bundle_settle(reader, check_version(manifest, ret_hardening_allowed, err),
			err, "schema_version");
	if (r == 0)
		r = vb_bundle_settle(
			reader, copy_name(manifest, "name", &bundle->name, err), err, "name");
	if (r == 0)
		r = vb_bundle_settle(reader, copy_name(manifest, "version", &bundle->version, err),
			err, "version");
	if (r == 0 && bundle->name != NULL && !vb_str_equal(bundle->name, expected_name)) {
		r = vb_error_say(err, EINVAL,
			"manifest.name is '%.64s', not the name of its directory or tar",
			bundle->name);
		r = vb_bundle_settle(reader, r, err, "name");
	}
	return r;
}

static int read_hardening(
	const json_t *manifest, bool allowed, struct vb_bundle_reader *reader, struct vb_error *err)
{
	const json_t *hardening = NULL;

	int r = vb_json_get_object(manifest, "manifest", "hardening", &hardening, err);
	if (r == 0 && hardening != NULL && !allowed)
		r = vb_error_say(err, EINVAL, "a hardening block needs schema_version 1.6");
	r = vb_bundle_settle(reader, r, err, "hardening");
	return r != 0 || hardening == NULL ? r : vb_bundle_parse_hardening(hardening, reader, err);
}

static int read_manifest(const json_t *manifest, const char *expected_name,
	struct vb_bundle_reader *reader, struct vb_error *err)
{
	/* Schema 1.5 does not know the first key, so such a manifest may use it for anything. */
	static const char *const known[] = {"profiles", "kind", "schema_version", "name", "version",
		"channel", "min_adk_version", "dlopen_allowlist", "hardening", NULL};
	bool hardening_allowed = false;

	if (!json_is_object(manifest))
		return vb_error_say(err, EINVAL, "the manifest is not a JSON object");
	int r = read_head(manifest, expected_name, reader, &hardening_allowed, err);
	if (r == 0)
		r = read_dlopen(manifest, reader, err);
	if (r == 0)
		r = read_hardening(manifest, hardening_allowed, reader, err);
	if (r == 0 && hardening_allowed)
		r = read_profiles(manifest, reader, err);
	if (r == 0)
		r = warn_unknown_keys(
			reader, manifest, "manifest", hardening_allowed ? known : known + 1, err);
	return r;
}

/* Reads into a new bundle. */
static int read_text(const char *data, size_t size, const char *expected_name,
	struct vb_bundle_reader *reader, struct vb_error *err)
{
	vb_auto_json json_t *manifest = NULL;

	reader->bundle = calloc(1, sizeof(*reader->bundle));
	if (reader->bundle == NULL)
		return vb_error_set(err, ENOMEM, "read a manifest");
	reader->bundle->preload_settings.datagrams = true;
	int r = 0;
	if (vb_json_count_values(data, size) > VB_BUNDLE_VALUES_MAX)
		r = vb_error_say(
			err, EINVAL, "the manifest has more than %d values", VB_BUNDLE_VALUES_MAX);
	if (r == 0)
		r = vb_json_parse(data, size, VB_BUNDLE_JSON_DEPTH_MAX, &manifest, err);
	return r == 0 ? read_manifest(manifest, expected_name, reader, err) : r;
}

static void finish_reader(struct vb_bundle_reader *reader)
{
	vb_bundle_destroy(reader->bundle);
}

int vb_bundle_parse(const char *data, size_t size, const char *expected_name,
	struct vb_bundle **ret_bundle, struct vb_error *err)
{
	vb_auto(finish_reader) struct vb_bundle_reader reader = {0};
	int r = read_text(data, size, expected_name, &reader, err);

	if (r < 0)
		return invalid(r, expected_name, err);
	vb_digest(data, size, reader.bundle->digest);
	*ret_bundle = VB_STEAL(reader.bundle);
	return 0;
}

int vb_bundle_check(const char *data, size_t size, const char *expected_name,
	vb_bundle_problem_fn report, void *context)
{
	vb_auto(finish_reader) struct vb_bundle_reader reader = {
		.report = report, .context = context};
	struct vb_error err = {0};
	int r = read_text(data, size, expected_name, &reader, &err);

	/* That it is no JSON or no object ends the reading; -ENOMEM is no problem of the text. */
	return err.what[0] != '\0' ? vb_bundle_settle(&reader, r, &err, "%s", "") : r;
}
