/* SPDX-License-Identifier: Apache-2.0 */
#include "json_slice.h"

#include <errno.h>
#include <string.h>

enum { DEPTH_MAX = 64 };

struct cursor {
	const char *at;
	const char *end;
};

static void skip_space(struct cursor *cursor)
{
	while (cursor->at < cursor->end && strchr(" \t\r\n", *cursor->at) != NULL &&
		*cursor->at != '\0')
		cursor->at++;
}

/* Steps over the character, when it is the next one. */
static bool take(struct cursor *cursor, char c)
{
	skip_space(cursor);
	if (cursor->at == cursor->end || *cursor->at != c)
		return false;
	cursor->at++;
	return true;
}

/* Steps behind the closing quote of a string whose opening one has been taken. */
static bool skip_string(struct cursor *cursor)
{
	while (cursor->at < cursor->end) {
		char c = *cursor->at++;
		if (c == '"')
			return true;
		if (c == '\\' && cursor->at < cursor->end)
			cursor->at++;
	}
	return false;
}

/* Objects and arrays, from their opening bracket. */
static bool skip_brackets(struct cursor *cursor)
{
	char closing[DEPTH_MAX];
	size_t depth = 0;

	while (cursor->at < cursor->end) {
		char c = *cursor->at++;
		if (c == '"' && !skip_string(cursor))
			return false;
		if (c == '{' || c == '[') {
			if (depth == DEPTH_MAX)
				return false;
			closing[depth++] = c == '{' ? '}' : ']';
		}
		if (c != '}' && c != ']')
			continue;
		if (depth == 0 || closing[--depth] != c)
			return false;
		if (depth == 0)
			return true;
	}
	return false;
}

static bool skip_value(struct cursor *cursor)
{
	skip_space(cursor);
	if (cursor->at == cursor->end)
		return false;
	if (*cursor->at == '{' || *cursor->at == '[')
		return skip_brackets(cursor);
	if (*cursor->at == '"') {
		cursor->at++;
		return skip_string(cursor);
	}
	const char *start = cursor->at;
	while (cursor->at < cursor->end && strchr(",]} \t\r\n", *cursor->at) == NULL)
		cursor->at++;
	return cursor->at > start;
}

/* The next `"key": value`. */
static bool take_member(
	struct cursor *cursor, struct vb_json_slice *ret_key, struct vb_json_slice *ret_value)
{
	if (!take(cursor, '"'))
		return false;
	ret_key->text = cursor->at;
	if (!skip_string(cursor))
		return false;
	ret_key->size = (size_t)(cursor->at - ret_key->text) - 1;
	if (!take(cursor, ':'))
		return false;
	skip_space(cursor);
	ret_value->text = cursor->at;
	if (!skip_value(cursor))
		return false;
	ret_value->size = (size_t)(cursor->at - ret_value->text);
	return true;
}

int vb_json_slice_get(
	const struct vb_json_slice *object, const char *key, struct vb_json_slice *ret_value)
{
	struct cursor cursor = {.at = object->text, .end = object->text + object->size};
	struct vb_json_slice value = {0};
	size_t key_length = strlen(key);
	int found = 0;

	if (!take(&cursor, '{'))
		return -EINVAL;
	if (take(&cursor, '}'))
		return 0;
	do {
		struct vb_json_slice name = {0};
		struct vb_json_slice member = {0};
		if (!take_member(&cursor, &name, &member))
			return -EINVAL;
		if (name.size != key_length || memcmp(name.text, key, key_length) != 0)
			continue;
		if (found++ > 0)
			return -EINVAL;
		value = member;
	} while (take(&cursor, ','));
	if (!take(&cursor, '}'))
		return -EINVAL;
	if (found > 0)
		*ret_value = value;
	return found;
}

int vb_json_slice_item(
	const struct vb_json_slice *array, size_t index, struct vb_json_slice *ret_value)
{
	struct cursor cursor = {.at = array->text, .end = array->text + array->size};

	if (!take(&cursor, '['))
		return -EINVAL;
	if (take(&cursor, ']'))
		return 0;
	do {
		skip_space(&cursor);
		const char *start = cursor.at;
		if (!skip_value(&cursor))
			return -EINVAL;
		if (index-- > 0)
			continue;
		*ret_value = (struct vb_json_slice){start, (size_t)(cursor.at - start)};
		return 1;
	} while (take(&cursor, ','));
	return take(&cursor, ']') ? 0 : -EINVAL;
}
