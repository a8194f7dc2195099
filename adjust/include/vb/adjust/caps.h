/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_CAPS_H
#define VB_ADJUST_CAPS_H

#include <jansson.h>
#include <stdint.h>

#include "vb/base/cleanup.h"
#include "vb/base/error.h"

/*
 * Capabilities as sets: bit N is capability number N of capabilities(7), up to
 * CAP_CHECKPOINT_RESTORE (40, Linux 5.9), the last one there is.
 */

enum { VB_CAP_COUNT = 41 };

#define VB_CAP_ALL ((UINT64_C(1) << VB_CAP_COUNT) - 1)

/* "CAP_CHOWN" for 0; NULL from VB_CAP_COUNT on. */
const char *vb_cap_name(unsigned int number);

/* The names of a set in the order of their numbers; a new reference, NULL when out of memory. */
json_t *vb_caps_to_json(uint64_t set) VB_WARN_UNUSED;

/*
 * The set that a name stands for: with or without CAP_, upper case, or ALL.
 * Refuses others with ErrInvalidValue, naming the nearest known one.
 */
int vb_cap_parse(const char *name, uint64_t *ret_set, struct vb_error *err) VB_WARN_UNUSED;

#endif
