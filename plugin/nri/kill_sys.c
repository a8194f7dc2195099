/* SPDX-License-Identifier: Apache-2.0 */
#include "kill_sys.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>

#include "evidence_sys.h"

int vb_kill_container(pid_t pid, const char *container_id, struct vb_error *err)
{
	if (pid <= 0)
		return vb_error_say(err, ESRCH, "the runtime named no process");
	/* Without glibc's wrappers, which came with 2.36. */
	vb_auto_close int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return vb_error_set(err, errno, "open process %d", (int)pid);
	int r = vb_evidence_check_process(pid, container_id, err);
	if (r < 0)
		return r;
	if (syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) < 0)
		return vb_error_set(err, errno, "kill process %d", (int)pid);
	return 0;
}
