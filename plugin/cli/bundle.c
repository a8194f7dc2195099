/* SPDX-License-Identifier: Apache-2.0 */
#include "bundle.h"

#include <errno.h>

#include "command.h"
#include "vb/adjust/config.h"

enum { BUNDLES_MAX = 1024 };

static const char help_begin[] =
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
	"  show    name, version, digest, layers, profiles and signature\n";

static const char help_end[] =
	"Exit codes: 0 fine, 1 a bundle is refused, 2 wrong usage or unreadable input.\n"
	"\n"
	"Examples:\n"
	"  ssh-keygen -t ed25519 -N '' -f release\n"
	"  vambrace bundle pack ./arm-controller\n"
	"  vambrace bundle sign --key release arm-controller.tar\n"
	"  vambrace bundle verify arm-controller.tar --key release.pub\n"
	"  vambrace bundle show arm-controller.tar\n";

enum action { PACK, SIGN, VERIFY, SHOW, ACTION_COUNT };

static const struct vb_action actions[ACTION_COUNT] = {
	[PACK] = {"pack", {"DIR", 1, 1}},
	[SIGN] = {"sign", {"BUNDLE", 1, 1}},
	[VERIFY] = {"verify", {"BUNDLE...", 1, BUNDLES_MAX}},
	[SHOW] = {"show", {"BUNDLE", 1, 1}},
};

static const struct {
	int (*run)(const struct vb_bundle_options *options);
	bool takes_key;
	bool takes_config;
	bool takes_output;
} commands[ACTION_COUNT] = {
	[PACK] = {vb_bundle_pack_command, false, false, true},
	[SIGN] = {vb_bundle_sign_command, true, false, false},
	[VERIFY] = {vb_bundle_verify_command, true, true, false},
	[SHOW] = {vb_bundle_show_command, true, true, false},
};

static int check_options(const struct vb_bundle_options *options, struct vb_error *err)
{
	const char *name = options->arguments.name;
	size_t action = options->arguments.action;

	if (options->key != NULL && !commands[action].takes_key)
		return vb_error_say(err, EINVAL, "%s takes no --key", name);
	if (options->config_path != NULL && !commands[action].takes_config)
		return vb_error_say(err, EINVAL, "%s takes no --node-config", name);
	if (options->output != NULL && !commands[action].takes_output)
		return vb_error_say(err, EINVAL, "%s takes no --output", name);
	if (options->key != NULL && options->config_path != NULL)
		return vb_error_say(err, EINVAL, "--key or --node-config, not both");
	if (action == SIGN && options->key == NULL)
		return vb_error_say(err, EINVAL, "sign needs a --key");
	return 0;
}

static int parse(int argc, char **argv, struct vb_bundle_options *options)
{
	const struct vb_option known[] = {
		{.name = "key",
			.value = "FILE",
			.text = &options->key,
			.help = "sign: the private key; verify, show: a .pub file"},
		{.name = "node-config",
			.value = "FILE",
			.text = &options->config_path,
			.help = "verify, show: the keys of trusted_keys there "
				"(default: " VB_CONFIG_PATH ")"},
		{.name = "output",
			.letter = 'o',
			.value = "FILE",
			.text = &options->output,
			.help = "pack: where to; its name must be NAME.tar"},
		{.name = "json",
			.flag = &options->json,
			.help = "for scripts (docs/bundle.schema.json)"},
	};
	const struct vb_syntax syntax = {.command = "bundle",
		.help_begin = help_begin,
		.help_end = help_end,
		.options = known,
		.option_count = VB_ARRAY_SIZE(known),
		.actions = actions,
		.action_count = ACTION_COUNT};

	return vb_command_parse(&syntax, argc, argv, &options->arguments);
}

static int run(int argc, char **argv)
{
	struct vb_bundle_options options = {0};
	struct vb_error err = {0};

	int code = parse(argc, argv, &options);
	if (code >= 0)
		return code;
	if (check_options(&options, &err) < 0)
		return vb_command_misuse("bundle", &err);
	return commands[options.arguments.action].run(&options);
}

const struct vb_command vb_command_bundle = {
	.name = "bundle",
	.summary = "pack, sign, verify and show bundles",
	.run = run,
};
