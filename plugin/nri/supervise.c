/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise.h"

unsigned int vb_supervise_delay_ms(unsigned int previous_ms, int64_t lived_ms)
{
	if (previous_ms == 0 || lived_ms >= VB_SUPERVISE_LASTED_MS)
		return VB_SUPERVISE_FIRST_MS;
	return previous_ms < VB_SUPERVISE_MAX_MS / 2 ? previous_ms * 2 : VB_SUPERVISE_MAX_MS;
}
