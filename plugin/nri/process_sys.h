/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_PROCESS_SYS_H
#define VB_PLUGIN_NRI_PROCESS_SYS_H

#include <stdint.h>

/* What this process uses, as the kernel counts it; what is not to be had is 0. */
struct vb_process_usage {
	uint64_t resident_bytes;
	uint64_t open_fds;
	uint64_t cpu_us;
};

/* Reads /proc/self, which waits for no disk. */
void vb_process_measure(struct vb_process_usage *ret_usage);

#endif
