/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_SHIM_LOG_H
#define VB_SHIM_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "vb/shim/list.h"
#include "vb/shim/policy_net.h"

/*
 * The contract's lines on stderr. Each is one write of at most 3 KiB. A full stderr is waited for
 * 50 ms at most; then the line is dropped and counted, and the next one that gets through says how
 * many were. errno is not touched.
 */

/* operation is "execve" or "execveat". */
void vb_shim_log_exec_denied(const char *operation, const char *path);
void vb_shim_log_exec_unresolved(int dirfd, const char *path, int flags);
void vb_shim_log_exec_audit(const char *operation, const char *canonical, bool allowed);

struct vb_shim_endpoint {
	struct vb_shim_addr addr;
	uint16_t port;
	bool is_ipv6;
};

/*
 * operation is "connect", "sendto" or "sendmsg". A call that comes often is written about less: of
 * its denial lines VB_SHIM_LIMIT_PER_SECOND a second, and the next line of any kind says how many
 * were left out; its audit lines once for each operation, address and outcome.
 */
__attribute__((cold)) void vb_shim_log_net_denied(
	const char *operation, const struct vb_shim_endpoint *endpoint, bool often);
__attribute__((cold)) void vb_shim_log_net_audit(
	const char *operation, const struct vb_shim_endpoint *endpoint, bool allowed, bool often);

/* io_uring_setup, refused on behalf of the list that variable names. */
void vb_shim_log_ring_denied(unsigned int entries, const char *variable);

/* operation is "dlopen" or "dlmopen". */
void vb_shim_log_load_denied(const char *operation, const char *file);

/* lmid is of dlmopen alone; result is "loaded", "load_failed" or "denied". */
struct vb_shim_load_line {
	const char *operation;
	bool has_lmid;
	long lmid;
	const char *file;
	int flags;
	const char *result;
};

void vb_shim_log_load_audit(const struct vb_shim_load_line *load);

/* The warning about malformed entries, if there are any; usable is the number of those left. */
void vb_shim_log_review(const char *variable, const struct vb_shim_review *review, uint32_t usable);

#endif
