/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "lint.h"
#include "vb/adjust/bundle.h"
#include "vb/adjust/connect.h"
#include "vb/adjust/json.h"

/* Networks wider than these are rarely meant. */
enum { WIDEST_IPV4 = 8, WIDEST_IPV6 = 32 };

static const char exec_place[] = "hardening.preload.exec_allowlist";
static const char dlopen_place[] = "dlopen_allowlist.paths";
static const char connect_place[] = "hardening.preload.connect_allowlist";

/* The lists of a manifest, with NULL for what is not there. */
struct lists {
	const json_t *hardening;
	const json_t *exec;
	const json_t *dlopen;
	const json_t *connect;
	struct vb_strv tmpfs;
};

static void finish_lists(struct lists *lists)
{
	vb_strv_finish(&lists->tmpfs);
}

static int collect_tmpfs(const json_t *array, struct vb_strv *paths)
{
	const json_t *item;
	size_t i;

	json_array_foreach(array, i, item) {
		const char *path = json_string_value(json_object_get(item, "path"));
		vb_auto_free char *clean = NULL;
		int r = path != NULL ? vb_path_clean(path, &clean) : -EINVAL;
		if (r == 0)
			r = vb_strv_add(paths, clean);
		if (r == -ENOMEM)
			return r;
	}
	return 0;
}

static int collect(const json_t *manifest, struct lists *lists)
{
	lists->hardening = json_object_get(manifest, "hardening");
	const json_t *preload = json_object_get(lists->hardening, "preload");

	lists->exec = json_object_get(preload, "exec_allowlist");
	lists->connect = json_object_get(preload, "connect_allowlist");
	lists->dlopen = json_object_get(json_object_get(manifest, "dlopen_allowlist"), "paths");
	return collect_tmpfs(json_object_get(lists->hardening, "tmpfs"), &lists->tmpfs);
}

static int advise_network(const char *entry, const char *place, const struct vb_lint_text *text,
	struct vb_lint_report *report)
{
	struct vb_connect_entry network;
	struct vb_error warning = {0};

	if (vb_connect_parse(entry, &network, &warning) < 0)
		return 0; /* the plugin's reader has reported it */
	unsigned int widest = network.family == AF_INET ? WIDEST_IPV4 : WIDEST_IPV6;
	if (network.prefix >= widest)
		return 0;
	warning = (struct vb_error){0};
	if (network.prefix == 0)
		(void)vb_error_say(&warning, EINVAL, "'%.64s' allows every %s address", entry,
			network.family == AF_INET ? "IPv4" : "IPv6");
	else
		(void)vb_error_say(&warning, EINVAL, "'%.64s' is wider than a /%u", entry, widest);
	(void)vb_error_fix(&warning,
		"list the networks that the workload needs; 'vambrace derive connect' finds them");
	return vb_lint_warn(report, text, &warning, place);
}

static int advise_networks(
	const json_t *array, const struct vb_lint_text *text, struct vb_lint_report *report)
{
	const json_t *item;
	size_t i;

	json_array_foreach(array, i, item) {
		char place[VB_ERROR_PLACE_MAX];
		(void)snprintf(place, sizeof(place), "%s[%zu]", connect_place, i);
		int r = json_is_string(item)
				? advise_network(json_string_value(item), place, text, report)
				: 0;
		if (r < 0)
			return r;
	}
	return 0;
}

static int collect_strings(const json_t *array, struct vb_strv *strings)
{
	const json_t *item;
	size_t i;

	json_array_foreach(array, i, item)
		if (json_is_string(item) && vb_strv_add(strings, json_string_value(item)) < 0)
			return -ENOMEM;
	vb_strv_sort_unique(strings);
	return 0;
}

static int advise_paths(const struct vb_lint_setting *setting, const struct lists *lists, bool exec,
	const struct vb_lint_text *text, struct vb_lint_report *report)
{
	const json_t *array = exec ? lists->exec : lists->dlopen;
	vb_auto_strv struct vb_strv listed = {0};
	const json_t *item;
	size_t i;

	if (collect_strings(array, &listed) < 0)
		return -ENOMEM;
	json_array_foreach(array, i, item) {
		char place[VB_ERROR_PLACE_MAX];
		const struct vb_lint_path path = {.entry = json_string_value(item),
			.place = place,
			.exec = exec,
			.listed = &listed,
			.tmpfs = &lists->tmpfs};
		(void)snprintf(
			place, sizeof(place), "%s[%zu]", exec ? exec_place : dlopen_place, i);
		/* Others have been reported by the plugin's reader. */
		if (path.entry == NULL || path.entry[0] != '/')
			continue;
		int r = vb_lint_advise_path(setting, &path, text, report);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A list is only as good as the files that it names, and the programs that the shim gets into. */
static int advise_company(
	const struct lists *lists, const struct vb_lint_text *text, struct vb_lint_report *report)
{
	bool paths = lists->exec != NULL || lists->dlopen != NULL;
	const char *place = lists->exec != NULL     ? exec_place
			    : lists->dlopen != NULL ? dlopen_place
						    : connect_place;
	struct vb_error warning = {0};
	int r = 0;

	if (!paths && lists->connect == NULL)
		return 0;
	if (paths && !json_is_true(json_object_get(lists->hardening, "read_only_rootfs"))) {
		(void)vb_error_say(&warning, EINVAL,
			"an allowlist of paths without read_only_rootfs: the workload can write to "
			"the files that are listed");
		(void)vb_error_fix(&warning,
			"set \"read_only_rootfs\": true in hardening, of schema_version 1.6");
		r = vb_lint_warn(report, text, &warning, place);
	}
	if (r < 0 || json_is_true(json_object_get(lists->hardening, "no_new_privileges")))
		return r;
	warning = (struct vb_error){0};
	(void)vb_error_say(&warning, EINVAL,
		"an allowlist without no_new_privileges: set-user-ID programs ignore the preload "
		"shim");
	(void)vb_error_fix(
		&warning, "set \"no_new_privileges\": true in hardening, of schema_version 1.6");
	return vb_lint_warn(report, text, &warning, place);
}

int vb_lint_advise(const struct vb_lint_setting *setting, const json_t *manifest,
	const struct vb_lint_text *text, struct vb_lint_report *report)
{
	vb_auto(finish_lists) struct lists lists = {0};
	int r = collect(manifest, &lists);

	if (r == 0)
		r = advise_company(&lists, text, report);
	if (r == 0)
		r = advise_networks(lists.connect, text, report);
	if (r == 0)
		r = advise_paths(setting, &lists, true, text, report);
	return r == 0 ? advise_paths(setting, &lists, false, text, report) : r;
}
