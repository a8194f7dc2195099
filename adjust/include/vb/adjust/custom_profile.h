/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_CUSTOM_PROFILE_H
#define VB_ADJUST_CUSTOM_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "vb/adjust/profile.h"
#include "vb/adjust/profile_docker.h"
#include "vb/base/cleanup.h"
#include "vb/base/error.h"

/*
 * Seccomp profiles that an operator wrote: a file `profiles/<name>.json` of a bundle, or one below
 * the node's profile_dirs; OCI's `linux.seccomp` object, or Docker's format. profile_store.h loads
 * them.
 */

enum {
	VB_CUSTOM_PROFILE_MAX = 1 << 20,
	VB_CUSTOM_PROFILE_DEPTH_MAX = 32,
};

/* What a bundle's or an annotation's value for the profile means. */
enum vb_profile_kind {
	VB_PROFILE_KIND_STARTER,
	VB_PROFILE_KIND_RUNTIME_DEFAULT,
	VB_PROFILE_KIND_BUNDLED, /* "foo": profiles/foo.json of the bundle */
	VB_PROFILE_KIND_PATH,    /* absolute */
	VB_PROFILE_KIND_INVALID, /* none of them: see vb_profile_name_is_valid() */
};

enum vb_profile_kind vb_profile_kind(const char *value);

/* Whether it can be a file's name without ".json": [A-Za-z0-9]([A-Za-z0-9._-]*), at most 63. */
bool vb_profile_name_is_valid(const char *name);

/* Of Linux; some entries of Docker's format apply from one on. */
struct vb_kernel_version {
	unsigned int major;
	unsigned int minor;
};

/* The running kernel's; 0.0 where it does not tell. */
struct vb_kernel_version vb_kernel_version_read(void);

/* One that has been read and found usable. Shared: whoever keeps one holds it. */
struct vb_custom_profile {
	unsigned int holders;
	char *text;
	bool foreign_abi; /* covers another ABI than the native one, x32 aside */
};

/*
 * Reads a text in either format; Docker's is resolved for the target. -EINVAL with err saying which
 * entry of syscalls[] and why, -ENOMEM.
 */
int vb_custom_profile_read(const char *text, size_t size, const struct vb_docker_target *target,
	struct vb_profile **ret_profile, struct vb_error *err) VB_WARN_UNUSED;

/*
 * Takes the text, which must end with a NUL behind size bytes, when it can be put to use: it is
 * read, and compiled by libseccomp as the hook will, once for a container without capabilities and,
 * where that can make a difference, once for one with all of them. The result is held once. Errnos
 * of vb_custom_profile_read() and vb_profile_meet(); takes milliseconds.
 */
int vb_custom_profile_create_take(char *text, size_t size, struct vb_custom_profile **ret_profile,
	struct vb_error *err) VB_WARN_UNUSED;

struct vb_custom_profile *vb_custom_profile_hold(struct vb_custom_profile *profile);

/* Accepts NULL. */
void vb_custom_profile_release(struct vb_custom_profile *profile);

static inline void vb_cleanup_custom_profile(struct vb_custom_profile *const *profile)
{
	vb_custom_profile_release(*profile);
}
#define vb_auto_custom_profile vb_auto(vb_cleanup_custom_profile)

#endif
