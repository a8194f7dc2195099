/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vb/adjust/profile.h"
#include "vb/adjust/speculation.h"
#include "vb/base/cleanup.h"
#include "vb/base/str.h"

/* What a child says, in one write. */
struct answer {
	int error; /* of installing the filter; 0: it is in place */
	struct vb_speculation state;
};

static int read_control(unsigned long misfeature)
{
	int control = prctl(PR_GET_SPECULATION_CTRL, misfeature, 0, 0, 0);

	return control < 0 ? -errno : control;
}

void vb_speculation_read(struct vb_speculation *ret_state)
{
	ret_state->store_bypass = read_control(PR_SPEC_STORE_BYPASS);
	ret_state->indirect_branch = read_control(PR_SPEC_INDIRECT_BRANCH);
}

static long set_filter(unsigned int flags, const struct sock_fprog *program)
{
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, program);
}

/* The child of a process with threads: nothing but system calls. */
static _Noreturn void measure(unsigned int flags, int output)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	const struct sock_fprog program = {.len = 1, .filter = &allow};
	struct answer answer = {0};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || set_filter(flags, &program) < 0)
		answer.error = errno;
	vb_speculation_read(&answer.state);
	_exit(write(output, &answer, sizeof(answer)) == (ssize_t)sizeof(answer) ? 0 : 1);
}

/* A pipe takes and gives so few bytes at once. */
static int hear(int input, struct answer *ret_answer)
{
	ssize_t n;

	do
		n = read(input, ret_answer, sizeof(*ret_answer));
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(*ret_answer) ? 0 : -EPROTO;
}

static int ask_child(unsigned int flags, struct vb_speculation *ret_state, struct vb_error *err)
{
	struct answer answer;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return vb_error_set(err, errno, "probe speculation control");
	vb_auto_close int input = ends[0];
	vb_auto_close int output = ends[1];
	pid_t pid = fork();
	if (pid < 0)
		return vb_error_set(err, errno, "probe speculation control");
	if (pid == 0)
		measure(flags, output);
	(void)close(vb_steal_fd(&output));
	int r = hear(input, &answer);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (r < 0)
		return vb_error_say(err, EPROTO, "probe speculation control: no answer");
	if (answer.error != 0)
		return vb_error_say(err, EPROTO,
			"probe speculation control: the filter is refused with errno %d",
			answer.error);
	*ret_state = answer.state;
	return 0;
}

/* The flags are looked at before the pointer to the program is. */
static unsigned int known_flags(void)
{
	static const unsigned int flags[] = {VB_PROFILE_FLAG_TSYNC, VB_PROFILE_FLAG_LOG,
		VB_PROFILE_FLAG_SPEC_ALLOW, VB_PROFILE_FLAG_WAIT_KILLABLE_RECV};
	unsigned int known = 0;

	for (size_t i = 0; i < VB_ARRAY_SIZE(flags); i++)
		if (set_filter(flags[i], NULL) < 0 && errno == EFAULT)
			known |= flags[i];
	return known;
}

int vb_speculation_probe(struct vb_speculation_probe *ret_probe, struct vb_error *err)
{
	struct vb_speculation_probe probe = {.known_flags = known_flags()};

	vb_speculation_read(&probe.before);
	probe.allowed = probe.before;
	int r = ask_child(0, &probe.plain, err);
	if (r == 0 && (probe.known_flags & VB_PROFILE_FLAG_SPEC_ALLOW) != 0)
		r = ask_child(VB_PROFILE_FLAG_SPEC_ALLOW, &probe.allowed, err);
	if (r < 0)
		return r;
	*ret_probe = probe;
	return 0;
}
