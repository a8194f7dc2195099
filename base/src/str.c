/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

void vb_strv_finish(struct vb_strv *strv)
{
	for (size_t i = 0; i < strv->count; i++)
		free(strv->items[i]);
	free(strv->items);
	*strv = (struct vb_strv){0};
}

int vb_strv_add_n(struct vb_strv *strv, const char *text, size_t length)
{
	/* Capacity is the next power of two, so it need not be stored. */
	if ((strv->count & (strv->count - 1)) == 0) {
		size_t capacity = strv->count == 0 ? 1 : strv->count * 2;
		char **items = reallocarray(strv->items, capacity, sizeof(*items));
		if (items == NULL)
			return -ENOMEM;
		strv->items = items;
	}
	char *copy = strndup(text, length);
	if (copy == NULL)
		return -ENOMEM;
	strv->items[strv->count++] = copy;
	return 0;
}

int vb_strv_add(struct vb_strv *strv, const char *text)
{
	return vb_strv_add_n(strv, text, strlen(text));
}

int vb_strv_copy(struct vb_strv *strv, const struct vb_strv *from)
{
	for (size_t i = 0; i < from->count; i++) {
		int r = vb_strv_add(strv, from->items[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

bool vb_strv_equal(const struct vb_strv *a, const struct vb_strv *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	return true;
}

bool vb_strv_contains(const struct vb_strv *strv, const char *text)
{
	for (size_t i = 0; i < strv->count; i++)
		if (strcmp(strv->items[i], text) == 0)
			return true;
	return false;
}

static int compare_strings(const void *a, const void *b)
{
	const char *const *left = a;
	const char *const *right = b;

	return strcmp(*left, *right);
}

void vb_strv_sort_unique(struct vb_strv *strv)
{
	size_t kept = 0;

	if (strv->count == 0)
		return;
	qsort(strv->items, strv->count, sizeof(*strv->items), compare_strings);
	for (size_t i = 1; i < strv->count; i++) {
		if (strcmp(strv->items[kept], strv->items[i]) == 0)
			free(strv->items[i]);
		else
			strv->items[++kept] = strv->items[i];
	}
	/* The capacity follows from the count: give the memory the size that the new count implies.
	 */
	size_t capacity = 1;
	while (capacity < kept + 1)
		capacity *= 2;
	strv->count = kept + 1;
	char **items = reallocarray(strv->items, capacity, sizeof(*items));
	if (items != NULL)
		strv->items = items;
}

char *vb_strv_join(const struct vb_strv *strv, char separator)
{
	size_t size = 1;

	for (size_t i = 0; i < strv->count; i++)
		size += strlen(strv->items[i]) + 1;
	char *joined = malloc(size);
	if (joined == NULL)
		return NULL;
	char *end = joined;
	for (size_t i = 0; i < strv->count; i++) {
		if (i > 0)
			*end++ = separator;
		end = stpcpy(end, strv->items[i]);
	}
	*end = '\0';
	return joined;
}

bool vb_str_equal(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

const char *vb_str_after(const char *text, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

char *vb_str_format(const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	int length = vasprintf(&text, format, args);
	va_end(args);
	return length < 0 ? NULL : text;
}

enum { DISTANCE_MAX = 63 };

size_t vb_str_distance(const char *a, const char *b)
{
	size_t row[DISTANCE_MAX + 1];
	size_t length_a = strlen(a);
	size_t length_b = strlen(b);

	if (length_a > DISTANCE_MAX || length_b > DISTANCE_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= length_b; j++)
		row[j] = j;
	for (size_t i = 1; i <= length_a; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= length_b; j++) {
			size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
			size_t shorter = row[j] < row[j - 1] ? row[j] : row[j - 1];
			diagonal = row[j];
			row[j] = substituted < shorter + 1 ? substituted : shorter + 1;
		}
	}
	return row[length_b];
}

/* Appends "/component" at end, or takes the last one away for "..". Returns the new end. */
static char *apply_component(char *start, char *end, const char *component, size_t length)
{
	if (length == 0 || (length == 1 && component[0] == '.'))
		return end;
	if (length == 2 && component[0] == '.' && component[1] == '.') {
		while (end > start && *--end != '/')
			;
		return end;
	}
	*end++ = '/';
	memcpy(end, component, length);
	return end + length;
}

int vb_path_clean(const char *path, char **ret_path)
{
	if (path[0] != '/')
		return -EINVAL;
	char *clean = malloc(strlen(path) + 2);
	if (clean == NULL)
		return -ENOMEM;
	char *end = clean;
	while (*path != '\0') {
		size_t length = strcspn(path, "/");
		end = apply_component(clean, end, path, length);
		path += length;
		path += strspn(path, "/");
	}
	if (end == clean)
		*end++ = '/';
	*end = '\0';
	*ret_path = clean;
	return 0;
}

char *vb_path_parent(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return strdup(".");
	return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

bool vb_path_is_within(const char *path, const char *dir)
{
	if (strcmp(dir, "/") == 0)
		return true;
	const char *rest = vb_str_after(path, dir);
	return rest != NULL && (*rest == '\0' || *rest == '/');
}
