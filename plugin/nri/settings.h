/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_SETTINGS_H
#define VB_PLUGIN_NRI_SETTINGS_H

#include <stdbool.h>
#include <time.h>

#include "vb/adjust/config.h"
#include "vb/adjust/plan.h"
#include "vb/base/cleanup.h"

/*
 * The node config in force, and the file that it comes from. One is never changed; a new one takes
 * its place. A file that is bad, or that has gone, leaves the one before in force.
 */
struct vb_settings {
	struct vb_config config;
	char digest[VB_DIGEST_SIZE]; /* of the file; "": the built-in defaults */
	struct timespec loaded_at;
	/* The first file was bad: the defaults, with which nothing is admitted. Or NULL. */
	char *problem;
};

void vb_settings_destroy(struct vb_settings *settings);

static inline void vb_cleanup_settings(struct vb_settings *const *settings)
{
	vb_settings_destroy(*settings);
}
#define vb_auto_settings vb_auto(vb_cleanup_settings)

/* The defaults, with a problem that is copied, or NULL. NULL when out of memory. */
struct vb_settings *vb_settings_create_default(const char *problem) VB_WARN_UNUSED;

/* The file; not thread-safe: one thread uses it. */
struct vb_settings_file;

/* The path is borrowed. NULL when out of memory. */
struct vb_settings_file *vb_settings_file_create(const char *path) VB_WARN_UNUSED;
void vb_settings_file_destroy(struct vb_settings_file *file);

static inline void vb_cleanup_settings_file(struct vb_settings_file *const *file)
{
	vb_settings_file_destroy(*file);
}
#define vb_auto_settings_file vb_auto(vb_cleanup_settings_file)

/*
 * Reads the file for the first time; none means the defaults. Errnos of vb_file_read() and
 * vb_config_parse().
 */
int vb_settings_load(struct vb_settings_file *file, struct vb_settings **ret_settings,
	struct vb_error *err) VB_WARN_UNUSED;

/*
 * Looks whether the file is another one than at the last look (vb/base/file_identity.h), which
 * costs a stat(2), and reads it then, or always when forced. 1 with new settings, 0 when there is
 * nothing new, or a failure as above; the same bad file fails once, and again when forced. A file
 * that has gone is a failure (-ENOENT). Short of memory or descriptors, the next look reads it.
 */
int vb_settings_refresh(struct vb_settings_file *file, bool forced,
	struct vb_settings **ret_settings, struct vb_error *err) VB_WARN_UNUSED;

/* The next look reads the file, whether it is another one or not. */
void vb_settings_file_forget(struct vb_settings_file *file);

#endif
