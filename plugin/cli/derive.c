/* SPDX-License-Identifier: Apache-2.0 */
#include "derive.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "input.h"
#include "vb/adjust/bundle.h"
#include "vb/adjust/json.h"
#include "vb/base/file.h"
#include "vb/base/utf8.h"

enum {
	NETWORKS_MAX = 256,
	NOTES_MAX = 64 << 20, /* as many names as are kept, of the longest kind */
};

static const char help_begin[] =
	"Usage: vambrace derive dlopen|exec|connect LOG...|- [OPTIONS]\n"
	"\n"
	"Makes the allowlist of a bundle from what the preload shim wrote while the\n"
	"workload ran, and prints it as a block for the bundle's manifest.\n"
	"\n"
	"  dlopen   the libraries that were loaded, from audit lines. Those that failed\n"
	"           to load or were denied are told on standard error.\n"
	"  exec     the programs that were started or denied, from audit lines; also\n"
	"           from the denial lines of a run without audit. These have the path\n"
	"           that was asked for, which for a symbolic link is not the one to list.\n"
	"  connect  the addresses that were connected or sent to, from audit and denial\n"
	"           lines. Loopback needs no entry.\n"
	"\n"
	"Audit is switched on by 'preload-audit.vambrace.dev: dlopen,exec,connect'. A LOG\n"
	"is the workload's output, what `kubectl logs` prints (also with --timestamps or\n"
	"--prefix), or a file of /var/log/pods; `-` is standard input. All runs count\n"
	"that are given. A line that is not exactly one of the shim's is never used, only\n"
	"counted. But a workload can write the shim's lines itself: derive from runs that\n"
	"you trust.\n";

static const char help_end[] =
	"Exit codes: 0 the list is complete, 1 something may be missing (a line or name\n"
	"that cannot be used, lost lines, nothing found), 2 wrong usage or unreadable\n"
	"input.\n"
	"\n"
	"Examples:\n"
	"  kubectl logs arm-7 | vambrace derive dlopen -\n"
	"  vambrace derive dlopen run1.log run2.log --into bundles/arm/manifest.json\n"
	"  kubectl logs -l app=arm --prefix --tail=-1 | vambrace derive exec -\n"
	"  vambrace derive connect /var/log/pods/robots_arm-7_*/driver/*.log \\\n"
	"    --cidr 10.42.0.0/16 --any-port\n";

#define LOGS "LOG... or -"

struct options {
	enum vb_derive_list derived;
	struct vb_strv logs;  /* as given */
	struct vb_strv names; /* as errors call them */
	struct vb_connect_entry networks[NETWORKS_MAX];
	size_t network_count;
	const char *manifest;
	bool any_port;
	bool replace;
	bool json;
};

static void finish_options(struct options *options)
{
	vb_strv_finish(&options->logs);
	vb_strv_finish(&options->names);
}

static int out_of_memory(struct vb_error *err)
{
	return vb_error_set(err, ENOMEM, "derive");
}

static int feed(const uint8_t *chunk, size_t size, void *context, struct vb_error *err)
{
	return vb_derive_feed(context, (const char *)chunk, size, err);
}

static int read_logs(struct vb_derive *derive, const struct options *options, struct vb_error *err)
{
	for (size_t i = 0; i < options->logs.count; i++) {
		int r = vb_input_stream(options->logs.items[i], feed, derive, err);
		if (r == 0)
			r = vb_derive_end_log(derive, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A link is not followed: the file that is replaced would not be the one that was named. */
static int update_manifest(const char *path, struct vb_derive_update *update, struct vb_error *err)
{
	vb_auto_free char *data = NULL;
	vb_auto_free char *updated = NULL;
	size_t size = 0;

	int r = vb_file_read(path, VB_BUNDLE_MANIFEST_MAX, &data, &size, err);
	if (r == -ELOOP)
		return vb_error_fix(err, "name the file that the link leads to");
	if (r < 0)
		return r;
	r = vb_derive_update_manifest(data, size, update, &updated, err);
	if (r < 0)
		return vb_error_wrap(err, "%s", path);
	return vb_file_rewrite(path, updated, strlen(updated), VB_FILE_DURABLE, err);
}

static int print_block(const struct vb_derive_report *report, struct vb_error *err)
{
	const struct vb_strv *entries = &report->derived->entries;

	if (report->manifest != NULL) {
		printf("%s: %zu added, %zu already there, %zu not seen in these runs%s\n",
			report->manifest, report->update->added, report->update->kept,
			report->update->unseen,
			report->update->unseen == 0 ? ""
			: report->update->replace   ? " and dropped"
						    : " and kept");
		return 0;
	}
	if (entries->count == 0)
		return 0;
	vb_auto_free char *block = vb_derive_block(report->list, entries);
	if (block == NULL)
		return out_of_memory(err);
	(void)fputs(block, stdout);
	return 0;
}

static int print_text(const struct vb_derive_report *report, struct vb_error *err)
{
	vb_auto_buf struct vb_buf *notes = vb_buf_create(NOTES_MAX);

	if (notes == NULL || vb_derive_notes(report, notes) < 0)
		return out_of_memory(err);
	int r = print_block(report, err);
	if (r == 0)
		(void)fwrite(vb_buf_data(notes), 1, vb_buf_size(notes), stderr);
	return r;
}

static int print_json(const struct vb_derive_report *report, struct vb_error *err)
{
	vb_auto_json json_t *root = vb_derive_to_json(report);

	return vb_command_print_json(root, JSON_INDENT(2), err);
}

/* Returns the exit code, or an errno. */
static int derive(const struct options *options, struct vb_error *err)
{
	enum vb_derive_list list = options->derived;
	vb_auto_derive struct vb_derive *derivation = vb_derive_create(list);
	/* The list of networks is not changed through it. */
	const struct vb_derive_networks networks = {
		.items = (struct vb_connect_entry *)(uintptr_t)options->networks,
		.count = options->network_count,
		.any_port = options->any_port};
	const struct vb_derived *derived = NULL;
	vb_auto_free char *manifest = options->manifest != NULL ? strdup(options->manifest) : NULL;

	if (derivation == NULL || (options->manifest != NULL && manifest == NULL))
		return out_of_memory(err);
	int r = read_logs(derivation, options, err);
	if (r < 0)
		return r;
	r = vb_derive_finish(derivation, &networks, &derived, err);
	if (r < 0)
		return r;
	struct vb_derive_update update = {
		.list = list, .entries = &derived->entries, .replace = options->replace};
	struct vb_derive_report report = {
		.list = list, .logs = &options->names, .derived = derived, .update = &update};
	if (options->manifest != NULL && derived->entries.count > 0) {
		r = update_manifest(options->manifest, &update, err);
		if (r < 0)
			return r;
		vb_utf8_scrub(manifest);
		report.manifest = manifest;
	}
	r = options->json ? print_json(&report, err) : print_text(&report, err);
	if (r == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		r = vb_error_set(err, errno, "write to standard output");
	if (r < 0)
		return r;
	return vb_derived_is_incomplete(derived) ? VB_EXIT_REFUSED : VB_EXIT_OK;
}

static int take_network(const char *text, void *context, struct vb_error *err)
{
	struct options *options = context;

	if (options->network_count == NETWORKS_MAX)
		return vb_error_say(err, E2BIG, "it is given more than %d times", NETWORKS_MAX);
	int r = vb_derive_network(text, &options->networks[options->network_count], err);
	if (r == 0)
		options->network_count++;
	return r;
}

/* The name is shown, also in JSON, so it must be text. */
static int add_log(struct options *options, const char *path)
{
	int r = vb_strv_add(&options->logs, path);

	if (r == 0)
		r = vb_strv_add(&options->names, vb_input_name(path));
	if (r == 0)
		vb_utf8_scrub(options->names.items[options->names.count - 1]);
	return r;
}

/* The options and operands together. */
static int take_arguments(
	struct options *options, const struct vb_arguments *arguments, struct vb_error *err)
{
	options->derived = (enum vb_derive_list)arguments->action;
	if (options->replace && options->manifest == NULL)
		return vb_error_say(err, EINVAL, "--replace needs --into");
	if (options->network_count > 0 && options->derived != VB_DERIVE_CONNECT)
		return vb_error_say(err, EINVAL, "--cidr is for connect");
	if (options->any_port && options->network_count == 0)
		return vb_error_say(err, EINVAL, "--any-port needs --cidr");
	for (int i = 0; i < arguments->operand_count; i++)
		if (add_log(options, arguments->operands[i]) < 0)
			return out_of_memory(err);
	return 0;
}

static int parse(int argc, char **argv, struct options *options)
{
	static const struct vb_action lists[VB_DERIVE_LIST_COUNT] = {
		[VB_DERIVE_DLOPEN] = {"dlopen", {LOGS, 1, INT_MAX}},
		[VB_DERIVE_EXEC] = {"exec", {LOGS, 1, INT_MAX}},
		[VB_DERIVE_CONNECT] = {"connect", {LOGS, 1, INT_MAX}},
	};
	const struct vb_option known[] = {
		{.name = "into",
			.value = "MANIFEST",
			.text = &options->manifest,
			.help = "adds the entries to this bundle's manifest.json instead; it is "
				"replaced in one step; all else in it stays as it is"},
		{.name = "replace",
			.flag = &options->replace,
			.help = "with --into: drops entries that these runs did not need"},
		{.name = "cidr",
			.value = "NETWORK",
			.take = take_network,
			.context = options,
			.help = "connect: lists this network (10.42.0.0/16, [2001:db8::/32]) in "
				"place of addresses in it; may be repeated, the first that holds "
				"an "
				"address wins"},
		{.name = "any-port",
			.flag = &options->any_port,
			.help = "connect: lists the networks of --cidr for any port"},
		{.name = "json",
			.flag = &options->json,
			.help = "for scripts (docs/derive.schema.json)"},
	};
	const struct vb_syntax syntax = {.command = "derive",
		.help_begin = help_begin,
		.help_end = help_end,
		.options = known,
		.option_count = VB_ARRAY_SIZE(known),
		.actions = lists,
		.action_count = VB_ARRAY_SIZE(lists)};
	struct vb_arguments arguments;
	struct vb_error err = {0};

	int code = vb_command_parse(&syntax, argc, argv, &arguments);
	if (code < 0 && take_arguments(options, &arguments, &err) < 0)
		return vb_command_misuse("derive", &err);
	return code;
}

static int run(int argc, char **argv)
{
	vb_auto(finish_options) struct options options = {0};
	struct vb_error err = {0};

	int code = parse(argc, argv, &options);
	if (code >= 0)
		return code;
	int r = derive(&options, &err);
	return r < 0 ? vb_command_fail(&err) : r;
}

const struct vb_command vb_command_derive = {
	.name = "derive",
	.summary = "an allowlist from what the preload shim logged",
	.run = run,
};
