/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/json.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "vb/base/buf.h"

/* jansson's own limit is 2048 levels; ours is found before it builds anything. */
static bool is_too_deep(const char *text, size_t size, unsigned int max_depth)
{
	unsigned int depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < size; i++) {
		if (in_string && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			in_string = !in_string;
		else if (!in_string && (text[i] == '{' || text[i] == '['))
			depth++;
		else if (!in_string && (text[i] == '}' || text[i] == ']') && depth > 0)
			depth--;
		if (depth > max_depth)
			return true;
	}
	return false;
}

/* Of UTF-8, and of UTF-16 of either order, as editors and shells of Windows put it in front. */
static bool has_byte_order_mark(const char *text, size_t size)
{
	static const char *const marks[] = {"\xef\xbb\xbf", "\xff\xfe", "\xfe\xff"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(marks); i++)
		if (size >= strlen(marks[i]) && memcmp(text, marks[i], strlen(marks[i])) == 0)
			return true;
	return false;
}

/* jansson would show the mark itself, which nobody can see. */
static void explain_byte_order_mark(json_error_t *error)
{
	error->line = 1;
	error->column = 1;
	(void)snprintf(error->text, sizeof(error->text),
		"it begins with a byte order mark; save it as UTF-8 without one");
}

int vb_json_load(
	const char *text, size_t size, size_t flags, json_t **ret_json, json_error_t *ret_error)
{
	/* malloc(3) leaves this errno when it fails, and jansson touches errno only for numbers. */
	errno = 0;
	json_t *json = json_loadb(text, size, flags, ret_error);
	if (json == NULL && errno == ENOMEM)
		return -ENOMEM;
	if (json == NULL) {
		if (ret_error != NULL && has_byte_order_mark(text, size))
			explain_byte_order_mark(ret_error);
		return -EINVAL;
	}
	*ret_json = json;
	return 0;
}

size_t vb_json_count_values(const char *text, size_t size)
{
	size_t values = 0;

	for (size_t i = 0; i < size; i++)
		values += text[i] == ',' || text[i] == '[' || text[i] == '{';
	return values;
}

int vb_json_check_depth(const char *text, size_t size, unsigned int max_depth, struct vb_error *err)
{
	return is_too_deep(text, size, max_depth)
		       ? vb_error_say(
				 err, EINVAL, "JSON is nested deeper than %u levels", max_depth)
		       : 0;
}

int vb_json_parse(const char *text, size_t size, unsigned int max_depth, json_t **ret_json,
	struct vb_error *err)
{
	json_error_t error;

	int r = vb_json_check_depth(text, size, max_depth, err);
	if (r < 0)
		return r;
	r = vb_json_load(text, size, JSON_REJECT_DUPLICATES, ret_json, &error);
	if (r == -ENOMEM)
		return vb_error_set(err, ENOMEM, "read JSON");
	if (r < 0)
		return vb_error_say(err, EINVAL, "JSON error in line %d, column %d: %s", error.line,
			error.column, error.text);
	return 0;
}

struct dump {
	struct vb_buf *text;
	bool failed; /* jansson does not look at every result of the callback */
};

static int append_dump(const char *part, size_t size, void *context)
{
	struct dump *dump = context;

	if (vb_buf_append(dump->text, part, size) < 0)
		dump->failed = true;
	return dump->failed ? -1 : 0;
}

char *vb_json_dump(const json_t *json, size_t flags)
{
	vb_auto_buf struct vb_buf *text = vb_buf_create(SIZE_MAX);
	struct dump dump = {.text = text};

	if (text == NULL || json_dump_callback(json, append_dump, &dump, flags) < 0 || dump.failed)
		return NULL;
	return vb_buf_strdup(text);
}

const char *vb_json_nearest(const char *name, const char *const *known)
{
	const char *nearest = known[0];
	size_t best = SIZE_MAX;

	for (size_t i = 0; known[i] != NULL; i++) {
		size_t length = strlen(name);
		size_t other = strlen(known[i]);
		/* It is no less than what the lengths differ by, and much dearer to find. */
		if ((length > other ? length - other : other - length) >= best)
			continue;
		size_t distance = vb_str_distance(name, known[i]);
		if (distance < best) {
			best = distance;
			nearest = known[i];
		}
	}
	return nearest;
}

static bool is_known(const char *key, const char *const *known)
{
	for (size_t i = 0; known[i] != NULL; i++)
		if (vb_str_equal(key, known[i]))
			return true;
	return false;
}

int vb_json_check_key(
	const char *key, const char *where, const char *const *known, struct vb_error *err)
{
	if (is_known(key, known))
		return 0;
	return vb_error_say(err, EINVAL, "unknown key '%.64s' in %s, did you mean '%s'?", key,
		where, vb_json_nearest(key, known));
}

int vb_json_check_keys(
	const json_t *object, const char *where, const char *const *known, struct vb_error *err)
{
	/* json_object_iter() takes a non-const object but only reads it. */
	json_t *mutable_object = (json_t *)(uintptr_t)object;

	for (void *iter = json_object_iter(mutable_object); iter != NULL;
		iter = json_object_iter_next(mutable_object, iter)) {
		int r = vb_json_check_key(json_object_iter_key(iter), where, known, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int wrong_type(const char *where, const char *key, const char *wanted, struct vb_error *err)
{
	return vb_error_say(err, EINVAL, "%s.%s must be %s", where, key, wanted);
}

int vb_json_get_string(const json_t *object, const char *where, const char *key,
	const char **ret_text, struct vb_error *err)
{
	const json_t *value = json_object_get(object, key);

	if (value == NULL)
		return 0;
	if (!json_is_string(value) || json_string_length(value) == 0)
		return wrong_type(where, key, "a string that is not empty", err);
	*ret_text = json_string_value(value);
	return 0;
}

int vb_json_get_bool(const json_t *object, const char *where, const char *key, bool *ret_value,
	struct vb_error *err)
{
	const json_t *value = json_object_get(object, key);

	if (value == NULL)
		return 0;
	if (!json_is_boolean(value))
		return wrong_type(where, key, "true or false", err);
	*ret_value = json_is_true(value);
	return 0;
}

int vb_json_get_object(const json_t *object, const char *where, const char *key,
	const json_t **ret_object, struct vb_error *err)
{
	const json_t *value = json_object_get(object, key);

	if (value == NULL)
		return 0;
	if (!json_is_object(value))
		return wrong_type(where, key, "an object", err);
	*ret_object = value;
	return 0;
}

int vb_json_get_array(const json_t *object, const char *where, const char *key,
	const json_t **ret_array, struct vb_error *err)
{
	const json_t *value = json_object_get(object, key);

	if (value == NULL)
		return 0;
	if (!json_is_array(value))
		return wrong_type(where, key, "an array", err);
	*ret_array = value;
	return 0;
}

int vb_json_get_strings(const json_t *object, const char *where, const char *key,
	struct vb_strv *strings, struct vb_error *err)
{
	const json_t *array = NULL;
	const json_t *item;
	size_t i;

	int r = vb_json_get_array(object, where, key, &array, err);
	if (r < 0 || array == NULL)
		return r;
	json_array_foreach(array, i, item) {
		if (!json_is_string(item))
			return vb_error_say(
				err, EINVAL, "%s.%s[%zu] must be a string", where, key, i);
		if (vb_strv_add(strings, json_string_value(item)) < 0)
			return vb_error_set(err, ENOMEM, "read %s.%s", where, key);
	}
	return 0;
}
