/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_CLI_NODE_PLAN_H
#define VB_PLUGIN_CLI_NODE_PLAN_H

#include "node.h"
#include "node_edit.h"

/* Whether containerd's file is made by k3s or RKE2, so that an edit of it would not last. */
bool vb_node_is_generated(const char *config);

/*
 * The file that takes the handlers: a drop-in where this containerd merges them and the root file
 * imports a directory that would hold ours; the template of a file that is generated; else the root
 * file itself. Only kind and path are set. -ENOMEM.
 */
int vb_node_choose_file(const char *config, const struct vb_node_edit_facts *facts,
	bool has_drop_ins, struct vb_node_file *ret_file) VB_WARN_UNUSED;

#endif
