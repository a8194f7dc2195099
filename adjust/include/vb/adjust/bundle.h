/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_BUNDLE_H
#define VB_ADJUST_BUNDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "vb/adjust/plan.h"
#include "vb/base/error.h"

/*
 * A bundle: a named set of hardening layers. vb_bundle_parse() reads a manifest's bytes and does
 * no I/O, vb_bundle_check() tells all that is wrong with them; bundle_store.h finds and opens
 * bundles on the node.
 */

enum {
	VB_BUNDLE_MANIFEST_MAX = 1 << 20,
	VB_BUNDLE_LIST_MAX = 4096,
	VB_BUNDLE_JSON_DEPTH_MAX = 32,
	/* Of any kind, in the whole manifest: each may cost a hundred times its bytes in memory. */
	VB_BUNDLE_VALUES_MAX = 1 << 16,
};

/* What the node's trusted keys say of a bundle. */
enum vb_bundle_signature {
	VB_BUNDLE_UNCHECKED, /* the node trusts no keys, so nobody looked */
	VB_BUNDLE_UNSIGNED,
	VB_BUNDLE_SIGNED, /* by one of them */
};

/* A seccomp profile that the manifest names with the digest of its file. */
struct vb_bundle_profile {
	char *name; /* of profiles/<name>.json */
	char digest[VB_DIGEST_SIZE];
};

struct vb_bundle_profiles {
	struct vb_bundle_profile *items;
	size_t count;
};

/* Copies both. 0 or -ENOMEM. */
int vb_bundle_profiles_add(
	struct vb_bundle_profiles *profiles, const char *name, const char *digest) VB_WARN_UNUSED;
void vb_bundle_profiles_finish(struct vb_bundle_profiles *profiles);

struct vb_bundle {
	char *name;
	char *version;
	char digest[VB_DIGEST_SIZE]; /* of the manifest file, or of the tar */
	enum vb_bundle_signature signature;

	char *seccomp_profile; /* NULL: not named */
	bool seccomp_log;
	enum vb_spec_allow spec_allow;
	uint64_t cap_drop;
	bool read_only_rootfs;
	bool no_new_privileges;
	struct vb_tmpfs_list tmpfs;
	struct vb_rlimit_list rlimits;
	bool preload; /* the preload block is there, or a dlopen list */
	struct vb_plan_preload preload_settings;

	struct vb_bundle_profiles profiles; /* those that the manifest binds */

	struct vb_strv warnings; /* unknown keys outside `hardening`, the first few */
};

void vb_bundle_destroy(struct vb_bundle *bundle);

static inline void vb_cleanup_bundle(struct vb_bundle *const *bundle)
{
	vb_bundle_destroy(*bundle);
}
#define vb_auto_bundle vb_auto(vb_cleanup_bundle)

/*
 * Parses a manifest of schema 1.5 or 1.6. expected_name is the directory's name and must be the
 * manifest's. Refuses with ErrBundleInvalid, naming the key; -ENOMEM.
 */
int vb_bundle_parse(const char *data, size_t size, const char *expected_name,
	struct vb_bundle **ret_bundle, struct vb_error *err) VB_WARN_UNUSED;

enum vb_bundle_severity {
	VB_BUNDLE_WARNING, /* an unknown key outside `hardening` */
	VB_BUNDLE_ERROR,   /* vb_bundle_parse() refuses the manifest */
};

/* Gets one problem, with its place in the JSON. Other than 0 ends the reading. */
typedef int (*vb_bundle_problem_fn)(
	void *context, enum vb_bundle_severity severity, const struct vb_error *problem);

/*
 * Reads a manifest as vb_bundle_parse() does, but goes on behind each problem. Reports an error
 * for exactly those manifests that the other one refuses. Returns what the function returned, 0 at
 * the end; -ENOMEM.
 */
int vb_bundle_check(const char *data, size_t size, const char *expected_name,
	vb_bundle_problem_fn report, void *context) VB_WARN_UNUSED;

/* The digest that the manifest gives for a profile, or NULL when it gives none. */
const char *vb_bundle_profile_digest(const struct vb_bundle *bundle, const char *name);

/* Whether a name can be a bundle's: [a-z0-9]([a-z0-9._-]*), at most 63 characters. */
bool vb_bundle_name_is_valid(const char *name);

#endif
