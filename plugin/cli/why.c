/* SPDX-License-Identifier: Apache-2.0 */
#include "why.h"

#include <errno.h>
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

static const char help_begin[] =
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
	"NAMESPACE/POD/CONTAINER; POD is a pod's name or NAMESPACE/POD.\n";

static const char help_end[] =
	"Exit codes: 0 no denial was found, 1 something was denied, killed or refused, 2\n"
	"wrong usage, a name that means nothing or several pods.\n"
	"\n"
	"Examples:\n"
	"  sudo vambrace why robots/arm-0\n"
	"  sudo vambrace why driver --since 10m\n"
	"  sudo vambrace why arm-0 --json | jq '.containers[].denials[].allow'\n";

struct options {
	struct vb_why_setting setting;
	const char *name;
	bool json;
};

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
static int tell(const struct options *options, struct vb_error *err)
{
	vb_auto_json json_t *report = NULL;

	int r = vb_why_report(&options->setting, options->name, &report, err);
	if (r < 0)
		return r;
	r = options->json ? vb_command_print_json(report, JSON_INDENT(2) | JSON_SORT_KEYS, err)
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

static int take_since(const char *text, void *context, struct vb_error *err)
{
	int64_t *since_ns = context;

	if (read_age(text, since_ns) || vb_timestamp_parse(text, strlen(text), since_ns) == 0)
		return 0;
	return vb_error_say(err, EINVAL,
		"'%.64s' is neither an age, like 10m, 2h or 1d, nor a time, like "
		"2026-11-29T01:43:53Z",
		text);
}

static int parse(int argc, char **argv, struct options *options)
{
	struct vb_why_setting *setting = &options->setting;
	const struct vb_option known[] = {
		{.name = "since",
			.value = "TIME",
			.take = take_since,
			.context = &setting->since_ns,
			.help = "only what is not older: 30s, 10m, 2h, 1d, or a time like "
				"2026-11-29T01:43:53Z"},
		{.name = "state",
			.value = "DIR",
			.text = &setting->state,
			.help = "instead of /run/vambrace"},
		{.name = "logs",
			.value = "DIR",
			.text = &setting->logs,
			.help = "instead of /var/log/pods"},
		{.name = "containerd",
			.value = "DIR",
			.text = &setting->containerd,
			.help = "instead of /var/lib/containerd, where exit codes are"},
		{.name = "kernel-log",
			.value = "FILE",
			.text = &setting->kernel_log,
			.help = "instead of /dev/kmsg and /var/log/audit/audit.log: what dmesg "
				"prints, or the file of auditd, since this boot"},
		{.name = "proc",
			.value = "DIR",
			.text = &setting->proc,
			.help = "instead of /proc"},
		{.name = "json",
			.flag = &options->json,
			.help = "for scripts (docs/why.schema.json)"},
	};
	const struct vb_syntax syntax = {.command = "why",
		.help_begin = help_begin,
		.help_end = help_end,
		.options = known,
		.option_count = VB_ARRAY_SIZE(known),
		.operands = {"one CONTAINER or POD", 1, 1}};
	struct vb_arguments arguments;

	int code = vb_command_parse(&syntax, argc, argv, &arguments);
	if (code < 0)
		options->name = arguments.operands[0];
	return code;
}

static int run(int argc, char **argv)
{
	struct options options = {.setting = {.state = VB_STATE_DIR,
					  .logs = "/var/log/pods",
					  .containerd = "/var/lib/containerd",
					  .proc = "/proc"}};
	struct vb_error err = {0};

	int code = parse(argc, argv, &options);
	if (code >= 0)
		return code;
	int r = tell(&options, &err);
	return r < 0 ? vb_command_fail(&err) : r;
}

const struct vb_command vb_command_why = {
	.name = "why",
	.summary = "what was denied to a container, by which layer, and what allows it",
	.run = run,
};
