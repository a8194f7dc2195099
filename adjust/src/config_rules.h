/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_SRC_CONFIG_RULES_H
#define VB_ADJUST_SRC_CONFIG_RULES_H

#include <jansson.h>

#include "vb/adjust/config.h"

/* Reads `rules` of the config; on failure finish what was read. -EINVAL naming the key, -ENOMEM. */
int vb_rules_read(
	const json_t *root, struct vb_rules *ret_rules, struct vb_error *err) VB_WARN_UNUSED;
void vb_rules_finish(struct vb_rules *rules);

#endif
