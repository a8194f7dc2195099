/* SPDX-License-Identifier: Apache-2.0 */
/* The profiles that come along, and what they make of the defaults of real runtimes. */
#include <check.h>
#include <errno.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>

#include "profile_support.h"
#include "unit.h"

#define X86_64  SCMP_ARCH_X86_64
#define ARM64   SCMP_ARCH_AARCH64
#define CLOSURE (VB_STARTER_DENIALS | VB_STARTER_CLOSURE)
#define ALL     (CLOSURE | VB_STARTER_IO_URING)

static const char *const denied[] = {"mount", "umount", "umount2", "pivot_root", "setns", "unshare",
	"mknod", "mknodat", "kexec_load", "kexec_file_load", "init_module", "finit_module",
	"delete_module", "iopl", "ioperm", "swapon", "swapoff", "reboot", "bpf", "perf_event_open",
	"ptrace"};

static const char *const closed[] = {"unshare", "setns", "fsopen", "fsconfig", "fsmount", "fspick",
	"move_mount", "open_tree", "mount_setattr", "process_vm_readv", "process_vm_writev",
	"pidfd_getfd"};

START_TEST(the_starter_is_these_bytes)
{
	static const char expected[] = "{\n"
				       "  \"defaultAction\": \"SCMP_ACT_ALLOW\",\n"
				       "  \"architectures\": [\n"
				       "    \"SCMP_ARCH_X86_64\",\n"
				       "    \"SCMP_ARCH_X86\"\n"
				       "  ],\n"
				       "  \"syscalls\": [\n"
				       "    {\n"
				       "      \"names\": [\n"
				       "        \"bpf\",\n"
				       "        \"delete_module\",\n"
				       "        \"finit_module\",\n"
				       "        \"init_module\",\n"
				       "        \"ioperm\",\n"
				       "        \"iopl\",\n"
				       "        \"kexec_file_load\",\n"
				       "        \"kexec_load\",\n"
				       "        \"mknod\",\n"
				       "        \"mknodat\",\n"
				       "        \"mount\",\n"
				       "        \"perf_event_open\",\n"
				       "        \"pivot_root\",\n"
				       "        \"ptrace\",\n"
				       "        \"reboot\",\n"
				       "        \"setns\",\n"
				       "        \"swapoff\",\n"
				       "        \"swapon\",\n"
				       "        \"umount\",\n"
				       "        \"umount2\",\n"
				       "        \"unshare\"\n"
				       "      ],\n"
				       "      \"action\": \"SCMP_ACT_ERRNO\",\n"
				       "      \"errnoRet\": 1\n"
				       "    }\n"
				       "  ]\n"
				       "}\n";
	struct vb_starter_options options = {.native = X86_64, .parts = VB_STARTER_DENIALS};
	vb_auto_free char *text = NULL;
	struct vb_error err = {0};

	ck_assert_int_eq(vb_profile_starter_text(&options, &text, &err), 0);
	ck_assert_str_eq(text, expected);
}
END_TEST

START_TEST(parts_must_be_known)
{
	struct vb_profile *profile = NULL;
	struct vb_error err = {0};

	ck_assert_int_eq(
		vb_profile_starter(&(struct vb_starter_options){.native = X86_64}, &profile, &err),
		-EINVAL);
	ck_assert_str_eq(err.what, "the starter profile has no parts 0x0");
	ck_assert_int_eq(
		vb_profile_starter(&(struct vb_starter_options){.parts = 8}, &profile, &err),
		-EINVAL);
	ck_assert_ptr_null(profile);
}
END_TEST

/* Real on the architecture: denied. How many of the names are real. */
static size_t count_denied(const struct vb_profile *profile, uint32_t arch)
{
	size_t real = 0;

	for (size_t i = 0; i < VB_ARRAY_SIZE(denied); i++) {
		if (seccomp_syscall_resolve_name_arch(arch, denied[i]) < 0)
			continue;
		ck_assert_uint_eq(support_action(profile, arch, denied[i], 0, 0), ERRNO(EPERM));
		real++;
	}
	ck_assert_uint_eq(support_action(profile, arch, "read", 0, 0), ALLOW);
	ck_assert_uint_eq(support_action(profile, arch, "9999", 0, 0), ALLOW);
	return real;
}

START_TEST(the_starter_denies_what_each_architecture_has)
{
	vb_auto_profile struct vb_profile *x86 = support_starter(VB_STARTER_DENIALS, X86_64);
	vb_auto_profile struct vb_profile *arm = support_starter(VB_STARTER_DENIALS, ARM64);

	ck_assert_uint_eq(count_denied(x86, X86_64), 20);
	ck_assert_uint_eq(count_denied(x86, SCMP_ARCH_X86), 20);
	ck_assert_uint_eq(count_denied(arm, ARM64), 17);
	ck_assert_uint_eq(count_denied(arm, SCMP_ARCH_ARM), 18);
	ck_assert_uint_eq(support_action(x86, SCMP_ARCH_X32, "read", 0, 0), KILL_THREAD);
	ck_assert_uint_eq(support_action(arm, X86_64, "read", 0, 0), KILL_THREAD);
}
END_TEST

START_TEST(closure_denies_what_gives_rights_back)
{
	static const uint64_t namespaces[] = {CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS,
		CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET};
	static const uint32_t natives[] = {X86_64, ARM64};

	for (size_t i = 0; i < VB_ARRAY_SIZE(natives); i++) {
		vb_auto_profile struct vb_profile *profile =
			support_starter(VB_STARTER_CLOSURE, natives[i]);
		for (size_t j = 0; j < VB_ARRAY_SIZE(closed); j++)
			ck_assert_uint_eq(
				support_action(profile, natives[i], closed[j], 0, 0), ERRNO(EPERM));
		for (size_t j = 0; j < VB_ARRAY_SIZE(namespaces); j++)
			ck_assert_uint_eq(support_action(profile, natives[i], "clone",
						  namespaces[j] | CLONE_VM | SIGCHLD, 0),
				ERRNO(EPERM));
		ck_assert_uint_eq(
			support_action(profile, natives[i], "clone", CLONE_VM | SIGCHLD, 0), ALLOW);
		ck_assert_uint_eq(
			support_action(profile, natives[i], "clone3", 0, 0), ERRNO(ENOSYS));
		ck_assert_uint_eq(support_action(profile, natives[i], "mount", 0, 0), ALLOW);
	}
}
END_TEST

START_TEST(closure_looks_at_the_second_argument_on_s390)
{
	vb_auto_profile struct vb_profile *profile =
		support_starter(VB_STARTER_CLOSURE, SCMP_ARCH_S390X);
	vb_auto_free char *text = support_text(profile);

	ck_assert_ptr_nonnull(strstr(text, "{\"index\":1,\"value\":268435456,"));
	ck_assert_ptr_null(strstr(text, "\"index\":0"));
}
END_TEST

START_TEST(io_uring_is_denied_on_request)
{
	vb_auto_profile struct vb_profile *with = support_starter(ALL, X86_64);
	vb_auto_profile struct vb_profile *without = support_starter(CLOSURE, X86_64);

	ck_assert_uint_eq(support_action(with, X86_64, "io_uring_setup", 0, 0), ERRNO(EPERM));
	ck_assert_uint_eq(support_action(without, X86_64, "io_uring_setup", 0, 0), ALLOW);
}
END_TEST

START_TEST(the_native_abi_alone_closes_32_bit_programs)
{
	struct vb_starter_options options = {
		.native = X86_64, .parts = VB_STARTER_DENIALS, .native_abi_only = true};
	vb_auto_profile struct vb_profile *base =
		support_profile_from_file("containerd-1.7.24-default.json", X86_64);
	struct vb_profile *starter = NULL;
	struct vb_error err = {0};

	ck_assert_int_eq(vb_profile_starter(&options, &starter, &err), 0);
	vb_auto_profile struct vb_profile *result = support_meet(base, starter);
	ck_assert_uint_eq(support_action(result, SCMP_ARCH_X86, "read", 0, 0), KILL_THREAD);
	ck_assert_uint_eq(support_action(result, X86_64, "read", 0, 0), ALLOW);
	vb_profile_destroy(starter);
	vb_profile_native_only(base);
	vb_auto_profile struct vb_profile *other = support_starter(VB_STARTER_DENIALS, X86_64);
	vb_auto_profile struct vb_profile *same = support_meet(base, other);
	ck_assert(!vb_profile_covers_arch(same, SCMP_ARCH_X86));
}
END_TEST

static const char *const files[] = {
	"containerd-1.7.24-default.json",
	"containerd-2.1.9-default.json",
};

/* A profile of a file, or a starter. */
static struct vb_profile *make_profile(size_t which)
{
	static const unsigned int parts[] = {VB_STARTER_DENIALS, VB_STARTER_CLOSURE, CLOSURE, ALL};

	if (which < VB_ARRAY_SIZE(files))
		return support_profile_from_file(files[which], X86_64);
	return support_starter(parts[which - VB_ARRAY_SIZE(files)], X86_64);
}

/* support_meet() compares the whole filters: never looser, never stricter than the stricter one. */
START_TEST(real_profiles_meet_each_other_exactly)
{
	const size_t count = VB_ARRAY_SIZE(files) + 4;

	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < count; j++) {
			vb_auto_profile struct vb_profile *base = make_profile(i);
			vb_auto_profile struct vb_profile *tighter = make_profile(j);
			vb_auto_profile struct vb_profile *result = support_meet(base, tighter);
			ck_assert(vb_profile_covers_arch(result, X86_64));
		}
	}
}
END_TEST

START_TEST(the_default_profile_keeps_its_own_answers_under_the_starter)
{
	for (size_t i = 0; i < VB_ARRAY_SIZE(files); i++) {
		vb_auto_profile struct vb_profile *base = make_profile(i);
		vb_auto_profile struct vb_profile *starter = support_starter(ALL, X86_64);
		vb_auto_profile struct vb_profile *result = support_meet(base, starter);
		ck_assert_uint_eq(support_action(result, X86_64, "clone3", 0, 0), ERRNO(ENOSYS));
		ck_assert_uint_eq(
			support_action(result, X86_64, "clone", CLONE_NEWUSER, 0), ERRNO(EPERM));
		ck_assert_uint_eq(
			support_action(result, X86_64, "clone", CLONE_VM | SIGCHLD, 0), ALLOW);
		ck_assert_uint_eq(support_action(result, X86_64, "personality", 8, 0), ALLOW);
		ck_assert_uint_eq(
			support_action(result, X86_64, "personality", 9, 0), ERRNO(EPERM));
		for (size_t j = 0; j < VB_ARRAY_SIZE(denied); j++)
			if (seccomp_syscall_resolve_name_arch(X86_64, denied[j]) >= 0)
				ck_assert_uint_eq(support_action(result, X86_64, denied[j], 0, 0),
					ERRNO(EPERM));
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("profile_starter");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, the_starter_is_these_bytes);
	tcase_add_test(tcase, parts_must_be_known);
	tcase_add_test(tcase, the_starter_denies_what_each_architecture_has);
	tcase_add_test(tcase, closure_denies_what_gives_rights_back);
	tcase_add_test(tcase, closure_looks_at_the_second_argument_on_s390);
	tcase_add_test(tcase, io_uring_is_denied_on_request);
	tcase_add_test(tcase, the_native_abi_alone_closes_32_bit_programs);
	tcase_add_test(tcase, real_profiles_meet_each_other_exactly);
	tcase_add_test(tcase, the_default_profile_keeps_its_own_answers_under_the_starter);
	return vb_unit_run("profile_starter", tcase);
}
