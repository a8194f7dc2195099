/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_KILL_SYS_H
#define VB_PLUGIN_NRI_KILL_SYS_H

#include <sys/types.h>

#include "vb/base/cleanup.h"
#include "vb/base/error.h"

/*
 * Kills a container's first process, and with it, where it has a pid namespace, the container. The
 * process is held by a pidfd (Linux 5.3) before its cgroup is looked at, so another one that was
 * given the pid meanwhile is never hit. Needs CAP_KILL for processes of other users. -ESRCH when
 * the pid is no process of the container, or no pid is known (0); errnos of pidfd_open(2) and
 * pidfd_send_signal(2).
 */
int vb_kill_container(pid_t pid, const char *container_id, struct vb_error *err) VB_WARN_UNUSED;

#endif
