/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_CLI_NODE_PLUGIN_H
#define VB_PLUGIN_CLI_NODE_PLUGIN_H

#include <stdbool.h>

#include "node_dump.h"
#include "vb/base/buf.h"
#include "vb/base/error.h"

struct vb_node_host;

/*
 * Who runs vambrace-nri on a host without the DaemonSet: containerd from its plugin directory, or,
 * with containerd 1.7, a service of systemd. A plugin is chosen, put, waited for, and removed.
 */

#define VB_NODE_NRI_SOCKET "/var/run/nri/nri.sock"

enum vb_node_plugin_kind {
	VB_NODE_PLUGIN_NONE,
	VB_NODE_PLUGIN_LAUNCHED,
	VB_NODE_PLUGIN_SERVICE,
};

struct vb_node_plugin {
	enum vb_node_plugin_kind kind;
	char *path; /* the link in the plugin directory, or the unit */
	char *made; /* the topmost directory that is made for it; NULL: all are there */
};

void vb_node_plugin_finish(struct vb_node_plugin *plugin);

/* "none", "launched", "service". */
const char *vb_node_plugin_kind_name(enum vb_node_plugin_kind kind);

/* -ENOMEM. */
int vb_node_plugin_copy(
	const struct vb_node_plugin *plugin, struct vb_node_plugin *ret_copy) VB_WARN_UNUSED;

/*
 * Decides how, from what containerd says of its NRI; one that was put before stays, of whatever
 * kind. Nothing changes. -EPERM where NRI would not let a plugin come back, -ENOSYS without a
 * systemd where one is needed, -EEXIST when something else is at the place.
 */
int vb_node_plugin_choose(const struct vb_node_host *host, const struct vb_node_nri *nri,
	const struct vb_node_plugin *before, struct vb_node_plugin *ret_plugin,
	struct vb_error *err) VB_WARN_UNUSED;

/* Whether it is there as it was put. -ENOENT, -EEXIST for something else, or what lstat(2) says. */
int vb_node_plugin_check(const struct vb_node_plugin *plugin, struct vb_error *err) VB_WARN_UNUSED;

/*
 * Puts it there; a service is enabled, and started anew unless it runs in that version, a link is
 * for containerd's next start. Never is there another name in the plugin directory than the one
 * that stays.
 */
int vb_node_plugin_put(const struct vb_node_host *host, const struct vb_node_plugin *plugin,
	const char *version, struct vb_error *err) VB_WARN_UNUSED;

/*
 * Ends the process of a launched plugin that is not of this version, so that its parent starts the
 * one that is current.
 */
void vb_node_plugin_renew(const struct vb_node_plugin *plugin, const char *version);

/* Takes it away, and the directories that were made for it. */
int vb_node_plugin_remove(const struct vb_node_host *host, const struct vb_node_plugin *plugin,
	struct vb_error *err) VB_WARN_UNUSED;

/*
 * Waits until the plugin of that version runs and is registered with containerd; with timeout_s 0
 * it looks once. -ETIMEDOUT with what is known of it.
 */
int vb_node_plugin_wait(
	const char *version, unsigned int timeout_s, struct vb_error *err) VB_WARN_UNUSED;

/* Whether the daemon runs with a config that is no file of this node, as with the DaemonSet. */
bool vb_node_config_is_elsewhere(void);

/*
 * Whether the node config names every handler; -ESRCH for one that it does not. 0 also where it is
 * elsewhere.
 */
int vb_node_check_named(
	const struct vb_node_handlers *handlers, struct vb_error *err) VB_WARN_UNUSED;

#endif
