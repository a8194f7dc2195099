/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "seccomp.h"
#include "vb/adjust/json.h"

/* `vambrace seccomp simulate PROFILE SYSCALL [ARG...]` */

enum { TEXT_MAX = 64 << 10 };

/* One way to the call, and what becomes of it. */
struct outcome {
	struct vb_profile_way way;
	struct vb_profile_verdict verdict;
	const char *decided_by; /* "rule", "default" or "closed ABI" */
	struct vb_json_place place;
};

struct simulation {
	const struct vb_seccomp_options *options;
	const struct vb_seccomp_input *input;
	const char *name; /* of the call */
	struct outcome outcomes[VB_PROFILE_WAYS_MAX];
	size_t count;
	bool allowed; /* by every way */
};

/* Decimal or 0x; negative ones as the kernel would see them. */
static int parse_argument(const char *text, uint64_t *ret_value, struct vb_error *err)
{
	char *end = NULL;

	errno = 0;
	unsigned long long value = strtoull(text, &end, 0);
	if (errno != 0 || end == text || *end != '\0' || isspace((unsigned char)text[0])) {
		vb_error_say(err, EINVAL, "'%s' is no argument of a system call", text);
		return vb_error_fix(err,
			"write a number of at most 64 bits, decimal or with 0x; a negative "
			"one behind --");
	}
	*ret_value = value;
	return 0;
}

static void decide(struct simulation *simulation, struct outcome *outcome)
{
	const struct vb_seccomp_input *input = simulation->input;
	char path[VB_ERROR_PLACE_MAX] = "defaultAction";

	outcome->decided_by = "default";
	if (!vb_profile_covers_arch(input->profile, simulation->options->arch)) {
		outcome->decided_by = "closed ABI";
		(void)snprintf(
			path, sizeof(path), "%s", input->is_docker ? "archMap" : "architectures");
	} else if (outcome->verdict.rule >= 0) {
		outcome->decided_by = "rule";
		(void)snprintf(path, sizeof(path), "syscalls[%d]", outcome->verdict.rule);
	}
	outcome->place = vb_seccomp_place(input, path);
}

static int simulate(
	struct simulation *simulation, const uint64_t args[VB_PROFILE_ARGS], struct vb_error *err)
{
	uint32_t arch = simulation->options->arch;
	struct vb_profile_way ways[VB_PROFILE_WAYS_MAX];
	int r = vb_profile_ways(arch, simulation->name, ways, &simulation->count, err);

	simulation->allowed = true;
	for (size_t i = 0; i < simulation->count && r == 0; i++) {
		struct outcome *outcome = &simulation->outcomes[i];
		outcome->way = ways[i];
		r = vb_profile_simulate(
			simulation->input->profile, arch, &ways[i], args, &outcome->verdict, err);
		if (r < 0)
			break;
		decide(simulation, outcome);
		if (!vb_seccomp_allows(outcome->verdict.action))
			simulation->allowed = false;
	}
	return r;
}

static int print_outcome(
	const struct simulation *simulation, const struct outcome *outcome, struct vb_buf *out)
{
	const struct vb_seccomp_input *input = simulation->input;
	char action[VB_SECCOMP_ACTION_MAX];
	char expected[VB_SECCOMP_ACTION_MAX];
	char selector[64] = "";

	vb_seccomp_action_text(outcome->verdict.action, action);
	if (outcome->way.selector >= 0)
		(void)snprintf(selector, sizeof(selector), " with first argument %d",
			outcome->way.selector);
	int r = vb_buf_printf(out, "%s on %s (number %d%s): %s\n", simulation->name,
		vb_profile_arch_name(simulation->options->arch), outcome->way.number, selector,
		action);
	if (r == 0 && outcome->verdict.rule >= 0)
		r = vb_buf_printf(out, "  decided by syscalls[%d], %s:%zu:%zu\n",
			outcome->verdict.rule, input->name, outcome->place.line,
			outcome->place.column);
	else if (r == 0)
		r = vb_buf_printf(out, "  decided by the %s, %s:%zu:%zu\n", outcome->decided_by,
			input->name, outcome->place.line, outcome->place.column);
	if (r < 0 || outcome->verdict.read == outcome->verdict.action)
		return r;
	vb_seccomp_action_text(outcome->verdict.read, expected);
	return vb_buf_printf(out, "  but it reads %s: libseccomp compiles it wrongly\n", expected);
}

static int show_text(const struct simulation *simulation, int exit_code)
{
	vb_auto_buf struct vb_buf *text = vb_buf_create(TEXT_MAX);

	if (text == NULL)
		return vb_seccomp_no_memory();
	int r = 0;
	if (simulation->input->is_docker)
		r = vb_seccomp_print_input(simulation->options, simulation->input, text);
	if (r == 0 && simulation->count == 0)
		r = vb_buf_printf(text, "%s on %s: no such call, nothing to decide\n",
			simulation->name, vb_profile_arch_name(simulation->options->arch));
	for (size_t i = 0; i < simulation->count && r == 0; i++)
		r = print_outcome(simulation, &simulation->outcomes[i], text);
	return r < 0 ? vb_seccomp_no_memory() : vb_seccomp_finish_text(text, exit_code);
}

static json_t *outcome_to_json(const struct outcome *outcome)
{
	struct vb_json_writer writer = vb_json_begin();
	int selector = outcome->way.selector;
	int rule = outcome->verdict.rule;

	vb_json_put(&writer, "number", json_integer(outcome->way.number));
	vb_json_put(&writer, "selector", selector < 0 ? json_null() : json_integer(selector));
	vb_json_put(&writer, "answer", vb_seccomp_action_to_json(outcome->verdict.action));
	vb_json_put(&writer, "reads", vb_seccomp_action_to_json(outcome->verdict.read));
	vb_json_put_text(&writer, "decided_by", outcome->decided_by);
	vb_json_put(&writer, "entry", rule < 0 ? json_null() : json_integer(rule));
	vb_json_put(&writer, "at", vb_seccomp_place_to_json(&outcome->place));
	return vb_json_end(&writer);
}

static int show_json(const struct simulation *simulation, int exit_code)
{
	const struct vb_seccomp_options *options = simulation->options;
	struct vb_json_writer writer = vb_seccomp_begin_json(options);
	json_t *ways = json_array();

	for (size_t i = 0; i < simulation->count; i++)
		if (json_array_append_new(ways, outcome_to_json(&simulation->outcomes[i])) < 0)
			writer.ok = false;
	vb_json_put(&writer, "profile", vb_seccomp_input_to_json(options, simulation->input));
	vb_json_put_text(&writer, "syscall", simulation->name);
	vb_json_put_text(&writer, "arch", vb_profile_arch_name(options->arch));
	vb_json_put(&writer, "allowed", json_boolean(simulation->allowed));
	vb_json_put(&writer, "ways", ways);
	return vb_seccomp_finish_json(&writer, exit_code);
}

int vb_seccomp_simulate(const struct vb_seccomp_options *options)
{
	vb_auto_seccomp_input struct vb_seccomp_input input = {0};
	struct simulation simulation = {
		.options = options, .input = &input, .name = options->arguments.operands[1]};
	uint64_t args[VB_PROFILE_ARGS] = {0};
	struct vb_error err = {0};

	for (int i = 2; i < options->arguments.operand_count; i++)
		if (parse_argument(options->arguments.operands[i], &args[i - 2], &err) < 0)
			return vb_command_fail(&err);
	int code = vb_seccomp_read(options, options->arguments.operands[0], &input, &err);
	if (code != VB_EXIT_OK)
		return vb_seccomp_fail(options, &input, code, &err);
	int r = simulate(&simulation, args, &err);
	if (r == -EOPNOTSUPP || r == -EILSEQ) {
		input.place = vb_seccomp_place(&input, err.place);
		return vb_seccomp_fail(options, &input, VB_EXIT_REFUSED, &err);
	}
	if (r < 0)
		return vb_command_fail(&err);
	code = simulation.allowed ? VB_EXIT_OK : VB_EXIT_REFUSED;
	return options->json ? show_json(&simulation, code) : show_text(&simulation, code);
}
