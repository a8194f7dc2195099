/* SPDX-License-Identifier: Apache-2.0 */
#include "node.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

/* What a person, a session that ends, and kubelet send. */
static void choose(sigset_t *ret_signals)
{
	(void)sigemptyset(ret_signals);
	(void)sigaddset(ret_signals, SIGHUP);
	(void)sigaddset(ret_signals, SIGINT);
	(void)sigaddset(ret_signals, SIGTERM);
}

void vb_node_hold_signals(void)
{
	sigset_t signals;

	choose(&signals);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
}

void vb_node_let_signals(void)
{
	sigset_t signals;

	choose(&signals);
	(void)sigprocmask(SIG_UNBLOCK, &signals, NULL);
}

bool vb_node_is_interrupted(void)
{
	const struct timespec none = {0};
	sigset_t signals;

	choose(&signals);
	return sigtimedwait(&signals, NULL, &none) > 0;
}

int vb_node_pause(unsigned int ms, struct vb_error *err)
{
	const struct timespec pause = {.tv_nsec = ms * 1000000L};

	if (vb_node_is_interrupted())
		return vb_error_say(err, EINTR, "interrupted");
	(void)nanosleep(&pause, NULL);
	return 0;
}
