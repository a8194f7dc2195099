/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_CLI_CONTAINERD_PROCESS_SYS_H
#define VB_PLUGIN_CLI_CONTAINERD_PROCESS_SYS_H

#include <sys/types.h>

#include "vb/base/cleanup.h"

/* The containerd that runs on a root file system, and how it was started. */
struct vb_containerd {
	pid_t pid;
	char *executable; /* NULL: it may not be seen */
	char *config;     /* of --config; NULL: the default */
	char *address;    /* of --address; NULL: that of its configuration */
};

void vb_containerd_finish(struct vb_containerd *containerd);
#define vb_auto_containerd vb_auto(vb_containerd_finish)

/*
 * Looks in /proc for a containerd of root's with this root directory; one whose root directory may
 * not be seen counts as well. -ENOENT when there is none.
 */
int vb_containerd_find(const char *root, struct vb_containerd *ret_containerd) VB_WARN_UNUSED;

/*
 * The one that listens on a socket, which is a path on that root. -ENOENT when it is another
 * process that listens there, errnos of connect(2).
 */
int vb_containerd_find_listener(
	const char *root, const char *address, struct vb_containerd *ret_containerd) VB_WARN_UNUSED;

/* The one that was started as this one was, and may be it. -ENOENT. */
int vb_containerd_find_again(const char *root, const struct vb_containerd *one,
	struct vb_containerd *ret_containerd) VB_WARN_UNUSED;

/* A daemon with another configuration or another socket than this one. -ENOENT. */
int vb_containerd_find_other(const char *root, const struct vb_containerd *one,
	struct vb_containerd *ret_containerd) VB_WARN_UNUSED;

/* The socket that a shim of containerd was told to report to; NULL: it is no shim, or not seen. */
char *vb_containerd_shim_address(pid_t pid);

/* "1.7.24~ds1" of the program; NULL when it does not say. The caller frees it. */
char *vb_containerd_version(const char *executable);

#endif
