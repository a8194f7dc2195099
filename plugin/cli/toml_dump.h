/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_CLI_TOML_DUMP_H
#define VB_PLUGIN_CLI_TOML_DUMP_H

#include <stddef.h>

#include "vb/base/error.h"
#include "vb/base/str.h"

/*
 * What `containerd config dump` prints: TOML in the one form that containerd's own encoders write
 * (containerd 1.7 to 2.3): a header in brackets for each table, then one line for each key. This is
 * no reader for files that people write.
 */

enum {
	VB_TOML_DUMP_MAX = 1 << 20,
	VB_TOML_DEPTH_MAX = 32, /* components of a table's name */
};

/*
 * Called for each key: the components of its table's name, the key, and the value as it stands
 * there. Stops the walk with its own result when that is not 0.
 */
typedef int (*vb_toml_key_fn)(
	const struct vb_strv *table, const char *key, const char *value, void *context);

/* -EINVAL with the line for what is not in that form, -ENOMEM, or what the function returned. */
int vb_toml_dump_walk(const char *text, size_t size, vb_toml_key_fn function, void *context,
	struct vb_error *err) VB_WARN_UNUSED;

/*
 * One component of a key, bare or quoted, at *at, which is moved behind it; the caller frees the
 * text. -EINVAL when there is none, -ENOMEM.
 */
int vb_toml_take_component(const char **at, char **ret_text) VB_WARN_UNUSED;

/* The text of a quoted value; the caller frees it. -EINVAL when it is none, -ENOMEM. */
int vb_toml_dump_string(const char *value, char **ret_text) VB_WARN_UNUSED;

/* Adds the texts of a one-line array of quoted values. -EINVAL when it is none, -ENOMEM. */
int vb_toml_dump_strings(const char *value, struct vb_strv *strings) VB_WARN_UNUSED;

#endif
