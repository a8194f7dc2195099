/* SPDX-License-Identifier: Apache-2.0 */
#include "node.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Not under /opt/vambrace, which comes and goes with what is installed. */
#define LOCK "/run/vambrace-node.lock"

enum { HOLDER_MAX = 64, TRIES = 10 };

static int say_busy(int fd, struct vb_error *err)
{
	char holder[HOLDER_MAX] = "";

	ssize_t length = pread(fd, holder, sizeof(holder) - 1, 0);
	(void)vb_error_say(err, EBUSY, "another installer is at work on this host: %s",
		length > 0 ? holder : "one that has just begun");
	return vb_error_fix(err, "wait until it has ended");
}

/* The one before takes the file away while it still has the lock; then there is a new one. */
static int take(int fd, bool *ret_is_gone)
{
	struct stat st;

	if (flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, &st) < 0)
		return -errno;
	*ret_is_gone = st.st_nlink == 0;
	return 0;
}

int vb_node_lock(struct vb_node_host *host, const char *action, struct vb_error *err)
{
	char text[HOLDER_MAX];
	bool is_gone = true;

	for (int i = 0; i < TRIES && is_gone; i++) {
		vb_auto_close int fd = open(LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			return vb_error_set(err, errno, "open '%s'", LOCK);
		int r = take(fd, &is_gone);
		if (r == -EWOULDBLOCK)
			return say_busy(fd, err);
		if (r < 0)
			return vb_error_set(err, -r, "lock '%s'", LOCK);
		if (!is_gone)
			host->lock_fd = vb_steal_fd(&fd);
	}
	if (is_gone)
		return vb_error_set(err, EBUSY, "lock '%s'", LOCK);
	int length =
		snprintf(text, sizeof(text), "vambrace node %s, pid %d", action, (int)getpid());
	/* It is for people; the lock holds without. */
	if (ftruncate(host->lock_fd, 0) < 0 || length < 0 ||
		pwrite(host->lock_fd, text, (size_t)length, 0) < 0)
		return vb_error_set(err, errno, "write '%s'", LOCK);
	return 0;
}

void vb_node_unlock(int lock_fd)
{
	if (lock_fd < 0)
		return;
	(void)unlink(LOCK);
	(void)close(lock_fd);
}
