/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/shim/log.h"

#include <stdatomic.h>
#include <string.h>

#include "raw.h"
#include "vb/shim/limit.h"
#include "vb/shim/policy.h"
#include "vb/shim/text.h"

enum {
	STDERR = 2,
	/* Below PIPE_BUF: a pipe takes a line whole or not at all. */
	LINE_BYTES = 3072,
	PATH_BYTES = 2600,
	ENTRY_BYTES = 200,
	WAIT_NS = 50 * 1000 * 1000,
	PIPE_SIGNAL = 1 << (13 - 1) /* SIGPIPE in a vb_shim_sigset */,
	SEEK_FROM_HERE = 1,
	NO_WAIT_FLAG = 0x8 /* RWF_NOWAIT */,
	MONOTONIC = 1 /* CLOCK_MONOTONIC */,
};

/* Lines lost since the last that got through. */
static atomic_uint dropped;
/* Denied datagrams without a line of their own, since the last line that got through. */
static atomic_uint left_out;
static struct vb_shim_limit datagram_limit;
/* Mapped for the first audited datagram. */
static struct vb_shim_seen *_Atomic audited_datagrams;

struct line {
	char bytes[LINE_BYTES];
	struct vb_shim_text text;
	/* Lines dropped, and datagrams left out, before this one. */
	unsigned int lost;
	unsigned int silent;
};

/* Pipes: Linux 6.4; EPERM is a seccomp filter's answer. */
static bool is_unsupported(long result)
{
	return result == -EOPNOTSUPP || result == -ENOSYS || result == -EINVAL || result == -EPERM;
}

/*
 * One try to write. A pipe that polls as writable can be filled by another writer before our write,
 * which would then block for ever, so pipes and sockets are written to without waiting where the
 * kernel can. Files and /dev/null never block for long and may refuse such writes.
 */
static long try_write(const char *bytes, size_t count, struct __kernel_timespec *left)
{
	struct iovec vector = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = count};
	struct pollfd poll = {.fd = STDERR, .events = POLLOUT};
	long result;

	if (VB_RAW_3(__NR_lseek, STDERR, 0, SEEK_FROM_HERE) >= 0)
		return VB_RAW_3(__NR_write, STDERR, bytes, count);
	result = VB_RAW_6(__NR_pwritev2, STDERR, &vector, 1, -1, -1, NO_WAIT_FLAG);
	if (result != -EAGAIN && !is_unsupported(result))
		return result;
	/* The kernel leaves the rest of the time in *left. */
	if (VB_RAW_5(__NR_ppoll, &poll, 1, left, NULL, 0) == 0)
		return -ETIME;
	return result == -EAGAIN ? -EAGAIN : VB_RAW_3(__NR_write, STDERR, bytes, count);
}

/* 0 when it is written, -EAGAIN when stderr stayed full, or why there is no reader. */
static long write_all(const char *bytes, size_t count, long wait_ns)
{
	struct __kernel_timespec left = {.tv_nsec = wait_ns};

	while (count > 0) {
		long result = try_write(bytes, count, &left);

		if (result == -EAGAIN && left.tv_nsec > 0)
			continue;
		if (result < 0)
			return result == -ETIME ? -EAGAIN : result;
		bytes += result;
		count -= (size_t)result;
	}
	return 0;
}

/*
 * A SIGPIPE of our own write must not reach the workload; one that was pending already must. All
 * signals wait, so that a handler's line cannot come between and no call is interrupted.
 */
static long write_quietly(const char *bytes, size_t count, long wait_ns)
{
	vb_shim_sigset pending = 0;
	vb_shim_sigset old = vb_shim_block_signals();
	long result;

	VB_RAW_2(__NR_rt_sigpending, &pending, sizeof(pending));
	result = write_all(bytes, count, wait_ns);
	if (result == -EPIPE && (pending & PIPE_SIGNAL) == 0) {
		vb_shim_sigset broken_pipe = PIPE_SIGNAL;
		struct __kernel_timespec at_once = {0};

		VB_RAW_4(__NR_rt_sigtimedwait, &broken_pipe, NULL, &at_once, sizeof(broken_pipe));
	}
	vb_shim_restore_signals(old);
	return result;
}

static void announce(struct line *line, unsigned int count, const char *what)
{
	if (count == 0)
		return;
	vb_shim_text_add(&line->text, "autonomy-preload: ");
	vb_shim_text_add_unsigned(&line->text, count);
	vb_shim_text_add(&line->text, what);
}

static void start(struct line *line)
{
	line->text = (struct vb_shim_text){.data = line->bytes, .size = LINE_BYTES};
	line->lost = atomic_exchange(&dropped, 0);
	line->silent = atomic_exchange(&left_out, 0);
	announce(line, line->lost, " line(s) dropped, stderr was full\n");
	announce(line, line->silent, " more datagram(s) denied, at most 10 lines a second\n");
}

/* False when the line was dropped. */
static bool finish(struct line *line)
{
	/* Once a line was lost the reader is stuck: no more waiting until one gets through. */
	long wait_ns = line->lost == 0 ? WAIT_NS : 0;

	vb_shim_text_add(&line->text, "\n");
	if (write_quietly(line->bytes, line->text.length, wait_ns) != -EAGAIN)
		return true;
	atomic_fetch_add(&dropped, line->lost + 1);
	atomic_fetch_add(&left_out, line->silent);
	return false;
}

static void add_path(struct line *line, const char *path)
{
	vb_shim_text_add_escaped(&line->text, path, strlen(path), PATH_BYTES);
}

static void log_denied(const char *operation, const char *path, const char *variable)
{
	struct line line;

	start(&line);
	vb_shim_text_add(&line.text, "autonomy-preload: ");
	vb_shim_text_add(&line.text, operation);
	vb_shim_text_add(&line.text, "(");
	add_path(&line, path);
	vb_shim_text_add(&line.text, ") denied by ");
	vb_shim_text_add(&line.text, variable);
	finish(&line);
}

void vb_shim_log_exec_denied(const char *operation, const char *path)
{
	log_denied(operation, path, VB_SHIM_ENV_EXEC);
}

void vb_shim_log_exec_unresolved(int dirfd, const char *path, int flags)
{
	struct line line;

	start(&line);
	vb_shim_text_add(&line.text, "autonomy-preload: execveat(dirfd=");
	vb_shim_text_add_signed(&line.text, dirfd);
	vb_shim_text_add(&line.text, ", pathname=\"");
	add_path(&line, path);
	vb_shim_text_add(&line.text, "\", flags=");
	vb_shim_text_add_hex(&line.text, (unsigned int)flags);
	vb_shim_text_add(
		&line.text, ") denied — could not resolve to absolute path for allowlist check");
	finish(&line);
}

static void add_result(struct line *line, bool allowed)
{
	vb_shim_text_add(&line->text, "\", result=");
	vb_shim_text_add(&line->text, allowed ? "allowed)" : "denied)");
}

void vb_shim_log_exec_audit(const char *operation, const char *canonical, bool allowed)
{
	struct line line;

	start(&line);
	vb_shim_text_add(&line.text, "autonomy-preload-audit: ");
	vb_shim_text_add(&line.text, operation);
	vb_shim_text_add(&line.text, "(path=\"");
	add_path(&line, canonical);
	add_result(&line, allowed);
	finish(&line);
}

static bool datagram_line_is_due(void)
{
	struct __kernel_timespec now = {0};

	VB_RAW_2(__NR_clock_gettime, MONOTONIC, &now);
	if (vb_shim_limit_take(&datagram_limit, (uint64_t)now.tv_sec))
		return true;
	atomic_fetch_add(&left_out, 1);
	return false;
}

void vb_shim_log_net_denied(
	const char *operation, const struct vb_shim_endpoint *endpoint, bool often)
{
	struct line line;

	if (often && !datagram_line_is_due())
		return;
	start(&line);
	vb_shim_text_add(&line.text, "autonomy-preload: ");
	vb_shim_text_add(&line.text, operation);
	vb_shim_text_add(&line.text, "(");
	vb_shim_text_add_endpoint(&line.text, endpoint->addr, endpoint->port, endpoint->is_ipv6);
	vb_shim_text_add(&line.text, ") denied by " VB_SHIM_ENV_CONNECT);
	finish(&line);
}

/* operation is told by its length: "sendto" or "sendmsg". */
static uint64_t datagram_key(
	const char *operation, const struct vb_shim_endpoint *endpoint, bool allowed)
{
	uint64_t kind = (uint64_t)strlen(operation) << 18 | (uint64_t)allowed << 17 |
			(uint64_t)endpoint->is_ipv6 << 16 | endpoint->port;

	return vb_shim_mix(
		vb_shim_mix(vb_shim_mix(endpoint->addr.high) ^ endpoint->addr.low) ^ kind);
}

static bool write_audit(
	const char *operation, const struct vb_shim_endpoint *endpoint, bool allowed)
{
	struct line line;

	start(&line);
	vb_shim_text_add(&line.text, "autonomy-preload-audit: ");
	vb_shim_text_add(&line.text, operation);
	vb_shim_text_add(&line.text, "(address=\"");
	vb_shim_text_add_endpoint(&line.text, endpoint->addr, endpoint->port, endpoint->is_ipv6);
	add_result(&line, allowed);
	return finish(&line);
}

/* NULL when there is no memory. */
static struct vb_shim_seen *seen_datagrams(void)
{
	struct vb_shim_seen *seen = atomic_load(&audited_datagrams);
	struct vb_shim_seen *mapped;

	if (seen != NULL)
		return seen;
	mapped = vb_shim_map(sizeof(*mapped));
	if (mapped == NULL || atomic_compare_exchange_strong(&audited_datagrams, &seen, mapped))
		return mapped;
	VB_RAW_2(__NR_munmap, mapped, sizeof(*mapped));
	return seen;
}

void vb_shim_log_net_audit(
	const char *operation, const struct vb_shim_endpoint *endpoint, bool allowed, bool often)
{
	struct vb_shim_seen *seen;
	uint64_t key;

	if (!often) {
		write_audit(operation, endpoint, allowed);
		return;
	}
	seen = seen_datagrams();
	if (seen == NULL) {
		write_audit(operation, endpoint, allowed);
		return;
	}
	key = datagram_key(operation, endpoint, allowed);
	if (vb_shim_seen_add(seen, key) && !write_audit(operation, endpoint, allowed))
		vb_shim_seen_remove(seen, key);
}

void vb_shim_log_ring_denied(unsigned int entries, const char *variable)
{
	struct line line;

	start(&line);
	vb_shim_text_add(&line.text, "autonomy-preload: io_uring_setup(entries=");
	vb_shim_text_add_unsigned(&line.text, entries);
	vb_shim_text_add(&line.text, ") denied by ");
	vb_shim_text_add(&line.text, variable);
	finish(&line);
}

void vb_shim_log_load_denied(const char *operation, const char *file)
{
	log_denied(operation, file, VB_SHIM_ENV_DLOPEN);
}

void vb_shim_log_load_audit(const struct vb_shim_load_line *load)
{
	struct line line;

	start(&line);
	vb_shim_text_add(&line.text, "autonomy-preload-audit: ");
	vb_shim_text_add(&line.text, load->operation);
	vb_shim_text_add(&line.text, "(");
	if (load->has_lmid) {
		vb_shim_text_add(&line.text, "lmid=");
		vb_shim_text_add_signed(&line.text, load->lmid);
		vb_shim_text_add(&line.text, ", ");
	}
	vb_shim_text_add(&line.text, "filename=\"");
	add_path(&line, load->file);
	vb_shim_text_add(&line.text, "\", flags=");
	vb_shim_text_add_hex(&line.text, (unsigned int)load->flags);
	vb_shim_text_add(&line.text, ", result=");
	vb_shim_text_add(&line.text, load->result);
	vb_shim_text_add(&line.text, ")");
	finish(&line);
}

void vb_shim_log_review(const char *variable, const struct vb_shim_review *review, uint32_t usable)
{
	struct line line;

	if (review->rejected == 0)
		return;
	start(&line);
	vb_shim_text_add(&line.text, "autonomy-preload: ");
	vb_shim_text_add(&line.text, variable);
	vb_shim_text_add(&line.text, ": skipped ");
	vb_shim_text_add_unsigned(&line.text, review->rejected);
	vb_shim_text_add(&line.text, " malformed, first \"");
	vb_shim_text_add_escaped(&line.text, review->first, review->first_bytes, ENTRY_BYTES);
	vb_shim_text_add(&line.text, usable == 0 ? "\"; none is left, all is denied" : "\"");
	finish(&line);
}
