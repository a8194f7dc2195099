/* SPDX-License-Identifier: Apache-2.0 */
#include "args.h"

#include <stddef.h>
#include <string.h>

#include "vb/base/cleanup.h"
#include "vb/base/str.h"

enum meaning { NOTHING, ROOT, LOG, BUNDLE, PID_FILE, PROCESS, CAP };

struct option {
	const char *name; /* without dashes; one letter is a short option */
	bool has_value;
	enum meaning meaning;
};

static const struct option global_options[] = {
	{"root", true, ROOT},
	{"log", true, LOG},
	{"log-format", true, NOTHING},
	{"log-level", true, NOTHING},
	{"cgroup-manager", true, NOTHING},
	{"criu", true, NOTHING},
	{"rootless", true, NOTHING},
	{"debug", false, NOTHING},
	{"systemd-cgroup", false, NOTHING},
	{"help", false, NOTHING},
	{"h", false, NOTHING},
	{"version", false, NOTHING},
	{"v", false, NOTHING},
	{"V", false, NOTHING},
	{NULL, false, NOTHING},
};

/* Not here, and so refused: --config of crun and newer runc, which names another config.json. */
static const struct option create_options[] = {
	{"bundle", true, BUNDLE},
	{"b", true, BUNDLE},
	{"pid-file", true, PID_FILE},
	{"console-socket", true, NOTHING},
	{"pidfd-socket", true, NOTHING},
	{"preserve-fds", true, NOTHING},
	{"no-pivot", false, NOTHING},
	{"no-new-keyring", false, NOTHING},
	{"no-subreaper", false, NOTHING},
	{NULL, false, NOTHING},
};

static const struct option exec_options[] = {
	{"process", true, PROCESS},
	{"p", true, PROCESS},
	{"cap", true, CAP},
	{"c", true, CAP},
	{"pid-file", true, NOTHING},
	{"console-socket", true, NOTHING},
	{"pidfd-socket", true, NOTHING},
	{"preserve-fds", true, NOTHING},
	{"cwd", true, NOTHING},
	{"env", true, NOTHING},
	{"e", true, NOTHING},
	{"user", true, NOTHING},
	{"u", true, NOTHING},
	{"additional-gids", true, NOTHING},
	{"g", true, NOTHING},
	{"process-label", true, NOTHING},
	{"apparmor", true, NOTHING},
	{"cgroup", true, NOTHING},
	{"tty", false, NOTHING},
	{"t", false, NOTHING},
	{"detach", false, NOTHING},
	{"d", false, NOTHING},
	{"no-new-privs", false, NOTHING},
	{"ignore-paused", false, NOTHING},
	{"no-subreaper", false, NOTHING},
	{NULL, false, NOTHING},
};

static const struct {
	const char *name;
	enum vb_hook_command command;
} commands[] = {
	{"create", VB_HOOK_CREATE},
	{"exec", VB_HOOK_EXEC},
	{"start", VB_HOOK_STOP},
	{"kill", VB_HOOK_STOP},
	{"state", VB_HOOK_STOP},
	{"delete", VB_HOOK_DELETE},
	{"restore", VB_HOOK_FORBID},
	{"run", VB_HOOK_FORBID},
	{"checkpoint", VB_HOOK_PASS},
	{"events", VB_HOOK_PASS},
	{"features", VB_HOOK_PASS},
	{"list", VB_HOOK_PASS},
	{"pause", VB_HOOK_PASS},
	{"ps", VB_HOOK_PASS},
	{"resume", VB_HOOK_PASS},
	{"spec", VB_HOOK_PASS},
	{"update", VB_HOOK_PASS},
};

/*
 * Finds the option that an argument names: "--name", "--name=value", "-n". runc also takes "-name"
 * and crun "-nvalue" and unique beginnings of names; the two read those differently, so they count
 * as unknown.
 */
static const struct option *find_option(
	const struct option *options, const char *argument, const char **ret_value)
{
	const char *name = vb_str_after(argument, "--");
	size_t length = name != NULL ? strcspn(name, "=") : 1;

	if (name == NULL) {
		if (argument[1] == '\0' || argument[2] != '\0')
			return NULL;
		name = argument + 1;
	} else if (length < 2) {
		return NULL;
	}
	*ret_value = name[length] == '=' ? name + length + 1 : NULL;
	for (; options->name != NULL; options++)
		if (strlen(options->name) == length && memcmp(options->name, name, length) == 0)
			return options;
	return NULL;
}

static void store(struct vb_hook_args *args, enum meaning meaning, const char *value)
{
	switch (meaning) {
	case NOTHING:
		break;
	case ROOT:
		args->root = value;
		break;
	case LOG:
		args->log = value;
		break;
	case BUNDLE:
		args->bundle = value;
		break;
	case PID_FILE:
		args->pid_file = value;
		break;
	case PROCESS:
		args->process = value;
		break;
	case CAP:
		args->cap = true;
		break;
	}
}

/* Reads the option at argv[0]; returns how many arguments it takes up, 0 when it is unknown. */
static size_t read_option(
	const struct option *options, char *const argv[], struct vb_hook_args *args)
{
	const char *value = NULL;
	const struct option *option = find_option(options, argv[0], &value);
	size_t used = 1;

	if (option == NULL)
		return 0;
	if (option->has_value && value == NULL) {
		value = argv[1];
		used = 2;
		if (value == NULL)
			return 0;
	}
	store(args, option->meaning, value);
	return used;
}

/*
 * Options and arguments of create and exec. create goes on behind the id, as some runtimes do; for
 * exec everything there belongs to the command.
 */
static void parse_gated(const struct option *options, char *const argv[], struct vb_hook_args *args)
{
	for (size_t i = 0; argv[i] != NULL;) {
		if (argv[i][0] == '-' && (args->id == NULL || args->command == VB_HOOK_CREATE)) {
			size_t used = read_option(options, &argv[i], args);
			if (used == 0) {
				args->unknown = argv[i];
				return;
			}
			i += used;
			continue;
		}
		if (args->id == NULL)
			args->id = argv[i];
		else
			args->extra = true;
		i++;
	}
}

/* The first argument that is no option; the commands that need it have no options with values. */
static void parse_id(char *const argv[], struct vb_hook_args *args)
{
	for (size_t i = 0; argv[i] != NULL && args->id == NULL; i++)
		if (argv[i][0] != '-')
			args->id = argv[i];
}

static bool carries_bundle(char *const argv[])
{
	for (size_t i = 0; argv[i] != NULL; i++)
		if (vb_str_after(argv[i], "-b") != NULL || vb_str_after(argv[i], "--b") != NULL)
			return true;
	return false;
}

static void parse_command(char *const argv[], struct vb_hook_args *args)
{
	args->command_name = argv[0];
	for (size_t i = 0; i < VB_ARRAY_SIZE(commands); i++) {
		if (strcmp(argv[0], commands[i].name) != 0)
			continue;
		args->command = commands[i].command;
		if (args->command == VB_HOOK_CREATE)
			parse_gated(create_options, argv + 1, args);
		else if (args->command == VB_HOOK_EXEC)
			parse_gated(exec_options, argv + 1, args);
		else
			parse_id(argv + 1, args);
		return;
	}
	if (carries_bundle(argv + 1))
		args->command = VB_HOOK_FORBID;
}

/*
 * Behind an unknown global option one cannot tell a value from a command: what cannot start a
 * process passes, anything else is for a person to look at.
 */
static void parse_unclear(char *const argv[], struct vb_hook_args *args)
{
	args->unknown = argv[0];
	if (carries_bundle(argv))
		args->command = VB_HOOK_UNCLEAR;
	for (size_t i = 1; argv[i] != NULL; i++)
		for (size_t k = 0; k < VB_ARRAY_SIZE(commands); k++)
			if (strcmp(argv[i], commands[k].name) == 0 &&
				(commands[k].command == VB_HOOK_CREATE ||
					commands[k].command == VB_HOOK_EXEC ||
					commands[k].command == VB_HOOK_FORBID))
				args->command = VB_HOOK_UNCLEAR;
}

void vb_hook_args_parse(char *const argv[], struct vb_hook_args *ret_args)
{
	size_t i = 1;

	*ret_args = (struct vb_hook_args){0};
	while (argv[i] != NULL && argv[i][0] == '-') {
		const char *value = NULL;
		size_t used = read_option(global_options, &argv[i], ret_args);
		if (used == 0 && find_option(global_options, argv[i], &value) == NULL &&
			strchr(argv[i], '=') == NULL) {
			parse_unclear(&argv[i], ret_args);
			return;
		}
		i += used > 0 ? used : 1;
	}
	if (argv[i] != NULL)
		parse_command(&argv[i], ret_args);
}
