/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_OCI_CONFIG_H
#define VB_ADJUST_OCI_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "vb/base/cleanup.h"
#include "vb/base/error.h"

/*
 * The hook's settings, /opt/vambrace/etc/oci.json, written by the installer:
 * {"handlers": {"<handler>": {"runtime": "/absolute/path", "unplanned": "refuse" | "pass"}}}.
 */

enum { VB_OCI_CONFIG_MAX = 64 << 10 };

struct vb_oci_handler {
	char *runtime;       /* absolute */
	bool pass_unplanned; /* lets a container without a plan through */
};

void vb_oci_handler_finish(struct vb_oci_handler *handler);
#define vb_auto_oci_handler vb_auto(vb_oci_handler_finish)

/*
 * Reads the settings of one handler; all of the text is checked. -ENOENT when the handler is not
 * in it, -EINVAL naming what is wrong, -ENOMEM.
 */
int vb_oci_config_find(const char *text, size_t size, const char *handler,
	struct vb_oci_handler *ret_handler, struct vb_error *err) VB_WARN_UNUSED;

#endif
