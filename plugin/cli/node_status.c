/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "node.h"
#include "vb/adjust/json.h"

enum { TEXT_MAX = 256 << 10 };

static void add_problem(json_t *problems, const struct vb_error *err)
{
	(void)json_array_append_new(problems,
		json_sprintf("%s%s%s", err->what, *err->fix != '\0' ? ": " : "", err->fix));
}

static void judge_plugin(const struct vb_node_state *state, json_t *problems, json_t *report)
{
	struct vb_error err = {0};

	if (vb_node_plugin_check(&state->plugin, &err) < 0)
		add_problem(problems, &err);
	int r = vb_node_plugin_wait(state->version, 0, &err);
	if (r < 0)
		add_problem(problems, &err);
	(void)json_object_set_new(report, "plugin",
		json_pack("{s:s,s:s,s:b}", "kind", vb_node_plugin_kind_name(state->plugin.kind),
			"path", state->plugin.path, "registered", r == 0));
}

/* What is the matter, one line each; empty when all is well. */
static void find_problems(const struct vb_node_host *host, struct vb_node_state *state,
	json_t *problems, json_t *report)
{
	vb_auto_node_plan struct vb_node_plan plan = {0};
	struct vb_error err = {0};

	int r = vb_node_plan_make(host, state, &state->handlers, &plan, &err);
	bool matches =
		r == 0 && plan.refused == 0 && vb_buf_size(plan.now) == vb_buf_size(plan.with) &&
		memcmp(vb_buf_data(plan.now), vb_buf_data(plan.with), vb_buf_size(plan.now)) == 0;
	(void)json_object_set_new(report, "config_matches", json_boolean(matches));
	if (r < 0)
		add_problem(problems, &err);
	else if (!matches)
		(void)json_array_append_new(problems,
			json_string("the configuration is not what install would write now: "
				    "vambrace node install --dry-run shows how it differs"));
	for (size_t i = 0; i < state->handlers.count; i++)
		if (vb_node_check_hook(state->version, &state->handlers.items[i], &err) < 0)
			add_problem(problems, &err);
	if (vb_node_check_single(&err) < 0)
		add_problem(problems, &err);
	if (state->plugin.kind != VB_NODE_PLUGIN_NONE)
		judge_plugin(state, problems, report);
	if (vb_node_check_named(&state->handlers, &err) < 0)
		add_problem(problems, &err);
	if (r < 0)
		return;
	r = vb_node_cri_wait(plan.socket, &state->handlers, 0, &err);
	(void)json_object_set_new(report, "cri_lists_handlers", json_boolean(r == 0));
	if (r < 0)
		add_problem(problems, &err);
}

static json_t *report_of(
	const struct vb_node_host *host, struct vb_node_state *state, bool is_there)
{
	json_t *problems = json_array();
	json_t *report =
		json_pack("{s:i,s:b,s:s,s:s,s:o}", "node_version", 1, "installed", is_there,
			"containerd", host->version, "config", host->config, "problems", problems);

	if (report == NULL || !is_there)
		return report;
	(void)json_object_set_new(report, "version", json_string(state->version));
	(void)json_object_set_new(report, "file",
		json_pack("{s:s,s:s}", "kind", vb_node_file_kind_name(state->file.kind), "path",
			state->file.path));
	find_problems(host, state, problems, report);
	json_t *handlers = json_object();
	for (size_t i = 0; i < state->handlers.count; i++)
		(void)json_object_set_new(handlers, state->handlers.items[i].name,
			json_pack("{s:s,s:s?}", "base", state->handlers.items[i].base, "runtime",
				state->handlers.items[i].runtime));
	(void)json_object_set_new(report, "handlers", handlers);
	return report;
}

static int print_text(const json_t *report, struct vb_error *err)
{
	vb_auto_buf struct vb_buf *text = vb_buf_create(TEXT_MAX);

	if (text == NULL || vb_node_status_text(report, text) < 0)
		return vb_error_set(err, ENOMEM, "print the status");
	return vb_command_print(text, err);
}

int vb_node_status(const struct vb_node_options *options)
{
	vb_auto_node_host struct vb_node_host host = VB_NODE_HOST_NONE;
	vb_auto_node_state struct vb_node_state state = {0};
	struct vb_error err = {0};

	int r = vb_node_begin(options, NULL, &host, &state, &err);
	if (r < 0)
		return vb_command_fail(&err);
	vb_auto_json json_t *report = report_of(&host, &state, r > 0);
	if (report == NULL)
		return vb_command_print_json(NULL, 0, &err) < 0 ? vb_command_fail(&err)
								: VB_EXIT_TROUBLE;
	int printed = options->json
			      ? vb_command_print_json(report, JSON_INDENT(2) | JSON_SORT_KEYS, &err)
			      : print_text(report, &err);
	if (printed < 0)
		return vb_command_fail(&err);
	bool is_well = r > 0 && json_array_size(json_object_get(report, "problems")) == 0;
	return is_well ? VB_EXIT_OK : VB_EXIT_REFUSED;
}
