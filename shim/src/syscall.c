/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libc's syscall(). The stub of arch/ asks where a call has to go; all but the few that are gated
 * go straight to libc's: it may return twice (vfork), or on another stack (clone).
 */
#include "vb/shim/syscall.h"

#include "raw.h"
#include "vb/shim/interposed.h"
#include "vb/shim/log.h"
#include "vb/shim/net.h"
#include "vb/shim/policy.h"

/* The kernel looks at the lower half of the register only. */
static unsigned int kernel_number(long number)
{
	return (unsigned int)number;
}

static bool is_gated(unsigned int number)
{
	switch (number) {
	case __NR_connect:
	case __NR_sendto:
	case __NR_sendmsg:
	case __NR_sendmmsg:
	case __NR_execve:
	case __NR_execveat:
	case __NR_io_uring_setup:
		return true;
	default:
		return false;
	}
}

/* A ring connects and executes without a call that anybody could look at. */
static long set_up_ring(unsigned int entries, long parameters)
{
	const struct vb_shim_policy *policy = vb_shim_policy_get();

	if (!policy->connect_gated && !policy->exec_gated)
		return vb_shim_result(VB_RAW_2(__NR_io_uring_setup, entries, parameters));
	vb_shim_log_ring_denied(
		entries, policy->connect_gated ? VB_SHIM_ENV_CONNECT : VB_SHIM_ENV_EXEC);
	return vb_shim_fail(-EPERM);
}

static long call_sendto(long a, long b, long c, long d, long e, long f)
{
	struct vb_shim_sendto request = {.call = vb_shim_raw_sendto,
		.fd = (int)a,
		.data = (const void *)b,
		.bytes = (size_t)c,
		.flags = (int)d,
		.address = (const void *)e,
		.address_bytes = (unsigned int)f};

	return vb_shim_net_sendto(&request);
}

/* NOLINTNEXTLINE(readability-function-size): as many parameters as the kernel takes. */
static long gated(long number, long a, long b, long c, long d, long e, long f)
{
	switch (kernel_number(number)) {
	case __NR_connect:
		return vb_shim_net_connect(
			vb_shim_raw_connect, (int)a, (const void *)b, (unsigned int)c);
	case __NR_sendto:
		return call_sendto(a, b, c, d, e, f);
	case __NR_sendmsg:
		return vb_shim_net_sendmsg(vb_shim_raw_sendmsg, (int)a, (const void *)b, (int)c);
	case __NR_sendmmsg:
		return vb_shim_net_sendmmsg(
			vb_shim_raw_sendmmsg, (int)a, (void *)b, (unsigned int)c, (int)d);
	case __NR_execve:
		return execve((const char *)a, (char *const *)b, (char *const *)c);
	case __NR_execveat:
		return execveat(
			(int)a, (const char *)b, (char *const *)c, (char *const *)d, (int)e);
	case __NR_io_uring_setup:
		return set_up_ring((unsigned int)a, b);
	default:
		return vb_shim_result(vb_shim_raw(number, a, b, c, d, e, f));
	}
}

vb_shim_syscall_function *vb_shim_syscall_route(long number)
{
	const struct vb_shim_policy *policy = vb_shim_policy_get();
	vb_shim_syscall_function *next = policy->next.syscall;

	if (next == NULL || (policy->active && is_gated(kernel_number(number))))
		return gated;
	return next;
}
