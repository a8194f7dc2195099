/* SPDX-License-Identifier: Apache-2.0 */
#include "oci_internal.h"

#include <errno.h>
#include <string.h>

#include "vb/adjust/json.h"
#include "vb/base/str.h"

int vb_oci_mount_destination(json_t *mount, char **ret_destination, struct vb_error *err)
{
	const char *text = json_string_value(json_object_get(mount, "destination"));

	if (text == NULL) {
		(void)vb_error_say(err, EINVAL, "a mount without destination");
		return -EINVAL;
	}
	vb_auto_free char *absolute = vb_str_format(text[0] == '/' ? "%s" : "/%s", text);
	if (absolute == NULL || vb_path_clean(absolute, ret_destination) < 0) {
		(void)vb_error_set(err, ENOMEM, "clean a mount's destination");
		return -ENOMEM;
	}
	return 0;
}

bool vb_oci_mount_has(json_t *mount, const char *option)
{
	const json_t *word;
	size_t i;

	json_array_foreach(json_object_get(mount, "options"), i, word)
		if (vb_str_equal(json_string_value(word), option))
			return true;
	return false;
}

bool vb_oci_mount_is_bind(json_t *mount)
{
	return vb_str_equal(json_string_value(json_object_get(mount, "type")), "bind") ||
	       vb_oci_mount_has(mount, "bind") || vb_oci_mount_has(mount, "rbind");
}

/* Adds an option, once and at the end, without those that say the contrary. */
static int set_option(
	json_t *mount, const char *option, const char *const *contraries, struct vb_error *err)
{
	json_t *options = NULL;

	int r = vb_oci_need_array(mount, "mounts[]", "options", &options, err);
	if (r < 0)
		return r;
	for (size_t i = json_array_size(options); i-- > 0;) {
		const char *word = json_string_value(json_array_get(options, i));
		bool drop = vb_str_equal(word, option);
		for (size_t k = 0; contraries[k] != NULL; k++)
			drop = drop || vb_str_equal(word, contraries[k]);
		if (drop)
			(void)json_array_remove(options, i);
	}
	if (json_array_append_new(options, json_string(option)) < 0)
		return vb_error_set(err, ENOMEM, "write mount options");
	return 0;
}

/* "rrw" and "rexec" are set over the whole tree after the mount, and would undo what we add. */
static int tighten_mount(json_t *mount, const char *destination, struct vb_error *err)
{
	static const char *const runtime_files[] = {
		"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"};
	static const char device_tree[] = "/dev";
	static const char shared_memory[] = "/dev/shm";
	static const char *const writable[] = {"rw", "rrw", NULL};
	static const char *const executable[] = {"exec", "rexec", NULL};
	static const char *const with_suid[] = {"suid", "rsuid", NULL};
	static const char *const with_devices[] = {"dev", "rdev", NULL};

	for (size_t i = 0; i < VB_ARRAY_SIZE(runtime_files); i++)
		if (strcmp(destination, runtime_files[i]) == 0)
			return set_option(mount, "ro", writable, err);
	if (strcmp(destination, device_tree) == 0)
		return set_option(mount, "noexec", executable, err);
	if (strcmp(destination, shared_memory) != 0)
		return 0;
	/*
	 * A bind of the sandbox's own /dev/shm: in a user namespace its flags are locked, and a
	 * remount for one of them has to repeat the others (mount_namespaces(7)).
	 */
	int r = set_option(mount, "nosuid", with_suid, err);
	if (r == 0)
		r = set_option(mount, "nodev", with_devices, err);
	return r == 0 ? set_option(mount, "noexec", executable, err) : r;
}

int vb_oci_read_only_apply(json_t *spec, struct vb_error *err)
{
	json_t *root = NULL;
	json_t *mounts = NULL;
	json_t *mount;
	size_t i;

	int r = vb_oci_need_object(spec, "config.json", "root", &root, err);
	if (r == 0 && json_object_set_new(root, "readonly", json_true()) < 0)
		r = vb_error_set(err, ENOMEM, "write root.readonly");
	if (r == 0)
		r = vb_oci_get_array(spec, "config.json", "mounts", &mounts, err);
	if (r < 0)
		return r;
	json_array_foreach(mounts, i, mount) {
		vb_auto_free char *destination = NULL;
		r = vb_oci_mount_destination(mount, &destination, err);
		if (r == 0)
			r = tighten_mount(mount, destination, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Views into the kernel, where nothing can be stored. */
static bool is_kernel_view(json_t *mount)
{
	static const char *const types[] = {
		"proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue"};
	const char *type = json_string_value(json_object_get(mount, "type"));

	for (size_t i = 0; i < VB_ARRAY_SIZE(types); i++)
		if (vb_str_equal(type, types[i]))
			return true;
	return false;
}

/* Whether a later mount of the list takes the place of this one. */
static int is_replaced(json_t *mounts, size_t index, const char *destination, bool *ret_replaced,
	struct vb_error *err)
{
	for (size_t i = index + 1; i < json_array_size(mounts); i++) {
		vb_auto_free char *later = NULL;
		int r = vb_oci_mount_destination(json_array_get(mounts, i), &later, err);
		if (r < 0)
			return r;
		if (strcmp(later, destination) == 0) {
			*ret_replaced = true;
			return 0;
		}
	}
	*ret_replaced = false;
	return 0;
}

int vb_oci_writable_mounts(json_t *spec, struct vb_strv *ret_mounts, struct vb_error *err)
{
	vb_auto_strv struct vb_strv writable = {0};
	json_t *mounts = NULL;
	json_t *mount;
	size_t i;

	int r = vb_oci_get_array(spec, "config.json", "mounts", &mounts, err);
	if (r < 0)
		return r;
	json_array_foreach(mounts, i, mount) {
		vb_auto_free char *destination = NULL;
		bool replaced = false;
		if (vb_oci_mount_has(mount, "ro") || vb_oci_mount_has(mount, "rro") ||
			is_kernel_view(mount))
			continue;
		r = vb_oci_mount_destination(mount, &destination, err);
		if (r == 0)
			r = is_replaced(mounts, i, destination, &replaced, err);
		if (r < 0)
			return r;
		if (!replaced && vb_strv_add(&writable, destination) < 0)
			return vb_error_set(err, ENOMEM, "list writable mounts");
	}
	vb_strv_sort_unique(&writable);
	*ret_mounts = writable;
	writable = (struct vb_strv){0};
	return 0;
}
