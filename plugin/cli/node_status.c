/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "node.h"
#include "vb/adjust/json.h"

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
		(void)json_array_append_new(problems, json_string(err.what));
	else if (!matches)
		(void)json_array_append_new(problems,
			json_string("the configuration is not what install would write now"));
	for (size_t i = 0; i < state->handlers.count; i++)
		if (vb_node_check_hook(state->version, state->handlers.items[i].name, &err) < 0)
			(void)json_array_append_new(problems, json_string(err.what));
	if (r < 0)
		return;
	r = vb_node_cri_wait(plan.socket, &state->handlers, 0, &err);
	(void)json_object_set_new(report, "cri_lists_handlers", json_boolean(r == 0));
	if (r < 0)
		(void)json_array_append_new(problems, json_string(err.what));
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

static void print_text(const json_t *report)
{
	const char *name = NULL;
	json_t *value = NULL;
	size_t i;

	printf("containerd  %s, %s\n", json_string_value(json_object_get(report, "containerd")),
		json_string_value(json_object_get(report, "config")));
	if (!json_is_true(json_object_get(report, "installed"))) {
		(void)puts("vambrace    not installed");
		return;
	}
	const json_t *file = json_object_get(report, "file");
	printf("vambrace    %s, handlers in %s (%s)\n",
		json_string_value(json_object_get(report, "version")),
		json_string_value(json_object_get(file, "path")),
		json_string_value(json_object_get(file, "kind")));
	json_object_foreach(json_object_get(report, "handlers"), name, value)
		printf("handler     %s before %s (as %s)\n", name,
			json_string_value(json_object_get(value, "runtime")),
			json_string_value(json_object_get(value, "base")));
	json_array_foreach(json_object_get(report, "problems"), i, value)
		printf("problem     %s\n", json_string_value(value));
}

int vb_node_status(const struct vb_node_options *options)
{
	vb_auto_node_host struct vb_node_host host = {.mounts_fd = -1, .source_fd = -1};
	vb_auto_node_state struct vb_node_state state = {0};
	struct vb_error err = {0};

	int r = vb_node_enter(options, &host, &err);
	if (r == 0)
		r = vb_node_state_load(&state, &err);
	if (r < 0)
		return vb_command_fail(&err);
	vb_auto_json json_t *report = report_of(&host, &state, r > 0);
	if (report == NULL)
		return vb_command_print_json(NULL, 0, &err) < 0 ? vb_command_fail(&err)
								: VB_EXIT_TROUBLE;
	if (!options->json)
		print_text(report);
	else if (vb_command_print_json(report, JSON_INDENT(2) | JSON_SORT_KEYS, &err) < 0)
		return vb_command_fail(&err);
	bool is_well = r > 0 && json_array_size(json_object_get(report, "problems")) == 0;
	return is_well ? VB_EXIT_OK : VB_EXIT_REFUSED;
}
