/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_CLI_NODE_UNIT_H
#define VB_PLUGIN_CLI_NODE_UNIT_H

/* The text of deploy/systemd/vambrace-nri.service, made at build time. */
extern const char vb_node_unit[];

#endif
