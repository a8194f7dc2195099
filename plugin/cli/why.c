/* SPDX-License-Identifier: Apache-2.0 */
#include "why.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "vb/adjust/json.h"
#include "vb/adjust/state.h"
#include "vb/base/str.h"
#include "vb/base/timestamp.h"

#define NS_PER_S INT64_C(1000000000)

enum {
	REPORT_MAX = 256 << 20,
};

static const char help[] =
	"Usage: vambrace why CONTAINER|POD [OPTIONS]\n"
	"\n"
	"What was denied to a container, by which layer, and the line of its bundle that\n"
	"would allow it: the preload shim's lines in its log, seccomp records of the\n"
	"kernel (with the call's name), exit code 159, what a read-only root and dropped\n"
	"capabilities mean for it, and what was refused. A seccomp record is a\n"
	"container's when the process that it names still runs in the container's\n"
	"cgroup, or was its first one; all others are counted, never guessed. What cannot\n"
	"be read is said, so without root it does what it can.\n"
	"\n"
	"CONTAINER is a container's name or id (or the first eight digits), or\n"
	"NAMESPACE/POD/CONTAINER; POD is a pod's name or NAMESPACE/POD.\n"
	"\n"
	"Options:\n"
	"  --since TIME       only what is not older: 30s, 10m, 2h, 1d, or a time like\n"
	"                     2026-11-29T01:43:53Z\n"
	"  --state DIR        instead of /run/vambrace\n"
	"  --logs DIR         instead of /var/log/pods\n"
	"  --containerd DIR   instead of /var/lib/containerd, where exit codes are\n"
	"  --kernel-log FILE  instead of /dev/kmsg and /var/log/audit/audit.log: what\n"
	"                     dmesg prints, or the file of auditd, since this boot\n"
	"  --proc DIR         instead of /proc\n"
	"  --json             for scripts (docs/why.schema.json)\n"
	"  -h, --help         this text\n"
	"\n"
	"Exit codes: 0 no denial was found, 1 something was denied, killed or refused, 2\n"
	"wrong usage, a name that means nothing or several pods.\n"
	"\n"
	"Examples:\n"
	"  sudo vambrace why robots/arm-0\n"
	"  sudo vambrace why driver --since 10m\n"
	"  sudo vambrace why arm-0 --json | jq '.containers[].denials[].allow'\n";

static int out_of_memory(struct vb_error *err)
{
	return vb_error_set(err, ENOMEM, "report denials");
}

static int print_text(const json_t *report, struct vb_error *err)
{
	vb_auto_buf struct vb_buf *text = vb_buf_create(REPORT_MAX);

	if (text == NULL || vb_why_text(report, isatty(STDOUT_FILENO) == 1, text) < 0)
		return out_of_memory(err);
	return vb_command_print(text, err);
}

/* Returns the exit code, or -errno. */
static int tell(
	const struct vb_why_setting *setting, const char *name, bool json, struct vb_error *err)
{
	vb_auto_json json_t *report = NULL;

	int r = vb_why_report(setting, name, &report, err);
	if (r < 0)
		return r;
	r = json ? vb_command_print_json(report, JSON_INDENT(2) | JSON_SORT_KEYS, err)
		 : print_text(report, err);
	if (r < 0)
		return r;
	return vb_why_found(report) ? VB_EXIT_REFUSED : VB_EXIT_OK;
}

/* "10m": so long before now. */
static bool read_age(const char *text, int64_t *ret_ns)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	struct timespec now = {0};
	int64_t number = 0;
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 6 || text[digits] == '\0' || text[digits + 1] != '\0')
		return false;
	for (size_t i = 0; i < digits; i++)
		number = number * 10 + (text[i] - '0');
	for (size_t i = 0; i < VB_ARRAY_SIZE(units); i++) {
		if (units[i].unit != text[digits])
			continue;
		(void)clock_gettime(CLOCK_REALTIME, &now);
		int64_t at_s = now.tv_sec - number * units[i].seconds;
		*ret_ns = at_s > 0 ? at_s * NS_PER_S : 0;
		return true;
	}
	return false;
}

enum option_code {
	OPTION_SINCE = 1000,
	OPTION_STATE,
	OPTION_LOGS,
	OPTION_CONTAINERD,
	OPTION_KERNEL_LOG,
	OPTION_PROC,
	OPTION_JSON,
};

static const struct option long_options[] = {
	{"since", required_argument, NULL, OPTION_SINCE},
	{"state", required_argument, NULL, OPTION_STATE},
	{"logs", required_argument, NULL, OPTION_LOGS},
	{"containerd", required_argument, NULL, OPTION_CONTAINERD},
	{"kernel-log", required_argument, NULL, OPTION_KERNEL_LOG},
	{"proc", required_argument, NULL, OPTION_PROC},
	{"json", no_argument, NULL, OPTION_JSON},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static int take_since(const char *text, struct vb_why_setting *setting)
{
	if (read_age(text, &setting->since_ns) ||
		vb_timestamp_parse(text, strlen(text), &setting->since_ns) == 0)
		return -1;
	(void)fprintf(stderr,
		"vambrace: --since takes 10m, 2h, 1d or 2026-11-29T01:43:53Z, not '%.64s'\n", text);
	return vb_command_usage("why");
}

/* Returns -1 to go on, or the exit code. */
static int take_option(int code, struct vb_why_setting *setting, bool *json)
{
	switch (code) {
	case OPTION_SINCE:
		return take_since(optarg, setting);
	case OPTION_STATE:
		setting->state = optarg;
		return -1;
	case OPTION_LOGS:
		setting->logs = optarg;
		return -1;
	case OPTION_CONTAINERD:
		setting->containerd = optarg;
		return -1;
	case OPTION_KERNEL_LOG:
		setting->kernel_log = optarg;
		return -1;
	case OPTION_PROC:
		setting->proc = optarg;
		return -1;
	case OPTION_JSON:
		*json = true;
		return -1;
	case 'h':
		(void)fputs(help, stdout);
		return VB_EXIT_OK;
	default:
		return vb_command_usage("why");
	}
}

static int run(int argc, char **argv)
{
	char program[] = "vambrace why"; /* what getopt_long() puts before its complaints */
	struct vb_why_setting setting = {.state = VB_STATE_DIR,
		.logs = "/var/log/pods",
		.containerd = "/var/lib/containerd",
		.proc = "/proc"};
	struct vb_error err = {0};
	bool json = false;
	int code;

	argv[0] = program;
	while ((code = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		int exit_code = take_option(code, &setting, &json);
		if (exit_code >= 0)
			return exit_code;
	}
	if (argc - optind != 1) {
		(void)fprintf(stderr, "vambrace: why takes one container or pod\n");
		return vb_command_usage("why");
	}
	int r = tell(&setting, argv[optind], json, &err);
	return r < 0 ? vb_command_fail(&err) : r;
}

const struct vb_command vb_command_why = {
	.name = "why",
	.summary = "what was denied to a container, by which layer, and what allows it",
	.run = run,
};
