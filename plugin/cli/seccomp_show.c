/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "seccomp.h"
#include "vb/adjust/json.h"
#include "vb/adjust/text.h"

/* `vambrace seccomp show PROFILE` */

enum {
	TEXT_MAX = 64 << 20,
	TALLIES_MAX = 32, /* different actions that are counted apart */
	NUMBER_MAX = 24,
};

struct tally {
	uint32_t action;
	size_t rules;
};

struct summary {
	struct tally tallies[TALLIES_MAX];
	size_t tally_count;
	size_t rules;
	size_t conditional;
};

static int count_rule(void *context, const struct vb_profile_rule *rule)
{
	struct summary *summary = context;
	size_t i = 0;

	summary->rules++;
	summary->conditional += rule->condition_count > 0;
	while (i < summary->tally_count && summary->tallies[i].action != rule->action)
		i++;
	if (i == TALLIES_MAX)
		return 0;
	if (i == summary->tally_count)
		summary->tallies[summary->tally_count++].action = rule->action;
	summary->tallies[i].rules++;
	return 0;
}

static int print_arch(void *context, uint32_t arch)
{
	return vb_buf_printf(context, " %s", vb_profile_arch_name(arch));
}

static int print_archs(const struct vb_profile *profile, struct vb_buf *out)
{
	int r = vb_buf_append_string(out, "Architectures:");

	if (r == 0)
		r = vb_profile_walk_archs(profile, print_arch, out);
	return r == 0 ? vb_buf_append_string(out, " (any other is killed)\n") : r;
}

static int print_flags(const struct vb_profile *profile, struct vb_buf *out)
{
	int flags = vb_profile_flags(profile);
	int r = vb_buf_append_string(out, "Flags:");

	if (r == 0 && flags < 0)
		r = vb_buf_append_string(out, " not said, the runtime's default");
	if (r == 0 && flags == 0)
		r = vb_buf_append_string(out, " none");
	for (const char *name; r == 0 && (name = vb_profile_next_flag(&flags)) != NULL;)
		r = vb_buf_printf(out, " %s", name);
	return r == 0 ? vb_buf_append_string(out, "\n") : r;
}

static int print_summary(const struct vb_profile *profile, struct vb_buf *out)
{
	struct summary summary = {0};
	char action[VB_SECCOMP_ACTION_MAX];
	int r = vb_profile_walk(profile, count_rule, &summary);

	vb_seccomp_action_text(vb_profile_default_action(profile), action);
	if (r == 0)
		r = vb_buf_printf(out, "Default: %s\n", action);
	if (r == 0)
		r = print_archs(profile, out);
	if (r == 0)
		r = print_flags(profile, out);
	if (r == 0)
		r = vb_buf_printf(out, "Rules: %zu, %zu with conditions\n", summary.rules,
			summary.conditional);
	for (size_t i = 0; i < summary.tally_count && r == 0; i++) {
		vb_seccomp_action_text(summary.tallies[i].action, action);
		r = vb_buf_printf(out, "  %5zu %s\n", summary.tallies[i].rules, action);
	}
	return r;
}

/* How a call is numbered: "102/1" is call 1 of a multiplexer, "-" one that does not exist. */
static void number_text(uint32_t arch, const char *name, char text[NUMBER_MAX])
{
	struct vb_profile_way ways[VB_PROFILE_WAYS_MAX];
	size_t count = 0;
	size_t used = 0;

	if (vb_profile_ways(arch, name, ways, &count, NULL) < 0)
		count = 0;
	(void)snprintf(text, NUMBER_MAX, "-");
	for (size_t i = 0; i < count; i++) {
		int n = snprintf(
			text + used, NUMBER_MAX - used, "%s%d", i > 0 ? "," : "", ways[i].number);
		used += n > 0 ? (size_t)n : 0;
		if (ways[i].selector < 0)
			continue;
		n = snprintf(text + used, NUMBER_MAX - used, "/%d", ways[i].selector);
		used += n > 0 ? (size_t)n : 0;
	}
}

struct table {
	uint32_t arch;
	struct vb_buf *out;
};

static int print_rule(void *context, const struct vb_profile_rule *rule)
{
	struct table *table = context;
	vb_auto_buf struct vb_buf *conditions = vb_buf_create(TEXT_MAX);
	char action[VB_SECCOMP_ACTION_MAX];
	char number[NUMBER_MAX];
	char entry[NUMBER_MAX];

	if (conditions == NULL)
		return -1;
	vb_seccomp_action_text(rule->action, action);
	number_text(table->arch, rule->name, number);
	(void)snprintf(entry, sizeof(entry), "syscalls[%u]", rule->entry);
	int r = vb_seccomp_print_conditions(rule, conditions);
	if (r < 0)
		return r;
	bool always = vb_buf_size(conditions) == 0;
	return vb_buf_printf(table->out, "%-22s %7s  %-13s %-26s%s%.*s\n", rule->name, number,
		entry, action, always ? "always" : "if ", (int)vb_buf_size(conditions),
		(const char *)vb_buf_data(conditions));
}

static int print_table(const struct vb_profile *profile, uint32_t arch, struct vb_buf *out)
{
	struct table table = {.arch = arch, .out = out};
	char action[VB_SECCOMP_ACTION_MAX];

	if (!vb_profile_covers_arch(profile, arch))
		return vb_buf_printf(out, "\nOn %s every call is killed: it is not among them.\n",
			vb_profile_arch_name(arch));
	vb_seccomp_action_text(vb_profile_default_action(profile), action);
	int r = vb_buf_printf(out,
		"\nOn %s (number -: no such call there):\n"
		"%-22s %7s  %-13s %-26s%s\n",
		vb_profile_arch_name(arch), "SYSCALL", "NUMBER", "ENTRY", "ACTION", "WHEN");
	if (r == 0)
		r = vb_profile_walk(profile, print_rule, &table);
	return r == 0 ? vb_buf_printf(out, "%-22s %7s  %-13s %-26s%s\n", "any other call", "",
				"default", action, "always")
		      : r;
}

static int show_text(const struct vb_seccomp_options *options, const struct vb_seccomp_input *input)
{
	vb_auto_buf struct vb_buf *text = vb_buf_create(TEXT_MAX);

	if (text == NULL || vb_seccomp_print_input(options, input, text) < 0 ||
		print_summary(input->profile, text) < 0 ||
		print_table(input->profile, options->arch, text) < 0)
		return vb_seccomp_no_memory();
	return vb_seccomp_finish_text(text, VB_EXIT_OK);
}

static json_t *condition_to_json(const struct vb_profile_condition *condition)
{
	struct vb_json_writer writer = vb_json_begin();
	char text[NUMBER_MAX];

	vb_json_put(&writer, "index", json_integer((json_int_t)condition->index));
	vb_json_put_text(&writer, "op", condition->op);
	(void)snprintf(text, sizeof(text), "0x%" PRIx64, condition->value);
	vb_json_put_text(&writer, "value", text);
	(void)snprintf(text, sizeof(text), "0x%" PRIx64, condition->mask);
	vb_json_put_text(&writer, "mask", text);
	return vb_json_end(&writer);
}

struct list {
	uint32_t arch;
	json_t *rules;
};

static int add_rule(void *context, const struct vb_profile_rule *rule)
{
	struct list *list = context;
	struct vb_json_writer writer = vb_json_begin();
	json_t *conditions = json_array();
	char number[NUMBER_MAX];

	number_text(list->arch, rule->name, number);
	for (size_t i = 0; i < rule->condition_count; i++)
		if (json_array_append_new(conditions, condition_to_json(&rule->conditions[i])) < 0)
			writer.ok = false;
	vb_json_put_text(&writer, "syscall", rule->name);
	vb_json_put_text(&writer, "number", number[0] == '-' ? NULL : number);
	vb_json_put(&writer, "entry", json_integer((json_int_t)rule->entry));
	vb_json_put(&writer, "answer", vb_seccomp_action_to_json(rule->action));
	vb_json_put(&writer, "conditions", conditions);
	return json_array_append_new(list->rules, vb_json_end(&writer));
}

static int add_arch(void *context, uint32_t arch)
{
	return json_array_append_new(context, json_string(vb_profile_arch_name(arch)));
}

static json_t *flags_to_json(int flags)
{
	json_t *list = json_array();

	for (const char *name; (name = vb_profile_next_flag(&flags)) != NULL;)
		(void)json_array_append_new(list, json_string(name));
	return list;
}

static int show_json(const struct vb_seccomp_options *options, const struct vb_seccomp_input *input)
{
	struct vb_json_writer writer = vb_seccomp_begin_json(options);
	struct list list = {.arch = options->arch, .rules = json_array()};
	json_t *archs = json_array();
	int flags = vb_profile_flags(input->profile);
	bool covered = vb_profile_covers_arch(input->profile, options->arch);

	if (vb_profile_walk_archs(input->profile, add_arch, archs) < 0 ||
		(covered && vb_profile_walk(input->profile, add_rule, &list) < 0))
		writer.ok = false;
	vb_json_put(&writer, "profile", vb_seccomp_input_to_json(options, input));
	vb_json_put(&writer, "default",
		vb_seccomp_action_to_json(vb_profile_default_action(input->profile)));
	vb_json_put(&writer, "architectures", archs);
	vb_json_put(&writer, "flags", flags < 0 ? json_null() : flags_to_json(flags));
	vb_json_put_text(&writer, "arch", vb_profile_arch_name(options->arch));
	vb_json_put(&writer, "closed", json_boolean(!covered));
	vb_json_put(&writer, "rules", list.rules);
	return vb_seccomp_finish_json(&writer, VB_EXIT_OK);
}

int vb_seccomp_show(const struct vb_seccomp_options *options)
{
	vb_auto_seccomp_input struct vb_seccomp_input input = {0};
	struct vb_error err = {0};
	int code = vb_seccomp_read(options, options->arguments.operands[0], &input, &err);

	if (code != VB_EXIT_OK)
		return vb_seccomp_fail(options, &input, code, &err);
	if (options->oci)
		return vb_seccomp_finish_profile(input.profile, VB_EXIT_OK);
	return options->json ? show_json(options, &input) : show_text(options, &input);
}
