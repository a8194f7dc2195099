/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A libseccomp that compiles wrongly: every instruction of every filter that a meet asks for is
 * changed in turn, in every way below. The self-check must refuse the result, unless the changed
 * filter answers as before at every number and at all values that could matter. The program is
 * linked with --wrap=seccomp_export_bpf.
 */
#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>
#include <unistd.h>

#include "profile_support.h"
#include "unit.h"
#include "vb/adjust/bpf_sim.h"

#define X86_64 SCMP_ARCH_X86_64
#define ARM64  SCMP_ARCH_AARCH64
#define I386   SCMP_ARCH_X86

enum { X32_BIT = 0x40000000 };

enum fault {
	FAULT_CONSTANT, /* compares with the next value */
	FAULT_BIT,      /* with another bit */
	FAULT_SWAP,     /* goes the other way */
	FAULT_SKIP,     /* or one instruction too far */
	FAULT_LOAD,     /* loads what stands before */
	FAULT_LOOSEN,   /* allows */
	FAULT_TIGHTEN,  /* kills */
	FAULT_ERRNO,    /* says another errno */
	FAULT_COUNT
};

/* The program that is to be changed, and what came of it. */
static struct {
	uint32_t native;
	unsigned int number; /* of the export; 0: none */
	size_t insn;
	enum fault fault;
	unsigned int exports; /* so far */
	int result;           /* of the export that is to fail */
	bool truncate;
	bool all; /* every instruction of every export */
	struct sock_filter before[BPF_MAXINSNS];
	struct sock_filter after[BPF_MAXINSNS];
	size_t count;
	bool changed;
} wrong;

static bool change(struct sock_filter *insn, enum fault fault)
{
	const struct sock_filter old = *insn;
	bool jump = BPF_CLASS(old.code) == BPF_JMP && BPF_OP(old.code) != BPF_JA;
	bool answer = BPF_CLASS(old.code) == BPF_RET;
	bool load = BPF_CLASS(old.code) == BPF_LD;

	if (fault == FAULT_CONSTANT && !answer && !load)
		insn->k++;
	else if (fault == FAULT_BIT && !answer && !load)
		insn->k ^= 0x20;
	else if (fault == FAULT_SWAP && jump)
		*insn = (struct sock_filter){old.code, old.jf, old.jt, old.k};
	else if (fault == FAULT_SKIP && jump)
		insn->jt++;
	else if (fault == FAULT_LOAD && load && old.k >= sizeof(uint32_t))
		insn->k -= (uint32_t)sizeof(uint32_t);
	else if (fault == FAULT_LOOSEN && answer)
		insn->k = SECCOMP_RET_ALLOW;
	else if (fault == FAULT_TIGHTEN && answer)
		insn->k = SECCOMP_RET_KILL_PROCESS;
	else if (fault == FAULT_ERRNO && answer)
		insn->k = SECCOMP_RET_ERRNO | 95;
	return memcmp(&old, insn, sizeof(old)) != 0;
}

int __real_seccomp_export_bpf(const scmp_filter_ctx ctx, int fd); // NOLINT
int __wrap_seccomp_export_bpf(const scmp_filter_ctx ctx, int fd); // NOLINT
int __wrap_seccomp_export_bpf(const scmp_filter_ctx ctx, int fd)  // NOLINT
{
	int r = __real_seccomp_export_bpf(ctx, fd);

	if (r < 0 || (++wrong.exports != wrong.number && !wrong.all))
		return r;
	if (wrong.result < 0)
		return wrong.result;
	ssize_t size = pread(fd, wrong.before, sizeof(wrong.before), 0);
	ck_assert_int_gt(size, 0);
	wrong.count = (size_t)size / sizeof(wrong.before[0]);
	if (wrong.truncate)
		return ftruncate(fd, size - (ssize_t)sizeof(wrong.before[0]));
	memcpy(wrong.after, wrong.before, (size_t)size);
	for (size_t i = 0; i < wrong.count; i++)
		if ((i == wrong.insn || wrong.all) && change(&wrong.after[i], wrong.fault))
			wrong.changed = true;
	ck_assert_int_eq(pwrite(fd, wrong.after, (size_t)size, 0), size);
	return r;
}

static const uint64_t values[] = {0, 1, 5, 7, 8, 9, 17, 18, 39, 40, 41, 0x10000000, 0x10000011,
	0x20000000, 0x7e020000, 0x7e020001, INT32_MAX, UINT32_MAX, UINT64_C(1) << 32,
	(UINT64_C(1) << 32) + 40, UINT64_MAX};

static bool kills(uint32_t action)
{
	return (int32_t)(action & SECCOMP_RET_ACTION_FULL) <= 0;
}

/* Whether a call shows the change; an ABI is closed by one way to kill as by the other. */
static bool differs(uint32_t arch, int number, uint64_t a0, uint64_t a1)
{
	const struct seccomp_data data = {.nr = number, .arch = arch, .args = {a0, a1}};
	uint32_t before = vb_bpf_run(wrong.before, &data);
	uint32_t after = vb_bpf_run(wrong.after, &data);
	bool closed = arch != wrong.native || (arch == X86_64 && (unsigned int)number >= X32_BIT);

	return before != after && !(closed && kills(before) && kills(after));
}

struct place {
	uint32_t arch;
	int number;
	uint64_t a0;
	uint64_t a1;
};

static bool differs_at_number(uint32_t arch, int number, struct place *ret_place)
{
	const size_t count = VB_ARRAY_SIZE(values);

	for (size_t i = 0; i < count * count; i++) {
		*ret_place = (struct place){arch, number, values[i % count], values[i / count]};
		if (differs(arch, number, ret_place->a0, ret_place->a1))
			return true;
	}
	return false;
}

/* Any call of any ABI. */
static bool result_differs(struct place *ret_place)
{
	static const uint32_t archs[] = {X86_64, I386, ARM64, SCMP_ARCH_ARM};

	for (size_t i = 0; i < VB_ARRAY_SIZE(archs); i++) {
		for (int number = -2; number < 600; number++)
			if (differs_at_number(archs[i], number, ret_place) ||
				differs_at_number(archs[i], number | X32_BIT, ret_place))
				return true;
	}
	return false;
}

/*
 * The inputs are compiled to see whether libseccomp makes of their conditions what they say, so
 * only those calls count.
 */
static bool input_differs(uint32_t native, struct place *ret_place)
{
	static const char *const names[] = {"clone", "personality", "ioctl", "socketcall"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(names); i++) {
		int number = seccomp_syscall_resolve_name_arch(native, names[i]);
		if (number >= 0 && differs_at_number(native, number, ret_place))
			return true;
	}
	return false;
}

/* The check that every meet ends with. */
static int check(const struct trio *trio)
{
	struct vb_error err = {0};

	wrong.exports = 0;
	wrong.changed = false;
	int r = vb_profile_check_quick(trio->base, trio->tighter, trio->result, &err);
	if (r < 0)
		ck_assert_str_ne(err.what, "");
	return r;
}

struct tally {
	uint32_t native;
	unsigned int inputs; /* a bit for each export of base or tighter */
	unsigned int refused;
	unsigned int harmless;
};

static void try_fault(const struct trio *trio, struct tally *tally)
{
	struct place place = {0};
	int r = check(trio);

	if (!wrong.changed) {
		ck_assert_int_eq(r, 0);
		return;
	}
	if (r < 0) {
		ck_assert_int_eq(r, -EILSEQ);
		tally->refused++;
		return;
	}
	bool unseen = (tally->inputs >> wrong.number & 1) != 0
			      ? input_differs(tally->native, &place)
			      : result_differs(&place);
	ck_assert_msg(!unseen,
		"fault %d in instruction %zu of filter %u went unseen: %d on 0x%x, 0x%" PRIx64
		", 0x%" PRIx64,
		(int)wrong.fault, wrong.insn, wrong.number, place.number, place.arch, place.a0,
		place.a1);
	tally->harmless++;
}

static void try_all_faults(const struct trio *trio, struct tally *tally)
{
	wrong.native = tally->native;
	wrong.number = 0;
	ck_assert_int_eq(check(trio), 0);
	unsigned int exports = wrong.exports;
	for (unsigned int number = 1; number <= exports; number++) {
		wrong.number = number;
		wrong.insn = BPF_MAXINSNS;
		ck_assert_int_eq(check(trio), 0);
		size_t count = wrong.count;
		for (size_t n = 0; n < count * FAULT_COUNT; n++) {
			wrong.insn = n / FAULT_COUNT;
			wrong.fault = (enum fault)(n % FAULT_COUNT);
			try_fault(trio, tally);
		}
	}
	wrong.number = 0;
}

static struct trio make_trio(uint32_t native)
{
	return meet_profiles(
		support_profile_for(
			"{'defaultAction':'SCMP_ACT_ERRNO','syscalls':["
			"{'names':['read','write','mount','openat','umount'],"
			"'action':'SCMP_ACT_ALLOW'},"
			"{'names':['connect','socket'],'action':'SCMP_ACT_ALLOW'},"
			"{'names':['clone'],'action':'SCMP_ACT_ALLOW','args':["
			"{'index':0,'value':2114060288,'valueTwo':0,"
			"'op':'SCMP_CMP_MASKED_EQ'}]},"
			"{'names':['ioctl'],'action':'SCMP_ACT_ALLOW','args':["
			"{'index':1,'value':40,'op':'SCMP_CMP_NE'}]},"
			"{'names':['personality'],'action':'SCMP_ACT_LOG','args':["
			"{'index':0,'value':8,'op':'SCMP_CMP_LE'}]},"
			"{'names':['clone3'],'action':'SCMP_ACT_ERRNO','errnoRet':38}]}",
			native),
		support_profile_for(
			"{'defaultAction':'SCMP_ACT_ALLOW','syscalls':["
			"{'names':['mount','ptrace','socket'],'action':'SCMP_ACT_ERRNO',"
			"'errnoRet':13},"
			"{'names':['ioctl'],'action':'SCMP_ACT_ERRNO','args':[{'index':1,"
			"'value':17,'op':'SCMP_CMP_EQ'}]},"
			"{'names':['bpf'],'action':'SCMP_ACT_KILL_PROCESS'}]}",
			native));
}

static void check_native(uint32_t native, unsigned int inputs)
{
	vb_auto(trio_finish) struct trio trio = make_trio(native);
	struct tally tally = {.native = native, .inputs = inputs};

	try_all_faults(&trio, &tally);
	printf("%s: %u faults refused, %u without effect\n", vb_profile_arch_name(native),
		tally.refused, tally.harmless);
	ck_assert_uint_gt(tally.refused, 200);
	ck_assert_uint_lt(tally.harmless, tally.refused);
}

START_TEST(no_wrong_filter_gets_through_on_x86_64)
{
	check_native(X86_64, 1U << 1 | 1U << 2);
}
END_TEST

START_TEST(no_wrong_filter_gets_through_on_arm64)
{
	check_native(ARM64, 1U << 1 | 1U << 2);
}
END_TEST

/* With socketcall, which is checked apart. */
START_TEST(no_wrong_filter_gets_through_on_i386)
{
	check_native(I386, 1U << 1 | 1U << 2 | 1U << 4 | 1U << 5);
}
END_TEST

START_TEST(a_filter_that_libseccomp_does_not_give_is_refused)
{
	vb_auto(trio_finish) struct trio trio = make_trio(X86_64);
	vb_auto_profile struct vb_profile *result = NULL;
	struct vb_error err = {0};

	for (wrong.number = 1; wrong.number <= 3; wrong.number++) {
		wrong.result = -EFAULT;
		ck_assert_int_eq(check(&trio), -EILSEQ);
		wrong.result = 0;
		wrong.truncate = true;
		ck_assert_int_eq(check(&trio), -EILSEQ);
		wrong.truncate = false;
	}
	/* A meet tries twice, in two ways of writing, and does not return what neither confirms. */
	wrong.all = true;
	wrong.fault = FAULT_LOOSEN;
	ck_assert_int_eq(vb_profile_meet(trio.base, trio.tighter, &result, &err), -EILSEQ);
	ck_assert_ptr_null(result);
	wrong.all = false;
	ck_assert_int_eq(vb_profile_meet(trio.base, trio.tighter, &result, &err), 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("profile_fault");

	tcase_set_timeout(tcase, 300);
	tcase_add_test(tcase, no_wrong_filter_gets_through_on_x86_64);
	tcase_add_test(tcase, no_wrong_filter_gets_through_on_arm64);
	tcase_add_test(tcase, no_wrong_filter_gets_through_on_i386);
	tcase_add_test(tcase, a_filter_that_libseccomp_does_not_give_is_refused);
	return vb_unit_run("profile_fault", tcase);
}
