/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/evidence.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The value of the line "name:\tvalue", up to its newline; false when there is no such line. */
static bool find_line(
	const char *text, const char *name, const char **ret_value, size_t *ret_length)
{
	size_t name_length = strlen(name);

	for (const char *line = text; *line != '\0';) {
		size_t length = strcspn(line, "\n");
		if (length > name_length && line[name_length] == ':' &&
			memcmp(line, name, name_length) == 0) {
			size_t skip = name_length + 1;
			while (skip < length && (line[skip] == '\t' || line[skip] == ' '))
				skip++;
			*ret_value = line + skip;
			*ret_length = length - skip;
			return true;
		}
		line += length + (line[length] == '\n');
	}
	return false;
}

/* A number that fills the whole value; base 10 or 16. */
static int parse_number(const char *value, size_t length, int base, uint64_t *ret_number)
{
	char digits[24];
	char *end = NULL;

	if (length == 0 || length >= sizeof(digits) || !isxdigit((unsigned char)value[0]))
		return -EINVAL;
	memcpy(digits, value, length);
	digits[length] = '\0';
	errno = 0;
	unsigned long long number = strtoull(digits, &end, base);
	if (errno != 0 || *end != '\0')
		return -EINVAL;
	*ret_number = number;
	return 0;
}

static int status_number(
	const char *text, const char *name, int base, uint64_t *ret_number, struct vb_error *err)
{
	const char *value = NULL;
	size_t length = 0;

	if (!find_line(text, name, &value, &length))
		return vb_error_say(err, EINVAL, "/proc status has no line %s", name);
	if (parse_number(value, length, base, ret_number) < 0)
		return vb_error_say(err, EINVAL, "/proc status: malformed line %s", name);
	return 0;
}

static void status_text(const char *text, const char *name, char *ret_text, size_t size)
{
	const char *value = NULL;
	size_t length = 0;

	ret_text[0] = '\0';
	if (!find_line(text, name, &value, &length))
		return;
	if (length >= size)
		length = size - 1;
	memcpy(ret_text, value, length);
	ret_text[length] = '\0';
}

static int status_caps(const char *text, struct vb_proc_status *status, struct vb_error *err)
{
	const struct {
		const char *name;
		uint64_t *set;
	} sets[] = {
		{"CapInh", &status->cap_inheritable},
		{"CapPrm", &status->cap_permitted},
		{"CapEff", &status->cap_effective},
		{"CapBnd", &status->cap_bounding},
		{"CapAmb", &status->cap_ambient},
	};

	for (size_t i = 0; i < VB_ARRAY_SIZE(sets); i++) {
		int r = status_number(text, sets[i].name, 16, sets[i].set, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int vb_proc_status_parse(const char *text, struct vb_proc_status *ret_status, struct vb_error *err)
{
	struct vb_proc_status status = {0};
	uint64_t number = 0;
	const char *value = NULL;
	size_t length = 0;

	if (!find_line(text, "State", &value, &length) || length == 0)
		return vb_error_say(err, EINVAL, "/proc status has no line State");
	status.is_dead = value[0] == 'Z' || value[0] == 'X';
	int r = status_caps(text, &status, err);
	if (r < 0)
		return r;
	r = status_number(text, "NoNewPrivs", 10, &number, err);
	if (r < 0)
		return r;
	status.no_new_privileges = number != 0;
	r = status_number(text, "Seccomp", 10, &number, err);
	if (r < 0)
		return r;
	status.seccomp_mode = (unsigned int)number;
	if (find_line(text, "Seccomp_filters", &value, &length)) {
		r = status_number(text, "Seccomp_filters", 10, &number, err);
		if (r < 0)
			return r;
		status.has_seccomp_filters = true;
		status.seccomp_filters = (unsigned int)number;
	}
	status_text(
		text, "Speculation_Store_Bypass", status.store_bypass, sizeof(status.store_bypass));
	status_text(text, "SpeculationIndirectBranch", status.indirect_branch,
		sizeof(status.indirect_branch));
	*ret_status = status;
	return 0;
}

/* The kernel's words for the limits (fs/proc/base.c). */
static const struct {
	const char *type;
	const char *name;
} limit_names[] = {
	{"RLIMIT_CPU", "Max cpu time"},
	{"RLIMIT_FSIZE", "Max file size"},
	{"RLIMIT_DATA", "Max data size"},
	{"RLIMIT_STACK", "Max stack size"},
	{"RLIMIT_CORE", "Max core file size"},
	{"RLIMIT_RSS", "Max resident set"},
	{"RLIMIT_NPROC", "Max processes"},
	{"RLIMIT_NOFILE", "Max open files"},
	{"RLIMIT_MEMLOCK", "Max locked memory"},
	{"RLIMIT_AS", "Max address space"},
	{"RLIMIT_LOCKS", "Max file locks"},
	{"RLIMIT_SIGPENDING", "Max pending signals"},
	{"RLIMIT_MSGQUEUE", "Max msgqueue size"},
	{"RLIMIT_NICE", "Max nice priority"},
	{"RLIMIT_RTPRIO", "Max realtime priority"},
	{"RLIMIT_RTTIME", "Max realtime timeout"},
};

static int parse_limit(const char **cursor, uint64_t *ret_limit)
{
	size_t length = 0;

	*cursor += strspn(*cursor, " ");
	length = strcspn(*cursor, " \n");
	const char *word = *cursor;
	*cursor += length;
	if (length == strlen("unlimited") && memcmp(word, "unlimited", length) == 0) {
		*ret_limit = UINT64_MAX;
		return 0;
	}
	return parse_number(word, length, 10, ret_limit);
}

int vb_proc_limits_get(const char *text, const char *type, uint64_t *ret_soft, uint64_t *ret_hard,
	struct vb_error *err)
{
	const char *name = NULL;
	uint64_t soft = 0;
	uint64_t hard = 0;

	for (size_t i = 0; i < VB_ARRAY_SIZE(limit_names); i++)
		if (strcmp(limit_names[i].type, type) == 0)
			name = limit_names[i].name;
	if (name == NULL)
		return vb_error_say(err, ENOENT, "the kernel shows no limit %s", type);
	for (const char *line = text; *line != '\0';) {
		const char *rest = vb_str_after(line, name);
		if (rest != NULL && rest[0] == ' ' && rest[1] == ' ') {
			if (parse_limit(&rest, &soft) < 0 || parse_limit(&rest, &hard) < 0)
				return vb_error_say(
					err, EINVAL, "/proc limits: malformed line %s", name);
			*ret_soft = soft;
			*ret_hard = hard;
			return 0;
		}
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	return vb_error_say(err, ENOENT, "/proc limits has no line %s", name);
}

/* Whether the component, which ends at end, is the container's. */
static bool component_is_of(const char *component, const char *end, const char *container_id)
{
	size_t id_length = strlen(container_id);
	size_t scope = strlen(".scope");

	if ((size_t)(end - component) > scope && memcmp(end - scope, ".scope", scope) == 0)
		end -= scope;
	if ((size_t)(end - component) < id_length ||
		memcmp(end - id_length, container_id, id_length) != 0)
		return false;
	return end - id_length == component || end[-(ptrdiff_t)id_length - 1] == '-' ||
	       end[-(ptrdiff_t)id_length - 1] == ':';
}

bool vb_proc_cgroup_is_of(const char *text, const char *container_id)
{
	if (container_id[0] == '\0')
		return false;
	for (const char *line = text; *line != '\0';) {
		const char *end = line + strcspn(line, "\n");
		for (const char *slash = memchr(line, '/', (size_t)(end - line)); slash != NULL;) {
			const char *component = slash + 1;
			slash = memchr(component, '/', (size_t)(end - component));
			if (component_is_of(component, slash != NULL ? slash : end, container_id))
				return true;
		}
		line = end + (*end == '\n');
	}
	return false;
}

/* "start-end perms offset dev inode   path": the path is what follows five columns. */
static bool maps_line_is(const char *line, size_t length, const char *path)
{
	static const char deleted[] = " (deleted)";
	size_t path_length = strlen(path);
	size_t at = 0;

	for (unsigned int column = 0; column < 5; column++) {
		while (at < length && line[at] != ' ')
			at++;
		while (at < length && line[at] == ' ')
			at++;
	}
	if (length - at < path_length || memcmp(line + at, path, path_length) != 0)
		return false;
	at += path_length;
	return at == length ||
	       (length - at == strlen(deleted) && memcmp(line + at, deleted, strlen(deleted)) == 0);
}

void vb_maps_scan_feed(struct vb_maps_scan *scan, const char *data, size_t size, const char *path)
{
	for (size_t i = 0; i < size && !scan->found; i++) {
		if (data[i] == '\n') {
			scan->found = !scan->too_long && maps_line_is(scan->line, scan->used, path);
			scan->used = 0;
			scan->too_long = false;
		} else if (scan->used < sizeof(scan->line)) {
			scan->line[scan->used++] = data[i];
		} else {
			scan->too_long = true;
		}
	}
}
