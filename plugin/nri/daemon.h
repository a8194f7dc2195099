/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_DAEMON_H
#define VB_PLUGIN_NRI_DAEMON_H

#include "log.h"
#include "session.h"

struct vb_daemon_options {
	struct vb_session_options session;
	const char *config_path;
	const char *version;
};

/*
 * Puts all parts together and serves until a signal, or a launching runtime, ends it. Returns the
 * process's exit status.
 */
int vb_daemon_run(const struct vb_daemon_options *options, struct vb_log *log);

#endif
