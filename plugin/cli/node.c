/* SPDX-License-Identifier: Apache-2.0 */
#include "node.h"

#include <errno.h>
#include <string.h>

#include "command.h"

static const char help_begin[] =
	"Usage: vambrace node install [OPTIONS]\n"
	"       vambrace node uninstall [OPTIONS]\n"
	"       vambrace node status [--root DIR] [--address SOCKET] [--json]\n"
	"\n"
	"Puts the hook, the shim and the programs under /opt/vambrace and adds a runtime\n"
	"handler to containerd, which inherits every option of the handler it stands\n"
	"before. Nothing changes unless `containerd config dump` shows just that.\n";

static const char help_end[] =
	"Exit codes: 0 done, or installed and well; 1 refused, or not well; 2 trouble,\n"
	"after which everything is as it was.\n";

enum action { INSTALL, UNINSTALL, STATUS, ACTION_COUNT };

static const struct vb_action actions[ACTION_COUNT] = {
	[INSTALL] = {"install", {NULL, 0, 0}},
	[UNINSTALL] = {"uninstall", {NULL, 0, 0}},
	[STATUS] = {"status", {NULL, 0, 0}},
};

static int (*const commands[ACTION_COUNT])(const struct vb_node_options *options) = {
	[INSTALL] = vb_node_install,
	[UNINSTALL] = vb_node_uninstall,
	[STATUS] = vb_node_status,
};

static const char *const restarts[] = {"auto", "systemd", "signal", "none", "command", NULL};

static int take_handler(const char *value, void *context, struct vb_error *err)
{
	return vb_node_handlers_add(context, value, err);
}

static int parse_known(
	const struct vb_option *known, size_t count, int argc, char **argv, size_t *ret_action)
{
	const struct vb_syntax syntax = {.command = "node",
		.help_begin = help_begin,
		.help_end = help_end,
		.options = known,
		.option_count = count,
		.actions = actions,
		.action_count = ACTION_COUNT};
	struct vb_arguments arguments = {0};

	int code = vb_command_parse(&syntax, argc, argv, &arguments);
	*ret_action = arguments.action;
	return code;
}

static int parse(int argc, char **argv, struct vb_node_options *options, size_t *ret_action)
{
	const struct vb_option known[] = {
		{.name = "handler",
			.value = "NAME=BASE",
			.take = take_handler,
			.context = &options->handlers,
			.help = "a handler before BASE of the node; may be repeated "
				"(vambrace=runc)"},
		{.name = "pre-registered",
			.flag = &options->pre_registered,
			.help = "install: have vambrace-nri started too, by containerd or, with "
				"1.7, as a service"},
		{.name = "daemonset",
			.flag = &options->daemonset,
			.help = "install: refuse where the host has a plugin of its own"},
		{.name = "from",
			.value = "DIR",
			.text = &options->from,
			.help = "where the programs are (beside this one)"},
		{.name = "root",
			.value = "DIR",
			.text = &options->root,
			.help = "the host's file system (/)"},
		{.name = "address",
			.value = "SOCKET",
			.text = &options->address,
			.help = "of the containerd that is meant, where several run"},
		{.name = "restart",
			.value = "METHOD",
			.text = &options->restart,
			.choices = restarts,
			.help = "auto, systemd, signal, none, command (auto)"},
		{.name = "restart-command",
			.value = "COMMAND",
			.text = &options->restart_command,
			.help = "what restarts containerd, for a shell"},
		{.name = "timeout",
			.value = "SECONDS",
			.number = &options->timeout_s,
			.min = 1,
			.max = 3600,
			.help = "for containerd to answer again (60)"},
		{.name = "dry-run",
			.flag = &options->dry_run,
			.help = "print what would change, change nothing"},
		{.name = "drain",
			.flag = &options->drain,
			.help = "uninstall: wait until no pod is on our handlers"},
		{.name = "json",
			.flag = &options->json,
			.help = "status for scripts (docs/node.schema.json)"},
	};
	return parse_known(known, VB_ARRAY_SIZE(known), argc, argv, ret_action);
}

int vb_node_begin(const struct vb_node_options *options, const char *action,
	struct vb_node_host *host, struct vb_node_state *state, struct vb_error *err)
{
	int r = vb_node_enter(options, host, err);

	if (r == 0 && action != NULL)
		r = vb_node_lock(host, action, err);
	return r < 0 ? r : vb_node_state_load(state, err);
}

int vb_node_also(struct vb_error *err, const char *advice)
{
	char said[VB_ERROR_FIX_MAX];

	memcpy(said, err->fix, sizeof(said));
	return vb_error_fix(err, "%s%s%s", said, said[0] != '\0' ? "; " : "", advice);
}

int vb_node_fail(const struct vb_error *err)
{
	int code = vb_command_fail(err);

	return err->errnum == EBUSY ? VB_EXIT_REFUSED : code;
}

static int refuse_two(void)
{
	struct vb_error err = {0};

	(void)vb_error_say(&err, EINVAL,
		"--daemonset and --pre-registered are two plugins, and a host has one");
	return vb_command_misuse("node", &err);
}

static int run(int argc, char **argv)
{
	struct vb_node_options options = {.root = "/", .restart = "auto", .timeout_s = 60};
	size_t action = STATUS;

	int code = parse(argc, argv, &options, &action);
	if (code < 0 && options.daemonset && options.pre_registered)
		code = refuse_two();
	if (code < 0)
		code = commands[action](&options);
	vb_node_handlers_finish(&options.handlers);
	return code;
}

const struct vb_command vb_command_node = {
	.name = "node",
	.summary = "install, uninstall: the hook and containerd's handler on this node",
	.run = run,
};
