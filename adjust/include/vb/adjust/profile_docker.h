/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_PROFILE_DOCKER_H
#define VB_ADJUST_PROFILE_DOCKER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "vb/adjust/profile.h"
#include "vb/base/cleanup.h"
#include "vb/base/error.h"

/*
 * Profiles in the format of Docker and of containers-common (Podman): OCI's with archMap, and with
 * entries that apply only to some architectures, kernels or capabilities. Given to a runtime as
 * they are, those conditions would be ignored and everything they guard would be open; so they are
 * resolved for one container first.
 */

/* What the profile is resolved for. */
struct vb_docker_target {
	uint32_t native; /* SCMP_ARCH_*, or VB_PROFILE_NATIVE */
	unsigned int kernel_major;
	unsigned int kernel_minor;
	uint64_t capabilities; /* the container's bounding set, bits as in caps.h */
};

/*
 * Whether the object has any key that only this format knows. A file without any is an OCI
 * profile, and means the same in both formats.
 */
bool vb_profile_is_docker(const json_t *profile);

/*
 * Makes a `linux.seccomp` object of it, for vb_profile_from_json(); the caller owns the reference.
 * Entries whose conditions the target does not meet are left out; unknown keys are errors, as are
 * capabilities that do not exist. -EINVAL with err saying which entry and why, -ENOMEM.
 */
int vb_profile_resolve_docker(const json_t *profile, const struct vb_docker_target *target,
	json_t **ret_seccomp, struct vb_error *err) VB_WARN_UNUSED;

/*
 * The same, and reads the result: rules and errors carry the numbers that the entries have in the
 * profile. Errors of both.
 */
int vb_profile_from_docker(const json_t *profile, const struct vb_docker_target *target,
	struct vb_profile **ret_profile, struct vb_error *err) VB_WARN_UNUSED;

#endif
