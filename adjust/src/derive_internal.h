/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_DERIVE_INTERNAL_H
#define VB_ADJUST_DERIVE_INTERNAL_H

#include "vb/adjust/derive.h"

/*
 * The entry for an endpoint as the shim writes it, with one of the networks (or NULL) in the place
 * of an address in it: the first that holds it. Empty for loopback, which needs none. False, and
 * why, for what cannot be an entry.
 */
bool vb_derive_endpoint(const char *endpoint, const struct vb_derive_networks *networks,
	char ret_entry[VB_CONNECT_TEXT_MAX], const char **ret_why);

/* Whether a path can stand in a manifest's list: 0, or -EPERM with the reason. -ENOMEM. */
int vb_derive_judge_path(
	enum vb_derive_list list, const char *name, struct vb_error *err) VB_WARN_UNUSED;

/*
 * A name for one line of text: escaped as the shim does it; what is not UTF-8 becomes '?'. The
 * caller frees it; NULL when out of memory.
 */
char *vb_derive_show(const char *name) VB_WARN_UNUSED;

#endif
