/* SPDX-License-Identifier: Apache-2.0 */
#include "status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "doctor.h"
#include "vb/adjust/json.h"
#include "vb/adjust/state.h"

enum { REPORT_MAX = 256 << 20 };

static const char help_begin[] =
	"Usage: vambrace status [CONTAINER] [OPTIONS]\n"
	"\n"
	"What this node really holds: the daemon and the runtime it is registered with,\n"
	"each hardened container with its level, bundle and age, what keeps it from\n"
	"being fully hardened, and what was refused lately. With CONTAINER, each of its\n"
	"layers with the evidence from the kernel. Needs root, as /run/vambrace does.\n"
	"\n"
	"CONTAINER is a container's name or id (or the first eight digits), a pod's\n"
	"name, or NAMESPACE/POD[/CONTAINER].\n";

static const char help_end[] =
	"Levels: full (every asked layer is seen in the kernel), partial, none, and\n"
	"baseline (nothing but the starter profile was asked, and it is there).\n"
	"\n"
	"Exit codes: 0 the daemon is registered, the hook is usable and no container\n"
	"shown has a failed layer or the level none, 1 otherwise or when no container\n"
	"has that name, 2 wrong usage or unreadable state.\n"
	"\n"
	"Examples:\n"
	"  sudo vambrace status\n"
	"  sudo vambrace status robots/arm-0\n"
	"  sudo vambrace status --json |\n"
	"    jq -r '.containers[] | select(.level != \"full\").pod'\n";

static int out_of_memory(struct vb_error *err)
{
	return vb_error_set(err, ENOMEM, "report the status");
}

static int print_text(const struct vb_status *status, bool details, struct vb_error *err)
{
	vb_auto_buf struct vb_buf *text = vb_buf_create(REPORT_MAX);

	if (text == NULL || vb_status_text(status, details, isatty(STDOUT_FILENO) == 1, text) < 0)
		return out_of_memory(err);
	return vb_command_print(text, err);
}

static int print_json(const struct vb_status *status, struct vb_error *err)
{
	vb_auto_json json_t *report = vb_status_json(status);

	return vb_command_print_json(report, JSON_INDENT(2) | JSON_SORT_KEYS, err);
}

static bool has_failed(const json_t *outcome)
{
	const char *key = NULL;
	const json_t *layer = NULL;

	if (json_is_string(json_object_get(outcome, "problem")) ||
		vb_str_equal(json_string_value(json_object_get(outcome, "level")), "none"))
		return true;
	json_object_foreach(json_object_get(outcome, "layers"), key, layer)
		if (vb_str_equal(json_string_value(json_object_get(layer, "state")), "failed"))
			return true;
	return false;
}

static bool hook_is_well(const struct vb_status *status)
{
	return status->hook == NULL || strcmp(status->hook, "ok") == 0;
}

static bool is_well(const struct vb_status *status)
{
	const json_t *runtime = json_object_get(status->daemon, "runtime");
	size_t i = 0;
	const json_t *outcome = NULL;

	if (!status->runs || !json_is_true(json_object_get(runtime, "connected")) ||
		!hook_is_well(status))
		return false;
	json_array_foreach(status->containers, i, outcome)
		if (has_failed(outcome))
			return false;
	return true;
}

/* Returns the exit code, or -errno. */
static int report(const char *directory, const char *name, bool json, struct vb_error *err)
{
	vb_auto_status struct vb_status status = {0};

	int r = vb_status_load(directory, &status, err);
	if (r < 0)
		return r;
	if (name != NULL && vb_status_select(&status, name) < 0)
		return out_of_memory(err);
	/* A copy is of another node, or of another time. */
	if (strcmp(directory, VB_STATE_DIR) == 0) {
		status.hook = vb_doctor_hook_state();
		status.daemons = vb_doctor_daemons();
	}
	bool missing = name != NULL && json_array_size(status.containers) == 0;
	if (missing)
		(void)fprintf(stderr,
			"vambrace: no hardened container is called '%.128s'\n"
			"  `vambrace status` lists them\n",
			name);
	r = json ? print_json(&status, err) : print_text(&status, name != NULL, err);
	if (r < 0)
		return r;
	return missing || !is_well(&status) ? VB_EXIT_REFUSED : VB_EXIT_OK;
}

static int run(int argc, char **argv)
{
	const char *directory = VB_STATE_DIR;
	bool json = false;
	const struct vb_option known[] = {
		{.name = "state",
			.value = "DIR",
			.text = &directory,
			.help = "a copy of /run/vambrace, of another node perhaps"},
		{.name = "json", .flag = &json, .help = "for scripts (docs/status.schema.json)"},
	};
	const struct vb_syntax syntax = {.command = "status",
		.help_begin = help_begin,
		.help_end = help_end,
		.options = known,
		.option_count = VB_ARRAY_SIZE(known),
		.operands = {"one CONTAINER at most", 0, 1}};
	struct vb_arguments arguments;
	struct vb_error err = {0};

	int code = vb_command_parse(&syntax, argc, argv, &arguments);
	if (code >= 0)
		return code;
	int r = report(directory, arguments.operands[0], json, &err);
	return r < 0 ? vb_command_fail(&err) : r;
}

const struct vb_command vb_command_status = {
	.name = "status",
	.summary = "what this node's containers really hold, and what was refused",
	.run = run,
};
