/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles in both formats: any text is refused, with a place in it, or read; and what was read is
 * written in a form that reads again and does not change any more, and can be looked over.
 * profile.dict has the words.
 */
#include <linux/capability.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "vb/adjust/json.h"
#include "vb/adjust/json_place.h"
#include "vb/adjust/profile.h"
#include "vb/adjust/profile_docker.h"
#include "vb/adjust/profile_lint.h"

enum { DEPTH_MAX = 32 };

static void demand(bool condition)
{
	if (!condition)
		abort();
}

/* The input, for places in it. */
struct text {
	const char *data;
	size_t size;
};

static void check_place(const struct text *text, const struct vb_error *err)
{
	struct vb_json_place place = vb_json_find(text->data, text->size, err->place);

	demand(err->what[0] != '\0' && place.line >= 1 && place.line <= text->size + 1 &&
		place.column >= 1 && place.column <= text->size + 1);
}

static int take_finding(
	void *context, enum vb_profile_severity severity, const struct vb_error *finding)
{
	demand(severity == VB_PROFILE_WARNING || severity == VB_PROFILE_ERROR);
	check_place(context, finding);
	return 0;
}

static char *write_profile(const struct vb_profile *profile)
{
	vb_auto_json json_t *json = vb_profile_to_json(profile);

	demand(json != NULL);
	char *text = vb_json_dump(json, JSON_COMPACT);
	demand(text != NULL);
	return text;
}

/* What was written reads, and is written the same. */
static void check_profile(struct vb_profile *profile, uint32_t native)
{
	vb_auto_free char *first = write_profile(profile);
	vb_auto_json json_t *json = json_loads(first, 0, NULL);
	vb_auto_profile struct vb_profile *again = NULL;

	demand(vb_profile_from_json(json, native, &again, NULL) == 0);
	vb_auto_free char *second = write_profile(again);
	demand(strcmp(first, second) == 0);
}

static void check_oci(const json_t *json, struct text *text)
{
	vb_auto_profile struct vb_profile *profile = NULL;
	struct vb_error err = {0};

	if (vb_profile_from_json(json, SCMP_ARCH_X86_64, &profile, &err) < 0) {
		demand(profile == NULL);
		check_place(text, &err);
		return;
	}
	check_profile(profile, SCMP_ARCH_X86_64);
	demand(vb_profile_lint(json, profile, take_finding, text) == 0);
}

static void check_docker(const json_t *json, struct text *text)
{
	const struct vb_docker_target target = {.native = SCMP_ARCH_AARCH64,
		.kernel_major = 5,
		.kernel_minor = 10,
		.capabilities = UINT64_C(1) << CAP_SYS_ADMIN};
	vb_auto_json json_t *seccomp = NULL;
	vb_auto_profile struct vb_profile *profile = NULL;
	struct vb_error err = {0};

	if (vb_profile_from_docker(json, &target, &profile, &err) < 0) {
		demand(profile == NULL);
		check_place(text, &err);
		return;
	}
	demand(vb_profile_resolve_docker(json, &target, &seccomp, NULL) == 0);
	demand(!vb_profile_is_docker(seccomp));
	check_profile(profile, target.native);
	demand(vb_profile_lint(json, profile, take_finding, text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text text = {(const char *)data, size};
	vb_auto_json json_t *json = NULL;

	if (vb_json_parse(text.data, size, DEPTH_MAX, &json, NULL) < 0)
		return 0;
	check_oci(json, &text);
	check_docker(json, &text);
	return 0;
}
