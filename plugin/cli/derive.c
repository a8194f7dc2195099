/* SPDX-License-Identifier: Apache-2.0 */
#include "derive.h"

#include <errno.h>
#include <getopt.h>
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

static const char help[] =
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
	"you trust.\n"
	"\n"
	"Options:\n"
	"  --into MANIFEST  adds the entries to this bundle's manifest.json instead;\n"
	"                   it is replaced in one step; all else in it stays as it is\n"
	"  --replace        with --into: drops entries that these runs did not need\n"
	"  --cidr NETWORK   connect: lists this network (10.42.0.0/16, [2001:db8::/32])\n"
	"                   in place of addresses in it; may be repeated, the first that\n"
	"                   holds an address wins\n"
	"  --any-port       connect: lists the networks of --cidr for any port\n"
	"  --json           for scripts (docs/derive.schema.json)\n"
	"  -h, --help       this text\n"
	"\n"
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

struct options {
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
	return vb_file_rewrite(path, updated, strlen(updated), err);
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
static int derive(enum vb_derive_list list, const struct options *options, struct vb_error *err)
{
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

enum option_code {
	OPTION_INTO = 256,
	OPTION_REPLACE,
	OPTION_CIDR,
	OPTION_ANY_PORT,
	OPTION_JSON,
};

static const struct option long_options[] = {
	{"into", required_argument, NULL, OPTION_INTO},
	{"replace", no_argument, NULL, OPTION_REPLACE},
	{"cidr", required_argument, NULL, OPTION_CIDR},
	{"any-port", no_argument, NULL, OPTION_ANY_PORT},
	{"json", no_argument, NULL, OPTION_JSON},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static int refuse_usage(const char *what)
{
	(void)fprintf(stderr, "vambrace: derive: %s\n", what);
	return vb_command_usage("derive");
}

static int add_network(struct options *options, const char *text)
{
	struct vb_error err;

	if (options->network_count == NETWORKS_MAX)
		return refuse_usage("more than 256 --cidr");
	if (vb_derive_network(text, &options->networks[options->network_count], &err) < 0)
		return vb_command_fail(&err);
	options->network_count++;
	return -1;
}

/* Returns -1 to go on, or the exit code. */
static int take_option(int code, struct options *options)
{
	switch (code) {
	case OPTION_INTO:
		options->manifest = optarg;
		return -1;
	case OPTION_REPLACE:
		options->replace = true;
		return -1;
	case OPTION_CIDR:
		return add_network(options, optarg);
	case OPTION_ANY_PORT:
		options->any_port = true;
		return -1;
	case OPTION_JSON:
		options->json = true;
		return -1;
	case 'h':
		(void)fputs(help, stdout);
		return VB_EXIT_OK;
	default:
		return vb_command_usage("derive");
	}
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

static bool find_list(const char *name, enum vb_derive_list *ret_list)
{
	for (unsigned int list = 0; list < VB_DERIVE_LIST_COUNT; list++)
		if (strcmp(name, vb_derive_list_name(list)) == 0) {
			*ret_list = list;
			return true;
		}
	return false;
}

/* What is wrong with the options together; NULL when nothing is. */
static const char *find_conflict(const struct options *options, enum vb_derive_list list)
{
	if (options->replace && options->manifest == NULL)
		return "--replace needs --into";
	if (options->network_count > 0 && list != VB_DERIVE_CONNECT)
		return "--cidr is for connect";
	if (options->any_port && options->network_count == 0)
		return "--any-port needs --cidr";
	return NULL;
}

static int run(int argc, char **argv)
{
	vb_auto(finish_options) struct options options = {0};
	char program[] = "vambrace derive"; /* what getopt_long() puts before its complaints */
	enum vb_derive_list list = VB_DERIVE_DLOPEN;
	struct vb_error err = {0};
	int code;

	argv[0] = program;
	while ((code = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		int exit_code = take_option(code, &options);
		if (exit_code >= 0)
			return exit_code;
	}
	if (optind == argc || !find_list(argv[optind], &list))
		return refuse_usage("say what: dlopen, exec or connect");
	if (++optind == argc)
		return refuse_usage("no log is named, '-' is standard input");
	for (; optind < argc; optind++)
		if (add_log(&options, argv[optind]) < 0)
			return VB_EXIT_TROUBLE;
	const char *conflict = find_conflict(&options, list);
	if (conflict != NULL)
		return refuse_usage(conflict);
	int r = derive(list, &options, &err);
	return r < 0 ? vb_command_fail(&err) : r;
}

const struct vb_command vb_command_derive = {
	.name = "derive",
	.summary = "an allowlist from what the preload shim logged",
	.run = run,
};
