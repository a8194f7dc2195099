/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/json_place.h"

#include <string.h>

#include "json_slice.h"
#include "vb/adjust/json.h"

enum { KEY_MAX = 64, INDEX_DIGITS_MAX = 9 };

static struct vb_json_place place_of(const char *text, const char *at)
{
	struct vb_json_place place = {1, 1};

	for (; text < at; text++) {
		if (*text == '\n') {
			place.line++;
			place.column = 1;
		} else if (((unsigned char)*text & 0xc0) != 0x80) {
			place.column++; /* not for the further bytes of a character */
		}
	}
	return place;
}

/* Takes "[n]" off the path; false when that is not what comes next. */
static bool take_index(const char **path, size_t *ret_index)
{
	size_t index = 0;
	const char *at = *path + 1;
	size_t digits = strspn(at, "0123456789");

	if (**path != '[' || digits == 0 || digits > INDEX_DIGITS_MAX || at[digits] != ']')
		return false;
	for (size_t i = 0; i < digits; i++)
		index = index * 10 + (size_t)(at[i] - '0');
	*path = at + digits + 1;
	*ret_index = index;
	return true;
}

/* Takes "key" or ".key" off the path. */
static bool take_key(const char **path, char ret_key[KEY_MAX])
{
	const char *at = *path + (**path == '.');
	size_t length = strcspn(at, ".[");

	if (length == 0 || length >= KEY_MAX)
		return false;
	memcpy(ret_key, at, length);
	ret_key[length] = '\0';
	*path = at + length;
	return true;
}

struct vb_json_place vb_json_find(const char *text, size_t size, const char *path)
{
	struct vb_json_slice value = {.text = text, .size = size};
	int found = 1;

	while (*path != '\0' && found == 1) {
		char key[KEY_MAX];
		size_t index = 0;
		struct vb_json_slice next = {0};
		found = 0;
		if (take_index(&path, &index))
			found = vb_json_slice_item(&value, index, &next);
		else if (take_key(&path, key))
			found = vb_json_slice_get(&value, key, &next);
		if (found == 1)
			value = next;
	}
	const char *start = value.text;
	const char *end = value.text + value.size;
	while (start < end && strchr(" \t\r\n", *start) != NULL && *start != '\0')
		start++;
	return place_of(text, start < end ? start : value.text);
}

struct vb_json_place vb_json_find_error(const char *text, size_t size, char *ret_what)
{
	struct vb_json_place place = {1, 1};
	json_error_t error = {.line = 0};
	json_t *json = NULL;

	if (vb_json_load(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &json,
		    &error) == 0) {
		json_decref(json);
		return place;
	}
	if (error.line > 0)
		place = (struct vb_json_place){
			(size_t)error.line, error.column > 0 ? (size_t)error.column : 1};
	memcpy(ret_what, error.text, JSON_ERROR_TEXT_LENGTH);
	return place;
}
