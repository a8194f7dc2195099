/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_CLI_NODE_DAEMONS_H
#define VB_PLUGIN_CLI_NODE_DAEMONS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "vb/base/cleanup.h"
#include "vb/base/error.h"

/*
 * The processes of vambrace-nri that serve this host, whoever has started them: those whose
 * /run/vambrace is the host's own. One is enough: a second one waits until the first has ended, and
 * the pod that it is in is not ready meanwhile.
 */

enum { VB_NODE_DAEMONS_MAX = 8 };

struct vb_node_daemon {
	pid_t pid;
	bool is_in_container; /* its root is not the host's: a pod's, most likely the DaemonSet's */
};

struct vb_node_daemons {
	struct vb_node_daemon items[VB_NODE_DAEMONS_MAX];
	size_t count;
};

/* Which of them are looked for. */
enum vb_node_daemons_where {
	VB_NODE_DAEMONS_ALL,
	VB_NODE_DAEMONS_ON_HOST, /* in no container */
};

/*
 * Finds them. While there are more than are expected it looks again, for two seconds, since one
 * may be about to end. What may not be seen is not found.
 */
void vb_node_daemons_find(
	enum vb_node_daemons_where where, size_t expected, struct vb_node_daemons *ret_daemons);

/*
 * -EBUSY when there is one, and what that means for somebody who is about to bring another; else 0.
 */
int vb_node_check_none(enum vb_node_daemons_where where, struct vb_error *err) VB_WARN_UNUSED;

/* -EBUSY when there are several, and how to come to one. */
int vb_node_check_single(struct vb_error *err) VB_WARN_UNUSED;

/* How an operator keeps the DaemonSet off a host that has a plugin of its own. */
#define VB_NODE_KEEP_OFF                                                                           \
	"keep the DaemonSet off this node: kubectl label node NODE node.vambrace.dev/"             \
	"pre-registered="

/* How to come from two to one, where one of them is in a container, and where none is. */
#define VB_NODE_ONE_OF_POD_AND_HOST                                                                \
	VB_NODE_KEEP_OFF "; or take the host's own away: /opt/vambrace/sbin/vambrace node "        \
			 "uninstall --drain"
#define VB_NODE_ONE_OF_HOST "end the one that `vambrace node install` did not install"

#endif
