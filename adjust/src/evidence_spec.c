/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "json_slice.h"
#include "vb/adjust/caps.h"
#include "vb/adjust/evidence.h"
#include "vb/adjust/json.h"
#include "vb/adjust/oci_text.h"
#include "vb/adjust/profile.h"
#include "vb/adjust/starter.h"
#include "vb/base/buf.h"

enum { CACHE_ENTRIES = 8 };

struct cache_entry {
	char key[VB_DIGEST_SIZE];
	enum vb_containment containment;
	char *reason;
};

struct vb_spec_cache {
	struct cache_entry entries[CACHE_ENTRIES];
	size_t next; /* the oldest one */
	struct vb_kernel_version kernel;
};

/* What is to be judged: a seccomp object, by what the plan demands of it. */
struct question {
	const struct vb_json_slice *seccomp;
	const struct vb_plan_seccomp *plan;
	struct vb_docker_target target; /* the container's, for profiles in Docker's format */
};

struct vb_spec_cache *vb_spec_cache_create(struct vb_kernel_version kernel)
{
	struct vb_spec_cache *cache = calloc(1, sizeof(*cache));

	if (cache != NULL)
		cache->kernel = kernel;
	return cache;
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
	vb_strv_finish(&spec->flags);
	*spec = (struct vb_spec_evidence){0};
}

static int print_question(const struct question *question, struct vb_buf *out)
{
	const struct vb_plan_seccomp *plan = question->plan;

	int r = vb_buf_printf(out, "%d%d%d%d %" PRIx64 "\n", plan->starter, plan->closure,
		plan->deny_io_uring, plan->native_abi_only, question->target.capabilities);
	for (size_t i = 0; r == 0 && i < plan->profiles.count; i++)
		r = vb_buf_printf(out, "%s\n", plan->profiles.items[i].digest);
	return r < 0 ? r : vb_buf_append(out, question->seccomp->text, question->seccomp->size);
}

/* Names the question. -ENOMEM. */
static int make_key(const struct question *question, char ret_key[VB_DIGEST_SIZE])
{
	vb_auto_buf struct vb_buf *text = vb_buf_create(SIZE_MAX);

	if (text == NULL || print_question(question, text) < 0)
		return -ENOMEM;
	vb_digest(vb_buf_data(text), vb_buf_size(text), ret_key);
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

static int contains_custom(const struct vb_profile *profile, const struct vb_plan_profile *custom,
	const struct vb_docker_target *target, struct vb_error *err)
{
	vb_auto_profile struct vb_profile *demanded = NULL;

	int r = vb_custom_profile_read(custom->text, strlen(custom->text), target, &demanded, err);
	if (r == 0)
		r = vb_profile_check_quick(profile, demanded, profile, err);
	return r < 0 ? vb_error_wrap(err, "profile '%.128s'", custom->name) : 0;
}

/*
 * A profile contains another one when it is itself the meet of the two. Everything that does not
 * prove this, also a profile that cannot be read, is lacking.
 */
static int contains(const struct question *question, struct vb_error *err)
{
	const struct vb_plan_seccomp *plan = question->plan;
	vb_auto_json json_t *seccomp = NULL;
	vb_auto_profile struct vb_profile *profile = NULL;
	vb_auto_profile struct vb_profile *demanded = NULL;

	int r = vb_oci_text_parse(question->seccomp->text, question->seccomp->size, &seccomp, err);
	if (r == 0)
		r = vb_profile_from_json(seccomp, VB_PROFILE_NATIVE, &profile, err);
	if (r == 0)
		r = demanded_profile(plan, &demanded, err);
	if (r == 0 && demanded != NULL)
		r = vb_profile_check_quick(profile, demanded, profile, err);
	for (size_t i = 0; r == 0 && i < plan->profiles.count; i++)
		r = contains_custom(profile, &plan->profiles.items[i], &question->target, err);
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

static struct cache_entry *find_entry(struct vb_spec_cache *cache, const char *key)
{
	for (size_t i = 0; i < CACHE_ENTRIES; i++)
		if (strcmp(cache->entries[i].key, key) == 0)
			return &cache->entries[i];
	return NULL;
}

/* Judges the profile, or remembers having done so. */
static int judge_profile(
	struct vb_spec_cache *cache, const struct question *question, struct vb_spec_evidence *spec)
{
	char key[VB_DIGEST_SIZE];
	struct vb_error err = {0};

	int r = make_key(question, key);
	if (r < 0)
		return r;
	struct cache_entry *entry = find_entry(cache, key);
	if (entry == NULL) {
		int verdict = contains(question, &err);
		entry = &cache->entries[cache->next];
		r = verdict == -ENOMEM ? verdict : keep_verdict(entry, key, verdict, &err);
		if (r < 0)
			return r;
		cache->next = (cache->next + 1) % CACHE_ENTRIES;
	}
	spec->seccomp = entry->containment;
	if (entry->reason == NULL)
		return 0;
	spec->seccomp_reason = strdup(entry->reason);
	return spec->seccomp_reason == NULL ? -ENOMEM : 0;
}

static bool is_literal(const struct vb_json_slice *slice, const char *literal)
{
	return slice->size == strlen(literal) && memcmp(slice->text, literal, slice->size) == 0;
}

/* The strings of the array behind the key; none when there is no such key. */
static int read_strings(
	const struct vb_json_slice *object, const char *key, struct vb_strv *strings)
{
	struct vb_json_slice slice = {0};
	size_t i = 0;
	json_t *item = NULL;

	int r = vb_json_slice_get(object, key, &slice);
	if (r <= 0 || is_literal(&slice, "null"))
		return r < 0 ? r : 0;
	vb_auto_json json_t *array = NULL;
	r = vb_json_load(slice.text, slice.size, 0, &array, NULL);
	if (r < 0)
		return r;
	if (!json_is_array(array))
		return -EINVAL;
	json_array_foreach(array, i, item)
		if (json_is_string(item) && vb_strv_add(strings, json_string_value(item)) < 0)
			return -ENOMEM;
	return 0;
}

/* The container's capability bounding set, as the runtime was given it. */
static int read_bounding(const struct vb_json_slice *document, uint64_t *ret_set)
{
	struct vb_json_slice process = {0};
	struct vb_json_slice capabilities = {0};
	vb_auto_strv struct vb_strv names = {0};

	int r = vb_json_slice_get(document, "process", &process);
	if (r > 0)
		r = vb_json_slice_get(&process, "capabilities", &capabilities);
	if (r <= 0 || is_literal(&capabilities, "null"))
		return r < 0 ? r : 0;
	r = read_strings(&capabilities, "bounding", &names);
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		uint64_t set = 0;
		/* What Linux does not have grants nothing. */
		if (vb_str_after(names.items[i], "CAP_") != NULL &&
			vb_cap_parse(names.items[i], &set, NULL) == 0)
			*ret_set |= set;
	}
	return r;
}

static int read_seccomp(const struct vb_json_slice *document, const struct vb_plan *plan,
	struct vb_spec_cache *cache, struct vb_spec_evidence *spec)
{
	struct vb_json_slice linux_object = {0};
	struct vb_json_slice seccomp = {0};
	struct question question = {.seccomp = &seccomp,
		.plan = &plan->seccomp,
		.target = {.native = VB_PROFILE_NATIVE,
			.kernel_major = cache->kernel.major,
			.kernel_minor = cache->kernel.minor}};

	int r = vb_json_slice_get(document, "linux", &linux_object);
	if (r > 0)
		r = vb_json_slice_get(&linux_object, "seccomp", &seccomp);
	if (r <= 0 || !vb_plan_has(plan, VB_LAYER_SECCOMP) || is_literal(&seccomp, "null"))
		return r < 0 ? r : 0;
	r = read_strings(&seccomp, "flags", &spec->flags);
	spec->allows_speculation = vb_strv_contains(&spec->flags, "SECCOMP_FILTER_FLAG_SPEC_ALLOW");
	if (r == 0 && plan->seccomp.profiles.count > 0)
		r = read_bounding(document, &question.target.capabilities);
	return r < 0 ? r : judge_profile(cache, &question, spec);
}

static int read_process(const struct vb_json_slice *document, struct vb_spec_evidence *spec)
{
	struct vb_json_slice process = {0};
	struct vb_json_slice flag = {0};

	int r = vb_json_slice_get(document, "process", &process);
	if (r <= 0)
		return r;
	r = vb_json_slice_get(&process, "noNewPrivileges", &flag);
	spec->no_new_privileges = r > 0 && is_literal(&flag, "true");
	return r < 0 ? r : read_strings(&process, "env", &spec->env);
}

static int read_plan_digest(const struct vb_json_slice *document, struct vb_spec_evidence *spec)
{
	struct vb_json_slice annotations = {0};
	struct vb_json_slice digest = {0};

	int r = vb_json_slice_get(document, "annotations", &annotations);
	if (r > 0 && !is_literal(&annotations, "null"))
		r = vb_json_slice_get(&annotations, VB_PLAN_DIGEST_ANNOTATION, &digest);
	if (r <= 0 || digest.text == NULL)
		return r < 0 ? r : 0;
	vb_auto_json json_t *text = NULL;
	r = vb_json_load(digest.text, digest.size, JSON_DECODE_ANY, &text, NULL);
	if (r < 0)
		return r;
	if (!json_is_string(text))
		return -EINVAL;
	spec->plan_digest = strdup(json_string_value(text));
	return spec->plan_digest == NULL ? -ENOMEM : 0;
}

int vb_spec_evidence_parse(const char *text, size_t size, const struct vb_plan *plan,
	struct vb_spec_cache *cache, struct vb_spec_evidence *ret_spec, struct vb_error *err)
{
	vb_auto_spec_evidence struct vb_spec_evidence spec = {.is_read = true};
	const struct vb_json_slice document = {.text = text, .size = size};

	vb_digest(text, size, spec.digest);
	int r = read_plan_digest(&document, &spec);
	if (r == 0)
		r = read_process(&document, &spec);
	if (r == 0)
		r = read_seccomp(&document, plan, cache, &spec);
	if (r == -EINVAL)
		return vb_error_say(err, EINVAL, "config.json is not as a runtime takes it");
	if (r < 0)
		return vb_error_set(err, -r, "read config.json again");
	*ret_spec = spec;
	spec = (struct vb_spec_evidence){0};
	return 0;
}
