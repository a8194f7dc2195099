/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "json_slice.h"
#include "vb/adjust/bundle.h"
#include "vb/adjust/derive.h"
#include "vb/adjust/json.h"
#include "vb/base/buf.h"

/* A block of the longest entries, each of their bytes escaped. */
enum { BLOCK_MAX = 128 << 20 };

/* The keys that lead to a list in a manifest, NULL behind the last. */
static const char *const *keys_of(enum vb_derive_list list)
{
	static const char *const dlopen_keys[] = {"dlopen_allowlist", "paths", NULL};
	static const char *const exec_keys[] = {"hardening", "preload", "exec_allowlist", NULL};
	static const char *const connect_keys[] = {
		"hardening", "preload", "connect_allowlist", NULL};

	return list == VB_DERIVE_DLOPEN ? dlopen_keys
	       : list == VB_DERIVE_EXEC ? exec_keys
					: connect_keys;
}

/* The white space with which a line begins, and what a further level adds to it. */
struct indent {
	const char *text;
	size_t size;
	const char *unit;
};

static size_t count_space(const char *text, const char *end)
{
	size_t count = 0;

	while (text + count < end && (text[count] == ' ' || text[count] == '\t'))
		count++;
	return count;
}

/* That of the line in which a place of the text lies. */
static struct indent indent_at(const char *text, const char *place)
{
	const char *line = place;

	while (line > text && line[-1] != '\n')
		line--;
	struct indent indent = {.text = line, .size = count_space(line, place), .unit = "  "};
	if (indent.size > 0 && line[0] == '\t')
		indent.unit = "\t";
	return indent;
}

static int print_line(struct vb_buf *out, const struct indent *indent, size_t level)
{
	int r = vb_buf_append_string(out, "\n");

	if (r == 0)
		r = vb_buf_append(out, indent->text, indent->size);
	for (size_t i = 0; r == 0 && i < level; i++)
		r = vb_buf_append_string(out, indent->unit);
	return r;
}

static int print_string(struct vb_buf *out, const char *text)
{
	vb_auto_json json_t *string = json_string(text);
	vb_auto_free char *quoted = string != NULL ? vb_json_dump(string, JSON_ENCODE_ANY) : NULL;

	return quoted == NULL ? -ENOMEM : vb_buf_append_string(out, quoted);
}

/* The array, one entry a line. */
static int print_array(struct vb_buf *out, const struct indent *indent, size_t level,
	const struct vb_strv *entries)
{
	int r = vb_buf_append_string(out, "[");

	for (size_t i = 0; r == 0 && i < entries->count; i++) {
		if (i > 0)
			r = vb_buf_append_string(out, ",");
		if (r == 0)
			r = print_line(out, indent, level + 1);
		if (r == 0)
			r = print_string(out, entries->items[i]);
	}
	if (r == 0 && entries->count > 0)
		r = print_line(out, indent, level);
	return r == 0 ? vb_buf_append_string(out, "]") : r;
}

/* `"key": {"key": [...]}` for the keys that are left, the first of them at this level. */
static int print_member(struct vb_buf *out, const struct indent *indent, size_t level,
	const char *const *keys, const struct vb_strv *entries)
{
	size_t depth = 0;
	int r = 0;

	for (; r == 0 && keys[depth] != NULL; depth++) {
		if (depth > 0) {
			r = vb_buf_append_string(out, "{");
			if (r == 0)
				r = print_line(out, indent, level + depth);
		}
		if (r == 0)
			r = vb_buf_printf(out, "\"%s\": ", keys[depth]);
	}
	if (r == 0)
		r = print_array(out, indent, level + depth - 1, entries);
	while (r == 0 && --depth > 0) {
		r = print_line(out, indent, level + depth - 1);
		if (r == 0)
			r = vb_buf_append_string(out, "}");
	}
	return r;
}

char *vb_derive_block(enum vb_derive_list list, const struct vb_strv *entries)
{
	const struct indent none = {.text = "", .unit = "  "};
	vb_auto_buf struct vb_buf *out = vb_buf_create(BLOCK_MAX);

	if (out == NULL || print_member(out, &none, 0, keys_of(list), entries) < 0 ||
		vb_buf_append_string(out, "\n") < 0)
		return NULL;
	return vb_buf_strdup(out);
}

/* What is left of the whole from a place on. */
static int append_rest(struct vb_buf *out, const struct vb_json_slice *whole, const char *place)
{
	return vb_buf_append(out, place, (size_t)(whole->text + whole->size - place));
}

/*
 * The object in which a member is to be made: what stands in front of its closing bracket, the
 * member, the bracket. A first member of an object has no comma.
 */
static int insert_member(struct vb_buf *out, const struct vb_json_slice *whole,
	const struct vb_json_slice *object, const char *const *keys, const struct vb_strv *entries)
{
	const char *bracket = object->text + object->size - 1;
	const char *last = bracket;
	struct indent indent = indent_at(whole->text, object->text);

	while (strchr(" \t\r\n", last[-1]) != NULL)
		last--;
	int r = vb_buf_append(out, whole->text, (size_t)(last - whole->text));
	if (r == 0 && last[-1] != '{')
		r = vb_buf_append_string(out, ",");
	if (r == 0)
		r = print_line(out, &indent, 1);
	if (r == 0)
		r = print_member(out, &indent, 1, keys, entries);
	if (r == 0)
		r = print_line(out, &indent, 0);
	return r == 0 ? append_rest(out, whole, bracket) : r;
}

/* Everything up to the list, the list, everything behind it. The whole is one JSON object. */
static int write_list(struct vb_buf *out, const struct vb_json_slice *whole,
	enum vb_derive_list list, const struct vb_strv *entries)
{
	const char *const *keys = keys_of(list);
	const char *first = memchr(whole->text, '{', whole->size);
	const char *last = memrchr(whole->text, '}', whole->size);

	if (first == NULL || last == NULL)
		return -EINVAL;
	struct vb_json_slice slice = {.text = first, .size = (size_t)(last + 1 - first)};
	for (; *keys != NULL; keys++) {
		struct vb_json_slice member;
		int found = vb_json_slice_get(&slice, *keys, &member);
		if (found < 0)
			return found;
		if (found == 0)
			return insert_member(out, whole, &slice, keys, entries);
		slice = member;
	}
	struct indent indent = indent_at(whole->text, slice.text);
	int r = vb_buf_append(out, whole->text, (size_t)(slice.text - whole->text));
	if (r == 0)
		r = print_array(out, &indent, 0, entries);
	return r == 0 ? append_rest(out, whole, slice.text + slice.size) : r;
}

static const struct vb_strv *list_of(const struct vb_bundle *bundle, enum vb_derive_list list)
{
	const struct vb_plan_preload *preload = &bundle->preload_settings;

	return list == VB_DERIVE_DLOPEN ? &preload->dlopen.entries
	       : list == VB_DERIVE_EXEC ? &preload->exec.entries
					: &preload->connect.entries;
}

/* Whether an entry is in the list: by an equal one, or for connect by one that contains it. */
static bool is_covered(enum vb_derive_list list, const char *entry, const struct vb_strv *by)
{
	struct vb_connect_entry inner;
	struct vb_connect_entry outer;

	if (vb_strv_contains(by, entry))
		return true;
	if (list != VB_DERIVE_CONNECT || vb_connect_parse(entry, &inner, NULL) < 0)
		return false;
	for (size_t i = 0; i < by->count; i++)
		if (vb_connect_parse(by->items[i], &outer, NULL) == 0 &&
			vb_connect_contains(&outer, &inner))
			return true;
	return false;
}

/* Whether one of the entries needs the old one. */
static bool is_needed(enum vb_derive_list list, const char *old, const struct vb_strv *entries)
{
	const struct vb_strv one = {.items = (char *[]){(char *)(uintptr_t)old}, .count = 1};

	for (size_t i = 0; i < entries->count; i++)
		if (is_covered(list, entries->items[i], &one))
			return true;
	return false;
}

/* The new list, and the counts. */
static int merge(const struct vb_strv *old, struct vb_strv *merged, struct vb_derive_update *update)
{
	const struct vb_strv *entries = update->entries;
	int r = 0;

	update->added = update->kept = update->unseen = 0;
	for (size_t i = 0; r == 0 && i < old->count; i++) {
		bool needed = is_needed(update->list, old->items[i], entries);
		update->kept += needed;
		update->unseen += !needed;
		if (needed || !update->replace)
			r = vb_strv_add(merged, old->items[i]);
	}
	for (size_t i = 0; r == 0 && i < entries->count; i++) {
		if (is_covered(update->list, entries->items[i], old))
			continue;
		update->added++;
		r = vb_strv_add(merged, entries->items[i]);
	}
	vb_strv_sort_unique(merged);
	return r;
}

/* Its own name: that it is not the directory's is the store's affair. */
static int parse_manifest(
	const char *text, size_t size, struct vb_bundle **ret_bundle, struct vb_error *err)
{
	vb_auto_json json_t *json = NULL;
	const char *name = NULL;

	int r = vb_json_parse(text, size, VB_BUNDLE_JSON_DEPTH_MAX, &json, err);
	if (r == -ENOMEM)
		return r;
	if (r == 0)
		name = json_string_value(json_object_get(json, "name"));
	return vb_bundle_parse(text, size, name != NULL ? name : "manifest", ret_bundle, err);
}

/* Says why the list could not be written. */
static int cannot_write(int r, struct vb_error *err)
{
	switch (r) {
	case -ENOSPC:
		return vb_error_say(err, EFBIG, "the manifest would have more than %d bytes",
			(int)VB_BUNDLE_MANIFEST_MAX);
	case -EINVAL:
		return vb_error_say(err, EINVAL, "a key of the manifest is written with escapes");
	default:
		return vb_error_set(err, ENOMEM, "update a manifest");
	}
}

int vb_derive_update_manifest(const char *text, size_t size, struct vb_derive_update *update,
	char **ret_text, struct vb_error *err)
{
	vb_auto_bundle struct vb_bundle *before = NULL;
	vb_auto_bundle struct vb_bundle *after = NULL;
	vb_auto_strv struct vb_strv merged = {0};
	vb_auto_buf struct vb_buf *out = vb_buf_create(VB_BUNDLE_MANIFEST_MAX);
	const struct vb_json_slice whole = {.text = text, .size = size};
	struct vb_derive_update done = *update;

	if (update->entries->count == 0)
		return vb_error_say(err, EINVAL, "no entry: such a list would deny everything");
	int r = parse_manifest(text, size, &before, err);
	if (r < 0)
		return r;
	r = out != NULL ? merge(list_of(before, update->list), &merged, &done) : -ENOMEM;
	if (r == 0)
		r = write_list(out, &whole, update->list, &merged);
	vb_auto_free char *written = r == 0 ? vb_buf_strdup(out) : NULL;
	if (written == NULL)
		return cannot_write(r, err);
	r = parse_manifest(written, strlen(written), &after, err);
	if (r < 0)
		return vb_error_wrap(err, "with the new list");
	*ret_text = VB_STEAL(written);
	*update = done;
	return 0;
}
