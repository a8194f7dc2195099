/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_CONFIG_H
#define VB_ADJUST_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "vb/adjust/connect.h"
#include "vb/base/error.h"
#include "vb/base/str.h"

/* The node's own settings, /etc/vambrace/config.json; written by root, so trusted. */

#define VB_CONFIG_PATH "/etc/vambrace/config.json"

enum {
	VB_CONFIG_FILE_MAX = 1 << 20,
	/* Of any kind, in the whole file. */
	VB_CONFIG_VALUES_MAX = 1 << 16,
};

/* The namespace that the installer's manifests put Vambrace into; config: plugin_namespace. */
#define VB_CONFIG_NAMESPACE "vambrace-system"

/* What a rule permits; a set. */
enum vb_permit {
	VB_PERMIT_SECCOMP_OPT_OUT = 1 << 0,
	VB_PERMIT_SPEC_ALLOW = 1 << 1,
};

/* What to do with a container that is found running without its layers. */
enum vb_unhardened {
	VB_UNHARDENED_REPORT,
	VB_UNHARDENED_KILL,
};

/* A bundle as config and annotations name it; nothing when name is NULL. */
struct vb_bundle_ref {
	char *name;
	char *digest; /* "sha256:<hex>" pinned, or NULL */
};

/* What counts for the pods of some namespaces. */
struct vb_rule {
	struct vb_strv namespaces;           /* names, with * and ? for parts of them */
	bool limits_bundles;                 /* only those below may be named */
	struct vb_strv bundles;              /* of the same kind */
	struct vb_bundle_ref default_bundle; /* of pods that name none */
	struct vb_bundle_ref floor;          /* always met with */
	unsigned int permits;                /* enum vb_permit */
	enum vb_unhardened unhardened;
};

struct vb_rules {
	struct vb_rule *items;
	size_t count;
};

struct vb_config {
	struct vb_strv bundle_dirs;
	struct vb_strv profile_dirs; /* clean; profiles by path lie below one of them */
	char *plugin_namespace;
	struct vb_rules rules;
	struct vb_strv runtime_handlers; /* "" is the node's default handler */
	uint32_t deadline_ms;
	struct vb_strv trusted_keys; /* "ssh-ed25519 AAAA... comment", each one checked */
	bool require_signature;      /* a bundle without one is refused */
	char *audit_log;
	uint64_t audit_log_max_bytes; /* it is put away as <audit_log>.old when it gets longer */
	struct vb_connect_entry metrics_listen; /* one address and port; port 0: nowhere */
};

void vb_config_finish(struct vb_config *config);
#define vb_auto_config vb_auto(vb_config_finish)

/* The built-in defaults, in force when there is no file. 0 or -ENOMEM. */
int vb_config_init(struct vb_config *ret_config) VB_WARN_UNUSED;

/* Parses the file's content over the defaults. -EINVAL naming the key, -ENOMEM. */
int vb_config_parse(const char *data, size_t size, struct vb_config *ret_config,
	struct vb_error *err) VB_WARN_UNUSED;

/*
 * Reads the file's content, through a link where it is one: in a ConfigMap's volume it is. -ENOENT
 * when there is none. One that leads nowhere is -ENOLINK, as somebody meant a file to be there, and
 * the defaults may permit more than it. Errnos of open(2) and vb_file_read_fd() besides.
 */
int vb_config_read(
	const char *path, char **ret_text, size_t *ret_size, struct vb_error *err) VB_WARN_UNUSED;

/* Reads and parses it, with the errnos of both. */
int vb_config_load(
	const char *path, struct vb_config *ret_config, struct vb_error *err) VB_WARN_UNUSED;

/*
 * The first rule that covers the namespace. kube-system and the plugin's own namespace are covered
 * only where a rule names them in full. Where none does: any bundle, no default, no floor, no
 * permits.
 */
const struct vb_rule *vb_config_rule(const struct vb_config *config, const char *namespace_name);

/* Whether a pod may name this bundle. */
bool vb_rule_permits_bundle(const struct vb_rule *rule, const char *name);

/* Whether containers of this handler pass through vambrace-oci. */
bool vb_config_has_handler(const struct vb_config *config, const char *handler);

#endif
