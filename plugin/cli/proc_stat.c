/* SPDX-License-Identifier: Apache-2.0 */
#include "proc_stat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Column 22, counted behind the name, which may hold anything. */
bool vb_proc_start(const char *stat, uint64_t *ret_ticks)
{
	const char *at = strrchr(stat, ')');

	for (unsigned int column = 2; at != NULL && column < 22; column++)
		at = strchr(at + 1, ' ');
	if (at == NULL)
		return false;
	char *end = NULL;
	errno = 0;
	uint64_t ticks = strtoull(at + 1, &end, 10);
	if (errno != 0 || end == at + 1)
		return false;
	*ret_ticks = ticks;
	return true;
}
