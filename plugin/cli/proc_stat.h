/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line reads of /proc/<pid>/stat (proc(5)). */
#ifndef VB_CLI_PROC_STAT_H
#define VB_CLI_PROC_STAT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * When the process began, in clock ticks (_SC_CLK_TCK a second) since the machine's boot, from the
 * text of its stat file. False, and nothing set, if it is not such a text.
 */
bool vb_proc_start(const char *stat, uint64_t *ret_ticks);

#endif
