/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "vb/adjust/evidence.h"
#include "vb/adjust/json.h"
#include "vb/adjust/oci_text.h"
#include "vb/adjust/profile.h"
#include "vb/adjust/starter.h"

enum { CACHE_ENTRIES = 8 };

struct cache_entry {
	char key[VB_DIGEST_SIZE];
	enum vb_containment containment;
	char *reason;
};

struct vb_spec_cache {
	struct cache_entry entries[CACHE_ENTRIES];
	size_t next; /* the oldest one */
};

struct vb_spec_cache *vb_spec_cache_create(void)
{
	return calloc(1, sizeof(struct vb_spec_cache));
}

void vb_spec_cache_destroy(struct vb_spec_cache *cache)
{
	if (cache == NULL)
		return;
	for (size_t i = 0; i < CACHE_ENTRIES; i++)
		free(cache->entries[i].reason);
	free(cache);
}

void vb_spec_evidence_finish(struct vb_spec_evidence *spec)
{
	free(spec->plan_digest);
	vb_strv_finish(&spec->env);
	free(spec->seccomp_reason);
	*spec = (struct vb_spec_evidence){0};
}

/* Names the question: this seccomp object, this plan's demands. -ENOMEM. */
static int make_key(
	const json_t *seccomp, const struct vb_plan_seccomp *plan, char ret_key[VB_DIGEST_SIZE])
{
	vb_auto_free char *profile = vb_json_dump(seccomp, JSON_COMPACT);

	if (profile == NULL)
		return -ENOMEM;
	vb_auto_free char *question = vb_str_format("%d%d%d%d %s", plan->starter, plan->closure,
		plan->deny_io_uring, plan->native_abi_only, profile);
	if (question == NULL)
		return -ENOMEM;
	vb_digest(question, strlen(question), ret_key);
	return 0;
}

/* The profile that the plan demands; NULL when it only demands that there be one. */
static int demanded_profile(
	const struct vb_plan_seccomp *plan, struct vb_profile **ret_profile, struct vb_error *err)
{
	struct vb_starter_options options = {
		.native = VB_PROFILE_NATIVE,
		.parts = (plan->starter ? VB_STARTER_DENIALS : 0U) |
			 (plan->closure ? VB_STARTER_CLOSURE : 0U) |
			 (plan->deny_io_uring ? VB_STARTER_IO_URING : 0U),
		.native_abi_only = plan->native_abi_only,
	};

	*ret_profile = NULL;
	return options.parts == 0 ? 0 : vb_profile_starter(&options, ret_profile, err);
}

/* Whether the profile covers no other ABI than the native one. */
static int closes_other_abis(
	const json_t *seccomp, const struct vb_profile *profile, struct vb_error *err)
{
	vb_auto_profile struct vb_profile *native = NULL;

	int r = vb_profile_from_json(seccomp, VB_PROFILE_NATIVE, &native, err);
	if (r < 0)
		return r;
	vb_profile_native_only(native);
	vb_auto_json json_t *seen = vb_profile_to_json(profile);
	vb_auto_json json_t *closed = vb_profile_to_json(native);
	if (seen == NULL || closed == NULL)
		return vb_error_set(err, ENOMEM, "compare seccomp profiles");
	return json_equal(seen, closed) ? 0 : vb_error_say(err, EILSEQ, "it covers a foreign ABI");
}

/*
 * A profile contains another one when it is itself the meet of the two. Everything that does not
 * prove this, also a profile that cannot be read, is lacking.
 */
static int contains(const json_t *seccomp, const struct vb_plan_seccomp *plan, struct vb_error *err)
{
	vb_auto_profile struct vb_profile *profile = NULL;
	vb_auto_profile struct vb_profile *demanded = NULL;

	int r = vb_profile_from_json(seccomp, VB_PROFILE_NATIVE, &profile, err);
	if (r == 0)
		r = demanded_profile(plan, &demanded, err);
	if (r == 0 && demanded != NULL)
		r = vb_profile_check_quick(profile, demanded, profile, err);
	if (r == 0 && plan->native_abi_only)
		r = closes_other_abis(seccomp, profile, err);
	return r;
}

static int keep_verdict(
	struct cache_entry *entry, const char *key, int verdict, const struct vb_error *verdict_err)
{
	vb_auto_free char *reason = verdict < 0 ? strdup(verdict_err->what) : NULL;

	if (verdict < 0 && reason == NULL)
		return -ENOMEM;
	memcpy(entry->key, key, VB_DIGEST_SIZE);
	entry->containment = verdict < 0 ? VB_CONTAINMENT_LACKING : VB_CONTAINMENT_COMPLETE;
	free(entry->reason);
	entry->reason = VB_STEAL(reason);
	return 0;
}

static int find_verdict(struct vb_spec_cache *cache, const json_t *seccomp,
	const struct vb_plan_seccomp *plan, const struct cache_entry **ret_entry)
{
	char key[VB_DIGEST_SIZE];
	struct vb_error err = {0};

	int r = make_key(seccomp, plan, key);
	if (r < 0)
		return r;
	for (size_t i = 0; i < CACHE_ENTRIES; i++) {
		*ret_entry = &cache->entries[i];
		if (strcmp((*ret_entry)->key, key) == 0)
			return 0;
	}
	int verdict = contains(seccomp, plan, &err);
	if (verdict == -ENOMEM)
		return verdict;
	struct cache_entry *entry = &cache->entries[cache->next];
	r = keep_verdict(entry, key, verdict, &err);
	if (r < 0)
		return r;
	cache->next = (cache->next + 1) % CACHE_ENTRIES;
	*ret_entry = entry;
	return 0;
}

static int read_seccomp(const json_t *document, const struct vb_plan *plan,
	struct vb_spec_cache *cache, struct vb_spec_evidence *spec)
{
	const json_t *seccomp = json_object_get(json_object_get(document, "linux"), "seccomp");
	const json_t *flags = json_object_get(seccomp, "flags");
	const struct cache_entry *entry = NULL;
	size_t i = 0;
	json_t *flag = NULL;

	if (!json_is_object(seccomp) || !vb_plan_has(plan, VB_LAYER_SECCOMP))
		return 0;
	json_array_foreach(flags, i, flag)
		if (vb_str_equal(json_string_value(flag), "SECCOMP_FILTER_FLAG_SPEC_ALLOW"))
			spec->allows_speculation = true;
	int r = find_verdict(cache, seccomp, &plan->seccomp, &entry);
	if (r < 0)
		return r;
	spec->seccomp = entry->containment;
	if (entry->reason == NULL)
		return 0;
	spec->seccomp_reason = strdup(entry->reason);
	return spec->seccomp_reason == NULL ? -ENOMEM : 0;
}

static int read_process(const json_t *document, struct vb_spec_evidence *spec)
{
	const json_t *process = json_object_get(document, "process");
	const json_t *env = json_object_get(process, "env");
	size_t i = 0;
	json_t *variable = NULL;

	spec->no_new_privileges = json_is_true(json_object_get(process, "noNewPrivileges"));
	json_array_foreach(env, i, variable)
		if (json_is_string(variable) &&
			vb_strv_add(&spec->env, json_string_value(variable)) < 0)
			return -ENOMEM;
	return 0;
}

int vb_spec_evidence_parse(const char *text, size_t size, const struct vb_plan *plan,
	struct vb_spec_cache *cache, struct vb_spec_evidence *ret_spec, struct vb_error *err)
{
	vb_auto_spec_evidence struct vb_spec_evidence spec = {.is_read = true};
	vb_auto_json json_t *document = NULL;

	int r = vb_oci_text_parse(text, size, &document, err);
	if (r < 0)
		return vb_error_wrap(err, "read config.json again");
	vb_digest(text, size, spec.digest);
	const char *plan_digest = json_string_value(json_object_get(
		json_object_get(document, "annotations"), VB_PLAN_DIGEST_ANNOTATION));
	if (plan_digest != NULL) {
		spec.plan_digest = strdup(plan_digest);
		r = spec.plan_digest == NULL ? -ENOMEM : 0;
	}
	if (r == 0)
		r = read_process(document, &spec);
	if (r == 0)
		r = read_seccomp(document, plan, cache, &spec);
	if (r < 0)
		return vb_error_set(err, -r, "read config.json again");
	*ret_spec = spec;
	spec = (struct vb_spec_evidence){0};
	return 0;
}
