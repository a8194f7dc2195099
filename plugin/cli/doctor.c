/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "command.h"
#include "input.h"
#include "vb/adjust/json.h"

enum {
	FACTS_DEPTH_MAX = 8,
	REPORT_MAX = 1 << 20,
};

static const char help_begin[] =
	"Usage: vambrace doctor [OPTIONS]\n"
	"\n"
	"Is this node ready for hardened pods? Looks at containerd and its NRI, the\n"
	"runtime handlers, the hook and the runtimes behind it, the kernel and the\n"
	"disk, and says for each: ok, unseen (more rights are needed), warning, or\n"
	"problem (hardened pods do not come up), with what to change on this system.\n"
	"Changes nothing. Runs as any user; root sees all.\n";

static const char help_end[] =
	"Exit codes: 0 no problem, 1 a problem, 2 wrong usage or unreadable facts.\n"
	"\n"
	"Examples:\n"
	"  sudo vambrace doctor\n"
	"  ssh robot sudo vambrace doctor --json | vambrace doctor --facts -\n"
	"  vambrace doctor --json | jq -r '.findings[] | select(.level == \"problem\").fix'\n";

static int out_of_memory(struct vb_error *err)
{
	return vb_error_set(err, ENOMEM, "look at the node");
}

/* Facts of their own, or inside a report. */
static int load_facts(const char *path, json_t **ret_facts, struct vb_error *err)
{
	vb_auto_buf struct vb_buf *data = NULL;
	vb_auto_json json_t *root = NULL;

	int r = vb_input_read(path, VB_DOCTOR_FACTS_MAX, &data, err);
	if (r < 0)
		return r;
	r = vb_json_parse(
		(const char *)vb_buf_data(data), vb_buf_size(data), FACTS_DEPTH_MAX, &root, err);
	if (r < 0)
		return vb_error_wrap(err, "%s", vb_input_name(path));
	json_t *inner = json_object_get(root, "facts");
	*ret_facts = json_incref(inner != NULL ? inner : root);
	return 0;
}

static int print_text(const struct vb_findings *findings, const json_t *facts, struct vb_error *err)
{
	vb_auto_buf struct vb_buf *text = vb_buf_create(REPORT_MAX);

	if (text == NULL || vb_doctor_text(findings, facts, isatty(STDOUT_FILENO) == 1, text) < 0)
		return out_of_memory(err);
	return vb_command_print(text, err);
}

static int print_json(const struct vb_findings *findings, const json_t *facts, struct vb_error *err)
{
	vb_auto_json json_t *report = vb_doctor_json(findings, facts);

	return vb_command_print_json(report, JSON_INDENT(2), err);
}

/* Returns the exit code, or -errno. */
static int doctor(const char *facts_path, bool json, struct vb_error *err)
{
	vb_auto_json json_t *facts = NULL;
	struct vb_findings findings;
	int r = 0;

	if (facts_path != NULL)
		r = load_facts(facts_path, &facts, err);
	else
		facts = vb_doctor_gather();
	if (r == 0 && facts == NULL)
		return out_of_memory(err);
	if (r == 0)
		r = vb_doctor_judge(facts, &findings, err);
	if (r == 0)
		r = json ? print_json(&findings, facts, err) : print_text(&findings, facts, err);
	if (r < 0)
		return r;
	return findings.counts[VB_FINDING_PROBLEM] > 0 ? VB_EXIT_REFUSED : VB_EXIT_OK;
}

static int run(int argc, char **argv)
{
	const char *facts_path = NULL;
	bool json = false;
	const struct vb_option known[] = {
		{.name = "facts",
			.value = "FILE",
			.text = &facts_path,
			.help = "judge what another doctor saw: its --json, or - for stdin"},
		{.name = "json",
			.flag = &json,
			.help = "findings and facts, for scripts (docs/doctor.schema.json)"},
	};
	const struct vb_syntax syntax = {.command = "doctor",
		.help_begin = help_begin,
		.help_end = help_end,
		.options = known,
		.option_count = VB_ARRAY_SIZE(known)};
	struct vb_arguments arguments;
	struct vb_error err = {0};

	int code = vb_command_parse(&syntax, argc, argv, &arguments);
	if (code >= 0)
		return code;
	int r = doctor(facts_path, json, &err);
	return r < 0 ? vb_command_fail(&err) : r;
}

const struct vb_command vb_command_doctor = {
	.name = "doctor",
	.summary = "whether this node is ready for hardened pods, and what to change",
	.run = run,
};
