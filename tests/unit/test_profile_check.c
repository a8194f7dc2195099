/* SPDX-License-Identifier: Apache-2.0 */
/* The self-check: results that are not the meet, and profiles that libseccomp gets wrong. */
#include <check.h>
#include <errno.h>
#include <seccomp.h>
#include <string.h>

#include "profile_support.h"
#include "unit.h"

#define X86_64 SCMP_ARCH_X86_64
#define ARM64  SCMP_ARCH_AARCH64

/* Both checks must refuse, with a text that contains expected. */
static void refuse_result(
	const char *base, const char *tighter, const char *result, const char *expected)
{
	vb_auto_profile struct vb_profile *a = base != NULL ? support_profile(base) : NULL;
	vb_auto_profile struct vb_profile *b = support_profile(tighter);
	vb_auto_profile struct vb_profile *c = support_profile(result);
	struct vb_error quick = {0};
	struct vb_error whole = {0};

	ck_assert_int_eq(vb_profile_check_quick(a, b, c, &quick), -EILSEQ);
	ck_assert_int_eq(vb_profile_check(a, b, c, &whole), -EILSEQ);
	if (strstr(quick.what, expected) == NULL || strstr(whole.what, expected) == NULL)
		ck_abort_msg("'%s' or '%s' lacks '%s'", quick.what, whole.what, expected);
}

START_TEST(a_result_without_the_denial_is_refused)
{
	refuse_result("{'defaultAction':'SCMP_ACT_ALLOW'}",
		"{'defaultAction':'SCMP_ACT_ALLOW','syscalls':["
		"{'names':['mount'],'action':'SCMP_ACT_ERRNO'}]}",
		"{'defaultAction':'SCMP_ACT_ALLOW'}",
		"'mount' (165) on SCMP_ARCH_X86_64 with SCMP_ACT_ALLOW (data 0) instead of "
		"SCMP_ACT_ERRNO (data 1)");
}
END_TEST

START_TEST(a_result_with_another_errno_is_refused)
{
	refuse_result("{'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':38}",
		"{'defaultAction':'SCMP_ACT_ERRNO'}", "{'defaultAction':'SCMP_ACT_ERRNO'}",
		"with SCMP_ACT_ERRNO (data 1) instead of SCMP_ACT_ERRNO (data 38)");
}
END_TEST

START_TEST(a_result_stricter_than_both_is_refused)
{
	refuse_result(NULL, "{'defaultAction':'SCMP_ACT_ALLOW'}",
		"{'defaultAction':'SCMP_ACT_ALLOW','syscalls':["
		"{'names':['read'],'action':'SCMP_ACT_LOG'}]}",
		"'read' (0) on SCMP_ARCH_X86_64 with SCMP_ACT_LOG");
}
END_TEST

START_TEST(a_condition_that_is_off_by_one_is_refused)
{
	refuse_result("{'defaultAction':'SCMP_ACT_ERRNO','syscalls':[{'names':['alarm'],"
		      "'action':'SCMP_ACT_ALLOW','args':[{'index':0,'value':10,"
		      "'op':'SCMP_CMP_GE'}]}]}",
		"{'defaultAction':'SCMP_ACT_ALLOW'}",
		"{'defaultAction':'SCMP_ACT_ERRNO','syscalls':[{'names':['alarm'],"
		"'action':'SCMP_ACT_ALLOW','args':[{'index':0,'value':9,'op':'SCMP_CMP_GE'}]}]}",
		"for arguments 0x9,");
}
END_TEST

START_TEST(a_mask_that_lost_a_bit_is_refused)
{
	refuse_result(NULL,
		"{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['clone'],"
		"'action':'SCMP_ACT_ERRNO','args':[{'index':0,'value':805306368,"
		"'valueTwo':805306368,'op':'SCMP_CMP_MASKED_EQ'}]}]}",
		"{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['clone'],"
		"'action':'SCMP_ACT_ERRNO','args':[{'index':0,'value':268435456,"
		"'valueTwo':268435456,'op':'SCMP_CMP_MASKED_EQ'}]}]}",
		"'clone' (56)");
}
END_TEST

START_TEST(a_result_that_opens_an_abi_is_refused)
{
	const char *both = "{'defaultAction':'SCMP_ACT_ALLOW','architectures':["
			   "'SCMP_ARCH_X86_64','SCMP_ARCH_X86']}";
	const char *x32 = "{'defaultAction':'SCMP_ACT_ALLOW','architectures':["
			  "'SCMP_ARCH_X86_64','SCMP_ARCH_X32']}";

	refuse_result(
		both, "{'defaultAction':'SCMP_ACT_ALLOW'}", both, "leaves SCMP_ARCH_X86 open");
	refuse_result(NULL, x32, x32, "leaves SCMP_ARCH_X32 open");
}
END_TEST

/*
 * libseccomp 2.5.4 puts the plain rules first and lets the first one load the number; umount does
 * not exist on arm64 and is left out, with the load. The filter then compares the other rules with
 * the architecture, and the denial of clone never takes effect.
 */
START_TEST(an_absent_call_that_disarms_the_others_is_caught)
{
	const char *text = "{'defaultAction':'SCMP_ACT_ALLOW','syscalls':["
			   "{'names':['umount'],'action':'SCMP_ACT_ERRNO'},"
			   "{'names':['clone'],'action':'SCMP_ACT_ERRNO','args':[{'index':0,"
			   "'value':268435456,'valueTwo':268435456,'op':'SCMP_CMP_MASKED_EQ'}]}]}";
	vb_auto_profile struct vb_profile *tighter = support_profile_for(text, ARM64);

	ck_assert_uint_eq(support_action(tighter, ARM64, "clone", 268435456, 0), ALLOW);
	support_refuse_meet(NULL, tighter, EILSEQ, "'clone' (220) on SCMP_ARCH_AARCH64");
}
END_TEST

/*
 * Three rules on one argument: the second one's upper half is compared with the lower half that
 * the first one has loaded, so 0x80000 is allowed although it is below 0x2ffffffffff.
 */
START_TEST(a_comparison_of_the_wrong_half_is_caught)
{
	const char *text = "{'defaultAction':'SCMP_ACT_ALLOW','syscalls':["
			   "{'names':['mknod'],'action':'SCMP_ACT_KILL_PROCESS','args':[{'index':1,"
			   "'value':2,'op':'SCMP_CMP_LE'}]},"
			   "{'names':['mknod'],'action':'SCMP_ACT_KILL_PROCESS','args':[{'index':1,"
			   "'value':3298534883327,'op':'SCMP_CMP_LE'}]},"
			   "{'names':['mknod'],'action':'SCMP_ACT_KILL_PROCESS','args':[{'index':1,"
			   "'value':6,'valueTwo':6,'op':'SCMP_CMP_MASKED_EQ'}]}]}";
	vb_auto_profile struct vb_profile *tighter = support_profile(text);

	ck_assert_uint_eq(support_action(tighter, X86_64, "mknod", 0, 0x80000), ALLOW);
	support_refuse_meet(NULL, tighter, EILSEQ, "'mknod' (133) on SCMP_ARCH_X86_64");
}
END_TEST

static const char ranges[] = "{'defaultAction':'SCMP_ACT_ALLOW','syscalls':["
			     "{'names':['mmap'],'action':'SCMP_ACT_LOG','args':["
			     "{'index':1,'value':10,'op':'SCMP_CMP_LT'},"
			     "{'index':2,'value':10,'op':'SCMP_CMP_LT'}]},"
			     "{'names':['mmap'],'action':'SCMP_ACT_LOG','args':["
			     "{'index':1,'value':20,'op':'SCMP_CMP_GE'},"
			     "{'index':2,'value':20,'op':'SCMP_CMP_GE'}]},"
			     "{'names':['mmap'],'action':'SCMP_ACT_ERRNO','args':["
			     "{'index':1,'value':10,'op':'SCMP_CMP_LT'},"
			     "{'index':2,'value':20,'op':'SCMP_CMP_GE'}]},"
			     "{'names':['mmap'],'action':'SCMP_ACT_ERRNO','args':["
			     "{'index':1,'value':20,'op':'SCMP_CMP_GE'},"
			     "{'index':2,'value':10,'op':'SCMP_CMP_LT'}]}]}";

/* At rules like these libseccomp answers wrongly or never returns; nobody asks it. */
START_TEST(ranges_of_several_arguments_are_refused_before_libseccomp_sees_them)
{
	const uint64_t args[VB_PROFILE_ARGS] = {0};
	const struct vb_profile_way way = {9, -1};
	vb_auto_profile struct vb_profile *profile = support_profile(ranges);
	vb_auto_profile struct vb_profile *starter = support_starter(VB_STARTER_DENIALS, X86_64);
	struct vb_profile_verdict verdict;
	struct vb_error err = {0};

	support_refuse_meet(profile, starter, EOPNOTSUPP, "the rules for 'mmap'");
	support_refuse_meet(NULL, profile, EOPNOTSUPP, "the rules for 'mmap'");
	ck_assert_int_eq(
		vb_profile_simulate(profile, X86_64, &way, args, &verdict, &err), -EOPNOTSUPP);
}
END_TEST

/* Adds rules that look at so many arguments each. */
static void add_rules(json_t *entries, const char *name, int rules, int arguments)
{
	for (int i = 0; i < rules; i++) {
		json_t *args = json_array();
		for (int j = 0; j < arguments; j++)
			ck_assert_int_eq(json_array_append_new(args,
						 json_pack("{s:i,s:I,s:I,s:s}", "index", j, "value",
							 (json_int_t)INT32_MAX * (i + j + 3),
							 "valueTwo", (json_int_t)i * (j + 5), "op",
							 "SCMP_CMP_MASKED_EQ")),
				0);
		ck_assert_int_eq(json_array_append_new(entries,
					 json_pack("{s:[s],s:s,s:o}", "names", name, "action",
						 "SCMP_ACT_ERRNO", "args", args)),
			0);
	}
}

static json_t *make_profile(json_t *entries)
{
	return json_pack("{s:s,s:o}", "defaultAction", "SCMP_ACT_ALLOW", "syscalls", entries);
}

static void refuse_entries(json_t *entries, const char *expected)
{
	json_t *json = make_profile(entries);
	vb_auto_profile struct vb_profile *tighter = NULL;
	struct vb_error err = {0};

	ck_assert_int_eq(vb_profile_from_json(json, X86_64, &tighter, &err), 0);
	json_decref(json);
	support_refuse_meet(NULL, tighter, EOPNOTSUPP, expected);
}

/* With every further one of such rules libseccomp takes longer and longer. */
START_TEST(many_rules_of_several_arguments_are_refused_before_libseccomp_sees_them)
{
	json_t *entries = json_array();

	add_rules(entries, "mmap", VB_PROFILE_SEVERAL_MAX + 1, 2);
	refuse_entries(entries, "takes too long for the rules for 'mmap'");
	entries = json_array();
	add_rules(entries, "mmap", VB_PROFILE_SEVERAL_MAX, 2);
	add_rules(entries, "prctl", VB_PROFILE_SEVERAL_MAX, 2);
	add_rules(entries, "ioctl", 1, 2);
	refuse_entries(entries, "takes too long for the profile: more than 64 rules");
}
END_TEST

/* Each profile alone takes libseccomp milliseconds, and the check would take minutes. */
START_TEST(conditions_with_too_many_boundary_values_are_refused)
{
	json_t *entries = json_array();

	add_rules(entries, "mmap", VB_PROFILE_SEVERAL_MAX, 6);
	add_rules(entries, "prctl", VB_PROFILE_SEVERAL_MAX, 6);
	refuse_entries(entries, "too many boundary values to be checked");
}
END_TEST

START_TEST(a_name_with_too_many_rules_is_refused_when_it_is_read)
{
	json_t *entries = json_array();
	json_t *more = json_array();
	vb_auto_profile struct vb_profile *profile = NULL;
	struct vb_profile *none = NULL;
	struct vb_error err = {0};

	add_rules(entries, "ioctl", VB_PROFILE_NAME_RULES_MAX, 1);
	add_rules(more, "ioctl", VB_PROFILE_NAME_RULES_MAX + 1, 1);
	json_t *json = make_profile(entries);
	ck_assert_int_eq(vb_profile_from_json(json, X86_64, &profile, &err), 0);
	json_decref(json);
	json = make_profile(more);
	ck_assert_int_eq(vb_profile_from_json(json, X86_64, &none, &err), -EINVAL);
	ck_assert_str_eq(err.what, "'ioctl' has more than 512 rules");
	ck_assert_str_eq(err.place, "syscalls[0]");
	json_decref(json);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("profile_check");

	tcase_add_test(tcase, a_result_without_the_denial_is_refused);
	tcase_add_test(tcase, a_result_with_another_errno_is_refused);
	tcase_add_test(tcase, a_result_stricter_than_both_is_refused);
	tcase_add_test(tcase, a_condition_that_is_off_by_one_is_refused);
	tcase_add_test(tcase, a_mask_that_lost_a_bit_is_refused);
	tcase_add_test(tcase, a_result_that_opens_an_abi_is_refused);
	tcase_add_test(tcase, an_absent_call_that_disarms_the_others_is_caught);
	tcase_add_test(tcase, a_comparison_of_the_wrong_half_is_caught);
	tcase_add_test(tcase, ranges_of_several_arguments_are_refused_before_libseccomp_sees_them);
	tcase_add_test(
		tcase, many_rules_of_several_arguments_are_refused_before_libseccomp_sees_them);
	tcase_add_test(tcase, conditions_with_too_many_boundary_values_are_refused);
	tcase_add_test(tcase, a_name_with_too_many_rules_is_refused_when_it_is_read);
	return vb_unit_run("profile_check", tcase);
}
