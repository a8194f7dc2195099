/* SPDX-License-Identifier: Apache-2.0 */
#include "bundle.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "vb/adjust/config.h"
#include "vb/base/str.h"

static const char help[] =
	"Usage: vambrace bundle pack DIR [-o FILE] [--json]\n"
	"       vambrace bundle sign --key PRIVATE-KEY BUNDLE [--json]\n"
	"       vambrace bundle verify BUNDLE... [--key PUBLIC-KEY | --node-config FILE]\n"
	"                              [--json]\n"
	"       vambrace bundle show BUNDLE [--key PUBLIC-KEY | --node-config FILE]\n"
	"                            [--json]\n"
	"\n"
	"BUNDLE is a directory with a manifest.json, or a tar of one.\n"
	"\n"
	"  pack    makes NAME.tar, always the same for the same files: sorted, without\n"
	"          times, owned by root\n"
	"  sign    writes manifest.json.sig or NAME.tar.sig beside what it signs, with an\n"
	"          ed25519 key of OpenSSH that has no passphrase; for one that has, or\n"
	"          one in an agent: ssh-keygen -Y sign -n vambrace-bundle -f KEY FILE\n"
	"  verify  whether each bundle is valid and signed by a trusted key\n"
	"  show    name, version, digest, layers, profiles and signature\n"
	"\n"
	"Options:\n"
	"  --key FILE          sign: the private key; verify, show: a .pub file\n"
	"  --node-config FILE  verify, show: the keys of trusted_keys there (default:\n"
	"                      " VB_CONFIG_PATH ")\n"
	"  -o, --output FILE   pack: where to; its name must be NAME.tar\n"
	"  --json              for scripts (docs/bundle.schema.json)\n"
	"  -h, --help          this text\n"
	"\n"
	"Exit codes: 0 fine, 1 a bundle is refused, 2 wrong usage or unreadable input.\n"
	"\n"
	"Examples:\n"
	"  ssh-keygen -t ed25519 -N '' -f release\n"
	"  vambrace bundle pack ./arm-controller\n"
	"  vambrace bundle sign --key release arm-controller.tar\n"
	"  vambrace bundle verify arm-controller.tar --key release.pub\n"
	"  vambrace bundle show arm-controller.tar\n";

static const struct {
	const char *name;
	int (*run)(const struct vb_bundle_options *options);
	int operands_max;
	bool takes_key;
	bool takes_config;
	bool takes_output;
} commands[] = {
	{"pack", vb_bundle_pack_command, 1, false, false, true},
	{"sign", vb_bundle_sign_command, 1, true, false, false},
	{"verify", vb_bundle_verify_command, 1024, true, true, false},
	{"show", vb_bundle_show_command, 1, true, true, false},
};

enum option_code {
	OPTION_KEY = 256,
	OPTION_CONFIG,
	OPTION_JSON,
};

static const struct option long_options[] = {
	{"key", required_argument, NULL, OPTION_KEY},
	{"node-config", required_argument, NULL, OPTION_CONFIG},
	{"output", required_argument, NULL, 'o'},
	{"json", no_argument, NULL, OPTION_JSON},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

/* Returns -1 to go on, or the exit code. */
static int take_option(int code, struct vb_bundle_options *options)
{
	switch (code) {
	case OPTION_KEY:
		options->key = optarg;
		return -1;
	case OPTION_CONFIG:
		options->config_path = optarg;
		return -1;
	case OPTION_JSON:
		options->json = true;
		return -1;
	case 'o':
		options->output = optarg;
		return -1;
	case 'h':
		(void)fputs(help, stdout);
		return VB_EXIT_OK;
	default:
		return vb_command_usage("bundle");
	}
}

static int wrong_usage(const char *what, const char *command)
{
	(void)fprintf(stderr, "vambrace: bundle %s: %s\n", command, what);
	return vb_command_usage("bundle");
}

static int run_command(size_t command, const struct vb_bundle_options *options)
{
	const char *name = commands[command].name;

	if (options->operand_count < 1)
		return wrong_usage("which bundle?", name);
	if (options->operand_count > commands[command].operands_max)
		return wrong_usage("that is too much", name);
	if (options->key != NULL && !commands[command].takes_key)
		return wrong_usage("it takes no --key", name);
	if (options->config_path != NULL && !commands[command].takes_config)
		return wrong_usage("it takes no --node-config", name);
	if (options->output != NULL && !commands[command].takes_output)
		return wrong_usage("it takes no --output", name);
	if (options->key != NULL && options->config_path != NULL)
		return wrong_usage("--key or --node-config, not both", name);
	return commands[command].run(options);
}

static int find_command(const struct vb_bundle_options *options)
{
	const char *name = options->command;
	size_t nearest = 0;

	for (size_t i = 0; i < VB_ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i].name, name) == 0)
			return run_command(i, options);
		if (vb_str_distance(name, commands[i].name) <
			vb_str_distance(name, commands[nearest].name))
			nearest = i;
	}
	(void)fprintf(stderr, "vambrace: bundle has no command '%.64s', did you mean '%s'?\n", name,
		commands[nearest].name);
	return vb_command_usage("bundle");
}

static int run(int argc, char **argv)
{
	struct vb_bundle_options options = {0};
	char program[] = "vambrace bundle"; /* what getopt_long() puts before its complaints */
	int code;

	argv[0] = program;
	while ((code = getopt_long(argc, argv, "o:h", long_options, NULL)) != -1) {
		int exit_code = take_option(code, &options);
		if (exit_code >= 0)
			return exit_code;
	}
	if (optind == argc) {
		(void)fprintf(stderr, "vambrace: bundle needs pack, sign, verify or show\n");
		return vb_command_usage("bundle");
	}
	options.command = argv[optind];
	options.operands = &argv[optind + 1];
	options.operand_count = argc - optind - 1;
	return find_command(&options);
}

const struct vb_command vb_command_bundle = {
	.name = "bundle",
	.summary = "pack, sign, verify and show bundles",
	.run = run,
};
