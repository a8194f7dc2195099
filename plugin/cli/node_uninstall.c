/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "node.h"
#include "node_plan.h"

enum { DRAIN_MS = 500 };

static const struct vb_node_handlers no_handlers = {.count = 0};

/* Waits while there are any, when told to. -EBUSY naming the first. */
static int wait_for_sandboxes(const struct vb_node_options *options, const char *socket,
	const struct vb_node_handlers *handlers, struct vb_error *err)
{
	for (;;) {
		vb_auto_strv struct vb_strv sandboxes = {0};
		int r = vb_node_cri_sandboxes(socket, handlers, &sandboxes, err);
		if (r < 0 || sandboxes.count == 0)
			return r;
		if (!options->drain) {
			(void)vb_error_say(err, EBUSY,
				"%zu pods are on handlers of Vambrace, such as %.200s",
				sandboxes.count, sandboxes.items[0]);
			return vb_error_fix(err,
				"delete them first, or wait for it with --drain: without the hook "
				"they could be neither stopped nor entered");
		}
		r = vb_node_pause(DRAIN_MS, err);
		if (r < 0)
			return r;
	}
}

/* containerd must accept the file without us, and know no handler of ours any more. */
static int check_without(const struct vb_node_host *host, const struct vb_node_plan *plan,
	const struct vb_node_handlers *handlers, struct vb_error *err)
{
	vb_auto_node_dump struct vb_node_dump *dump = NULL;

	if (plan->file.kind != VB_NODE_ROOT_FILE || vb_buf_size(plan->without) == 0)
		return 0;
	int r = vb_node_dump_staged(host, plan->file.path, plan->without, &dump, err);
	if (r < 0)
		return vb_error_wrap(err, "without the handlers");
	for (size_t i = 0; i < handlers->count; i++)
		if (vb_node_dump_has_handler(dump, handlers->items[i].name))
			return vb_error_say(err, EINVAL,
				"handler '%s' is in containerd's configuration a second time",
				handlers->items[i].name);
	return 0;
}

/* Everything that leads to our programs, before they go. */
static int take_away(const struct vb_node_options *options, const struct vb_node_host *host,
	struct vb_node_plan *plan, const struct vb_node_state *state, struct vb_error *err)
{
	bool restarts = vb_node_restarts(host, options);
	int r = vb_node_plugin_remove(host, &state->plugin, err);

	if (r == 0)
		r = vb_node_plan_write(plan, plan->without, err);
	if (r == 0 && restarts)
		r = vb_node_restart(host, options, err);
	if (r == 0 && restarts)
		r = vb_node_cri_wait(plan->socket, &no_handlers, options->timeout_s, err);
	if (r == 0)
		return 0;
	struct vb_error second = {0};
	r = vb_node_plan_restore(plan, plan->without, &second);
	if (r == 0)
		r = vb_node_plugin_put(host, &state->plugin, state->version, &second);
	if (r == 0 && restarts)
		r = vb_node_restart(host, options, &second);
	return vb_node_also(err, r < 0 ? second.what : "the configuration is as it was before");
}

/* Whether something would be left that leads to our programs. */
static bool has_traces(const struct vb_node_plan *plan, const struct vb_node_plugin *plugin)
{
	if (plugin->kind != VB_NODE_PLUGIN_NONE)
		return true;
	return plan->is_there && (vb_buf_size(plan->now) != vb_buf_size(plan->without) ||
					 memcmp(vb_buf_data(plan->now), vb_buf_data(plan->without),
						 vb_buf_size(plan->now)) != 0);
}

static int print_dry_run(
	const struct vb_node_plan *plan, const struct vb_node_plugin *plugin, struct vb_error *err)
{
	vb_auto_buf struct vb_buf *text = vb_buf_create(8 << 20);

	if (text == NULL || vb_buf_printf(text, "%s:\n", plan->file.path) < 0 ||
		vb_node_diff(plan->now, plan->without, text) < 0 ||
		(plugin->kind != VB_NODE_PLUGIN_NONE &&
			vb_buf_printf(text, "vambrace-nri: %s (%s) goes\n", plugin->path,
				vb_node_plugin_kind_name(plugin->kind)) < 0))
		return vb_error_set(err, ENOMEM, "print the differences");
	return vb_command_print(text, err);
}

static int uninstall(const struct vb_node_options *options, const struct vb_node_host *host,
	struct vb_node_state *state, struct vb_error *err)
{
	vb_auto_node_plan struct vb_node_plan plan = {0};
	bool runs = host->containerd.pid > 0;

	int r = vb_node_plan_make(host, state, NULL, &plan, err);
	bool has_to_go = r == 0 && has_traces(&plan, &state->plugin);
	if (r == 0 && options->dry_run)
		return print_dry_run(&plan, &state->plugin, err);
	if (r == 0)
		r = check_without(host, &plan, &state->handlers, err);
	if (r == 0 && runs)
		r = wait_for_sandboxes(options, plan.socket, &state->handlers, err);
	if (r == 0 && runs && has_to_go)
		r = vb_node_check_restart(host, options, err);
	vb_node_hold_signals();
	if (r == 0 && has_to_go)
		r = take_away(options, host, &plan, state, err);
	/* A pod may have come between the question and the restart. */
	if (r == 0 && runs)
		r = wait_for_sandboxes(options, plan.socket, &state->handlers, err);
	return r < 0 ? r : vb_node_remove_all(err);
}

int vb_node_uninstall(const struct vb_node_options *options)
{
	vb_auto_node_host struct vb_node_host host = VB_NODE_HOST_NONE;
	vb_auto_node_state struct vb_node_state state = {0};
	struct vb_error err = {0};

	int r = vb_node_begin(options, "uninstall", &host, &state, &err);
	if (r == 0) {
		(void)puts("nothing is installed");
		if (access(VB_NODE_PREFIX, F_OK) == 0)
			(void)puts("  " VB_NODE_PREFIX
				   " is there: made by hand, or left by an installation that was "
				   "killed, which install takes over");
		return VB_EXIT_OK;
	}
	if (r > 0)
		r = uninstall(options, &host, &state, &err);
	if (r < 0)
		return vb_node_fail(&err);
	if (!options->dry_run)
		(void)puts(host.containerd.pid > 0 && !vb_node_restarts(&host, options)
				   ? "vambrace is uninstalled; containerd must be restarted"
				   : "vambrace is uninstalled");
	return VB_EXIT_OK;
}
