/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/values.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "vb/adjust/bundle.h"
#include "vb/adjust/caps.h"
#include "vb/adjust/codes.h"
#include "vb/adjust/connect.h"
#include "vb/base/utf8.h"

/* A page is the smallest tmpfs there is; nobody means more than a TiB of memory. */
static const uint64_t size_min = 4096;
static const uint64_t size_max = UINT64_C(1) << 40;

int vb_value_split(const char *text, char separator, vb_value_entry_fn function, void *context,
	struct vb_error *err)
{
	const char separators[] = {separator, '\0'};
	size_t count = 0;

	for (const char *start = text;; start++) {
		size_t length = strcspn(start, separators);
		vb_auto_free char *entry = strndup(start, length);
		if (entry == NULL)
			return vb_error_set(err, ENOMEM, "read a list");
		if (length == 0) {
			(void)vb_error_refuse(err, VB_CODE_INVALID_VALUE, "empty entry in a list");
			return vb_error_fix(err, "remove the superfluous '%c'", separator);
		}
		if (++count > VB_VALUE_LIST_MAX) {
			(void)vb_error_refuse(err, VB_CODE_INVALID_VALUE,
				"more than %d entries in a list", VB_VALUE_LIST_MAX);
			return vb_error_fix(err, "shorten the list");
		}
		int r = function(entry, context, err);
		if (r < 0)
			return r;
		start += length;
		if (*start == '\0')
			return 0;
	}
}

int vb_value_true(const char *text, bool *ret_value, struct vb_error *err)
{
	if (strcmp(text, "true") != 0) {
		(void)vb_error_refuse(err, VB_CODE_INVALID_VALUE, "'%.64s' is not 'true'", text);
		return vb_error_fix(
			err, "write \"true\", or remove the key: no value switches a layer off");
	}
	*ret_value = true;
	return 0;
}

static int add_cap(const char *entry, void *context, struct vb_error *err)
{
	uint64_t *set = context;
	uint64_t cap = 0;

	int r = vb_cap_parse(entry, &cap, err);
	if (r < 0)
		return r;
	*set |= cap;
	return 0;
}

int vb_value_caps(const char *text, uint64_t *ret_set, struct vb_error *err)
{
	uint64_t set = 0;

	int r = vb_value_split(text, ',', add_cap, &set, err);
	if (r < 0)
		return r;
	*ret_set = set;
	return 0;
}

int vb_value_spec_allow(const char *text, enum vb_spec_allow *ret_value, struct vb_error *err)
{
	if (strcmp(text, "allow") == 0) {
		*ret_value = VB_SPEC_ALLOW_ALLOW;
		return 0;
	}
	if (strcmp(text, "mitigate") == 0) {
		*ret_value = VB_SPEC_ALLOW_MITIGATE;
		return 0;
	}
	(void)vb_error_refuse(err, VB_CODE_INVALID_VALUE, "unknown spec-allow value '%.64s'", text);
	return vb_error_fix(err, "write allow or mitigate");
}

int vb_value_audit(const char *text, unsigned int *ret_bit, struct vb_error *err)
{
	static const char *const names[] = {"dlopen", "exec", "connect"};

	for (unsigned int i = 0; i < VB_ARRAY_SIZE(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			*ret_bit = 1U << i;
			return 0;
		}
	}
	(void)vb_error_refuse(err, VB_CODE_INVALID_VALUE, "unknown audit subject '%.64s'", text);
	return vb_error_fix(err, "write dlopen, exec or connect");
}

static bool parse_suffix(const char *suffix, unsigned int *ret_shift)
{
	static const struct {
		const char *suffix;
		unsigned int shift;
	} units[] = {{"", 0}, {"Ki", 10}, {"Mi", 20}, {"Gi", 30}};

	for (size_t i = 0; i < VB_ARRAY_SIZE(units); i++) {
		if (strcmp(suffix, units[i].suffix) == 0) {
			*ret_shift = units[i].shift;
			return true;
		}
	}
	return false;
}

int vb_value_size(const char *text, uint64_t *ret_bytes, struct vb_error *err)
{
	size_t digits = strspn(text, "0123456789");
	uint64_t value = 0;
	unsigned int shift = 0;

	/* 13 digits hold a TiB in bytes, and do not overflow when shifted by 20. */
	if (digits == 0 || digits > 13 || !parse_suffix(text + digits, &shift)) {
		(void)vb_error_refuse(err, VB_CODE_INVALID_VALUE, "malformed size '%.64s'", text);
		return vb_error_fix(
			err, "write bytes, or a number with Ki, Mi or Gi, such as 64Mi");
	}
	for (size_t i = 0; i < digits; i++)
		value = value * 10 + (uint64_t)(text[i] - '0');
	if (value > size_max >> shift || value << shift < size_min) {
		(void)vb_error_refuse(
			err, VB_CODE_INVALID_VALUE, "size '%.64s' is out of range", text);
		return vb_error_fix(err, "choose between 4Ki and 1024Gi");
	}
	*ret_bytes = value << shift;
	return 0;
}

int vb_value_mode(const char *text, unsigned int *ret_mode, struct vb_error *err)
{
	size_t length = strlen(text);
	unsigned int mode = 0;

	if (length < 3 || length > 4 || strspn(text, "01234567") != length) {
		(void)vb_error_refuse(err, VB_CODE_INVALID_VALUE, "malformed mode '%.64s'", text);
		return vb_error_fix(err, "write 3 or 4 octal digits, such as 1777");
	}
	for (size_t i = 0; i < length; i++)
		mode = mode * 8 + (unsigned int)(text[i] - '0');
	*ret_mode = mode;
	return 0;
}

/* Blanks, control characters and the list separators: they would split or lie on the wire. */
static bool has_bad_character(const char *path)
{
	return vb_utf8_has_control(path) || strpbrk(path, " ,:") != NULL;
}

/*
 * Accepts an absolute path that is already clean; cleaning silently would hide a typo. Entries
 * match exactly, so none of the globs' characters either: such an entry would never match.
 */
static int check_path(const char *what, const char *path, const char *globs, struct vb_error *err)
{
	vb_auto_free char *clean = NULL;

	if (path[0] != '/') {
		(void)vb_error_refuse(err, VB_CODE_INVALID_VALUE,
			"%s '%.200s' is not an absolute path", what, path);
		return vb_error_fix(err, "write the full path, from /");
	}
	if (has_bad_character(path)) {
		(void)vb_error_refuse(err, VB_CODE_INVALID_VALUE,
			"%s '%.200s' has a blank, a control character, ',' or ':' in it", what,
			path);
		return vb_error_fix(err, "such a path cannot be listed; rename the file");
	}
	if (strpbrk(path, globs) != NULL) {
		(void)vb_error_refuse(
			err, VB_CODE_INVALID_VALUE, "%s '%.200s' is a glob", what, path);
		return vb_error_fix(err, "list each file by its full path");
	}
	if (strlen(path) >= 4096) {
		(void)vb_error_refuse(
			err, VB_CODE_INVALID_VALUE, "%s '%.64s...' is too long", what, path);
		return vb_error_fix(err, "paths have at most 4095 bytes");
	}
	if (vb_path_clean(path, &clean) < 0)
		return vb_error_set(err, ENOMEM, "read a path");
	if (strcmp(clean, path) != 0) {
		(void)vb_error_refuse(err, VB_CODE_INVALID_VALUE,
			"%s '%.200s' is not in its shortest form", what, path);
		return vb_error_fix(err, "write %.200s", clean);
	}
	return 0;
}

static int add_entry(const char *entry, struct vb_allowlist *list, struct vb_error *err)
{
	list->set = true;
	if (list->entries.count >= VB_VALUE_LIST_MAX) {
		(void)vb_error_refuse(err, VB_CODE_INVALID_VALUE, "more than %d entries in a list",
			VB_VALUE_LIST_MAX);
		return vb_error_fix(err, "shorten the list");
	}
	if (vb_strv_add(&list->entries, entry) < 0)
		return vb_error_set(err, ENOMEM, "read a list");
	return 0;
}

int vb_value_exec_entry(const char *entry, struct vb_allowlist *list, struct vb_error *err)
{
	/* Not '[': /usr/bin/[ is a program. */
	int r = check_path("exec entry", entry, "*?", err);

	return r < 0 ? r : add_entry(entry, list, err);
}

/* `.so` or `.so.<digits>(.<digits>)*` at the end. */
static bool is_library_name(const char *path)
{
	const char *end = path + strlen(path);

	for (;;) {
		const char *start = end;
		while (start > path && isdigit((unsigned char)start[-1]))
			start--;
		if (start == end || start == path || start[-1] != '.')
			break;
		end = start - 1;
	}
	return end - path > 4 && strncmp(end - 3, ".so", 3) == 0 && end[-4] != '/';
}

int vb_value_dlopen_entry(const char *entry, struct vb_allowlist *list, struct vb_error *err)
{
	int r = check_path("dlopen entry", entry, "*?[", err);
	if (r < 0)
		return r;
	if (!is_library_name(entry)) {
		(void)vb_error_refuse(err, VB_CODE_INVALID_VALUE,
			"dlopen entry '%.200s' does not end in .so or .so.<digits>", entry);
		return vb_error_fix(err, "list the library file itself");
	}
	return add_entry(entry, list, err);
}

int vb_value_connect_entry(const char *entry, struct vb_allowlist *list, struct vb_error *err)
{
	struct vb_connect_entry parsed;
	int r = vb_connect_parse(entry, &parsed, err);

	return r < 0 ? r : add_entry(entry, list, err);
}

static int add_exec(const char *entry, void *context, struct vb_error *err)
{
	return vb_value_exec_entry(entry, context, err);
}

static int add_connect(const char *entry, void *context, struct vb_error *err)
{
	return vb_value_connect_entry(entry, context, err);
}

static int read_list(
	const char *text, vb_value_entry_fn add, struct vb_allowlist *list, struct vb_error *err)
{
	list->set = true;
	if (strcmp(text, "none") == 0)
		return 0;
	int r = vb_value_split(text, ',', add, list, err);
	if (r < 0)
		return r;
	vb_strv_sort_unique(&list->entries);
	return 0;
}

int vb_value_exec_list(const char *text, struct vb_allowlist *list, struct vb_error *err)
{
	return read_list(text, add_exec, list, err);
}

int vb_value_connect_list(const char *text, struct vb_allowlist *list, struct vb_error *err)
{
	return read_list(text, add_connect, list, err);
}

void vb_allowlist_finish(struct vb_allowlist *list)
{
	vb_strv_finish(&list->entries);
	list->set = false;
}

/* The kernel's own trees: a tmpfs there would break the container or lift its masks. */
bool vb_tmpfs_path_is_forbidden(const char *path)
{
	static const char *const trees[] = {"/proc", "/sys", "/dev"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(trees); i++)
		if (vb_path_is_within(path, trees[i]))
			return true;
	return strcmp(path, "/") == 0;
}

int vb_value_tmpfs_path(const char *path, struct vb_tmpfs *ret_tmpfs, struct vb_error *err)
{
	vb_auto_free char *clean = NULL;

	if (path[0] != '/' || has_bad_character(path) || strlen(path) >= 4096) {
		(void)vb_error_refuse(
			err, VB_CODE_INVALID_VALUE, "tmpfs path '%.200s' is not usable", path);
		return vb_error_fix(err, "write an absolute path without blanks, ',' and ':', of "
					 "at most 4095 bytes");
	}
	if (vb_path_clean(path, &clean) < 0)
		return vb_error_set(err, ENOMEM, "read a tmpfs path");
	if (vb_tmpfs_path_is_forbidden(clean)) {
		(void)vb_error_refuse(err, VB_CODE_INVALID_VALUE,
			"tmpfs path '%.200s' is the root or lies in /proc, /sys or /dev", path);
		return vb_error_fix(err, "choose another directory, such as /tmp");
	}
	*ret_tmpfs = (struct vb_tmpfs){
		.path = VB_STEAL(clean), .size_bytes = UINT64_C(64) << 20, .mode = 01777};
	return 0;
}

enum tmpfs_option {
	TMPFS_SIZE = 1 << 0,
	TMPFS_MODE = 1 << 1,
	TMPFS_NOEXEC = 1 << 2,
};

/* An entry while it is read. */
struct tmpfs_entry {
	struct vb_tmpfs tmpfs;
	unsigned int given; /* enum tmpfs_option */
};

static int set_tmpfs_option(const char *part, struct vb_tmpfs *tmpfs, enum tmpfs_option *ret_option,
	struct vb_error *err)
{
	const char *value;

	if ((value = vb_str_after(part, "size=")) != NULL) {
		*ret_option = TMPFS_SIZE;
		return vb_value_size(value, &tmpfs->size_bytes, err);
	}
	if ((value = vb_str_after(part, "mode=")) != NULL) {
		*ret_option = TMPFS_MODE;
		return vb_value_mode(value, &tmpfs->mode, err);
	}
	if (strcmp(part, "noexec") == 0) {
		*ret_option = TMPFS_NOEXEC;
		tmpfs->noexec = true;
		return 0;
	}
	(void)vb_error_refuse(err, VB_CODE_INVALID_VALUE, "unknown tmpfs option '%.64s'", part);
	return vb_error_fix(err, "options are size=, mode= and noexec, separated by ':'");
}

/* One part of "/var/log/app:size=16Mi:mode=1777:noexec"; the path comes first. */
static int add_tmpfs_part(const char *part, void *context, struct vb_error *err)
{
	struct tmpfs_entry *entry = context;
	enum tmpfs_option option = 0;

	if (entry->tmpfs.path == NULL)
		return vb_value_tmpfs_path(part, &entry->tmpfs, err);
	int r = set_tmpfs_option(part, &entry->tmpfs, &option, err);
	if (r < 0)
		return r;
	/* Whichever of two would count, the other one would be dropped in silence. */
	if (entry->given & option) {
		(void)vb_error_refuse(err, VB_CODE_INVALID_VALUE,
			"tmpfs '%.128s' has the option of '%.64s' twice", entry->tmpfs.path, part);
		return vb_error_fix(err, "keep one of them");
	}
	entry->given |= option;
	return 0;
}

static int add_tmpfs(const char *text, void *context, struct vb_error *err)
{
	struct tmpfs_entry entry = {0};
	int r = vb_value_split(text, ':', add_tmpfs_part, &entry, err);

	if (r == 0 && vb_tmpfs_list_add(context, &entry.tmpfs) < 0)
		r = vb_error_set(err, ENOMEM, "read a tmpfs list");
	free(entry.tmpfs.path);
	return r;
}

int vb_value_tmpfs(const char *text, struct vb_tmpfs_list *list, struct vb_error *err)
{
	return vb_value_split(text, ',', add_tmpfs, list, err);
}

int vb_value_bundle(const char *text, char **ret_name, char **ret_digest, struct vb_error *err)
{
	const char *at = strchr(text, '@');
	vb_auto_free char *name = strndup(text, at != NULL ? (size_t)(at - text) : strlen(text));
	vb_auto_free char *digest = at != NULL ? strdup(at + 1) : NULL;

	if (name == NULL || (at != NULL && digest == NULL))
		return vb_error_set(err, ENOMEM, "read a bundle name");
	if (!vb_bundle_name_is_valid(name)) {
		(void)vb_error_refuse(
			err, VB_CODE_INVALID_VALUE, "bundle name '%.64s' is not valid", name);
		return vb_error_fix(err, "names have lower-case letters, digits, '-', '_' and '.', "
					 "at most 63 characters");
	}
	if (digest != NULL && !vb_digest_is_valid(digest)) {
		(void)vb_error_refuse(
			err, VB_CODE_INVALID_VALUE, "bundle digest '%.80s' is not valid", digest);
		return vb_error_fix(err, "write <name>@sha256:<64 lower-case hex digits>");
	}
	*ret_name = VB_STEAL(name);
	*ret_digest = VB_STEAL(digest);
	return 0;
}
