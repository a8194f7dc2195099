/* SPDX-License-Identifier: Apache-2.0 */
#include "turn_sys.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vb/adjust/state.h"

#define TURNS VB_STATE_DIR "/turns"

static struct flock lock_of(const struct vb_turn *turn, short type)
{
	return (struct flock){
		.l_type = type, .l_whence = SEEK_SET, .l_start = turn->runtime, .l_len = 1};
}

static bool is_open(struct vb_turn *turn)
{
	if (turn->fd >= 0)
		return true;
	if (mkdir(VB_STATE_DIR, 0700) < 0 && errno != EEXIST)
		return false;
	turn->fd = open(TURNS, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return turn->fd >= 0;
}

/* 0: it is not visible from here. */
static pid_t find_runtime(int socket_fd)
{
	struct ucred runtime = {0};
	socklen_t size = sizeof(runtime);

	return getsockopt(socket_fd, SOL_SOCKET, SO_PEERCRED, &runtime, &size) < 0 ? 0
										   : runtime.pid;
}

/* pid 0: it has gone in this moment, or is not visible from here. */
static int say_busy(pid_t pid, struct vb_error *err)
{
	if (pid <= 0)
		return vb_error_say(err, EBUSY, "another vambrace-nri serves this runtime");
	return vb_error_say(
		err, EBUSY, "another vambrace-nri, pid %d, serves this runtime", (int)pid);
}

int vb_turn_check(const struct vb_turn *turn, struct vb_error *err)
{
	struct flock lock = lock_of(turn, F_WRLCK);

	if (turn->fd < 0 || turn->runtime <= 0 || fcntl(turn->fd, F_GETLK, &lock) < 0 ||
		lock.l_type == F_UNLCK)
		return 0;
	return say_busy(lock.l_pid, err);
}

int vb_turn_take(struct vb_turn *turn, int socket_fd, struct vb_error *err)
{
	vb_turn_give_back(turn);
	turn->runtime = find_runtime(socket_fd);
	struct flock lock = lock_of(turn, F_WRLCK);
	if (turn->runtime <= 0 || !is_open(turn) || fcntl(turn->fd, F_SETLK, &lock) == 0 ||
		(errno != EACCES && errno != EAGAIN))
		return 0;
	int r = vb_turn_check(turn, err);
	return r < 0 ? r : say_busy(0, err);
}

void vb_turn_give_back(struct vb_turn *turn)
{
	struct flock lock = lock_of(turn, F_UNLCK);

	if (turn->fd >= 0 && turn->runtime > 0)
		(void)fcntl(turn->fd, F_SETLK, &lock);
	turn->runtime = 0;
}

void vb_turn_finish(struct vb_turn *turn)
{
	vb_cleanup_close(&turn->fd);
	*turn = (struct vb_turn)VB_TURN_NONE;
}
