/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vb/adjust/evidence.h"

_Static_assert((int)VB_PROC_MOUNTS_MAX > (int)VB_PLAN_MOUNTS_MAX, "what was planned can be seen");

static void finish_mount(struct vb_mount *mount)
{
	free(mount->root);
	free(mount->mount_point);
	free(mount->options);
	free(mount->fs_type);
	free(mount->source);
	free(mount->super_options);
}

void vb_mountinfo_finish(struct vb_mountinfo *mountinfo)
{
	for (size_t i = 0; i < mountinfo->count; i++)
		finish_mount(&mountinfo->items[i]);
	free(mountinfo->items);
	*mountinfo = (struct vb_mountinfo){0};
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* Copies a field; the kernel writes space, tab, newline and backslash as \ooo. */
static char *unescape(const char *field, size_t length)
{
	char *text = malloc(length + 1);
	size_t used = 0;

	if (text == NULL)
		return NULL;
	for (size_t i = 0; i < length; i++) {
		if (field[i] == '\\' && length - i > 3 && field[i + 1] <= '3' &&
			is_octal(field[i + 1]) && is_octal(field[i + 2]) &&
			is_octal(field[i + 3])) {
			text[used++] = (char)((field[i + 1] - '0') * 64 + (field[i + 2] - '0') * 8 +
					      (field[i + 3] - '0'));
			i += 3;
		} else {
			text[used++] = field[i];
		}
	}
	text[used] = '\0';
	return text;
}

/* Takes the next field of the line, which may be empty (a mount source can be); false at its end.
 */
static bool next_field(const char **cursor, const char **ret_field, size_t *ret_length)
{
	const char *field = *cursor;
	size_t length = strcspn(field, " \n");

	if (*field == '\0' || *field == '\n')
		return false;
	*cursor = field + length + (field[length] == ' ');
	*ret_field = field;
	*ret_length = length;
	return true;
}

static bool take_number(const char **cursor, uint64_t *ret_number)
{
	const char *field = NULL;
	size_t length = 0;
	uint64_t number = 0;

	if (!next_field(cursor, &field, &length) || length == 0 || length > 18)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (field[i] < '0' || field[i] > '9')
			return false;
		number = number * 10 + (uint64_t)(field[i] - '0');
	}
	*ret_number = number;
	return true;
}

static int take_text(const char **cursor, char **ret_text)
{
	const char *field = NULL;
	size_t length = 0;

	if (!next_field(cursor, &field, &length))
		return -EINVAL;
	*ret_text = unescape(field, length);
	return *ret_text == NULL ? -ENOMEM : 0;
}

/* Skips the optional fields and the lone dash that ends them. */
static bool skip_optional_fields(const char **cursor)
{
	const char *field = NULL;
	size_t length = 0;

	while (next_field(cursor, &field, &length))
		if (length == 1 && field[0] == '-')
			return true;
	return false;
}

static int parse_mount(const char *line, struct vb_mount *mount)
{
	const char *cursor = line;
	const char *device = NULL;
	size_t length = 0;
	char **const before[] = {&mount->root, &mount->mount_point, &mount->options};
	char **const behind[] = {&mount->fs_type, &mount->source, &mount->super_options};
	int r = 0;

	if (!take_number(&cursor, &mount->id) || !take_number(&cursor, &mount->parent) ||
		!next_field(&cursor, &device, &length))
		return -EINVAL;
	for (size_t i = 0; i < VB_ARRAY_SIZE(before) && r == 0; i++)
		r = take_text(&cursor, before[i]);
	if (r == 0 && !skip_optional_fields(&cursor))
		r = -EINVAL;
	for (size_t i = 0; i < VB_ARRAY_SIZE(behind) && r == 0; i++)
		r = take_text(&cursor, behind[i]);
	return r;
}

static int add_mount(struct vb_mountinfo *mountinfo, const char *line, size_t *capacity)
{
	struct vb_mount mount = {0};

	if (mountinfo->count >= VB_PROC_MOUNTS_MAX)
		return -E2BIG;
	if (mountinfo->count == *capacity) {
		size_t grown_to = *capacity == 0 ? 32 : *capacity * 2;
		struct vb_mount *grown = realloc(mountinfo->items, grown_to * sizeof(mount));
		if (grown == NULL)
			return -ENOMEM;
		mountinfo->items = grown;
		*capacity = grown_to;
	}
	int r = parse_mount(line, &mount);
	if (r < 0) {
		finish_mount(&mount);
		return r;
	}
	mountinfo->items[mountinfo->count++] = mount;
	return 0;
}

int vb_mountinfo_parse(const char *text, struct vb_mountinfo *ret_mountinfo, struct vb_error *err)
{
	vb_auto_mountinfo struct vb_mountinfo mountinfo = {0};
	size_t capacity = 0;

	for (const char *line = text; *line != '\0';) {
		int r = add_mount(&mountinfo, line, &capacity);
		if (r == -EINVAL)
			return vb_error_say(err, EINVAL, "/proc mountinfo: malformed line %zu",
				mountinfo.count + 1);
		if (r < 0)
			return vb_error_set(err, -r, "parse /proc mountinfo");
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	*ret_mountinfo = mountinfo;
	mountinfo = (struct vb_mountinfo){0};
	return 0;
}

/* The mount at the first length bytes of path whose parent is the given one. */
static const struct vb_mount *child_at(const struct vb_mountinfo *mountinfo,
	const struct vb_mount *parent, const char *path, size_t length)
{
	for (size_t i = 0; i < mountinfo->count; i++) {
		const struct vb_mount *mount = &mountinfo->items[i];
		if (mount != parent && mount->parent == parent->id &&
			strncmp(mount->mount_point, path, length) == 0 &&
			mount->mount_point[length] == '\0')
			return mount;
	}
	return NULL;
}

/* Steps onto what is mounted on top, and on top of that. A loop of ids ends the walk. */
static const struct vb_mount *climb(const struct vb_mountinfo *mountinfo,
	const struct vb_mount *mount, const char *path, size_t length)
{
	for (size_t steps = 0; steps < mountinfo->count; steps++) {
		const struct vb_mount *above = child_at(mountinfo, mount, path, length);
		if (above == NULL)
			return mount;
		mount = above;
	}
	return NULL;
}

/* The mount at "/" whose parent the process cannot see. */
static const struct vb_mount *root_mount(const struct vb_mountinfo *mountinfo)
{
	for (size_t i = 0; i < mountinfo->count; i++) {
		const struct vb_mount *mount = &mountinfo->items[i];
		bool has_parent = false;
		if (strcmp(mount->mount_point, "/") != 0)
			continue;
		for (size_t j = 0; j < mountinfo->count && !has_parent; j++)
			has_parent = j != i && mountinfo->items[j].id == mount->parent;
		if (!has_parent)
			return mount;
	}
	return NULL;
}

const struct vb_mount *vb_mountinfo_topmost(const struct vb_mountinfo *mountinfo, const char *path)
{
	const struct vb_mount *mount = root_mount(mountinfo);

	if (mount != NULL)
		mount = climb(mountinfo, mount, "/", 1);
	for (size_t length = 1; mount != NULL && path[0] == '/' && path[1] != '\0';) {
		length += strcspn(path + length, "/");
		mount = climb(mountinfo, mount, path, length);
		if (path[length] == '\0')
			break;
		length++;
	}
	return mount != NULL && strcmp(mount->mount_point, path) == 0 ? mount : NULL;
}

const char *vb_evidence_shim_path(const struct vb_evidence *evidence, const struct vb_plan *plan)
{
	for (size_t i = 0; i < plan->mounts.count && i < evidence->destinations.count; i++)
		if (strcmp(plan->mounts.items[i].destination, VB_SHIM_CONTAINER_PATH) == 0 &&
			evidence->destinations.items[i][0] != '\0')
			return evidence->destinations.items[i];
	return VB_SHIM_CONTAINER_PATH;
}

bool vb_mount_options_get(
	const char *options, const char *key, const char **ret_value, size_t *ret_length)
{
	size_t key_length = strlen(key);

	for (const char *option = options; *option != '\0';) {
		size_t length = strcspn(option, ",");
		if (length > key_length && option[key_length] == '=' &&
			memcmp(option, key, key_length) == 0) {
			*ret_value = option + key_length + 1;
			*ret_length = length - key_length - 1;
			return true;
		}
		option += length + (option[length] == ',');
	}
	return false;
}

bool vb_mount_options_have(const char *options, const char *word)
{
	size_t word_length = strlen(word);

	for (const char *option = options; *option != '\0';) {
		size_t length = strcspn(option, ",");
		if (length == word_length && memcmp(option, word, length) == 0)
			return true;
		option += length + (option[length] == ',');
	}
	return false;
}
