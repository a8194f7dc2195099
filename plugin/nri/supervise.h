/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_SUPERVISE_H
#define VB_PLUGIN_NRI_SUPERVISE_H

#include <stdint.h>

#include "log.h"
#include "vb/base/error.h"

/*
 * The supervising parent of a launched plugin. containerd launches a plugin once, when it starts
 * itself, and kills the process that it launched as soon as its connection is closed; so that
 * process is the plugin, and the parent is a process beside it, of which containerd knows nothing.
 * It waits for the plugin to end, and then starts it again, as an external one, for as long as
 * that containerd lives. docs/nri.md says why it is so.
 */

enum {
	VB_SUPERVISE_FIRST_MS = 100,
	VB_SUPERVISE_MAX_MS = 5000,
	VB_SUPERVISE_LASTED_MS = 10000,
};

/*
 * How long to wait before the plugin is started again: the first delay for one that lasted, else
 * twice the one before (0: there was none), up to the greatest.
 */
unsigned int vb_supervise_delay_ms(unsigned int previous_ms, int64_t lived_ms);

struct vb_supervise_parts {
	int launched_fd;   /* the socket that the launching runtime left us */
	char *const *argv; /* of this process; the plugin gets it again, and --runtime-pid */
	struct vb_log *log;
};

/*
 * Makes the parent. Returns in the plugin alone; the parent ends with the runtime, or with SIGTERM
 * or SIGINT, and takes along a plugin that it has started. -ESRCH when who made the socket is not
 * who started us, or what pidfd_open(2) (Linux 5.3) and fork(2) say: there is no parent then.
 */
int vb_supervise_start(const struct vb_supervise_parts *parts, struct vb_error *err) VB_WARN_UNUSED;

#endif
