/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "command.h"
#include "vb/adjust/caps.h"
#include "vb/adjust/json.h"
#include "vb/adjust/values.h"
#include "vb/base/str.h"

enum { PROFILES_MAX = 1024 };

static const char help_begin[] =
	"Usage: vambrace seccomp show PROFILE [--oci] [OPTIONS]\n"
	"       vambrace seccomp check PROFILE... [OPTIONS]\n"
	"       vambrace seccomp meet A B [OPTIONS]\n"
	"       vambrace seccomp simulate PROFILE SYSCALL [ARG...] [OPTIONS]\n"
	"\n"
	"Looks at seccomp profiles the way the OCI runtimes apply them.\n"
	"\n"
	"PROFILE is a file, `-` for standard input, or `starter`, the one that comes\n"
	"along. Files are in OCI format (the object linux.seccomp of config.json) or in\n"
	"that of Docker and Podman, which is recognised and resolved first.\n"
	"\n"
	"  show      a summary, and what becomes of each system call\n"
	"  check     errors and warnings with line and column\n"
	"  meet      the profile that answers every call with the stricter action of A\n"
	"            and B, as OCI JSON; where both are equally strict, with A's errno\n"
	"  simulate  what happens to one call, and which rule decides; ARG are numbers,\n"
	"            missing ones 0; put -- before negative ones\n";

static const char help_end[] =
	"Exit codes: 0 fine, or allowed; 1 refused, or denied; 2 wrong usage or\n"
	"unreadable input.\n"
	"\n"
	"Examples:\n"
	"  vambrace seccomp show starter --oci > starter.json\n"
	"  vambrace seccomp check profiles/*.json\n"
	"  vambrace seccomp meet runtime-default.json arm.json > met.json\n"
	"  vambrace seccomp simulate arm.json socket 40\n"
	"  vambrace seccomp simulate arm.json openat --arch arm64 -- -100\n";

/* What people call an ABI besides libseccomp's names. */
static const struct {
	const char *name;
	const char *token;
} arch_aliases[] = {
	{"amd64", "SCMP_ARCH_X86_64"},
	{"arm64", "SCMP_ARCH_AARCH64"},
	{"armhf", "SCMP_ARCH_ARM"},
	{"armv7", "SCMP_ARCH_ARM"},
	{"i386", "SCMP_ARCH_X86"},
	{"i686", "SCMP_ARCH_X86"},
};

/*
 * What containerd gives a container that asks for none: CHOWN, DAC_OVERRIDE, FSETID, FOWNER, MKNOD,
 * NET_RAW, SETGID, SETUID, SETFCAP, SETPCAP, NET_BIND_SERVICE, SYS_CHROOT, KILL, AUDIT_WRITE.
 */
static const uint64_t containerd_capabilities = UINT64_C(0xa80425fb);

enum action { SHOW, CHECK, MEET, SIMULATE, ACTION_COUNT };

static const struct vb_action actions[ACTION_COUNT] = {
	[SHOW] = {"show", {"PROFILE", 1, 1}},
	[CHECK] = {"check", {"PROFILE...", 1, PROFILES_MAX}},
	[MEET] = {"meet", {"A B", 2, 2}},
	[SIMULATE] = {"simulate", {"PROFILE SYSCALL [ARG...]", 2, 2 + VB_PROFILE_ARGS}},
};

static int (*const commands[ACTION_COUNT])(const struct vb_seccomp_options *options) = {
	[SHOW] = vb_seccomp_show,
	[CHECK] = vb_seccomp_check,
	[MEET] = vb_seccomp_meet,
	[SIMULATE] = vb_seccomp_simulate,
};

/* libseccomp's own name, with or without the prefix and in any case, or an alias. */
static int take_arch(const char *text, void *context, struct vb_error *err)
{
	uint32_t *ret_arch = context;
	char token[64];

	for (size_t i = 0; i < VB_ARRAY_SIZE(arch_aliases); i++)
		if (strcasecmp(text, arch_aliases[i].name) == 0)
			text = arch_aliases[i].token;
	(void)snprintf(token, sizeof(token), "%s%s",
		strncasecmp(text, "SCMP_ARCH_", 10) == 0 ? "" : "SCMP_ARCH_", text);
	for (char *at = token; *at != '\0'; at++)
		if (*at >= 'a' && *at <= 'z')
			*at = (char)(*at - 'a' + 'A');
	uint32_t arch = vb_profile_arch_token(token);
	if (arch == 0) {
		vb_error_say(err, EINVAL, "unknown architecture '%s'", text);
		return vb_error_fix(err, "for example x86_64, i386, arm64 or arm");
	}
	*ret_arch = arch;
	return 0;
}

/* Digits, up to five of them, and what comes behind. */
static bool take_number(const char **text, unsigned int *ret_number)
{
	size_t digits = strspn(*text, "0123456789");

	if (digits == 0 || digits > 5)
		return false;
	*ret_number = (unsigned int)strtoul(*text, NULL, 10);
	*text += digits;
	return true;
}

/* "6.1", or as uname(2) has it: "6.1.0-13-amd64". */
static int take_kernel(const char *text, void *context, struct vb_error *err)
{
	struct vb_seccomp_options *options = context;
	const char *rest = text;

	if (take_number(&rest, &options->kernel_major) && *rest++ == '.' &&
		take_number(&rest, &options->kernel_minor) &&
		(*rest == '\0' || strchr(".-+", *rest) != NULL))
		return 0;
	vb_error_say(err, EINVAL, "'%s' is no kernel version", text);
	return vb_error_fix(err, "write it like 6.1");
}

static int take_caps(const char *text, void *context, struct vb_error *err)
{
	uint64_t *ret_set = context;

	if (strcmp(text, "none") == 0) {
		*ret_set = 0;
		return 0;
	}
	return vb_value_caps(text, ret_set, err);
}

static int init_options(struct vb_seccomp_options *options, struct vb_error *err)
{
	struct utsname name;

	options->arch = vb_profile_node_arch(VB_PROFILE_NATIVE);
	options->capabilities = containerd_capabilities;
	if (uname(&name) < 0)
		return vb_error_set(err, errno, "ask for the kernel's version");
	return take_kernel(name.release, options, err);
}

static int check_options(const struct vb_seccomp_options *options, struct vb_error *err)
{
	const struct vb_arguments *arguments = &options->arguments;
	unsigned int from_stdin = 0;

	if (options->oci && arguments->action != SHOW)
		return vb_error_say(err, EINVAL, "--oci is for show");
	if (options->oci && options->json)
		return vb_error_say(err, EINVAL, "--oci or --json, not both");
	for (int i = 0; i < arguments->operand_count; i++)
		from_stdin += strcmp(arguments->operands[i], "-") == 0;
	if (from_stdin > 1)
		return vb_error_say(err, EINVAL, "standard input can be read once only");
	return 0;
}

static int parse(int argc, char **argv, struct vb_seccomp_options *options)
{
	const struct vb_option known[] = {
		{.name = "arch",
			.value = "ARCH",
			.take = take_arch,
			.context = &options->arch,
			.help = "the ABI to look at: SCMP_ARCH_AARCH64, arm64, x86_64, i386 and "
				"the like (default: this machine's)"},
		{.name = "oci",
			.flag = &options->oci,
			.help = "show: the profile as an OCI JSON file"},
		{.name = "kernel",
			.value = "M.N",
			.take = take_kernel,
			.context = options,
			.help = "of Docker's minKernel (default: this machine's)"},
		{.name = "cap",
			.value = "LIST",
			.take = take_caps,
			.context = &options->capabilities,
			.help = "the container's capabilities, of Docker's caps: NET_RAW,KILL or "
				"ALL or none (default: those that containerd gives)"},
		{.name = "json",
			.flag = &options->json,
			.help = "for scripts (docs/seccomp.schema.json)"},
	};
	const struct vb_syntax syntax = {.command = "seccomp",
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
	struct vb_seccomp_options options = {0};
	struct vb_error err = {0};

	if (init_options(&options, &err) < 0)
		return vb_command_fail(&err);
	int code = parse(argc, argv, &options);
	if (code >= 0)
		return code;
	if (check_options(&options, &err) < 0)
		return vb_command_misuse("seccomp", &err);
	return commands[options.arguments.action](&options);
}

const struct vb_command vb_command_seccomp = {
	.name = "seccomp",
	.summary = "look at seccomp profiles: show, check, meet, simulate",
	.run = run,
};
