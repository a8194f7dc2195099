/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles in both formats: any text is refused, or read; and what was read is written in a form
 * that reads again and does not change any more.
 */
#include <linux/capability.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "vb/adjust/json.h"
#include "vb/adjust/profile.h"
#include "vb/adjust/profile_docker.h"

enum { DEPTH_MAX = 32 };

static void demand(bool condition)
{
	if (!condition)
		abort();
}

/* The profile's text; NULL when it is refused. */
static char *read_and_write(const json_t *seccomp, uint32_t native)
{
	vb_auto_profile struct vb_profile *profile = NULL;
	struct vb_error err = {0};

	if (vb_profile_from_json(seccomp, native, &profile, &err) < 0) {
		demand(profile == NULL && err.what[0] != '\0');
		return NULL;
	}
	vb_auto_json json_t *json = vb_profile_to_json(profile);
	demand(json != NULL);
	char *text = vb_json_dump(json, JSON_COMPACT);
	demand(text != NULL);
	return text;
}

static void check_oci(const json_t *seccomp, uint32_t native)
{
	vb_auto_free char *first = read_and_write(seccomp, native);

	if (first == NULL)
		return;
	vb_auto_json json_t *json = json_loads(first, 0, NULL);
	vb_auto_free char *second = read_and_write(json, native);
	demand(second != NULL && strcmp(first, second) == 0);
}

static void check_docker(const json_t *profile)
{
	const struct vb_docker_target target = {.native = SCMP_ARCH_AARCH64,
		.kernel_major = 5,
		.kernel_minor = 10,
		.capabilities = UINT64_C(1) << CAP_SYS_ADMIN};
	vb_auto_json json_t *seccomp = NULL;
	struct vb_error err = {0};

	if (vb_profile_resolve_docker(profile, &target, &seccomp, &err) < 0) {
		demand(seccomp == NULL && err.what[0] != '\0');
		return;
	}
	demand(!vb_profile_is_docker(seccomp));
	check_oci(seccomp, target.native);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vb_auto_json json_t *json = NULL;

	if (vb_json_parse((const char *)data, size, DEPTH_MAX, &json, NULL) < 0)
		return 0;
	check_oci(json, SCMP_ARCH_X86_64);
	check_docker(json);
	return 0;
}
