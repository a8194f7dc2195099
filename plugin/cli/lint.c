/* SPDX-License-Identifier: Apache-2.0 */
#include "lint.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "input.h"
#include "json_writer.h"
#include "vb/adjust/json.h"

enum {
	LINT_VERSION = 1,
	TEXT_MAX = 8 << 20,
};

static const char help_begin[] =
	"Usage: vambrace lint BUNDLE... [OPTIONS]\n"
	"\n"
	"Tells all that is wrong with bundles, each with its file, line and column and\n"
	"how to fix it. A BUNDLE is a directory with a manifest.json, that file or a tar.\n"
	"\n"
	"  error    the plugin refuses the bundle, or a runtime drops a rule of one of\n"
	"           its seccomp profiles\n"
	"  warning  the bundle is weaker than it looks, or an entry has no effect\n"
	"\n"
	"What the plugin refuses is never called fine. The owners of the files are not\n"
	"looked at: they are those of a working copy.\n";

static const char help_end[] =
	"Exit codes: 0 all bundles are fine, 1 one is not, 2 wrong usage or unreadable\n"
	"input.\n"
	"\n"
	"Examples:\n"
	"  vambrace lint bundles/arm-controller\n"
	"  vambrace lint --strict --json bundles/*\n"
	"  mkdir root && docker export $(docker create arm:1.4) | tar -x -C root\n"
	"  vambrace lint bundles/arm-controller --rootfs root\n";

struct options {
	const char *rootfs;
	const char *config_path;
	const char *namespace_name;
	bool strict;
	bool json;
	struct vb_arguments bundles;
};

static int out_of_memory(struct vb_error *err)
{
	return vb_error_set(err, ENOMEM, "lint");
}

static int load_config(const char *path, struct vb_config *ret_config, struct vb_error *err)
{
	if (path == NULL) {
		if (vb_config_init(ret_config) < 0)
			return out_of_memory(err);
		/* Without a node, nothing that is installed on this machine counts. */
		vb_strv_finish(&ret_config->bundle_dirs);
		return 0;
	}
	return vb_input_config(path, ret_config, err);
}

static int show(const struct options *options, const struct vb_lint_report *report, json_t *bundles,
	struct vb_error *err)
{
	vb_auto_buf struct vb_buf *text = NULL;

	if (bundles != NULL)
		return json_array_append_new(bundles, vb_lint_to_json(report, options->strict)) < 0
			       ? out_of_memory(err)
			       : 0;
	text = vb_buf_create(TEXT_MAX);
	if (text == NULL || vb_lint_print(report, options->strict, text) < 0)
		return out_of_memory(err);
	return vb_command_print(text, err);
}

/* Returns the exit code, or an errno. */
static int lint_one(const struct options *options, const struct vb_lint_setting *setting,
	const char *path, json_t *bundles, struct vb_error *err)
{
	vb_auto(vb_lint_bundle_finish) struct vb_lint_bundle bundle = {0};
	vb_auto(vb_lint_report_finish) struct vb_lint_report report = {0};

	int r = vb_lint_bundle_read(path, &bundle, err);
	if (r == 0)
		r = vb_lint_judge(setting, &bundle, &report, err);
	if (r == 0)
		r = show(options, &report, bundles, err);
	if (r < 0)
		return r;
	return vb_lint_is_fine(&report, options->strict) ? VB_EXIT_OK : VB_EXIT_REFUSED;
}

static int write_json(const struct options *options, json_t *bundles, struct vb_error *err)
{
	struct vb_json_writer w = vb_json_begin();

	vb_json_put(&w, "lint_version", json_integer(LINT_VERSION));
	vb_json_put(&w, "strict", json_boolean(options->strict));
	vb_json_put(&w, "bundles", json_incref(bundles));
	vb_auto_json json_t *root = vb_json_end(&w);
	return vb_command_print_json(root, JSON_INDENT(2), err);
}

/* A bundle that cannot be read does not keep the others from being looked at. */
static int lint_all(
	const struct options *options, const struct vb_lint_setting *setting, struct vb_error *err)
{
	vb_auto_json json_t *bundles = options->json ? json_array() : NULL;
	int code = VB_EXIT_OK;

	if (options->json && bundles == NULL)
		return out_of_memory(err);
	for (int i = 0; i < options->bundles.operand_count; i++) {
		struct vb_error trouble = {0};
		int one =
			lint_one(options, setting, options->bundles.operands[i], bundles, &trouble);
		if (one < 0)
			one = vb_command_fail(&trouble);
		code = one > code ? one : code;
	}
	if (options->json && write_json(options, bundles, err) < 0)
		return vb_command_fail(err);
	return code;
}

static int lint(const struct options *options, struct vb_error *err)
{
	vb_auto_config struct vb_config config = {0};
	vb_auto(vb_lint_root_finish) struct vb_lint_root root = {.fd = -1};

	int r = load_config(options->config_path, &config, err);
	if (r == 0 && options->rootfs != NULL)
		r = vb_lint_root_open(options->rootfs, &root, err);
	if (r < 0)
		return r;
	const struct vb_lint_setting setting = {.config = &config,
		.namespace_name = options->namespace_name,
		.root = options->rootfs != NULL ? &root : NULL};
	return lint_all(options, &setting, err);
}

static int parse(int argc, char **argv, struct options *options)
{
	const struct vb_option known[] = {
		{.name = "rootfs",
			.value = "DIR",
			.text = &options->rootfs,
			.help = "an unpacked image: listed files that it does not have, programs "
				"listed by a symbolic link, and what the bundle's tmpfs covers are "
				"told"},
		{.name = "node-config",
			.value = "FILE",
			.text = &options->config_path,
			.help = "judges by the settings of this node; by default nothing is "
				"permitted that needs a permit"},
		{.name = "namespace",
			.letter = 'n',
			.value = "NS",
			.text = &options->namespace_name,
			.help = "of the pods, for the rules of these settings (default: default)"},
		{.name = "strict", .flag = &options->strict, .help = "warnings count as errors"},
		{.name = "json",
			.flag = &options->json,
			.help = "for scripts (docs/lint.schema.json)"},
	};
	const struct vb_syntax syntax = {.command = "lint",
		.help_begin = help_begin,
		.help_end = help_end,
		.options = known,
		.option_count = VB_ARRAY_SIZE(known),
		.operands = {"BUNDLE...", 1, INT_MAX}};

	return vb_command_parse(&syntax, argc, argv, &options->bundles);
}

static int run(int argc, char **argv)
{
	struct options options = {.namespace_name = "default"};
	struct vb_error err = {0};

	int code = parse(argc, argv, &options);
	if (code >= 0)
		return code;
	int r = lint(&options, &err);
	return r < 0 ? vb_command_fail(&err) : r;
}

const struct vb_command vb_command_lint = {
	.name = "lint",
	.summary = "all that is wrong with bundles, with file, line and column",
	.run = run,
};
