/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "command.h"
#include "vb/adjust/caps.h"
#include "vb/adjust/json.h"
#include "vb/adjust/values.h"
#include "vb/base/str.h"

static const char help[] =
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
	"            missing ones 0; put -- before negative ones\n"
	"\n"
	"Options:\n"
	"  --arch ARCH    the ABI to look at: SCMP_ARCH_AARCH64, arm64, x86_64, i386 and\n"
	"                 the like (default: this machine's)\n"
	"  --oci          show: the profile as an OCI JSON file\n"
	"  --kernel M.N   of Docker's minKernel (default: this machine's)\n"
	"  --cap LIST     the container's capabilities, of Docker's caps: NET_RAW,KILL\n"
	"                 or ALL or none (default: those that containerd gives)\n"
	"  --json         for scripts (docs/seccomp.schema.json)\n"
	"  -h, --help     this text\n"
	"\n"
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

static const struct {
	const char *name;
	int (*run)(const struct vb_seccomp_options *options);
	int operands_min;
	int operands_max;
} commands[] = {
	{"show", vb_seccomp_show, 1, 1},
	{"check", vb_seccomp_check, 1, 1024},
	{"meet", vb_seccomp_meet, 2, 2},
	{"simulate", vb_seccomp_simulate, 2, 2 + VB_PROFILE_ARGS},
};

enum option_code {
	OPTION_ARCH = 256,
	OPTION_OCI,
	OPTION_KERNEL,
	OPTION_CAP,
	OPTION_JSON,
};

static const struct option long_options[] = {
	{"arch", required_argument, NULL, OPTION_ARCH},
	{"oci", no_argument, NULL, OPTION_OCI},
	{"kernel", required_argument, NULL, OPTION_KERNEL},
	{"cap", required_argument, NULL, OPTION_CAP},
	{"json", no_argument, NULL, OPTION_JSON},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

/* libseccomp's own name, with or without the prefix and in any case, or an alias. */
static int parse_arch(const char *text, uint32_t *ret_arch, struct vb_error *err)
{
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
static int parse_kernel(const char *text, struct vb_seccomp_options *options, struct vb_error *err)
{
	const char *rest = text;

	if (take_number(&rest, &options->kernel_major) && *rest++ == '.' &&
		take_number(&rest, &options->kernel_minor) &&
		(*rest == '\0' || strchr(".-+", *rest) != NULL))
		return 0;
	vb_error_say(err, EINVAL, "'%s' is no kernel version", text);
	return vb_error_fix(err, "write it like 6.1");
}

static int parse_caps(const char *text, uint64_t *ret_set, struct vb_error *err)
{
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
	return parse_kernel(name.release, options, err);
}

/* Returns -1 to go on, or the exit code. */
static int take_option(int code, struct vb_seccomp_options *options, struct vb_error *err)
{
	int r = 0;

	switch (code) {
	case OPTION_ARCH:
		r = parse_arch(optarg, &options->arch, err);
		break;
	case OPTION_KERNEL:
		r = parse_kernel(optarg, options, err);
		break;
	case OPTION_CAP:
		r = parse_caps(optarg, &options->capabilities, err);
		break;
	case OPTION_OCI:
		options->oci = true;
		break;
	case OPTION_JSON:
		options->json = true;
		break;
	case 'h':
		(void)fputs(help, stdout);
		return VB_EXIT_OK;
	default:
		return vb_command_usage("seccomp");
	}
	return r < 0 ? vb_command_fail(err) : -1;
}

static int wrong_usage(const char *what, const char *command)
{
	(void)fprintf(stderr, "vambrace: seccomp %s: %s\n", command, what);
	return vb_command_usage("seccomp");
}

static int run_command(size_t command, const struct vb_seccomp_options *options)
{
	const char *name = commands[command].name;
	unsigned int from_stdin = 0;

	if (options->operand_count < commands[command].operands_min)
		return wrong_usage("something is missing", name);
	if (options->operand_count > commands[command].operands_max)
		return wrong_usage("that is too much", name);
	if (options->oci && commands[command].run != vb_seccomp_show)
		return wrong_usage("--oci is for show", name);
	if (options->oci && options->json)
		return wrong_usage("--oci or --json, not both", name);
	for (int i = 0; i < options->operand_count; i++)
		from_stdin += strcmp(options->operands[i], "-") == 0;
	if (from_stdin > 1)
		return wrong_usage("standard input can be read once only", name);
	return commands[command].run(options);
}

static int find_command(const struct vb_seccomp_options *options)
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
	(void)fprintf(stderr, "vambrace: seccomp has no command '%.64s', did you mean '%s'?\n",
		name, commands[nearest].name);
	return vb_command_usage("seccomp");
}

static int run(int argc, char **argv)
{
	struct vb_seccomp_options options = {0};
	char program[] = "vambrace seccomp"; /* what getopt_long() puts before its complaints */
	struct vb_error err = {0};
	int code;

	if (init_options(&options, &err) < 0)
		return vb_command_fail(&err);
	argv[0] = program;
	while ((code = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		int exit_code = take_option(code, &options, &err);
		if (exit_code >= 0)
			return exit_code;
	}
	if (optind == argc) {
		(void)fprintf(stderr, "vambrace: seccomp needs show, check, meet or simulate\n");
		return vb_command_usage("seccomp");
	}
	options.command = argv[optind];
	options.operands = &argv[optind + 1];
	options.operand_count = argc - optind - 1;
	return find_command(&options);
}

const struct vb_command vb_command_seccomp = {
	.name = "seccomp",
	.summary = "look at seccomp profiles: show, check, meet, simulate",
	.run = run,
};
