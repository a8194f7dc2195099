/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_CONFIG_WATCH_SYS_H
#define VB_PLUGIN_NRI_CONFIG_WATCH_SYS_H

#include <event2/event.h>

#include "vb/base/cleanup.h"

/*
 * Tells of changes in the directory of the config file (inotify): the file itself, or the link
 * that a ConfigMap volume turns round. A hint, no more: whether anything is new is found out by
 * looking. Without the directory there is none.
 */
struct vb_config_watch;

/*
 * The loop's priorities: a change of the config comes first, so that a request sent after the
 * change is never decided ahead of it; who reads metrics comes last; all else is in the middle,
 * libevent's default.
 */
enum { VB_LOOP_FIRST = 0, VB_LOOP_LAST = 2, VB_LOOP_PRIORITIES = 3 };

typedef void (*vb_config_watch_fn)(void *context);

/* The callback comes from the loop. NULL when it cannot be had, out of memory or descriptors. */
struct vb_config_watch *vb_config_watch_create(struct event_base *base, const char *path,
	vb_config_watch_fn changed, void *context) VB_WARN_UNUSED;
void vb_config_watch_destroy(struct vb_config_watch *watch);

/* Looks for the directory again; may block on a disk, like open(2). */
void vb_config_watch_renew(struct vb_config_watch *watch);

#endif
