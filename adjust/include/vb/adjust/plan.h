/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_PLAN_H
#define VB_ADJUST_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vb/base/error.h"
#include "vb/base/str.h"

/*
 * The plan: what one container gets, decided once and without I/O (decide.h), as plain data.
 * Renderers read it (the NRI adjustment, the OCI spec, text), checks compare it with what the
 * kernel shows, and nobody changes it after vb_plan_decide(). Its canonical JSON (sorted keys,
 * compact) is the same bytes for the same inputs; the SHA-256 of these bytes is the plan digest.
 * It names the container as users know it; ids differ between two runs of the same thing and are
 * not part of it.
 */

enum { VB_PLAN_VERSION = 1 };

/* Annotation that carries the plan digest from the plugin to the hook through config.json. */
#define VB_PLAN_DIGEST_ANNOTATION "plan-digest.vambrace.dev"

/* Where the shim lies on the node, and where in a container. */
#define VB_SHIM_HOST_PATH      "/opt/vambrace/lib/libautonomy_preload.so"
#define VB_SHIM_CONTAINER_PATH "/usr/local/lib/libautonomy_preload.so"

/*
 * How many mounts a container may have, those of the plan included: hook and START gate follow 4096
 * each, and the runtime adds the masks of /proc and /sys.
 */
enum { VB_PLAN_MOUNTS_MAX = 3000 };

enum vb_layer {
	VB_LAYER_SECCOMP,
	VB_LAYER_SPEC_ALLOW,
	VB_LAYER_CAPABILITIES,
	VB_LAYER_READ_ONLY_ROOTFS,
	VB_LAYER_TMPFS,
	VB_LAYER_NO_NEW_PRIVILEGES,
	VB_LAYER_RLIMITS,
	VB_LAYER_PRELOAD,
	VB_LAYER_COUNT,
};

/* "seccomp", "spec_allow", "capabilities", ...: as in bundles, plan files and outcomes. */
const char *vb_layer_name(enum vb_layer layer);

/* Who asked for a layer; a set. Zero: nobody did, and the layer is not there. */
enum vb_source {
	VB_SOURCE_DEFAULT = 1 << 0, /* the handler's starter profile */
	VB_SOURCE_FLOOR = 1 << 1,
	VB_SOURCE_BUNDLE = 1 << 2,
	VB_SOURCE_ANNOTATION = 1 << 3,
};

enum vb_spec_allow {
	VB_SPEC_ALLOW_INHERIT, /* what the container would have had */
	VB_SPEC_ALLOW_ALLOW,
	VB_SPEC_ALLOW_MITIGATE,
};

/* "sha256:<64 hex>" and a NUL. */
enum { VB_DIGEST_SIZE = sizeof("sha256:") + 64 };

/*
 * A profile from a file, carried along so that who applies and who checks the plan need no file of
 * the node's. The text is the file's, in OCI's or in Docker's format (custom_profile.h).
 */
struct vb_plan_profile {
	char *name;           /* as the bundle or the annotation writes it */
	unsigned int sources; /* enum vb_source */
	char digest[VB_DIGEST_SIZE];
	char *text;
};

/* In the order in which they are met: the floor's, the bundle's, the annotation's. */
struct vb_plan_profiles {
	struct vb_plan_profile *items;
	size_t count;
};

/*
 * What is met with the seccomp profile that the container already has. runtime_default demands that
 * it has one.
 */
struct vb_plan_seccomp {
	bool starter;
	bool runtime_default;
	bool closure;         /* also deny what would undo other layers, see starter.h */
	bool deny_io_uring;   /* a connect or exec list is set */
	bool native_abi_only; /* a preload list is set: 32-bit programs would ignore the shim */
	bool log;
	struct vb_plan_profiles profiles;
};

struct vb_tmpfs {
	char *path; /* clean, absolute */
	uint64_t size_bytes;
	unsigned int mode;
	bool noexec;
};

struct vb_tmpfs_list {
	struct vb_tmpfs *items;
	size_t count;
};

struct vb_rlimit {
	char *type; /* "RLIMIT_NOFILE" */
	uint64_t soft;
	uint64_t hard;
};

struct vb_rlimit_list {
	struct vb_rlimit *items;
	size_t count;
};

/* What audit lines the shim writes; a set. */
enum vb_audit {
	VB_AUDIT_DLOPEN = 1 << 0,
	VB_AUDIT_EXEC = 1 << 1,
	VB_AUDIT_CONNECT = 1 << 2,
};

/* An allowlist: not set lets everything pass, set and empty denies everything. */
struct vb_allowlist {
	bool set;
	struct vb_strv entries; /* sorted, no repetitions */
};

struct vb_plan_preload {
	bool require;
	bool datagrams;
	bool foreign_abi;   /* a profile needs the 32-bit ABI, whose programs ignore the shim */
	unsigned int audit; /* enum vb_audit */
	struct vb_allowlist dlopen;
	struct vb_allowlist exec;
	struct vb_allowlist connect;
};

/* A mount that the plugin adds; options in the order in which the runtime gets them. */
struct vb_plan_mount {
	char *destination; /* clean, absolute */
	char *type;        /* "tmpfs" or "bind" */
	char *source;
	struct vb_strv options;
};

struct vb_plan_mounts {
	struct vb_plan_mount *items;
	size_t count;
};

struct vb_plan {
	char *namespace_name;
	char *pod;
	char *container;
	char *handler;
	bool hooked; /* the handler is ours, so vambrace-oci carries its layers */

	char *bundle_name; /* NULL: no bundle */
	char *bundle_version;
	char *bundle_digest;    /* "sha256:<64 hex>" */
	bool bundle_is_default; /* the pod names none, and the node's rule this one */
	char *floor_name;       /* the bundle that the node demands; NULL: none */
	char *floor_version;
	char *floor_digest;
	char *opt_out_reason; /* why there is no profile of Vambrace's; NULL: nobody opted out */

	unsigned int sources[VB_LAYER_COUNT]; /* enum vb_source; 0: the layer is not asked */
	struct vb_plan_seccomp seccomp;
	enum vb_spec_allow spec_allow;
	uint64_t cap_drop;             /* set of caps.h */
	struct vb_tmpfs_list tmpfs;    /* sorted by path */
	struct vb_rlimit_list rlimits; /* sorted by type */
	struct vb_plan_preload preload;

	/* What NRI brings into the container, derived from the layers above. */
	struct vb_strv env; /* "NAME=value", sorted by name */
	struct vb_plan_mounts mounts;
};

/* NULL when out of memory. destroy accepts NULL. */
struct vb_plan *vb_plan_create(void) VB_WARN_UNUSED;
void vb_plan_destroy(struct vb_plan *plan);

static inline void vb_cleanup_plan(struct vb_plan *const *plan)
{
	vb_plan_destroy(*plan);
}
#define vb_auto_plan vb_auto(vb_cleanup_plan)

static inline bool vb_plan_has(const struct vb_plan *plan, enum vb_layer layer)
{
	return plan->sources[layer] != 0;
}

/* Each copies its arguments. 0 or -ENOMEM. */
int vb_tmpfs_list_add(struct vb_tmpfs_list *list, const struct vb_tmpfs *tmpfs) VB_WARN_UNUSED;
void vb_tmpfs_list_finish(struct vb_tmpfs_list *list);
int vb_rlimit_list_add(struct vb_rlimit_list *list, const struct vb_rlimit *rlimit) VB_WARN_UNUSED;
void vb_rlimit_list_finish(struct vb_rlimit_list *list);
void vb_plan_preload_finish(struct vb_plan_preload *preload);

/*
 * Adds a profile that one source names. Where the same one is there already, that one is now named
 * by both. Copies the texts and takes their digest. 0 or -ENOMEM.
 */
int vb_plan_profiles_add(struct vb_plan_profiles *profiles, unsigned int sources, const char *name,
	const char *text) VB_WARN_UNUSED;

/* Adds a mount without options; borrowed from the list. NULL when out of memory. */
struct vb_plan_mount *vb_plan_mounts_add(struct vb_plan_mounts *mounts, const char *destination,
	const char *type, const char *source) VB_WARN_UNUSED;

/* "sha256:<hex>" of the bytes. */
void vb_digest(const void *data, size_t size, char ret_digest[VB_DIGEST_SIZE]);

/* Whether a text has the form of one. */
bool vb_digest_is_valid(const char *text);

/* The canonical JSON, without a newline; the caller frees it. NULL when out of memory. */
char *vb_plan_to_json(const struct vb_plan *plan) VB_WARN_UNUSED;

/*
 * Reads what vb_plan_to_json() wrote, byte for byte. -EINVAL for anything else: unknown keys,
 * another plan_version, wrong types, other blanks or another order included. -ENOMEM.
 */
int vb_plan_from_json(const char *text, size_t size, struct vb_plan **ret_plan,
	struct vb_error *err) VB_WARN_UNUSED;

#endif
