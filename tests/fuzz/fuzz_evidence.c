/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts of /proc/<pid>, and slices of JSON: the first byte says which file the rest is of. A
 * workload chooses parts of them: its name, its mounts' places and sources, the paths that it maps.
 */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "fuzz.h"
#include "json_slice.h"
#include "vb/adjust/evidence.h"
#include "vb/adjust/json.h"

static void parse_status(const char *text)
{
	struct vb_proc_status status;

	if (vb_proc_status_parse(text, &status, NULL) == 0 &&
		(strlen(status.store_bypass) >= sizeof(status.store_bypass) ||
			strlen(status.indirect_branch) >= sizeof(status.indirect_branch)))
		abort();
}

/* Whatever the table holds, looking a path up ends, and finds that path or nothing. */
static void parse_mountinfo(const char *text)
{
	vb_auto_mountinfo struct vb_mountinfo mounts = {0};

	if (vb_mountinfo_parse(text, &mounts, NULL) < 0)
		return;
	for (size_t i = 0; i < mounts.count && i < 16; i++) {
		const char *path = mounts.items[i].mount_point;
		const struct vb_mount *topmost = vb_mountinfo_topmost(&mounts, path);
		const char *value = NULL;
		size_t length = 0;
		if (topmost != NULL && strcmp(topmost->mount_point, path) != 0)
			abort();
		(void)vb_mount_options_have(mounts.items[i].options, "ro");
		if (vb_mount_options_get(mounts.items[i].super_options, "size", &value, &length) &&
			length > strlen(value))
			abort();
	}
}

static void parse_limits(const char *text)
{
	uint64_t soft = 0;
	uint64_t hard = 0;

	(void)!vb_proc_limits_get(text, "RLIMIT_NOFILE", &soft, &hard, NULL);
	(void)!vb_proc_limits_get(text, "RLIMIT_NICE", &soft, &hard, NULL);
}

/* However the text is cut, the answer is the same. */
static void scan_maps(const char *text)
{
	size_t size = strlen(text);
	static const char path[] = "/usr/local/lib/libautonomy_preload.so";
	struct vb_maps_scan whole = {0};
	struct vb_maps_scan cut = {0};

	vb_maps_scan_feed(&whole, text, size, path);
	for (size_t i = 0; i < size; i++)
		vb_maps_scan_feed(&cut, text + i, 1, path);
	if (whole.found != cut.found)
		abort();
}

static void parse_cgroup(const char *text)
{
	(void)vb_proc_cgroup_is_of(text, "0123456789abcdef");
}

/* Where a whole parser takes the text, both see the same value behind a key. */
static void slice_json(const char *text)
{
	static const char key[] = "k";
	const struct vb_json_slice object = {.text = text, .size = strlen(text)};
	struct vb_json_slice slice = {0};
	vb_auto_json json_t *whole = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	const json_t *expected = json_object_get(whole, key);

	int r = vb_json_slice_get(&object, key, &slice);
	if (!json_is_object(whole) || (expected != NULL) != (strstr(text, "\"k\"") != NULL))
		return;
	if (r != (expected != NULL))
		abort();
	if (r == 0)
		return;
	vb_auto_json json_t *value = json_loadb(slice.text, slice.size, JSON_DECODE_ANY, NULL);
	if (!json_equal(value, expected))
		abort();
}

static const struct {
	uint8_t kind;
	void (*parse)(const char *text);
} parsers[] = {{'s', parse_status}, {'m', parse_mountinfo}, {'l', parse_limits},
	{'c', parse_cgroup}, {'j', slice_json}, {'p', scan_maps}};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	vb_auto_free char *text = strndup((const char *)data + 1, size - 1);
	if (text == NULL)
		return 0;
	for (size_t i = 0; i < sizeof(parsers) / sizeof(parsers[0]); i++)
		if (parsers[i].kind == data[0])
			parsers[i].parse(text);
	return 0;
}
