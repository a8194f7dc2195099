/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_CLI_BUNDLE_H
#define VB_PLUGIN_CLI_BUNDLE_H

#include <jansson.h>
#include <stdbool.h>

#include "options.h"
#include "vb/adjust/bundle_look.h"

/* The parts of `vambrace bundle`. */

struct vb_bundle_options {
	struct vb_arguments arguments;
	const char *key;
	const char *config_path;
	const char *output;
	bool json;
};

/* What came of one bundle that was named. */
struct vb_bundle_result {
	const char *path;
	const struct vb_bundle_look *look; /* NULL: it was refused, or could not be read */
	const struct vb_error *err;        /* why; or NULL */
	const char *written;               /* the file that was made, or NULL */
};

/* Shows results as they come, or with --json all of them at the end. */
struct vb_bundle_report {
	const struct vb_bundle_options *options;
	json_t *bundles; /* NULL without --json */
};

/* The line or lines of one result. 0 or -ENOMEM. */
int vb_bundle_report_add(
	struct vb_bundle_report *report, const struct vb_bundle_result *result) VB_WARN_UNUSED;

/* Writes what is to be written at the end. 0 or -ENOMEM. */
int vb_bundle_report_finish(struct vb_bundle_report *report) VB_WARN_UNUSED;

/* The commands. Each returns the exit code. */
int vb_bundle_pack_command(const struct vb_bundle_options *options);
int vb_bundle_show_command(const struct vb_bundle_options *options);
int vb_bundle_sign_command(const struct vb_bundle_options *options);
int vb_bundle_verify_command(const struct vb_bundle_options *options);

#endif
