/* SPDX-License-Identifier: Apache-2.0 */
/* config.json, read again after create, as evidence: what its seccomp profile contains. */
#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "outcome_support.h"
#include "unit.h"
#include "vb/adjust/json.h"

static struct outcome_scene scene;
static struct vb_error err;

static void set_up(void)
{
	scene_init(&scene);
}

static void tear_down(void)
{
	scene_finish(&scene);
}

#define SPEC(seccomp)                                                                              \
	"{\"ociVersion\":\"1.0.2\",\"annotations\":{\"plan-digest.vambrace.dev\":\"d\"},"          \
	"\"process\":{\"noNewPrivileges\":true,\"env\":[\"A=1\",\"B=2\"],"                         \
	"\"rlimits\":[{\"type\":\"RLIMIT_CORE\",\"hard\":18446744073709551615,\"soft\":0}]},"      \
	"\"linux\":{" seccomp "}}"
#define STARTER_NAMES                                                                              \
	"\"mount\",\"umount\",\"umount2\",\"pivot_root\",\"setns\",\"unshare\",\"mknod\","         \
	"\"mknodat\",\"kexec_load\",\"kexec_file_load\",\"init_module\",\"finit_module\","         \
	"\"delete_module\",\"iopl\",\"ioperm\",\"swapon\",\"swapoff\",\"reboot\",\"bpf\","         \
	"\"perf_event_open\""
#define DENYING(names)                                                                             \
	"\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[" names       \
	"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":1}]}"

static enum vb_containment containment(const char *text, struct vb_spec_cache *cache)
{
	vb_auto_spec_evidence struct vb_spec_evidence spec = {0};

	ck_assert_msg(
		vb_spec_evidence_parse(text, strlen(text), scene.plan, cache, &spec, &err) == 0,
		"%s", err.what);
	ck_assert(spec.is_read && spec.no_new_privileges);
	ck_assert_str_eq(spec.plan_digest, "d");
	ck_assert_uint_eq(spec.env.count, 2);
	ck_assert_int_eq(spec.seccomp == VB_CONTAINMENT_LACKING, spec.seccomp_reason != NULL);
	return spec.seccomp;
}

START_TEST(config_json_contains_the_starter_or_lacks_a_part_of_it)
{
	vb_auto_spec_cache struct vb_spec_cache *cache =
		vb_spec_cache_create((struct vb_kernel_version){6, 1});

	scene_set_layers(&scene,
		"'seccomp':{"
		"'sources':['default'],'starter':true}",
		true);
	/* Twice: the second answer is the remembered one. */
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(containment(SPEC(DENYING(STARTER_NAMES ",\"ptrace\"")), cache),
			VB_CONTAINMENT_COMPLETE);
		ck_assert_int_eq(
			containment(SPEC(DENYING(STARTER_NAMES)), cache), VB_CONTAINMENT_LACKING);
		ck_assert_int_eq(containment(SPEC(""), cache), VB_CONTAINMENT_ABSENT);
		ck_assert_int_eq(containment(SPEC("\"seccomp\":{\"defaultAction\":\"NO\"}"), cache),
			VB_CONTAINMENT_LACKING);
	}
}
END_TEST

START_TEST(config_jsons_flags_are_read_whether_its_profile_is_known_or_not)
{
	static const char text[] =
		SPEC("\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":["
		     "\"SECCOMP_FILTER_FLAG_LOG\",\"SECCOMP_FILTER_FLAG_SPEC_ALLOW\"]}");
	vb_auto_spec_cache struct vb_spec_cache *cache =
		vb_spec_cache_create((struct vb_kernel_version){6, 1});

	for (int i = 0; i < 2; i++) {
		vb_auto_spec_evidence struct vb_spec_evidence spec = {0};
		ck_assert_int_eq(
			vb_spec_evidence_parse(text, strlen(text), scene.plan, cache, &spec, &err),
			0);
		ck_assert(spec.allows_speculation);
		ck_assert_uint_eq(spec.flags.count, 2);
		ck_assert_str_eq(spec.flags.items[0], "SECCOMP_FILTER_FLAG_LOG");
	}
}
END_TEST

START_TEST(a_verdict_is_of_one_plans_demands)
{
	vb_auto_spec_cache struct vb_spec_cache *cache =
		vb_spec_cache_create((struct vb_kernel_version){6, 1});
	static const char text[] = SPEC(DENYING(STARTER_NAMES ",\"ptrace\""));

	scene_set_layers(&scene,
		"'seccomp':{"
		"'sources':['default'],'starter':true}",
		true);
	ck_assert_int_eq(containment(text, cache), VB_CONTAINMENT_COMPLETE);
	scene_set_layers(&scene,
		"'seccomp':{'deny_io_uring':true,"
		"'sources':['default'],'starter':true}",
		true);
	ck_assert_int_eq(containment(text, cache), VB_CONTAINMENT_LACKING);
}
END_TEST

/* CAP_SYS_ADMIN lets Docker's format open mount; what counts is what the runtime was given. */
START_TEST(config_json_contains_the_plans_custom_profiles_or_lacks_one)
{
	static const char docker[] =
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"sync\"],"
		"\"action\":\"SCMP_ACT_ERRNO\"},{\"names\":[\"mount\"],\"action\":"
		"\"SCMP_ACT_ERRNO\",\"excludes\":{\"caps\":[\"CAP_SYS_ADMIN\"]}},"
		"{\"names\":[\"reboot\"],\"action\":\"SCMP_ACT_ERRNO\",\"includes\":"
		"{\"minKernel\":\"6.2\"}}]}";
	static const char plain[] = "{\"process\":{\"capabilities\":{\"bounding\":[%s]},"
				    "\"env\":[\"A=1\",\"B=2\"],\"noNewPrivileges\":true},"
				    "\"annotations\":{\"plan-digest.vambrace.dev\":\"d\"},"
				    "\"linux\":{" DENYING("%s") "}}";
	static const struct {
		const char *capabilities;
		const char *names;
		unsigned int minor; /* of the kernel */
		enum vb_containment expected;
	} cases[] = {
		{"", "\"sync\",\"mount\"", 1, VB_CONTAINMENT_COMPLETE},
		{"", "\"sync\"", 1, VB_CONTAINMENT_LACKING},
		{"", "\"mount\"", 1, VB_CONTAINMENT_LACKING},
		{"\"CAP_SYS_ADMIN\"", "\"sync\"", 1, VB_CONTAINMENT_COMPLETE},
		{"\"SYS_ADMIN\",\"CAP_CHOWN\"", "\"sync\"", 1, VB_CONTAINMENT_LACKING},
		{"", "\"sync\",\"mount\"", 2, VB_CONTAINMENT_LACKING},
		{"", "\"sync\",\"mount\",\"reboot\"", 2, VB_CONTAINMENT_COMPLETE},
	};

	scene_set_layers(&scene, "'seccomp':{'sources':['bundle'],'starter':true}", true);
	scene.plan->seccomp.starter = false;
	ck_assert_int_eq(vb_plan_profiles_add(
				 &scene.plan->seccomp.profiles, VB_SOURCE_BUNDLE, "docker", docker),
		0);
	for (size_t i = 0; i < VB_ARRAY_SIZE(cases); i++) {
		vb_auto_spec_cache struct vb_spec_cache *cache =
			vb_spec_cache_create((struct vb_kernel_version){6, cases[i].minor});
		vb_auto_free char *text =
			vb_str_format(plain, cases[i].capabilities, cases[i].names);
		for (int round = 0; round < 2; round++)
			ck_assert_msg(containment(text, cache) == cases[i].expected, "case %zu", i);
	}
}
END_TEST

START_TEST(a_custom_profile_closes_abis_that_it_does_not_list)
{
	static const char foreign[] =
		SPEC("\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":["
		     "\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_X86\",\"SCMP_ARCH_AARCH64\","
		     "\"SCMP_ARCH_ARM\"]}");
	static const char *const texts[] = {"{\"defaultAction\":\"SCMP_ACT_ALLOW\"}",
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_X86_64\","
		"\"SCMP_ARCH_X86\",\"SCMP_ARCH_AARCH64\",\"SCMP_ARCH_ARM\"]}"};
	vb_auto_spec_cache struct vb_spec_cache *cache =
		vb_spec_cache_create((struct vb_kernel_version){6, 1});

	for (size_t i = 0; i < VB_ARRAY_SIZE(texts); i++) {
		scene_set_layers(&scene, "'seccomp':{'sources':['bundle'],'starter':true}", true);
		scene.plan->seccomp.starter = false;
		ck_assert_int_eq(vb_plan_profiles_add(&scene.plan->seccomp.profiles,
					 VB_SOURCE_BUNDLE, "p", texts[i]),
			0);
		ck_assert_int_eq(containment(foreign, cache),
			i == 0 ? VB_CONTAINMENT_LACKING : VB_CONTAINMENT_COMPLETE);
	}
}
END_TEST

START_TEST(more_profiles_than_are_remembered_are_still_judged_rightly)
{
	vb_auto_spec_cache struct vb_spec_cache *cache =
		vb_spec_cache_create((struct vb_kernel_version){6, 1});

	scene_set_layers(&scene,
		"'seccomp':{"
		"'sources':['default'],'starter':true}",
		true);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 20; i++) {
			vb_auto_free char *text =
				vb_str_format(SPEC(DENYING("%s\"getpgid\",\"%s\"")),
					i % 2 == 0 ? STARTER_NAMES ",\"ptrace\"," : "",
					i < 10 ? "getsid" : "getpriority");
			ck_assert_int_eq(containment(text, cache),
				i % 2 == 0 ? VB_CONTAINMENT_COMPLETE : VB_CONTAINMENT_LACKING);
		}
	}
}
END_TEST

START_TEST(a_config_json_that_does_not_parse_is_an_error)
{
	vb_auto_spec_cache struct vb_spec_cache *cache =
		vb_spec_cache_create((struct vb_kernel_version){6, 1});
	struct vb_spec_evidence spec = {0};

	ck_assert_int_eq(vb_spec_evidence_parse("{", 1, scene.plan, cache, &spec, &err), -EINVAL);
	ck_assert_int_eq(vb_spec_evidence_parse("[]", 2, scene.plan, cache, &spec, &err), -EINVAL);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("outcome_config");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, config_json_contains_the_starter_or_lacks_a_part_of_it);
	tcase_add_test(tcase, config_jsons_flags_are_read_whether_its_profile_is_known_or_not);
	tcase_add_test(tcase, a_verdict_is_of_one_plans_demands);
	tcase_add_test(tcase, config_json_contains_the_plans_custom_profiles_or_lacks_one);
	tcase_add_test(tcase, a_custom_profile_closes_abis_that_it_does_not_list);
	tcase_add_test(tcase, more_profiles_than_are_remembered_are_still_judged_rightly);
	tcase_add_test(tcase, a_config_json_that_does_not_parse_is_an_error);
	return vb_unit_run("outcome_config", tcase);
}
