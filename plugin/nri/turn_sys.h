/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_TURN_SYS_H
#define VB_PLUGIN_NRI_TURN_SYS_H

#include <stdbool.h>
#include <sys/types.h>

#include "vb/base/cleanup.h"
#include "vb/base/error.h"

/*
 * Of the plugins on a host only one may be registered with a runtime: of two both would set a
 * container's plan, and the runtime refuses a container of which two plugins set the same. The
 * others wait for their turn.
 *
 * A turn is a record lock (fcntl(2)) on one byte of a file in the state directory, which is the
 * host's own for a plugin in a pod, too; the byte is the process id of the runtime. The kernel
 * gives it back when its process ends, however that comes. Nobody but root can open the file.
 *
 * Begin with VB_TURN_NONE.
 */
struct vb_turn {
	int fd;        /* -1: not opened yet. To close a second one would give the turn back */
	pid_t runtime; /* whose turn it is about; 0: none */
};

#define VB_TURN_NONE                                                                               \
	{                                                                                          \
		.fd = -1, .runtime = 0                                                             \
	}

/*
 * Takes the turn for the runtime at the other end of the socket. -EBUSY with who has it. 0 also
 * where it cannot be asked for (no such directory, a runtime in another pid namespace): two plugins
 * are fail-closed all the same.
 */
int vb_turn_take(struct vb_turn *turn, int socket_fd, struct vb_error *err) VB_WARN_UNUSED;

/*
 * -EBUSY while somebody has the turn that was not to be had last; else 0. It spares the runtime
 * connections that come to nothing.
 */
int vb_turn_check(const struct vb_turn *turn, struct vb_error *err) VB_WARN_UNUSED;

/* Gives it back, if there is one; it can be taken again. */
void vb_turn_give_back(struct vb_turn *turn);

void vb_turn_finish(struct vb_turn *turn);

#endif
