/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/custom_profile.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "profile_model.h"
#include "vb/adjust/caps.h"
#include "vb/adjust/json.h"
#include "vb/adjust/oci_text.h"

enum { NAME_MAX_BYTES = 63 };

bool vb_profile_name_is_valid(const char *name)
{
	static const char alphanumeric[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					   "0123456789";
	static const char others[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789._-";
	size_t length = strlen(name);

	return strspn(name, alphanumeric) > 0 && strspn(name, others) == length &&
	       length <= NAME_MAX_BYTES;
}

enum vb_profile_kind vb_profile_kind(const char *value)
{
	if (strcmp(value, "starter") == 0)
		return VB_PROFILE_KIND_STARTER;
	if (strcmp(value, "runtime-default") == 0)
		return VB_PROFILE_KIND_RUNTIME_DEFAULT;
	if (value[0] == '/')
		return VB_PROFILE_KIND_PATH;
	return vb_profile_name_is_valid(value) ? VB_PROFILE_KIND_BUNDLED : VB_PROFILE_KIND_INVALID;
}

static int parse(const char *text, size_t size, json_t **ret_json, struct vb_error *err)
{
	if (size > VB_CUSTOM_PROFILE_MAX)
		return vb_error_say(err, EINVAL, "it has %zu bytes, at most %d are read", size,
			VB_CUSTOM_PROFILE_MAX);
	int r = vb_json_check_depth(text, size, VB_CUSTOM_PROFILE_DEPTH_MAX, err);
	return r < 0 ? r : vb_oci_text_parse(text, size, ret_json, err);
}

static int resolve(const json_t *json, const struct vb_docker_target *target,
	struct vb_profile **ret_profile, struct vb_error *err)
{
	vb_auto_json json_t *resolved = NULL;

	if (!vb_profile_is_docker(json))
		return vb_profile_from_json(json, target->native, ret_profile, err);
	int r = vb_profile_resolve_docker(json, target, &resolved, err);
	return r < 0 ? r : vb_profile_from_json(resolved, target->native, ret_profile, err);
}

int vb_custom_profile_read(const char *text, size_t size, const struct vb_docker_target *target,
	struct vb_profile **ret_profile, struct vb_error *err)
{
	vb_auto_json json_t *json = NULL;

	int r = parse(text, size, &json, err);
	return r < 0 ? r : resolve(json, target, ret_profile, err);
}

/* Whether programs of the native architecture's 32-bit sibling would run under it. */
static bool covers_foreign_abi(const struct vb_profile *profile)
{
	for (size_t i = 0; i < profile->arch_count; i++)
		if (profile->archs[i] != profile->native && profile->archs[i] != SCMP_ARCH_X32)
			return true;
	return false;
}

/* The meet with nothing is the whole profile, and has passed libseccomp. */
static int try_out(
	const json_t *json, uint64_t capabilities, bool *foreign_abi, struct vb_error *err)
{
	const struct vb_docker_target target = {.native = VB_PROFILE_NATIVE,
		.kernel_major = USHRT_MAX,
		.capabilities = capabilities};
	vb_auto_profile struct vb_profile *profile = NULL;
	vb_auto_profile struct vb_profile *met = NULL;

	int r = resolve(json, &target, &profile, err);
	if (r == 0)
		r = vb_profile_meet(NULL, profile, &met, err);
	if (r == 0 && covers_foreign_abi(profile))
		*foreign_abi = true;
	return r;
}

int vb_custom_profile_create_take(
	char *text, size_t size, struct vb_custom_profile **ret_profile, struct vb_error *err)
{
	vb_auto_free char *owned = text;
	vb_auto_json json_t *json = NULL;
	bool foreign_abi = false;

	int r = parse(text, size, &json, err);
	if (r == 0)
		r = try_out(json, 0, &foreign_abi, err);
	if (r == 0 && vb_profile_is_docker(json))
		r = try_out(json, VB_CAP_ALL, &foreign_abi, err);
	if (r < 0)
		return r;
	struct vb_custom_profile *profile = calloc(1, sizeof(*profile));
	if (profile == NULL)
		return vb_error_set(err, ENOMEM, "keep a seccomp profile");
	profile->holders = 1;
	profile->text = VB_STEAL(owned);
	profile->foreign_abi = foreign_abi;
	*ret_profile = profile;
	return 0;
}

struct vb_custom_profile *vb_custom_profile_hold(struct vb_custom_profile *profile)
{
	profile->holders++;
	return profile;
}

void vb_custom_profile_release(struct vb_custom_profile *profile)
{
	if (profile == NULL || --profile->holders > 0)
		return;
	free(profile->text);
	free(profile);
}
