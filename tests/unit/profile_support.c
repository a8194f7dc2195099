/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_support.h"

#include <check.h>
#include <seccomp.h>
#include <string.h>

json_t *support_json(const char *text)
{
	vb_auto_free char *quoted = strdup(text);
	json_error_t error;

	ck_assert_ptr_nonnull(quoted);
	for (char *at = quoted; *at != '\0'; at++)
		if (*at == '\'')
			*at = '"';
	json_t *json = json_loads(quoted, 0, &error);
	if (json == NULL)
		ck_abort_msg("%s: %s", error.text, quoted);
	return json;
}

static struct vb_profile *read_profile(json_t *json, uint32_t native)
{
	struct vb_profile *profile = NULL;
	struct vb_error err = {0};

	if (vb_profile_from_json(json, native, &profile, &err) < 0)
		ck_abort_msg("%s", err.what);
	json_decref(json);
	return profile;
}

struct vb_profile *support_profile_for(const char *text, uint32_t native)
{
	return read_profile(support_json(text), native);
}

struct vb_profile *support_profile(const char *text)
{
	return support_profile_for(text, SCMP_ARCH_X86_64);
}

struct vb_profile *support_profile_from_file(const char *name, uint32_t native)
{
	char path[512];
	json_error_t error;

	(void)snprintf(path, sizeof(path), "%s/profiles/%s", VB_TEST_DATA, name);
	json_t *json = json_load_file(path, 0, &error);
	if (json == NULL)
		ck_abort_msg("%s: %s", path, error.text);
	return read_profile(json, native);
}

struct vb_profile *support_starter(unsigned int parts, uint32_t native)
{
	struct vb_starter_options options = {.native = native, .parts = parts};
	struct vb_profile *profile = NULL;
	struct vb_error err = {0};

	if (vb_profile_starter(&options, &profile, &err) < 0)
		ck_abort_msg("%s", err.what);
	return profile;
}

void support_refuse(const char *text, const char *expected)
{
	json_t *json = support_json(text);
	struct vb_profile *profile = NULL;
	struct vb_error err = {0};

	ck_assert_int_eq(vb_profile_from_json(json, SCMP_ARCH_X86_64, &profile, &err), -22);
	ck_assert_ptr_null(profile);
	ck_assert_str_eq(err.what, expected);
	json_decref(json);
}

struct vb_profile *support_meet(const struct vb_profile *base, const struct vb_profile *tighter)
{
	struct vb_profile *result = NULL;
	struct vb_error err = {0};

	if (vb_profile_meet(base, tighter, &result, &err) < 0)
		ck_abort_msg("%s", err.what);
	if (vb_profile_check(base, tighter, result, &err) < 0)
		ck_abort_msg("%s", err.what);
	return result;
}

void support_refuse_meet(const struct vb_profile *base, const struct vb_profile *tighter,
	int errnum, const char *expected)
{
	struct vb_profile *result = NULL;
	struct vb_error err = {0};

	ck_assert_int_eq(vb_profile_meet(base, tighter, &result, &err), -errnum);
	ck_assert_ptr_null(result);
	if (strstr(err.what, expected) == NULL)
		ck_abort_msg("'%s' does not contain '%s'", err.what, expected);
	ck_assert_str_ne(err.fix, "");
}

struct vb_profile_verdict support_verdict(const struct vb_profile *profile, uint32_t arch,
	const char *name, const uint64_t args[VB_PROFILE_ARGS])
{
	struct vb_profile_way ways[VB_PROFILE_WAYS_MAX];
	struct vb_profile_verdict verdict = {0};
	struct vb_error err = {0};
	size_t count = 0;
	int r = vb_profile_ways(arch, name, ways, &count, &err);

	if (r == 0)
		ck_assert_uint_ne(count, 0);
	if (r == 0)
		r = vb_profile_simulate(profile, arch, &ways[0], args, &verdict, &err);
	if (r < 0)
		ck_abort_msg("%s", err.what);
	return verdict;
}

uint32_t support_action(
	const struct vb_profile *profile, uint32_t arch, const char *name, uint64_t a0, uint64_t a1)
{
	const uint64_t args[VB_PROFILE_ARGS] = {a0, a1};

	return support_verdict(profile, arch, name, args).action;
}

char *support_text(const struct vb_profile *profile)
{
	json_t *json = vb_profile_to_json(profile);
	struct vb_profile *again = NULL;
	struct vb_error err = {0};

	ck_assert_ptr_nonnull(json);
	if (vb_profile_from_json(json, VB_PROFILE_NATIVE, &again, &err) < 0)
		ck_abort_msg("%s", err.what);
	vb_profile_destroy(again);
	char *text = json_dumps(json, JSON_COMPACT);
	ck_assert_ptr_nonnull(text);
	json_decref(json);
	return text;
}

void trio_finish(struct trio *trio)
{
	vb_profile_destroy(trio->base);
	vb_profile_destroy(trio->tighter);
	vb_profile_destroy(trio->result);
}

struct trio meet_profiles(struct vb_profile *base, struct vb_profile *tighter)
{
	return (struct trio){base, tighter, support_meet(base, tighter)};
}

struct trio meet_texts(const char *base, const char *tighter)
{
	return meet_profiles(base != NULL ? support_profile(base) : NULL, support_profile(tighter));
}

uint32_t on_native(const struct trio *trio, const char *name, uint64_t a0, uint64_t a1)
{
	return support_action(trio->result, SCMP_ARCH_X86_64, name, a0, a1);
}
