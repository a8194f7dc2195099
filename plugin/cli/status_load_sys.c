/* SPDX-License-Identifier: Apache-2.0 */
#include "status.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vb/adjust/json.h"
#include "vb/base/file.h"
#include "vb/base/str.h"

void vb_status_finish(struct vb_status *status)
{
	json_decref(status->daemon);
	json_decref(status->daemons);
	json_decref(status->containers);
	json_decref(status->damaged);
}

static int out_of_memory(struct vb_error *err)
{
	return vb_error_set(err, ENOMEM, "read the state");
}

int vb_status_load_json(const char *path, json_t **ret_object, struct vb_error *err)
{
	vb_auto_free char *text = NULL;
	vb_auto_json json_t *object = NULL;
	size_t size = 0;

	int r = vb_file_read(path, VB_STATUS_FILE_MAX, &text, &size, err);
	if (r == 0)
		r = vb_json_parse(text, size, VB_STATUS_DEPTH_MAX, &object, err);
	if (r == 0 && !json_is_object(object))
		r = vb_error_say(err, EINVAL, "no JSON object");
	if (r == 0)
		*ret_object = VB_STEAL(object);
	return r;
}

/* -ENOENT when the file is gone; 0 with *ret_object NULL when it is damaged. */
static int load(
	struct vb_status *status, const char *path, json_t **ret_object, struct vb_error *err)
{
	struct vb_error why;

	int r = vb_status_load_json(path, ret_object, &why);
	if (r == 0 || r == -ENOENT)
		return r;
	if (r == -ENOMEM)
		return out_of_memory(err);
	return json_array_append_new(
		       status->damaged, json_pack("{s:s,s:s}", "file", path, "error", why.what)) < 0
		       ? out_of_memory(err)
		       : 0;
}

bool vb_status_is_daemon(long long pid)
{
	vb_auto_free char *path = vb_str_format("/proc/%lld/comm", pid);
	vb_auto_free char *name = NULL;

	return path != NULL && vb_file_read_stream(AT_FDCWD, path, 64, &name, NULL) == 0 &&
	       strcmp(name, "vambrace-nri\n") == 0;
}

static int load_daemon(const char *directory, struct vb_status *status, struct vb_error *err)
{
	vb_auto_free char *path = vb_str_format("%s/daemon.json", directory);

	if (path == NULL)
		return out_of_memory(err);
	int r = load(status, path, &status->daemon, err);
	if (r == -ENOENT || status->daemon == NULL)
		return r == -ENOENT ? 0 : r;
	status->runs =
		json_is_null(json_object_get(status->daemon, "stopped_at")) &&
		vb_status_is_daemon(json_integer_value(json_object_get(status->daemon, "pid")));
	return 0;
}

static int compare_outcomes(const void *a, const void *b)
{
	static const char *const keys[] = {"namespace", "pod", "container", "container_id"};
	const json_t *left = *(json_t *const *)a;
	const json_t *right = *(json_t *const *)b;

	for (size_t i = 0; i < VB_ARRAY_SIZE(keys); i++) {
		const char *one = json_string_value(json_object_get(left, keys[i]));
		const char *other = json_string_value(json_object_get(right, keys[i]));
		int order = strcmp(one != NULL ? one : "", other != NULL ? other : "");
		if (order != 0)
			return order;
	}
	return 0;
}

static int sort(json_t *outcomes)
{
	size_t count = json_array_size(outcomes);
	vb_auto_free json_t **items = calloc(count + 1, sizeof(json_t *));
	int r = 0;

	if (items == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		items[i] = json_incref(json_array_get(outcomes, i));
	qsort(items, count, sizeof(json_t *), compare_outcomes);
	for (size_t i = 0; i < count; i++)
		if (json_array_set_new(outcomes, i, items[i]) < 0)
			r = -ENOMEM;
	return r;
}

static int load_outcome(const char *path, struct vb_status *status, struct vb_error *err)
{
	vb_auto_json json_t *outcome = NULL;

	int r = load(status, path, &outcome, err);
	if (r == -ENOENT || outcome == NULL)
		return r == -ENOENT ? 0 : r;
	if (json_array_size(status->containers) == VB_STATUS_CONTAINERS_MAX)
		return vb_error_say(
			err, E2BIG, "there are more than %d containers", VB_STATUS_CONTAINERS_MAX);
	return json_array_append(status->containers, outcome) < 0 ? out_of_memory(err) : 0;
}

/* A file under way has a leading dot. */
static bool is_outcome(const char *name)
{
	size_t length = strlen(name);

	return name[0] != '.' && length > 5 && strcmp(name + length - 5, ".json") == 0;
}

/* Sorted: whatever is damaged is listed in the same order each time. */
static int list_outcomes(const char *directory, struct vb_strv *paths, struct vb_error *err)
{
	int r = 0;

	DIR *outcomes = opendir(directory);
	if (outcomes == NULL)
		return errno == ENOENT ? 0 : vb_error_set(err, errno, "open '%s'", directory);
	for (const struct dirent *entry = readdir(outcomes); r == 0 && entry != NULL;
		entry = readdir(outcomes)) {
		if (!is_outcome(entry->d_name))
			continue;
		vb_auto_free char *path = vb_str_format("%s/%s", directory, entry->d_name);
		r = path != NULL ? vb_strv_add(paths, path) : -ENOMEM;
	}
	(void)closedir(outcomes);
	vb_strv_sort_unique(paths);
	return r < 0 ? out_of_memory(err) : 0;
}

static int load_outcomes(const char *directory, struct vb_status *status, struct vb_error *err)
{
	vb_auto_free char *path = vb_str_format("%s/outcomes", directory);
	vb_auto_strv struct vb_strv paths = {0};

	if (path == NULL)
		return out_of_memory(err);
	int r = list_outcomes(path, &paths, err);
	for (size_t i = 0; r == 0 && i < paths.count; i++)
		r = load_outcome(paths.items[i], status, err);
	if (r == 0 && sort(status->containers) < 0)
		r = out_of_memory(err);
	return r;
}

int vb_status_load(const char *directory, struct vb_status *ret_status, struct vb_error *err)
{
	vb_auto_status struct vb_status status = {
		.containers = json_array(), .damaged = json_array()};

	if (status.containers == NULL || status.damaged == NULL)
		return out_of_memory(err);
	if (access(directory, R_OK | X_OK) < 0 && errno != ENOENT) {
		int r = vb_error_set(err, errno, "look into '%s'", directory);
		return r == -EACCES ? vb_error_fix(err, "run it as root") : r;
	}
	int r = load_daemon(directory, &status, err);
	if (r == 0)
		r = load_outcomes(directory, &status, err);
	if (r < 0)
		return r;
	*ret_status = status;
	status = (struct vb_status){0};
	return 0;
}

/* "<namespace>/<pod>" and "<namespace>/<pod>/<container>". */
static enum vb_name_match match_path(const json_t *outcome, const char *name)
{
	const char *namespace_name = json_string_value(json_object_get(outcome, "namespace"));
	const char *pod = json_string_value(json_object_get(outcome, "pod"));
	const char *container = json_string_value(json_object_get(outcome, "container"));

	if (namespace_name == NULL || pod == NULL || container == NULL)
		return VB_NAME_NONE;
	const char *rest = vb_str_after(name, namespace_name);
	rest = rest != NULL && *rest == '/' ? vb_str_after(rest + 1, pod) : NULL;
	if (rest == NULL)
		return VB_NAME_NONE;
	if (*rest == '\0')
		return VB_NAME_POD;
	return *rest == '/' && strcmp(rest + 1, container) == 0 ? VB_NAME_CONTAINER : VB_NAME_NONE;
}

enum vb_name_match vb_status_match(const json_t *outcome, const char *name)
{
	static const struct {
		const char *key;
		enum vb_name_match match;
	} keys[] = {{"container_id", VB_NAME_ID}, {"pod", VB_NAME_POD},
		{"container", VB_NAME_CONTAINER}};
	const char *id = json_string_value(json_object_get(outcome, "container_id"));

	for (size_t i = 0; i < VB_ARRAY_SIZE(keys); i++)
		if (vb_str_equal(json_string_value(json_object_get(outcome, keys[i].key)), name))
			return keys[i].match;
	if (strlen(name) >= 8 && id != NULL && vb_str_after(id, name) != NULL)
		return VB_NAME_ID;
	return match_path(outcome, name);
}

int vb_status_select(struct vb_status *status, const char *name)
{
	vb_auto_json json_t *chosen = json_array();
	size_t i = 0;
	json_t *outcome = NULL;

	if (chosen == NULL)
		return -ENOMEM;
	json_array_foreach(status->containers, i, outcome)
		if (vb_status_match(outcome, name) != VB_NAME_NONE &&
			json_array_append(chosen, outcome) < 0)
			return -ENOMEM;
	json_decref(status->containers);
	status->containers = VB_STEAL(chosen);
	return 0;
}
