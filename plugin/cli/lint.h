/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_CLI_LINT_H
#define VB_PLUGIN_CLI_LINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "vb/adjust/config.h"
#include "vb/adjust/json_place.h"
#include "vb/base/buf.h"
#include "vb/base/error.h"
#include "vb/base/str.h"

/* The parts of `vambrace lint`: reading a bundle, judging it, and showing what was found. */

/* A text with which something may be wrong. Borrowed. */
struct vb_lint_text {
	const char *name; /* as findings call it */
	const char *data;
	size_t size;
};

enum vb_lint_level {
	VB_LINT_WARNING,
	VB_LINT_ERROR, /* the plugin refuses the bundle, or a runtime drops a rule of a profile */
};

struct vb_lint_finding {
	char *file;
	enum vb_lint_level level;
	struct vb_json_place at;
	struct vb_error problem;
};

/* What was found in one bundle. Zero-initialised is empty. */
struct vb_lint_report {
	char *bundle; /* its name */
	struct vb_lint_finding *findings;
	size_t count;
	size_t errors;
	size_t warnings;
	size_t left_out; /* counted, but beyond what is kept */
};

void vb_lint_report_finish(struct vb_lint_report *report);

/* Adds a finding, with general advice where it brings none. 0 or -ENOMEM. */
int vb_lint_add(struct vb_lint_report *report, const struct vb_lint_text *text,
	enum vb_lint_level level, const struct vb_error *problem) VB_WARN_UNUSED;

/* Adds a warning about what stands at a place. 0 or -ENOMEM. */
int vb_lint_warn(struct vb_lint_report *report, const struct vb_lint_text *text,
	struct vb_error *warning, const char *place) VB_WARN_UNUSED;

/* By file and place. */
void vb_lint_sort(struct vb_lint_report *report);

/* A bundle that a person named. */
struct vb_lint_bundle {
	char *directory; /* in which it lies under its name */
	char *name;
	char *manifest_name; /* as findings call it, as are all names: printable */
	char *manifest;      /* NULL: there is none that can be read, and the plugin says why */
	size_t manifest_size;
	char *shown; /* the path of the directory or tar, as named */
	char *tar;   /* its bytes; NULL for a directory */
	size_t tar_size;
	struct vb_strv profiles; /* names of profiles/<name>.json, sorted */
};

void vb_lint_bundle_finish(struct vb_lint_bundle *bundle);

/* A directory, a tar or a manifest.json. -EINVAL for another file; -ENOMEM, errnos of stat(2). */
int vb_lint_bundle_read(
	const char *path, struct vb_lint_bundle *ret_bundle, struct vb_error *err) VB_WARN_UNUSED;

/* The bytes of one of its profiles, for the caller to free. Errnos of reading. */
int vb_lint_profile_read(const struct vb_lint_bundle *bundle, const char *name, char **ret_data,
	size_t *ret_size, struct vb_error *err) VB_WARN_UNUSED;

/* An unpacked image, never followed out of by its links. */
struct vb_lint_root {
	int fd;
	char *path; /* canonical */
};

void vb_lint_root_finish(struct vb_lint_root *root);

/* Errnos of open(2), -ENOMEM. */
int vb_lint_root_open(
	const char *path, struct vb_lint_root *ret_root, struct vb_error *err) VB_WARN_UNUSED;

/*
 * What a path leads to, all links followed: its canonical path in the image, which the caller
 * frees, and its mode. -ENOENT, -ENOTDIR, -ELOOP; -ENOMEM; others of openat2(2) (Linux 5.6).
 */
int vb_lint_root_find(const struct vb_lint_root *root, const char *path, char **ret_canonical,
	mode_t *ret_mode) VB_WARN_UNUSED;

struct vb_lint_setting {
	const struct vb_config *config;
	const char *namespace_name;      /* of the pods that name the bundle */
	const struct vb_lint_root *root; /* NULL: no image is given */
};

/* All that is wrong with it. 0, -ENOMEM, or the errno of what this machine failed at. */
int vb_lint_judge(const struct vb_lint_setting *setting, const struct vb_lint_bundle *bundle,
	struct vb_lint_report *report, struct vb_error *err) VB_WARN_UNUSED;

/* What the plugin takes, but is weaker than it looks; a part of the above. 0 or -ENOMEM. */
int vb_lint_advise(const struct vb_lint_setting *setting, const json_t *manifest,
	const struct vb_lint_text *text, struct vb_lint_report *report) VB_WARN_UNUSED;

/* The same for a listed path; list is "exec" or "dlopen". A part of the above. */
struct vb_lint_path {
	const char *entry;
	const char *place;
	bool exec;
	const struct vb_strv *listed; /* all of the list */
	const struct vb_strv *tmpfs;  /* the bundle's, clean */
};
int vb_lint_advise_path(const struct vb_lint_setting *setting, const struct vb_lint_path *path,
	const struct vb_lint_text *text, struct vb_lint_report *report) VB_WARN_UNUSED;

/* Whether there is nothing to stop a bundle for; strict: warnings do. */
bool vb_lint_is_fine(const struct vb_lint_report *report, bool strict);

/* A line for each finding, one with advice, and the verdict. 0, -ENOMEM or -ENOSPC. */
int vb_lint_print(
	const struct vb_lint_report *report, bool strict, struct vb_buf *out) VB_WARN_UNUSED;

/* The same (docs/lint.schema.json). A new reference; NULL when out of memory. */
json_t *vb_lint_to_json(const struct vb_lint_report *report, bool strict) VB_WARN_UNUSED;

#endif
