/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_CONFIG_WATCH_SYS_H
#define VB_PLUGIN_NRI_CONFIG_WATCH_SYS_H

#include <event2/event.h>

#include "vb/base/cleanup.h"

/*
 * Tells of changes in the directory of the config file (inotify): the file itself, or the link
 * that a ConfigMap volume swaps. No more than a hint: whether anything is new is found out by
 * looking. While the directory cannot be watched, because it is not there or has moved away, or for
 * want of an inotify instance, there is no hint; that is tried again every two seconds, and is one
 * when it works.
 */
struct vb_config_watch;

typedef void (*vb_config_watch_fn)(void *context);

/*
 * The callback comes from the loop, ahead of all else (VB_LOOP_FIRST). NULL when out of memory.
 */
struct vb_config_watch *vb_config_watch_create(struct event_base *base, const char *path,
	vb_config_watch_fn changed, void *context) VB_WARN_UNUSED;
void vb_config_watch_destroy(struct vb_config_watch *watch);

/* Looks for the directory again; may block on a disk, like open(2). */
void vb_config_watch_renew(struct vb_config_watch *watch);

#endif
