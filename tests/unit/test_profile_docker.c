/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles in the format of Docker and containers-common, resolved for one container. */
#include <check.h>
#include <errno.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <string.h>

#include "profile_support.h"
#include "unit.h"
#include "vb/adjust/json.h"
#include "vb/adjust/profile_docker.h"

#define X86_64      SCMP_ARCH_X86_64
#define ARM64       SCMP_ARCH_AARCH64
#define BIT(number) (UINT64_C(1) << (number))

static const char profile_text[] =
	"{'defaultAction':'SCMP_ACT_ERRNO','defaultErrno':'ENOSYS','defaultErrnoRet':1,'archMap':["
	"{'architecture':'SCMP_ARCH_X86_64','subArchitectures':['SCMP_ARCH_X86','SCMP_ARCH_X32']},"
	"{'architecture':'SCMP_ARCH_AARCH64','subArchitectures':['SCMP_ARCH_ARM']},"
	"{'architecture':'SCMP_ARCH_RISCV64','subArchitectures':null}],'syscalls':["
	"{'names':['read','write'],'action':'SCMP_ACT_ALLOW','comment':'always','includes':{},"
	"'excludes':{}},"
	"{'names':['ptrace'],'action':'SCMP_ACT_ALLOW','includes':{'minKernel':'4.8'}},"
	"{'names':['arch_prctl'],'action':'SCMP_ACT_ALLOW','includes':{'arches':['amd64','x32']}},"
	"{'names':['set_tls'],'action':'SCMP_ACT_ALLOW','includes':{'arches':['arm','arm64']}},"
	"{'names':['bpf','clone'],'action':'SCMP_ACT_ALLOW','includes':{'caps':['CAP_SYS_ADMIN']}},"
	"{'names':['mbind'],'action':'SCMP_ACT_ALLOW','includes':{'caps':['CAP_SYS_NICE',"
	"'CAP_SYS_ADMIN']}},"
	"{'names':['clone'],'action':'SCMP_ACT_ALLOW','args':[{'index':0,'value':2114060288,"
	"'op':'SCMP_CMP_MASKED_EQ'}],'excludes':{'caps':['CAP_SYS_ADMIN'],"
	"'arches':['s390','s390x']}},"
	"{'name':'clone3','action':'SCMP_ACT_ERRNO','errno':'EPERM','errnoRet':38,"
	"'excludes':{'caps':['CAP_SYS_ADMIN']}},"
	"{'names':['pidfd_open'],'action':'SCMP_ACT_LOG','excludes':{'minKernel':'5.10'}}]}";

static struct vb_profile *resolve_text(const char *text, const struct vb_docker_target *target)
{
	json_t *json = support_json(text);
	json_t *seccomp = NULL;
	struct vb_profile *profile = NULL;
	struct vb_error err = {0};

	if (vb_profile_resolve_docker(json, target, &seccomp, &err) < 0 ||
		vb_profile_from_json(seccomp, target->native, &profile, &err) < 0)
		ck_abort_msg("%s", err.what);
	json_decref(json);
	json_decref(seccomp);
	return profile;
}

START_TEST(without_capabilities_what_they_guard_is_left_out)
{
	const struct vb_docker_target target = {
		.native = X86_64, .kernel_major = 6, .kernel_minor = 1};
	vb_auto_profile struct vb_profile *profile = resolve_text(profile_text, &target);

	ck_assert_uint_eq(support_action(profile, X86_64, "read", 0, 0), ALLOW);
	ck_assert_uint_eq(support_action(profile, X86_64, "bpf", 0, 0), ERRNO(ENOSYS));
	ck_assert_uint_eq(support_action(profile, X86_64, "mbind", 0, 0), ERRNO(ENOSYS));
	ck_assert_uint_eq(support_action(profile, X86_64, "clone", 0x10000000, 0), ERRNO(ENOSYS));
	ck_assert_uint_eq(support_action(profile, X86_64, "clone", 17, 0), ALLOW);
	ck_assert_uint_eq(support_action(profile, X86_64, "clone3", 0, 0), ERRNO(EPERM));
	ck_assert(vb_profile_covers_arch(profile, SCMP_ARCH_X86));
	ck_assert(!vb_profile_covers_arch(profile, SCMP_ARCH_ARM));
}
END_TEST

START_TEST(all_included_capabilities_are_needed)
{
	const struct vb_docker_target admin = {
		.native = X86_64, .kernel_major = 6, .capabilities = BIT(CAP_SYS_ADMIN)};
	const struct vb_docker_target both = {.native = X86_64,
		.kernel_major = 6,
		.capabilities = BIT(CAP_SYS_ADMIN) | BIT(CAP_SYS_NICE)};
	vb_auto_profile struct vb_profile *one = resolve_text(profile_text, &admin);
	vb_auto_profile struct vb_profile *two = resolve_text(profile_text, &both);

	ck_assert_uint_eq(support_action(one, X86_64, "bpf", 0, 0), ALLOW);
	ck_assert_uint_eq(support_action(one, X86_64, "clone", 0x10000000, 0), ALLOW);
	ck_assert_uint_eq(support_action(one, X86_64, "clone3", 0, 0), ERRNO(ENOSYS));
	ck_assert_uint_eq(support_action(one, X86_64, "mbind", 0, 0), ERRNO(ENOSYS));
	ck_assert_uint_eq(support_action(two, X86_64, "mbind", 0, 0), ALLOW);
}
END_TEST

START_TEST(kernels_are_compared_by_both_numbers)
{
	static const struct {
		unsigned int major;
		unsigned int minor;
		uint32_t ptrace;     /* from 4.8 */
		uint32_t pidfd_open; /* until 5.10 */
	} cases[] = {
		{3, 10, ERRNO(ENOSYS), LOG},
		{4, 7, ERRNO(ENOSYS), LOG},
		{4, 8, ALLOW, LOG},
		{4, 18, ALLOW, LOG},
		{5, 9, ALLOW, LOG},
		{5, 10, ALLOW, ERRNO(ENOSYS)},
		{6, 1, ALLOW, ERRNO(ENOSYS)},
	};

	for (size_t i = 0; i < VB_ARRAY_SIZE(cases); i++) {
		const struct vb_docker_target target = {.native = X86_64,
			.kernel_major = cases[i].major,
			.kernel_minor = cases[i].minor};
		vb_auto_profile struct vb_profile *profile = resolve_text(profile_text, &target);
		ck_assert_uint_eq(support_action(profile, X86_64, "ptrace", 0, 0), cases[i].ptrace);
		ck_assert_uint_eq(
			support_action(profile, X86_64, "pidfd_open", 0, 0), cases[i].pidfd_open);
	}
}
END_TEST

START_TEST(architectures_come_from_the_map)
{
	const struct vb_docker_target arm = {.native = ARM64, .kernel_major = 6};
	const struct vb_docker_target riscv = {.native = SCMP_ARCH_RISCV64, .kernel_major = 6};
	const struct vb_docker_target s390 = {.native = SCMP_ARCH_PPC64LE, .kernel_major = 6};
	vb_auto_profile struct vb_profile *a = resolve_text(profile_text, &arm);
	vb_auto_profile struct vb_profile *r = resolve_text(profile_text, &riscv);
	vb_auto_profile struct vb_profile *p = resolve_text(profile_text, &s390);
	vb_auto_free char *text = support_text(r);

	ck_assert(vb_profile_covers_arch(a, ARM64));
	ck_assert(vb_profile_covers_arch(a, SCMP_ARCH_ARM));
	ck_assert(!vb_profile_covers_arch(a, SCMP_ARCH_X86));
	ck_assert_uint_eq(support_action(a, SCMP_ARCH_ARM, "set_tls", 0, 0), ALLOW);
	ck_assert_ptr_null(strstr(text, "arch_prctl"));
	ck_assert_ptr_nonnull(strstr(text, "\"architectures\":[\"SCMP_ARCH_RISCV64\"]"));
	ck_assert(vb_profile_covers_arch(p, SCMP_ARCH_PPC64LE));
}
END_TEST

START_TEST(a_resolved_profile_meets_the_starter)
{
	const struct vb_docker_target target = {.native = X86_64,
		.kernel_major = 6,
		.capabilities = BIT(CAP_SYS_ADMIN) | BIT(CAP_SYS_NICE)};
	vb_auto_profile struct vb_profile *profile = resolve_text(profile_text, &target);
	vb_auto_profile struct vb_profile *starter =
		support_starter(VB_STARTER_DENIALS | VB_STARTER_CLOSURE, X86_64);
	vb_auto_profile struct vb_profile *result = support_meet(profile, starter);

	ck_assert_uint_eq(support_action(result, X86_64, "bpf", 0, 0), ERRNO(EPERM));
	ck_assert_uint_eq(support_action(result, X86_64, "clone", 0x10000000, 0), ERRNO(EPERM));
	ck_assert_uint_eq(support_action(result, X86_64, "clone", 17, 0), ALLOW);
}
END_TEST

/* The rules for sockets that Podman's profile has: conditions on different arguments. */
START_TEST(conditions_on_different_arguments_meet)
{
	const struct vb_docker_target target = {.native = X86_64, .kernel_major = 6};
	vb_auto_profile struct vb_profile *profile = resolve_text(
		"{'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':38,'syscalls':["
		"{'names':['socket'],'action':'SCMP_ACT_ERRNO','errnoRet':22,'errno':'EINVAL',"
		"'args':[{'index':0,'value':16,'op':'SCMP_CMP_EQ'},"
		"{'index':2,'value':9,'op':'SCMP_CMP_EQ'}],"
		"'excludes':{'caps':['CAP_AUDIT_WRITE']}},"
		"{'names':['socket'],'action':'SCMP_ACT_ALLOW','args':[{'index':2,'value':9,"
		"'op':'SCMP_CMP_NE'}],'excludes':{'caps':['CAP_AUDIT_WRITE']}},"
		"{'names':['socket'],'action':'SCMP_ACT_ALLOW','args':[{'index':0,'value':16,"
		"'op':'SCMP_CMP_NE'}],'excludes':{'caps':['CAP_AUDIT_WRITE']}}]}",
		&target);
	vb_auto_profile struct vb_profile *packets = support_profile(
		"{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['socket'],"
		"'action':'SCMP_ACT_ERRNO','args':[{'index':0,'value':17,'op':'SCMP_CMP_EQ'}]}]}");
	vb_auto_profile struct vb_profile *result = support_meet(profile, packets);
	const uint64_t audit[VB_PROFILE_ARGS] = {16, 3, 9};

	ck_assert_uint_eq(support_verdict(result, X86_64, "socket", audit).action, ERRNO(EINVAL));
	ck_assert_uint_eq(support_action(result, X86_64, "socket", 16, 3), ALLOW);
	ck_assert_uint_eq(support_action(result, X86_64, "socket", 2, 1), ALLOW);
	ck_assert_uint_eq(support_action(result, X86_64, "socket", 17, 3), ERRNO(EPERM));
}
END_TEST

static bool looks_like_docker(const char *text)
{
	json_t *json = support_json(text);
	bool docker = vb_profile_is_docker(json);

	json_decref(json);
	return docker;
}

START_TEST(the_format_is_told_by_its_own_keys)
{
	ck_assert(looks_like_docker(profile_text));
	ck_assert(looks_like_docker("{'archMap':[]}"));
	ck_assert(looks_like_docker("{'syscalls':[{},{'includes':{}}]}"));
	ck_assert(looks_like_docker("{'syscalls':[{'name':'read'}]}"));
	ck_assert(!looks_like_docker("{}"));
	ck_assert(!looks_like_docker("[]"));
	ck_assert(!looks_like_docker(
		"{'defaultAction':'SCMP_ACT_ERRNO','syscalls':[{'names':['read'],"
		"'action':'SCMP_ACT_ALLOW'}]}"));
}
END_TEST

static void refuse_docker(const char *text, const char *expected)
{
	const struct vb_docker_target target = {.native = X86_64, .kernel_major = 6};
	json_t *json = support_json(text);
	json_t *seccomp = NULL;
	struct vb_error err = {0};

	ck_assert_int_eq(vb_profile_resolve_docker(json, &target, &seccomp, &err), -EINVAL);
	ck_assert_ptr_null(seccomp);
	ck_assert_str_eq(err.what, expected);
	json_decref(json);
}

static void refuse_entry(const char *entry, const char *expected)
{
	char text[512];

	(void)snprintf(text, sizeof(text),
		"{'defaultAction':'SCMP_ACT_ERRNO','syscalls':[{'names':['read'],"
		"'action':'SCMP_ACT_ALLOW',%s}]}",
		entry);
	refuse_docker(text, expected);
}

START_TEST(a_profile_without_sense_is_refused)
{
	refuse_docker("[]", "the profile is not an object");
	refuse_docker("{'archMaps':[]}",
		"unknown key 'archMaps' in the profile, did you mean 'archMap'?");
	refuse_docker("{'archMap':{}}", "archMap is not a list");
	refuse_docker("{'archMap':[{'architecture':'amd64'}]}",
		"archMap[0] has the unknown architecture 'amd64'");
	refuse_docker("{'archMap':[{'architecture':'SCMP_ARCH_X86'}],"
		      "'architectures':['SCMP_ARCH_X86']}",
		"the profile has both archMap and architectures");
	refuse_docker("{'defaultAction':'SCMP_ACT_ERRNO','defaultErrno':'ENONSENSE'}",
		"unknown defaultErrno 'ENONSENSE'");
	refuse_docker("{'syscalls':{}}", "syscalls is not a list");
	refuse_docker("{'syscalls':[7]}", "syscalls[0] is not an object");
}
END_TEST

START_TEST(an_entry_without_sense_is_refused)
{
	refuse_entry("'name':'write'", "syscalls[0] has both name and names");
	refuse_entry("'errno':7", "unknown errno '(not a string)'");
	refuse_entry(
		"'include':{}", "unknown key 'include' in syscalls[0], did you mean 'includes'?");
	refuse_entry("'includes':[]", "syscalls[0].includes is not an object");
	refuse_entry("'includes':{'cap':[]}",
		"unknown key 'cap' in syscalls[0].includes, did you mean 'caps'?");
	refuse_entry("'includes':{'caps':'CAP_BPF'}", "syscalls[0].includes is not a list");
	refuse_entry("'includes':{'caps':['CAP_BPFF']}",
		"syscalls[0].includes has the unknown capability 'CAP_BPFF'");
	refuse_entry("'excludes':{'caps':['ALL']}",
		"syscalls[0].excludes has the unknown capability 'ALL'");
	refuse_entry("'excludes':{'arches':[7]}",
		"syscalls[0].excludes has something that is no string");
	refuse_entry("'includes':{'minKernel':'4'}",
		"syscalls[0].includes is no kernel version like \"4.8\"");
	refuse_entry("'includes':{'minKernel':'4.8-rc1'}",
		"syscalls[0].includes is no kernel version like \"4.8\"");
	refuse_entry("'includes':{'minKernel':4.8}",
		"syscalls[0].includes is no kernel version like \"4.8\"");
}
END_TEST

START_TEST(rules_and_errors_have_the_numbers_of_the_profile)
{
	const struct vb_docker_target target = {.native = X86_64, .kernel_major = 6};
	vb_auto_json json_t *json = support_json(
		"{'defaultAction':'SCMP_ACT_ERRNO','syscalls':["
		"{'names':['bpf'],'action':'SCMP_ACT_ALLOW','includes':{'caps':['CAP_BPF']}},"
		"{'names':['read'],'action':'SCMP_ACT_ALLOW'},"
		"{'names':['bpf'],'action':'SCMP_ACT_ALLOW','includes':{'minKernel':'7.0'}},"
		"{'names':['write'],'action':'SCMP_ACT_ALLOW'}]}");
	const uint64_t args[VB_PROFILE_ARGS] = {0};
	vb_auto_profile struct vb_profile *profile = NULL;
	struct vb_profile *none = NULL;
	struct vb_error err = {0};

	ck_assert_int_eq(vb_profile_from_docker(json, &target, &profile, &err), 0);
	ck_assert_int_eq(support_verdict(profile, X86_64, "read", args).rule, 1);
	ck_assert_int_eq(support_verdict(profile, X86_64, "write", args).rule, 3);
	json_t *last = json_array_get(json_object_get(json, "syscalls"), 3);
	ck_assert_int_eq(json_object_set_new(last, "action", json_string("SCMP_ACT_PASS")), 0);
	ck_assert_int_eq(vb_profile_from_docker(json, &target, &none, &err), -EINVAL);
	ck_assert_str_eq(err.what, "syscalls[3] has the unknown action 'SCMP_ACT_PASS'");
	ck_assert_str_eq(err.place, "syscalls[3].action");
	ck_assert_ptr_null(none);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("profile_docker");

	tcase_add_test(tcase, without_capabilities_what_they_guard_is_left_out);
	tcase_add_test(tcase, all_included_capabilities_are_needed);
	tcase_add_test(tcase, kernels_are_compared_by_both_numbers);
	tcase_add_test(tcase, architectures_come_from_the_map);
	tcase_add_test(tcase, a_resolved_profile_meets_the_starter);
	tcase_add_test(tcase, conditions_on_different_arguments_meet);
	tcase_add_test(tcase, the_format_is_told_by_its_own_keys);
	tcase_add_test(tcase, a_profile_without_sense_is_refused);
	tcase_add_test(tcase, an_entry_without_sense_is_refused);
	tcase_add_test(tcase, rules_and_errors_have_the_numbers_of_the_profile);
	return vb_unit_run("profile_docker", tcase);
}
