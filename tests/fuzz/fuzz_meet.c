/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two profiles, as a JSON list: whatever reads and meets is never looser than either and never
 * stricter than the stricter of both, as filters made the way a runtime makes them answer.
 */
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "profile_runtime.h"
#include "vb/adjust/bpf_sim.h"
#include "vb/adjust/json.h"
#include "vb/adjust/oci_number.h"
#include "vb/adjust/profile.h"

enum { DEPTH_MAX = 32, VALUES_MAX = 24, NAMES_MAX = 12, ENTRIES_MAX = 64, POINTS = 64 };

/* libseccomp 2.5.4 loses branches when it merges rules of different length. */
const char *__lsan_default_suppressions(void); // NOLINT(readability-identifier-naming)
const char *__lsan_default_suppressions(void)  // NOLINT(readability-identifier-naming)
{
	return "leak:libseccomp";
}

static void demand(bool condition)
{
	if (!condition)
		abort();
}

/* What the two profiles mention. */
struct mentioned {
	const char *names[NAMES_MAX];
	size_t name_count;
	uint64_t values[VALUES_MAX];
	size_t value_count;
};

static void mention_value(struct mentioned *mentioned, const json_t *value)
{
	uint64_t number = 0;

	if (vb_oci_number_u64(value, &number) == 0 && mentioned->value_count < VALUES_MAX)
		mentioned->values[mentioned->value_count++] = number;
}

static void mention(struct mentioned *mentioned, const json_t *seccomp)
{
	size_t i;
	size_t j;
	const json_t *entry;
	const json_t *item;

	json_array_foreach(json_object_get(seccomp, "syscalls"), i, entry) {
		json_array_foreach(json_object_get(entry, "names"), j, item)
			if (mentioned->name_count < NAMES_MAX)
				mentioned->names[mentioned->name_count++] = json_string_value(item);
		json_array_foreach(json_object_get(entry, "args"), j, item) {
			mention_value(mentioned, json_object_get(item, "value"));
			mention_value(mentioned, json_object_get(item, "valueTwo"));
		}
	}
}

static uint64_t draw(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state >> 8;
}

static uint64_t draw_argument(const struct mentioned *mentioned, uint64_t *state)
{
	uint64_t value = mentioned->values[draw(state) % mentioned->value_count];

	switch (draw(state) % 4) {
	case 0:
		return value;
	case 1:
		return value + draw(state) % 3 - 1;
	case 2:
		return value ^ UINT64_C(1) << draw(state) % 64;
	default:
		return 0;
	}
}

enum { BASE, TIGHTER, RESULT, SIDES };

static int32_t rank(uint32_t action)
{
	return (int32_t)(action & SECCOMP_RET_ACTION_FULL);
}

static void check_call(const struct runtime_filter *filters, const struct seccomp_data *data)
{
	uint32_t base = vb_bpf_run(filters[BASE].program, data);
	uint32_t tighter = vb_bpf_run(filters[TIGHTER].program, data);

	demand(vb_bpf_run(filters[RESULT].program, data) ==
		(rank(tighter) < rank(base) ? tighter : base));
}

static void check_calls(const struct runtime_filter *filters, const struct mentioned *mentioned,
	const struct vb_profile *result)
{
	static const uint32_t archs[] = {SCMP_ARCH_X86_64, SCMP_ARCH_X86};
	uint64_t state = UINT64_C(88172645463325252);

	for (size_t n = 0; n < VB_ARRAY_SIZE(archs) * mentioned->name_count; n++) {
		uint32_t arch = archs[n % VB_ARRAY_SIZE(archs)];
		const char *name = mentioned->names[n / VB_ARRAY_SIZE(archs)];
		struct seccomp_data data = {.arch = arch};
		data.nr = seccomp_syscall_resolve_name_rewrite(arch, name);
		if (data.nr < 0 || !vb_profile_covers_arch(result, arch))
			continue;
		for (unsigned int i = 0; i < POINTS; i++) {
			for (unsigned int j = 0; j < VB_PROFILE_ARGS; j++) {
				data.args[j] = draw_argument(mentioned, &state);
				if (arch == SCMP_ARCH_X86)
					data.args[j] &= UINT32_MAX;
			}
			check_call(filters, &data);
		}
	}
}

static void check_meet(const json_t *const profiles[SIDES], const struct vb_profile *result)
{
	static struct runtime_filter filters[SIDES];
	struct mentioned mentioned = {.values = {0}, .value_count = 1};

	for (size_t i = 0; i < SIDES; i++) {
		bool fine = !runtime_might_hang(profiles[i]) &&
			    runtime_compile(profiles[i], SCMP_ARCH_X86_64, 1, &filters[i]);
		demand(fine || i != RESULT);
		if (!fine)
			return;
		demand(vb_bpf_check(filters[i].program, filters[i].count) == 0);
	}
	mention(&mentioned, profiles[BASE]);
	mention(&mentioned, profiles[TIGHTER]);
	check_calls(filters, &mentioned, result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vb_auto_json json_t *json = NULL;
	vb_auto_profile struct vb_profile *base = NULL;
	vb_auto_profile struct vb_profile *tighter = NULL;
	vb_auto_profile struct vb_profile *result = NULL;
	struct vb_error err = {0};

	if (vb_json_parse((const char *)data, size, DEPTH_MAX, &json, NULL) < 0)
		return 0;
	const json_t *first = json_array_get(json, 0);
	const json_t *second = json_array_get(json, 1);
	if (json_array_size(json_object_get(first, "syscalls")) > ENTRIES_MAX ||
		json_array_size(json_object_get(second, "syscalls")) > ENTRIES_MAX ||
		vb_profile_from_json(first, SCMP_ARCH_X86_64, &base, NULL) < 0 ||
		vb_profile_from_json(second, SCMP_ARCH_X86_64, &tighter, NULL) < 0)
		return 0;
	if (vb_profile_meet(base, tighter, &result, &err) < 0) {
		demand(result == NULL && err.what[0] != '\0');
		return 0;
	}
	vb_auto_json json_t *written = vb_profile_to_json(result);
	demand(written != NULL);
	const json_t *profiles[SIDES] = {first, second, written};
	check_meet(profiles, result);
	return 0;
}
