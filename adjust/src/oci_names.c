/* SPDX-License-Identifier: Apache-2.0 */
#include "oci_internal.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "vb/base/str.h"

/*
 * Go's encoding/json takes keys without regard to case, and of several for one field the last; runc
 * reads "Linux" behind "linux" over what was written there. containerd never writes such a key.
 */

/* The keys that are read or written here. Those of linux.seccomp its own reader checks. */
static const char *const names[] = {"process", "root", "mounts", "annotations", "linux", "args",
	"env", "cwd", "user", "capabilities", "noNewPrivileges", "rlimits", "bounding", "effective",
	"inheritable", "permitted", "ambient", "path", "readonly", "seccomp", "destination", "type",
	"source", "options", "soft", "hard"};

static bool is_ascii(const char *text)
{
	while (*text != '\0' && (unsigned char)*text < 0x80)
		text++;
	return *text == '\0';
}

static int check_key(const char *key, const char *where, struct vb_error *err)
{
	/* Two letters beyond ASCII fold into ASCII ones, and no key of the specification has any.
	 */
	if (!is_ascii(key))
		return vb_error_say(err, EINVAL, "%s has the unknown key '%.64s'", where, key);
	for (size_t i = 0; i < VB_ARRAY_SIZE(names); i++)
		if (strcasecmp(key, names[i]) == 0 && strcmp(key, names[i]) != 0)
			return vb_error_say(err, EINVAL,
				"%s has the key '%.64s', which runtimes may take for '%s'", where,
				key, names[i]);
	return 0;
}

static int check_object(json_t *object, const char *where, struct vb_error *err)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value) {
		int r = check_key(key, where, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_items(json_t *array, const char *where, struct vb_error *err)
{
	json_t *item;
	size_t i;

	json_array_foreach(array, i, item) {
		int r = check_object(item, where, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int vb_oci_names_check_process(json_t *process, struct vb_error *err)
{
	int r = check_object(process, "process", err);

	if (r == 0)
		r = check_object(
			json_object_get(process, "capabilities"), "process.capabilities", err);
	return r == 0 ? check_items(json_object_get(process, "rlimits"), "process.rlimits[]", err)
		      : r;
}

int vb_oci_names_check(json_t *spec, struct vb_error *err)
{
	int r = check_object(spec, "config.json", err);

	if (r == 0)
		r = vb_oci_names_check_process(json_object_get(spec, "process"), err);
	if (r == 0)
		r = check_object(json_object_get(spec, "root"), "root", err);
	if (r == 0)
		r = check_object(json_object_get(spec, "linux"), "linux", err);
	return r == 0 ? check_items(json_object_get(spec, "mounts"), "mounts[]", err) : r;
}
