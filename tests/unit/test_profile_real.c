/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles that are in use, each met with each: Docker's and Podman's defaults as Debian has them,
 * those of containerd as its nodes emit them, one recorded from a program, and our own. The result
 * passes the check of whole filters, and filters made by the steps of a runtime, without the
 * engine, answer with the stricter of both at every number and at the values that the conditions
 * are about.
 */
#include <check.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>
#include <unistd.h>

#include "profile_runtime.h"
#include "profile_support.h"
#include "unit.h"
#include "vb/adjust/bpf_sim.h"
#include "vb/adjust/json.h"
#include "vb/adjust/oci_number.h"
#include "vb/adjust/oci_text.h"
#include "vb/adjust/profile_docker.h"

#define X86_64 SCMP_ARCH_X86_64
#define ARM64  SCMP_ARCH_AARCH64

enum { PROFILES_MAX = 12, VALUES_MAX = 256, NUMBERS_MAX = 512 };

struct real {
	const char *name;
	json_t *json; /* as a runtime gets it */
	struct vb_profile *profile;
};

struct reals {
	uint32_t native;
	struct real items[PROFILES_MAX];
	size_t count;
	uint64_t values[VALUES_MAX]; /* that some condition is about */
	size_t value_count;
};

static void reals_finish(struct reals *reals)
{
	for (size_t i = 0; i < reals->count; i++) {
		json_decref(reals->items[i].json);
		vb_profile_destroy(reals->items[i].profile);
	}
}

/* Keeps the JSON. */
static void add_json(struct reals *reals, const char *name, json_t *json)
{
	struct real *real = &reals->items[reals->count++];
	struct vb_error err = {0};

	ck_assert_uint_le(reals->count, PROFILES_MAX);
	real->name = name;
	real->json = json;
	if (vb_profile_from_json(json, reals->native, &real->profile, &err) < 0)
		ck_abort_msg("%s: %s", name, err.what);
}

static json_t *read_file(const char *directory, const char *name)
{
	char path[512];
	json_t *json = NULL;
	char *text = NULL;
	size_t size = 0;
	struct vb_error err = {0};

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	FILE *file = fopen(path, "re");
	ck_assert_msg(file != NULL, "%s", path);
	ck_assert_int_ge(getdelim(&text, &size, '\0', file), 0);
	ck_assert_int_eq(fclose(file), 0);
	if (vb_oci_text_parse(text, strlen(text), &json, &err) < 0)
		ck_abort_msg("%s: %s", path, err.what);
	free(text);
	return json;
}

static void add_docker(
	struct reals *reals, const char *name, unsigned int kernel_minor, uint64_t capabilities)
{
	const struct vb_docker_target target = {.native = reals->native,
		.kernel_major = 5,
		.kernel_minor = kernel_minor,
		.capabilities = capabilities};
	json_t *docker = read_file(VB_DEBIAN_PROFILES, name);
	json_t *seccomp = NULL;
	struct vb_error err = {0};

	ck_assert(vb_profile_is_docker(docker));
	if (vb_profile_resolve_docker(docker, &target, &seccomp, &err) < 0)
		ck_abort_msg("%s: %s", name, err.what);
	json_decref(docker);
	add_json(reals, name, seccomp);
}

static void add_starter(struct reals *reals, const char *name, unsigned int parts)
{
	vb_auto_profile struct vb_profile *profile = support_starter(parts, reals->native);

	add_json(reals, name, vb_profile_to_json(profile));
}

static void collect(struct reals *reals)
{
	const uint64_t few = UINT64_C(0xa80425fb); /* of containerd */

	add_starter(reals, "starter", VB_STARTER_DENIALS);
	add_starter(
		reals, "closure", VB_STARTER_DENIALS | VB_STARTER_CLOSURE | VB_STARTER_IO_URING);
	if (access(VB_DEBIAN_PROFILES, R_OK) == 0) {
		add_docker(reals, "docker-default.json", 10, few);
		add_docker(reals, "docker-default.json", 4, UINT64_MAX);
		add_docker(reals, "docker-default-old-format.json", 10, few);
		add_docker(reals, "containers-common.json", 10, few);
	} else {
		(void)fprintf(stderr,
			"no %s: without Docker's and Podman's; see tests/install-deps\n",
			VB_DEBIAN_PROFILES);
	}
	if (reals->native != X86_64)
		return;
	add_json(reals, "containerd 1.7.24",
		read_file(VB_TEST_DATA "/profiles", "containerd-1.7.24-default.json"));
	add_json(reals, "containerd 2.1.9",
		read_file(VB_TEST_DATA "/profiles", "containerd-2.1.9-default.json"));
	add_json(reals, "recorded", read_file(VB_TEST_DATA "/profiles", "recorded-python3.json"));
}

static void add_value(struct reals *reals, uint64_t value)
{
	for (size_t i = 0; i < reals->value_count; i++)
		if (reals->values[i] == value)
			return;
	ck_assert_uint_lt(reals->value_count, VALUES_MAX);
	reals->values[reals->value_count++] = value;
}

static void collect_condition(struct reals *reals, const json_t *condition)
{
	uint64_t value = 0;
	uint64_t two = 0;

	ck_assert_int_eq(vb_oci_number_u64(json_object_get(condition, "value"), &value), 0);
	for (uint64_t step = 0; step < 3; step++)
		add_value(reals, value + step - 1);
	/* Every bit of a mask. */
	const json_t *second = json_object_get(condition, "valueTwo");
	if (second == NULL || vb_oci_number_u64(second, &two) < 0)
		return;
	add_value(reals, two);
	for (uint64_t rest = value; rest != 0; rest &= rest - 1)
		add_value(reals, two ^ (rest & (~rest + 1)));
}

static void collect_values(struct reals *reals)
{
	add_value(reals, 0);
	add_value(reals, UINT32_MAX);
	add_value(reals, UINT64_MAX);
	for (size_t i = 0; i < reals->count; i++) {
		const json_t *entries = json_object_get(reals->items[i].json, "syscalls");
		for (size_t j = 0; j < json_array_size(entries); j++) {
			const json_t *args = json_object_get(json_array_get(entries, j), "args");
			for (size_t k = 0; k < json_array_size(args); k++)
				collect_condition(reals, json_array_get(args, k));
		}
	}
}

enum { BASE, TIGHTER, RESULT, SIDES };

static int32_t rank(uint32_t action)
{
	return (int32_t)(action & SECCOMP_RET_ACTION_FULL);
}

static void check_call(const struct runtime_filter *filters, const struct seccomp_data *data,
	const struct real *base, const struct real *tighter)
{
	uint32_t first = vb_bpf_run(filters[BASE].program, data);
	uint32_t second = vb_bpf_run(filters[TIGHTER].program, data);
	uint32_t expected = rank(second) < rank(first) ? second : first;
	uint32_t result = vb_bpf_run(filters[RESULT].program, data);

	ck_assert_msg(result == expected,
		"%s and %s, call %d of 0x%x, 0x%llx: 0x%x and 0x%x became 0x%x", base->name,
		tighter->name, data->nr, data->arch, (unsigned long long)data->args[0], first,
		second, result);
}

/* Where the result covers the ABI; elsewhere it must be closed. */
static void check_abi(const struct reals *reals, const struct runtime_filter *filters,
	uint32_t arch, bool covered, const struct real *const pair[2])
{
	for (int number = 0; number < NUMBERS_MAX; number++) {
		for (size_t i = 0; i < reals->value_count; i++) {
			struct seccomp_data data = {.nr = number, .arch = arch};
			uint64_t value = reals->values[i];
			bool narrow = (arch & __AUDIT_ARCH_64BIT) == 0;
			for (size_t j = 0; j < VB_PROFILE_ARGS; j++)
				data.args[j] = narrow ? value & UINT32_MAX : value;
			if (covered)
				check_call(filters, &data, pair[0], pair[1]);
			else
				ck_assert_int_le(
					rank(vb_bpf_run(filters[RESULT].program, &data)), 0);
		}
	}
	/* x32, by the bit in its numbers. */
	struct seccomp_data x32 = {.nr = 0x40000001, .arch = arch};
	if (arch == X86_64)
		ck_assert_int_le(rank(vb_bpf_run(filters[RESULT].program, &x32)), 0);
}

static void check_pair(
	const struct reals *reals, const struct real *base, const struct real *tighter)
{
	static struct runtime_filter filters[SIDES];
	const uint32_t sibling = reals->native == X86_64 ? SCMP_ARCH_X86 : SCMP_ARCH_ARM;
	const struct real *const pair[] = {base, tighter};
	vb_auto_profile struct vb_profile *result = support_meet(base->profile, tighter->profile);
	json_t *json = vb_profile_to_json(result);

	ck_assert(runtime_compile(base->json, reals->native, 2, &filters[BASE]));
	ck_assert(runtime_compile(tighter->json, reals->native, 2, &filters[TIGHTER]));
	ck_assert(runtime_compile(json, reals->native, 2, &filters[RESULT]));
	json_decref(json);
	check_abi(reals, filters, reals->native, true, pair);
	check_abi(reals, filters, sibling, vb_profile_covers_arch(result, sibling), pair);
}

static void check_all(uint32_t native, size_t expected)
{
	vb_auto(reals_finish) struct reals reals = {.native = native};

	collect(&reals);
	collect_values(&reals);
	if (access(VB_DEBIAN_PROFILES, R_OK) == 0)
		ck_assert_uint_eq(reals.count, expected);
	for (size_t i = 0; i < reals.count; i++)
		for (size_t j = 0; j < reals.count; j++)
			check_pair(&reals, &reals.items[i], &reals.items[j]);
}

START_TEST(each_profile_in_use_meets_each_on_x86_64)
{
	check_all(X86_64, 9);
}
END_TEST

START_TEST(each_profile_in_use_meets_each_on_arm64)
{
	check_all(ARM64, 6);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("profile_real");

	tcase_set_timeout(tcase, 600);
	tcase_add_test(tcase, each_profile_in_use_meets_each_on_x86_64);
	tcase_add_test(tcase, each_profile_in_use_meets_each_on_arm64);
	return vb_unit_run("profile_real", tcase);
}
