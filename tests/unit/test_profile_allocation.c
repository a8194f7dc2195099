/* SPDX-License-Identifier: Apache-2.0 */
/* Every allocation of the seccomp engine's less travelled ways fails once, see allocation.h. */
#include <check.h>
#include <errno.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <string.h>

#include "allocation.h"
#include "profile_support.h"
#include "unit.h"
#include "vb/adjust/profile_docker.h"

struct pair {
	json_t *base;
	json_t *tighter;
};

/* Conditions on both sides, so that arguments are partitioned; then both checks. */
static int meet_pair(void *context, char **ret_answer, struct vb_error *err)
{
	const struct pair *pair = context;
	vb_auto_profile struct vb_profile *base = NULL;
	vb_auto_profile struct vb_profile *tighter = NULL;
	vb_auto_profile struct vb_profile *result = NULL;
	int r = vb_profile_from_json(pair->base, SCMP_ARCH_X86_64, &base, err);

	if (r == 0)
		r = vb_profile_from_json(pair->tighter, SCMP_ARCH_X86_64, &tighter, err);
	if (r == 0)
		r = vb_profile_meet(base, tighter, &result, err);
	if (r == 0)
		r = vb_profile_check(base, tighter, result, err);
	return r == 0 ? vb_profile_to_text(result, ret_answer, err) : r;
}

START_TEST(meeting_conditions_survives_every_failing_allocation)
{
	struct pair pair = {
		.base = support_json(
			"{'defaultAction':'SCMP_ACT_ERRNO','listenerPath':'/run/l','syscalls':["
			"{'names':['socket'],'action':'SCMP_ACT_ALLOW','args':[{'index':0,"
			"'value':40,'op':'SCMP_CMP_NE'}]},"
			"{'names':['clone'],'action':'SCMP_ACT_ALLOW'},"
			"{'names':['chmod'],'action':'SCMP_ACT_NOTIFY'}]}"),
		.tighter = support_json(
			"{'defaultAction':'SCMP_ACT_ALLOW','syscalls':["
			"{'names':['socket'],'action':'SCMP_ACT_TRAP','args':[{'index':0,"
			"'value':17,'op':'SCMP_CMP_EQ'},{'index':1,'value':3,"
			"'op':'SCMP_CMP_GE'}]},"
			"{'names':['clone'],'action':'SCMP_ACT_ERRNO','args':[{'index':0,"
			"'value':48,'valueTwo':16,'op':'SCMP_CMP_MASKED_EQ'}]}]}"),
	};

	ck_assert_uint_gt(allocation_starve("meet", meet_pair, &pair, 1), 50);
	json_decref(pair.base);
	json_decref(pair.tighter);
}
END_TEST

static int resolve(void *context, char **ret_answer, struct vb_error *err)
{
	const struct vb_docker_target target = {.native = SCMP_ARCH_X86_64,
		.kernel_major = 6,
		.capabilities = UINT64_C(1) << CAP_SYS_ADMIN};
	vb_auto_profile struct vb_profile *profile = NULL;
	int r = vb_profile_from_docker(context, &target, &profile, err);

	return r == 0 ? vb_profile_to_text(profile, ret_answer, err) : r;
}

START_TEST(resolving_survives_every_failing_allocation)
{
	json_t *json = support_json(
		"{'defaultAction':'SCMP_ACT_ERRNO','defaultErrno':'ENOSYS','archMap':[{'"
		"architecture':"
		"'SCMP_ARCH_X86_64','subArchitectures':['SCMP_ARCH_X86']}],'syscalls':["
		"{'names':['bpf'],'action':'SCMP_ACT_ALLOW','includes':{'caps':['CAP_SYS_ADMIN']}},"
		"{'name':'clone3','action':'SCMP_ACT_ERRNO','errno':'EPERM','excludes':{"
		"'minKernel':'7.0'}},{'names':['personality'],'action':'SCMP_ACT_ALLOW','args':["
		"{'index':0,'value':8,'op':'SCMP_CMP_EQ'}]}]}");

	ck_assert_uint_gt(allocation_starve("resolve", resolve, json, 1), 50);
	json_decref(json);
}
END_TEST

static int simulate(void *context, char **ret_answer, struct vb_error *err)
{
	const uint64_t args[VB_PROFILE_ARGS] = {0};
	const struct vb_profile_way way = {22, -1}; /* umount */
	struct vb_profile_verdict verdict;
	int r = vb_profile_simulate(context, SCMP_ARCH_X86, &way, args, &verdict, err);

	if (r == 0)
		*ret_answer = allocation_strdup(vb_profile_action_name(verdict.action));
	return r;
}

START_TEST(simulating_survives_every_failing_allocation)
{
	vb_auto_profile struct vb_profile *profile =
		support_starter(VB_STARTER_DENIALS, SCMP_ARCH_X86_64);

	ck_assert_uint_gt(allocation_starve("simulate", simulate, profile, 1), 1);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("profile_allocation");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, allocation_start, NULL);
	tcase_add_test(tcase, meeting_conditions_survives_every_failing_allocation);
	tcase_add_test(tcase, resolving_survives_every_failing_allocation);
	tcase_add_test(tcase, simulating_survives_every_failing_allocation);
	return vb_unit_run("profile_allocation", tcase);
}
