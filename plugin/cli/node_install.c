/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "node.h"

struct install {
	const struct vb_node_options *options;
	struct vb_node_host host;
	struct vb_node_state old, new;
	struct vb_node_plan plan;
	bool changes, restarts, has_put_plugin;
};

static void finish_install(struct install *install)
{
	vb_node_plan_finish(&install->plan);
	vb_node_state_finish(&install->old);
	vb_node_state_finish(&install->new);
	vb_node_host_finish(&install->host);
}

/* Those of before and those that are asked for, which win. */
static int join_handlers(struct install *install, struct vb_error *err)
{
	const struct vb_node_handlers *const lists[] = {
		&install->old.handlers, &install->options->handlers};
	struct vb_node_handlers *all = &install->new.handlers;
	int r = 0;

	for (size_t i = 0; i < VB_ARRAY_SIZE(lists); i++)
		for (size_t j = 0; r == 0 && j < lists[i]->count; j++) {
			vb_auto_free char *text = vb_str_format(
				"%s=%s", lists[i]->items[j].name, lists[i]->items[j].base);
			r = text != NULL ? vb_node_handlers_add(all, text, err)
					 : vb_error_set(err, ENOMEM, "read the handlers");
		}
	return r == 0 && all->count == 0 ? vb_node_handlers_add(all, "vambrace", err) : r;
}

static bool is_same(const struct vb_buf *a, const struct vb_buf *b)
{
	return vb_buf_size(a) == vb_buf_size(b) &&
	       memcmp(vb_buf_data(a), vb_buf_data(b), vb_buf_size(a)) == 0;
}

/* What an install before has put stays. */
static bool has_plugin(const struct install *install)
{
	return install->options->pre_registered || install->old.plugin.kind != VB_NODE_PLUGIN_NONE;
}

/*
 * containerd launches a plugin only when it starts itself, and never a second time. One that runs
 * is kept by its parent, whatever it is just about.
 */
static bool is_to_be_launched(const struct install *install)
{
	struct vb_node_daemons daemons;

	if (install->new.plugin.kind != VB_NODE_PLUGIN_LAUNCHED)
		return false;
	vb_node_daemons_find(VB_NODE_DAEMONS_ON_HOST, VB_NODE_DAEMONS_MAX, &daemons);
	return install->old.plugin.kind == VB_NODE_PLUGIN_NONE || daemons.count == 0;
}

/* A host has one plugin, and it is not for an installer to take away another one's. */
static int check_owner(const struct install *install, struct vb_error *err)
{
	const struct vb_node_plugin *has = &install->old.plugin;

	if (!install->options->daemonset)
		return install->options->pre_registered && has->kind == VB_NODE_PLUGIN_NONE
			       ? vb_node_check_none(VB_NODE_DAEMONS_ALL, err)
			       : 0;
	if (install->host.containerd.pid <= 0) {
		(void)vb_error_say(err, ESRCH, "the containerd that runs this pod is not seen");
		return vb_error_fix(
			err, "give the pod `hostPID: true`, and the host's / by --root");
	}
	if (has->kind == VB_NODE_PLUGIN_NONE)
		return vb_node_check_none(VB_NODE_DAEMONS_ON_HOST, err);
	(void)vb_error_say(err, EBUSY,
		"this host has a plugin of its own, '%s' (installed with --pre-registered); the "
		"DaemonSet's would be a second one",
		has->path);
	return vb_error_fix(err, VB_NODE_ONE_OF_POD_AND_HOST);
}

/* Everything is decided here, and nothing has changed yet. */
static int prepare(struct install *install, struct vb_error *err)
{
	int r = vb_node_begin(install->options, "install", &install->host, &install->old, err);

	if (r >= 0)
		r = check_owner(install, err);
	if (r == 0)
		r = vb_node_check_directories(err);
	if (r == 0)
		r = join_handlers(install, err);
	if (r == 0)
		r = vb_node_plan_make(
			&install->host, &install->old, &install->new.handlers, &install->plan, err);
	if (r == 0 && has_plugin(install))
		r = vb_node_plugin_choose(&install->host, &install->plan.nri, &install->old.plugin,
			&install->new.plugin, err);
	if (r < 0)
		return r;
	install->changes = !is_same(install->plan.now, install->plan.with);
	if (!vb_node_restarts(&install->host, install->options))
		return 0;
	install->restarts =
		install->changes || is_to_be_launched(install) ||
		vb_node_cri_wait(install->plan.socket, &install->new.handlers, 0, NULL) < 0;
	return install->restarts ? vb_node_check_restart(&install->host, install->options, err) : 0;
}

static int print_plan(const struct install *install, struct vb_error *err)
{
	vb_auto_buf struct vb_buf *text = vb_buf_create(8 << 20);
	const struct vb_node_plan *plan = &install->plan;

	if (text == NULL)
		return vb_error_set(err, ENOMEM, "print the differences");
	int r = vb_buf_printf(
		text, "%s (%s):\n", plan->file.path, vb_node_file_kind_name(plan->file.kind));
	if (r == 0)
		r = vb_node_diff(plan->now, plan->with, text);
	if (r == 0)
		r = vb_buf_append_string(text, "containerd config dump, against none of ours:\n");
	if (r == 0)
		r = vb_buf_append(
			text, vb_buf_data(plan->differences), vb_buf_size(plan->differences));
	if (r == 0 && install->new.plugin.kind != VB_NODE_PLUGIN_NONE)
		r = vb_buf_printf(text, "vambrace-nri: %s (%s)\n", install->new.plugin.path,
			vb_node_plugin_kind_name(install->new.plugin.kind));
	if (r == 0)
		r = vb_buf_printf(
			text, "containerd restarts: %s\n", install->restarts ? "once" : "no");
	return r < 0 ? vb_error_set(err, -r, "print the differences") : vb_command_print(text, err);
}

static int check_hooks(const struct install *install, struct vb_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < install->new.handlers.count; i++)
		r = vb_node_check_hook(install->new.version, &install->new.handlers.items[i], err);
	return r;
}

/* The programs, without a moment in which a handler leads nowhere. */
static int install_programs(struct install *install, struct vb_error *err)
{
	int r = vb_node_stage_version(&install->host, &install->new.version, err);

	if (r == 0)
		r = vb_node_write_oci(&install->new.handlers, err);
	if (r == 0)
		r = check_hooks(install, err);
	if (r == 0 && has_plugin(install))
		r = vb_node_check_daemon(install->new.version, err);
	return r < 0 ? r
		     : vb_node_switch_version(install->new.version, &install->new.handlers, err);
}

/* What is noted first can be taken away after any interruption. */
static int install_config(struct install *install, struct vb_error *err)
{
	if (vb_node_file_copy(&install->plan.file, &install->new.file) < 0)
		return vb_error_set(err, ENOMEM, "install");
	int r = vb_node_state_save(&install->new, err);
	if (r < 0 || !install->changes)
		return r;
	return vb_node_plan_write(&install->plan, install->plan.with, err);
}

static int restart(const struct install *install, const struct vb_node_handlers *handlers,
	struct vb_error *err)
{
	int r = vb_node_restart(&install->host, install->options, err);

	if (r < 0)
		return r;
	r = vb_node_cri_wait(install->plan.socket, handlers, install->options->timeout_s, err);
	return r < 0 ? vb_error_wrap(err, "containerd after its restart") : 0;
}

/* Whatever starts it, it is registered in the end, if containerd runs with this configuration. */
static int start_plugin(const struct install *install, struct vb_error *err)
{
	const struct vb_node_plugin *plugin = &install->new.plugin;
	int r = 0;

	if (install->restarts)
		r = restart(install, &install->new.handlers, err);
	else
		vb_node_plugin_renew(plugin, install->new.version);
	if (r < 0 || plugin->kind == VB_NODE_PLUGIN_NONE ||
		!vb_node_restarts(&install->host, install->options))
		return r;
	return vb_node_plugin_wait(install->new.version, install->options->timeout_s, err);
}

static int undo_plugin(const struct install *install, struct vb_error *err)
{
	if (!install->has_put_plugin)
		return 0;
	if (install->old.plugin.kind == VB_NODE_PLUGIN_NONE)
		return vb_node_plugin_remove(&install->host, &install->new.plugin, err);
	vb_node_plugin_renew(&install->old.plugin, install->old.version);
	return vb_node_plugin_put(&install->host, &install->old.plugin, install->old.version, err);
}

/*
 * As before. Each part leaves alone what is as it was, so that nothing is asked of a disk that has
 * just refused it. Where one fails the rest stays, and is noted, for an uninstallation.
 */
static int roll_back(struct install *install, bool has_restarted, struct vb_error *err)
{
	struct vb_error second = {0};
	int r = vb_node_plan_restore(&install->plan, install->plan.with, &second);

	if (r == 0 && install->old.version != NULL) {
		r = vb_node_write_oci(&install->old.handlers, &second);
		if (r == 0)
			r = vb_node_switch_version(
				install->old.version, &install->old.handlers, &second);
		if (r == 0)
			r = vb_node_state_save(&install->old, &second);
		vb_node_prune_versions(install->old.version, NULL);
	}
	if (r == 0)
		r = undo_plugin(install, &second);
	if (r == 0 && has_restarted)
		r = restart(install, &install->old.handlers, &second);
	if (r == 0 && install->old.version == NULL)
		r = vb_node_remove_all(&second);
	else if (r == 0)
		vb_node_drop_links(&install->new.handlers, &install->old.handlers);
	if (r == 0)
		return vb_node_also(err, "everything is as it was before");
	(void)vb_error_wrap(&second, "rolling back failed too; fix this and install again");
	return vb_node_also(err, second.what);
}

static int apply(struct install *install, struct vb_error *err)
{
	int r = install_programs(install, err);
	bool has_restarted = false;

	if (r == 0)
		r = install_config(install, err);
	if (r == 0) {
		install->has_put_plugin = true;
		r = vb_node_plugin_put(
			&install->host, &install->new.plugin, install->new.version, err);
	}
	if (r == 0) {
		has_restarted = install->restarts;
		r = start_plugin(install, err);
	}
	if (r < 0)
		return roll_back(install, has_restarted, err);
	vb_node_prune_versions(install->new.version, install->old.version);
	return 0;
}

/* What containerd does not know of before it starts again. */
static bool is_pending(const struct install *install)
{
	return install->changes || (install->new.plugin.kind == VB_NODE_PLUGIN_LAUNCHED &&
					   install->old.plugin.kind == VB_NODE_PLUGIN_NONE);
}

static void print_plugin(const struct vb_node_plugin *plugin)
{
	if (plugin->kind != VB_NODE_PLUGIN_NONE)
		printf("; vambrace-nri %s: %s", vb_node_plugin_kind_name(plugin->kind),
			plugin->path);
}

static int print_result(const struct install *install)
{
	struct vb_error err = {0};

	printf("vambrace %s is installed; ", install->new.version);
	for (size_t i = 0; i < install->new.handlers.count; i++)
		printf("%s%s before %s",
			i > 0 ? ", " : "handlers: ", install->new.handlers.items[i].name,
			install->new.handlers.items[i].runtime);
	print_plugin(&install->new.plugin);
	printf("; %s %s; containerd %s\n", install->plan.file.path,
		install->changes ? "changed" : "unchanged",
		install->restarts     ? "restarted once"
		: is_pending(install) ? "must be restarted"
				      : "not restarted");
	if (vb_node_check_named(&install->new.handlers, &err) < 0)
		(void)vb_command_fail(&err);
	if (vb_node_check_single(&err) < 0)
		(void)vb_command_fail(&err);
	return VB_EXIT_OK;
}

int vb_node_install(const struct vb_node_options *options)
{
	vb_auto(finish_install) struct install install = {
		.options = options, .host = VB_NODE_HOST_NONE};
	struct vb_error err = {0};

	int r = prepare(&install, &err);
	if (r < 0)
		return vb_node_fail(&err);
	if (options->dry_run || install.plan.refused > 0) {
		if (print_plan(&install, &err) < 0)
			return vb_command_fail(&err);
		if (install.plan.refused == 0)
			return VB_EXIT_OK;
		(void)fprintf(stderr,
			"vambrace: containerd would make more of it than the handlers (lines with "
			"'!'); nothing has changed\n");
		return VB_EXIT_REFUSED;
	}
	vb_node_hold_signals();
	r = apply(&install, &err);
	return r < 0 ? vb_command_fail(&err) : print_result(&install);
}
