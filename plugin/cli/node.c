/* SPDX-License-Identifier: Apache-2.0 */
#include "node.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "command.h"

static const char help[] =
	"Usage: vambrace node install [OPTIONS]\n"
	"       vambrace node uninstall [OPTIONS]\n"
	"       vambrace node status [--root DIR] [--json]\n"
	"\n"
	"Puts the hook, the shim and the programs under /opt/vambrace and adds a runtime\n"
	"handler to containerd, which inherits every option of the handler it stands\n"
	"before. Nothing changes unless `containerd config dump` shows just that.\n"
	"\n"
	"Options:\n"
	"  --handler NAME=BASE        a handler before BASE of the node; may be repeated\n"
	"                             (vambrace=runc)\n"
	"  --pre-registered           install: have vambrace-nri started too, by containerd or,\n"
	"                             with 1.7, as a service\n"
	"  --from DIR                 where the programs are (beside this one)\n"
	"  --root DIR                 the host's file system (/)\n"
	"  --restart METHOD           auto, systemd, signal, none, command (auto)\n"
	"  --restart-command COMMAND  what restarts containerd, for a shell\n"
	"  --timeout SECONDS          for containerd to answer again (60)\n"
	"  --dry-run                  print what would change, change nothing\n"
	"  --drain                    uninstall: wait until no pod is on our handlers\n"
	"  --json                     status for scripts (docs/node.schema.json)\n"
	"  -h, --help                 this text\n"
	"\n"
	"Exit codes: 0 done, or installed and well; 1 refused, or not well; 2 trouble,\n"
	"after which everything is as it was.\n";

enum option_code {
	OPTION_HANDLER = 256,
	OPTION_FROM,
	OPTION_ROOT,
	OPTION_RESTART,
	OPTION_COMMAND,
	OPTION_TIMEOUT,
	OPTION_DRY_RUN,
	OPTION_DRAIN,
	OPTION_JSON,
	OPTION_PRE_REGISTERED,
};

static int take_restart(const char *value, struct vb_node_options *options, struct vb_error *err)
{
	static const char *const known[] = {"auto", "systemd", "signal", "none", "command"};

	options->restart = value;
	for (size_t i = 0; i < VB_ARRAY_SIZE(known); i++)
		if (strcmp(value, known[i]) == 0)
			return 0;
	return vb_error_say(err, EINVAL,
		"--restart '%.64s' is none of auto, systemd, signal, none, command", value);
}

static int take_timeout(const char *value, struct vb_node_options *options, struct vb_error *err)
{
	char *end = NULL;
	long seconds = strtol(value, &end, 10);

	if (end == value || *end != '\0' || seconds < 1 || seconds > 3600)
		return vb_error_say(err, EINVAL, "--timeout '%.64s' is not 1 to 3600", value);
	options->timeout_s = (unsigned int)seconds;
	return 0;
}

static int take_option(
	int option, const char *value, struct vb_node_options *options, struct vb_error *err)
{
	switch ((enum option_code)option) {
	case OPTION_HANDLER:
		return vb_node_handlers_add(&options->handlers, value, err);
	case OPTION_FROM:
		options->from = value;
		return 0;
	case OPTION_ROOT:
		options->root = value;
		return 0;
	case OPTION_RESTART:
		return take_restart(value, options, err);
	case OPTION_COMMAND:
		options->restart_command = value;
		return 0;
	case OPTION_TIMEOUT:
		return take_timeout(value, options, err);
	case OPTION_DRY_RUN:
		options->dry_run = true;
		return 0;
	case OPTION_DRAIN:
		options->drain = true;
		return 0;
	case OPTION_JSON:
		options->json = true;
		return 0;
	case OPTION_PRE_REGISTERED:
		options->pre_registered = true;
		return 0;
	}
	return -EINVAL;
}

/* Returns -1 to go on, otherwise the exit code. */
static int parse_options(int argc, char **argv, struct vb_node_options *options)
{
	static const struct option known[] = {
		{"handler", required_argument, NULL, OPTION_HANDLER},
		{"pre-registered", no_argument, NULL, OPTION_PRE_REGISTERED},
		{"from", required_argument, NULL, OPTION_FROM},
		{"root", required_argument, NULL, OPTION_ROOT},
		{"restart", required_argument, NULL, OPTION_RESTART},
		{"restart-command", required_argument, NULL, OPTION_COMMAND},
		{"timeout", required_argument, NULL, OPTION_TIMEOUT},
		{"dry-run", no_argument, NULL, OPTION_DRY_RUN},
		{"drain", no_argument, NULL, OPTION_DRAIN},
		{"json", no_argument, NULL, OPTION_JSON},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct vb_error err = {0};

	optind = 0;
	for (int option = 0; (option = getopt_long(argc, argv, "h", known, NULL)) != -1;) {
		if (option == 'h') {
			(void)fputs(help, stdout);
			return VB_EXIT_OK;
		}
		if (option < OPTION_HANDLER)
			return vb_command_usage("node");
		if (take_option(option, optarg, options, &err) < 0)
			return vb_command_fail(&err);
	}
	return optind == argc ? -1 : vb_command_usage("node");
}

static int run_action(const char *action, struct vb_node_options *options)
{
	if (strcmp(action, "install") == 0)
		return vb_node_install(options);
	return strcmp(action, "uninstall") == 0 ? vb_node_uninstall(options)
						: vb_node_status(options);
}

static int run(int argc, char **argv)
{
	struct vb_node_options options = {.root = "/", .restart = "auto", .timeout_s = 60};
	const char *action = argc > 1 ? argv[1] : "";
	char program[] = "vambrace node"; /* what getopt_long() puts before its complaints */

	if (strcmp(action, "--help") == 0 || strcmp(action, "-h") == 0) {
		(void)fputs(help, stdout);
		return VB_EXIT_OK;
	}
	if (strcmp(action, "install") != 0 && strcmp(action, "uninstall") != 0 &&
		strcmp(action, "status") != 0) {
		(void)fprintf(stderr,
			"vambrace: node wants install, uninstall or status, not '%.64s'\n", action);
		return vb_command_usage("node");
	}
	argv[1] = program;
	int code = parse_options(argc - 1, argv + 1, &options);
	if (code < 0)
		code = run_action(action, &options);
	vb_node_handlers_finish(&options.handlers);
	return code;
}

const struct vb_command vb_command_node = {
	.name = "node",
	.summary = "install, uninstall: the hook and containerd's handler on this node",
	.run = run,
};
