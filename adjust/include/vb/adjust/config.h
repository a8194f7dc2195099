/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_CONFIG_H
#define VB_ADJUST_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "vb/base/error.h"
#include "vb/base/str.h"

/* The node's own settings, /etc/vambrace/config.json; written by root, so trusted. */

#define VB_CONFIG_PATH "/etc/vambrace/config.json"

enum { VB_CONFIG_FILE_MAX = 1 << 20 };

struct vb_config {
	struct vb_strv bundle_dirs;
	struct vb_strv profile_dirs;     /* clean; profiles by path lie below one of them */
	struct vb_strv runtime_handlers; /* "" is the node's default handler */
	uint32_t deadline_ms;
	struct vb_strv trusted_keys; /* "ssh-ed25519 AAAA... comment", each one checked */
	bool require_signature;      /* a bundle without one is refused */
	char *audit_log;
	uint64_t audit_log_max_bytes; /* it is put away as <audit_log>.old when it gets longer */
};

void vb_config_finish(struct vb_config *config);
#define vb_auto_config vb_auto(vb_config_finish)

/* The built-in defaults, in force when there is no file. 0 or -ENOMEM. */
int vb_config_init(struct vb_config *ret_config) VB_WARN_UNUSED;

/* Parses the file's content over the defaults. -EINVAL naming the key, -ENOMEM. */
int vb_config_parse(const char *data, size_t size, struct vb_config *ret_config,
	struct vb_error *err) VB_WARN_UNUSED;

/* Whether containers of this handler pass through vambrace-oci. */
bool vb_config_has_handler(const struct vb_config *config, const char *handler);

#endif
