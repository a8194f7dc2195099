/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "vb/adjust/json.h"
#include "vb/base/str.h"
#include "why.h"

/*
 * kubelet's logs: <logs>/<namespace>_<pod>_<uid>/<container>/<restart>.log, rotated ones beside it
 * as <restart>.log.<time>, older ones of these packed by gzip. No part of a pod's or container's
 * name holds a '_' or a '/'.
 */

enum { CHUNK_SIZE = 64 << 10 };

static int out_of_memory(struct vb_error *err)
{
	return vb_error_set(err, ENOMEM, "read the logs");
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

/* The names in a directory, sorted. -ENOMEM, or what opendir(3) says. */
static int list_names(const char *path, struct vb_strv *names)
{
	int r = 0;

	DIR *directory = opendir(path);
	if (directory == NULL)
		return -errno;
	for (const struct dirent *entry = readdir(directory); r == 0 && entry != NULL;
		entry = readdir(directory))
		if (entry->d_name[0] != '.')
			r = vb_strv_add(names, entry->d_name);
	(void)closedir(directory);
	vb_strv_sort_unique(names);
	return r;
}

static int list_containers(
	const struct vb_why_setting *setting, const char *pod_directory, json_t *candidates)
{
	const char *pod = strchr(pod_directory, '_');
	const char *uid = pod != NULL ? strchr(pod + 1, '_') : NULL;
	vb_auto_free char *path = vb_str_format("%s/%s", setting->logs, pod_directory);
	vb_auto_strv struct vb_strv names = {0};

	if (path == NULL)
		return -ENOMEM;
	if (uid == NULL || list_names(path, &names) < 0)
		return 0;
	for (size_t i = 0; i < names.count; i++) {
		json_t *found = json_pack("{s:s%,s:s%,s:s,s:n,s:n}", "namespace", pod_directory,
			(size_t)(pod - pod_directory), "pod", pod + 1, (size_t)(uid - pod - 1),
			"container", names.items[i], "container_id", "outcome");
		/* NULL also for a name that is not UTF-8, which no container has. */
		if (found != NULL && json_array_append_new(candidates, found) < 0)
			return -ENOMEM;
	}
	return 0;
}

int vb_why_list_logs(const struct vb_why_setting *setting, json_t *candidates, json_t *sources,
	struct vb_error *err)
{
	vb_auto_strv struct vb_strv names = {0};

	int r = list_names(setting->logs, &names);
	if (r < 0 && (r == -ENOMEM || vb_why_add_source(sources, "log", setting->logs,
					      strerrordesc_np(-r)) < 0))
		return out_of_memory(err);
	for (size_t i = 0; i < names.count; i++)
		if (list_containers(setting, names.items[i], candidates) < 0)
			return out_of_memory(err);
	return 0;
}

/* *ret_problem is why the log could not be read to its end, or NULL. -ENOMEM. */
static int read_stream(
	gzFile stream, struct vb_denials *denials, const char **ret_problem, struct vb_error *err)
{
	char chunk[CHUNK_SIZE];
	size_t total = 0;

	for (;;) {
		int n = gzread(stream, chunk, sizeof(chunk));
		if (n < 0) {
			*ret_problem = "it is damaged";
			return 0;
		}
		if (n == 0)
			return 0;
		total += (size_t)n;
		if (total > VB_WHY_LOG_MAX) {
			*ret_problem = "it is longer than 1 GiB: not read to its end";
			return 0;
		}
		int r = vb_denials_feed(denials, chunk, (size_t)n, err);
		if (r < 0)
			return r;
	}
}

/* gzread() hands out as it is what is not packed. Not a FIFO, which would never end. */
static int read_log(const char *path, struct vb_denials *denials, const char **ret_problem,
	struct vb_error *err)
{
	vb_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		*ret_problem = strerrordesc_np(errno);
		return 0;
	}
	if (!S_ISREG(st.st_mode)) {
		*ret_problem = "it is no regular file";
		return 0;
	}
	gzFile stream = gzdopen(fd, "rb");
	if (stream == NULL)
		return out_of_memory(err);
	(void)vb_steal_fd(&fd);
	int r = read_stream(stream, denials, ret_problem, err);
	(void)gzclose(stream);
	return r < 0 ? r : vb_denials_end_log(denials, err);
}

static bool is_log(const char *name)
{
	const char *end = strstr(name, ".log");

	return end != NULL && (end[4] == '\0' || end[4] == '.');
}

static int read_directory(
	const char *directory, struct vb_denials *denials, json_t *sources, struct vb_error *err)
{
	vb_auto_strv struct vb_strv names = {0};
	int r = list_names(directory, &names);

	if (r == -ENOENT)
		return 0;
	if (r == -ENOMEM || vb_why_add_source(sources, "log", directory,
				    r < 0 ? strerrordesc_np(-r) : NULL) < 0)
		return out_of_memory(err);
	for (size_t i = 0; i < names.count; i++) {
		vb_auto_free char *path = vb_str_format("%s/%s", directory, names.items[i]);
		const char *problem = NULL;
		if (path == NULL)
			return out_of_memory(err);
		if (!is_log(names.items[i]))
			continue;
		r = read_log(path, denials, &problem, err);
		if (r < 0)
			return r;
		if (problem != NULL && vb_why_add_source(sources, "log", path, problem) < 0)
			return out_of_memory(err);
	}
	return 0;
}

int vb_why_read_logs(const struct vb_why_setting *setting, const json_t *target,
	struct vb_denials *denials, json_t *sources, struct vb_error *err)
{
	vb_auto_free char *prefix =
		vb_str_format("%s_%s_", text_of(target, "namespace"), text_of(target, "pod"));
	const char *container = text_of(target, "container");
	vb_auto_strv struct vb_strv names = {0};

	if (prefix == NULL)
		return out_of_memory(err);
	/* Names come from the runtime, and a path must not lead elsewhere. */
	if (strchr(container, '/') != NULL || container[0] == '.' || container[0] == '\0')
		return 0;
	int r = list_names(setting->logs, &names);
	if (r < 0)
		return r == -ENOMEM ? out_of_memory(err) : 0;
	for (size_t i = 0; i < names.count; i++) {
		if (vb_str_after(names.items[i], prefix) == NULL)
			continue;
		vb_auto_free char *path =
			vb_str_format("%s/%s/%s", setting->logs, names.items[i], container);
		if (path == NULL)
			return out_of_memory(err);
		r = read_directory(path, denials, sources, err);
		if (r < 0)
			return r;
	}
	return 0;
}
