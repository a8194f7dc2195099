/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The meet where rules have conditions. Every result has also passed the check of whole filters
 * (support_meet()).
 */
#include <check.h>
#include <errno.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "profile_support.h"
#include "unit.h"

#define X86_64 SCMP_ARCH_X86_64

START_TEST(an_unconditional_rule_swallows_conditions_in_either_order)
{
	vb_auto(trio_finish) struct trio trio = meet_texts(
		"{'defaultAction':'SCMP_ACT_ERRNO','syscalls':["
		"{'names':['socket'],'action':'SCMP_ACT_KILL',"
		"'args':[{'index':0,'value':17,'op':'SCMP_CMP_EQ'}]},"
		"{'names':['socket'],'action':'SCMP_ACT_ALLOW'}]}",
		"{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['socket'],'action':"
		"'SCMP_ACT_LOG','args':[{'index':0,'value':17,'op':'SCMP_CMP_EQ'}]}]}");

	ck_assert_uint_eq(support_action(trio.base, X86_64, "socket", 17, 0), ALLOW);
	ck_assert_uint_eq(on_native(&trio, "socket", 17, 0), LOG);
	ck_assert_uint_eq(on_native(&trio, "socket", 16, 0), ALLOW);
}
END_TEST

START_TEST(a_conditional_allow_can_be_denied_altogether)
{
	vb_auto(trio_finish) struct trio trio = meet_texts(
		"{'defaultAction':'SCMP_ACT_ERRNO','syscalls':[{'names':['personality'],"
		"'action':'SCMP_ACT_ALLOW','args':[{'index':0,'value':8,'op':'SCMP_CMP_EQ'}]}]}",
		"{'defaultAction':'SCMP_ACT_ALLOW','syscalls':["
		"{'names':['personality'],'action':'SCMP_ACT_ERRNO'}]}");
	vb_auto_free char *text = support_text(trio.result);

	ck_assert_uint_eq(on_native(&trio, "personality", 8, 0), ERRNO(EPERM));
	ck_assert_ptr_nonnull(strstr(text, "\"syscalls\":[]"));
}
END_TEST

static const char personality_list[] =
	"{'defaultAction':'SCMP_ACT_ERRNO','syscalls':["
	"{'names':['personality'],'action':'SCMP_ACT_ALLOW','args':[{'index':0,'value':0,"
	"'op':'SCMP_CMP_EQ'}]},"
	"{'names':['personality'],'action':'SCMP_ACT_ALLOW','args':[{'index':0,'value':8,"
	"'op':'SCMP_CMP_EQ'}]},"
	"{'names':['personality'],'action':'SCMP_ACT_ALLOW','args':[{'index':0,'value':4294967295,"
	"'op':'SCMP_CMP_EQ'}]}]}";

START_TEST(a_value_is_taken_out_of_a_list_of_values)
{
	vb_auto(trio_finish) struct trio trio = meet_texts(personality_list,
		"{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['personality'],"
		"'action':'SCMP_ACT_ERRNO','args':[{'index':0,'value':8,'op':'SCMP_CMP_EQ'}]}]}");

	ck_assert_uint_eq(on_native(&trio, "personality", 0, 0), ALLOW);
	ck_assert_uint_eq(on_native(&trio, "personality", 8, 0), ERRNO(EPERM));
	ck_assert_uint_eq(on_native(&trio, "personality", UINT32_MAX, 0), ALLOW);
	ck_assert_uint_eq(on_native(&trio, "personality", 9, 0), ERRNO(EPERM));
}
END_TEST

static const char deny_new_user[] =
	"{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['clone'],"
	"'action':'SCMP_ACT_ERRNO','args':[{'index':0,'value':268435456,"
	"'valueTwo':268435456,'op':'SCMP_CMP_MASKED_EQ'}]}]}";

START_TEST(a_masked_denial_goes_into_an_unconditional_allow)
{
	vb_auto(trio_finish) struct trio trio =
		meet_texts("{'defaultAction':'SCMP_ACT_ERRNO','syscalls':["
			   "{'names':['clone'],'action':'SCMP_ACT_ALLOW'}]}",
			deny_new_user);

	ck_assert_uint_eq(on_native(&trio, "clone", CLONE_NEWUSER, 0), ERRNO(EPERM));
	ck_assert_uint_eq(on_native(&trio, "clone", CLONE_NEWUSER | SIGCHLD, 0), ERRNO(EPERM));
	ck_assert_uint_eq(on_native(&trio, "clone", CLONE_NEWNET, 0), ALLOW);
	ck_assert_uint_eq(on_native(&trio, "clone", CLONE_VM | CLONE_THREAD, 0), ALLOW);
}
END_TEST

START_TEST(a_masked_denial_inside_a_wider_mask_changes_nothing)
{
	const char *base = "{'defaultAction':'SCMP_ACT_ERRNO','syscalls':[{'names':['clone'],"
			   "'action':'SCMP_ACT_ALLOW','args':[{'index':0,'value':2114060288,"
			   "'valueTwo':0,'op':'SCMP_CMP_MASKED_EQ'}]}]}";
	vb_auto(trio_finish) struct trio trio = meet_texts(base, deny_new_user);
	vb_auto_free char *before = support_text(trio.base);
	vb_auto_free char *after = support_text(trio.result);

	ck_assert_str_eq(after, before);
	ck_assert_uint_eq(on_native(&trio, "clone", CLONE_NEWUSER, 0), ERRNO(EPERM));
	ck_assert_uint_eq(on_native(&trio, "clone", SIGCHLD, 0), ALLOW);
}
END_TEST

START_TEST(a_mask_of_several_bits_is_complemented_exactly)
{
	/* Denied only when both bits are set: three of four patterns stay. */
	vb_auto(trio_finish) struct trio trio =
		meet_texts("{'defaultAction':'SCMP_ACT_ERRNO','syscalls':["
			   "{'names':['mmap'],'action':'SCMP_ACT_ALLOW'}]}",
			"{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['mmap'],"
			"'action':'SCMP_ACT_ERRNO','errnoRet':13,'args':[{'index':2,'value':6,"
			"'valueTwo':6,'op':'SCMP_CMP_MASKED_EQ'}]}]}");

	for (uint64_t bits = 0; bits < 16; bits++) {
		const uint64_t args[VB_PROFILE_ARGS] = {0, 0, bits | (UINT64_C(1) << 40)};
		ck_assert_uint_eq(support_verdict(trio.result, X86_64, "mmap", args).action,
			(bits & 6) == 6 ? ERRNO(EACCES) : ALLOW);
	}
}
END_TEST

START_TEST(families_are_denied_over_not_vsock)
{
	vb_auto(trio_finish) struct trio trio = meet_texts(
		"{'defaultAction':'SCMP_ACT_ERRNO','syscalls':[{'names':['socket'],"
		"'action':'SCMP_ACT_ALLOW','args':[{'index':0,'value':40,'op':'SCMP_CMP_NE'}]}]}",
		"{'defaultAction':'SCMP_ACT_ALLOW','syscalls':["
		"{'names':['socket'],'action':'SCMP_ACT_ERRNO','errnoRet':97,"
		"'args':[{'index':0,'value':17,'op':'SCMP_CMP_EQ'}]},"
		"{'names':['socket'],'action':'SCMP_ACT_ERRNO','errnoRet':97,"
		"'args':[{'index':0,'value':38,'op':'SCMP_CMP_EQ'}]}]}");

	for (uint64_t family = 0; family < 64; family++) {
		uint32_t expected = ALLOW;
		if (family == 40)
			expected = ERRNO(EPERM);
		if (family == 17 || family == 38)
			expected = ERRNO(EAFNOSUPPORT);
		ck_assert_uint_eq(on_native(&trio, "socket", family, 0), expected);
	}
}
END_TEST

START_TEST(two_arguments_together_are_denied_exactly)
{
	vb_auto(trio_finish) struct trio trio = meet_texts(
		"{'defaultAction':'SCMP_ACT_ERRNO','syscalls':[{'names':['socket'],"
		"'action':'SCMP_ACT_ALLOW','args':[{'index':0,'value':40,'op':'SCMP_CMP_NE'}]}]}",
		"{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['socket'],"
		"'action':'SCMP_ACT_ERRNO','args':[{'index':0,'value':2,'op':'SCMP_CMP_EQ'},"
		"{'index':1,'value':15,'valueTwo':2,'op':'SCMP_CMP_MASKED_EQ'}]}]}");

	ck_assert_uint_eq(on_native(&trio, "socket", 2, 2), ERRNO(EPERM));
	ck_assert_uint_eq(on_native(&trio, "socket", 2, 2 | SOCK_CLOEXEC), ERRNO(EPERM));
	ck_assert_uint_eq(on_native(&trio, "socket", 2, 1), ALLOW);
	ck_assert_uint_eq(on_native(&trio, "socket", 10, 2), ALLOW);
	ck_assert_uint_eq(on_native(&trio, "socket", 40, 1), ERRNO(EPERM));
}
END_TEST

START_TEST(a_repeated_index_means_either_condition)
{
	vb_auto(trio_finish) struct trio trio = meet_texts(
		"{'defaultAction':'SCMP_ACT_ERRNO','syscalls':[{'names':['socket'],"
		"'action':'SCMP_ACT_ALLOW','args':[{'index':0,'value':40,'op':'SCMP_CMP_NE'},"
		"{'index':0,'value':17,'op':'SCMP_CMP_NE'}]}]}",
		"{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['socket'],"
		"'action':'SCMP_ACT_ERRNO','args':[{'index':0,'value':17,'op':'SCMP_CMP_EQ'}]}]}");

	/* The base means to deny both and denies neither. */
	ck_assert_uint_eq(support_action(trio.base, X86_64, "socket", 40, 0), ALLOW);
	ck_assert_uint_eq(support_action(trio.base, X86_64, "socket", 17, 0), ALLOW);
	ck_assert_uint_eq(on_native(&trio, "socket", 40, 0), ALLOW);
	ck_assert_uint_eq(on_native(&trio, "socket", 17, 0), ERRNO(EPERM));
}
END_TEST

START_TEST(a_masked_compare_sees_through_high_bits_and_a_plain_one_does_not)
{
	const uint64_t tiocsti = 0x5412;
	const uint64_t disguised = tiocsti | (UINT64_C(1) << 32);
	vb_auto(trio_finish) struct trio masked =
		meet_texts(NULL, "{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['ioctl'],"
				 "'action':'SCMP_ACT_ERRNO','args':[{'index':1,'value':4294967295,"
				 "'valueTwo':21522,'op':'SCMP_CMP_MASKED_EQ'}]}]}");
	vb_auto(trio_finish) struct trio plain =
		meet_texts(NULL, "{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['ioctl'],"
				 "'action':'SCMP_ACT_ERRNO','args':[{'index':1,'value':21522,"
				 "'op':'SCMP_CMP_EQ'}]}]}");

	ck_assert_uint_eq(on_native(&masked, "ioctl", 0, tiocsti), ERRNO(EPERM));
	ck_assert_uint_eq(on_native(&masked, "ioctl", 0, disguised), ERRNO(EPERM));
	ck_assert_uint_eq(on_native(&plain, "ioctl", 0, tiocsti), ERRNO(EPERM));
	ck_assert_uint_eq(on_native(&plain, "ioctl", 0, disguised), ALLOW);
}
END_TEST

START_TEST(overlapping_ranges_of_both_sides_leave_the_middle)
{
	vb_auto(trio_finish) struct trio trio = meet_texts(
		"{'defaultAction':'SCMP_ACT_ERRNO','syscalls':[{'names':['alarm'],"
		"'action':'SCMP_ACT_ALLOW','args':[{'index':0,'value':10,'op':'SCMP_CMP_GE'}]}]}",
		"{'defaultAction':'SCMP_ACT_KILL_PROCESS','syscalls':[{'names':['alarm'],"
		"'action':'SCMP_ACT_ALLOW','args':[{'index':0,'value':100,'op':'SCMP_CMP_LT'}]}]}");

	ck_assert_uint_eq(on_native(&trio, "alarm", 9, 0), ERRNO(EPERM));
	ck_assert_uint_eq(on_native(&trio, "alarm", 10, 0), ALLOW);
	ck_assert_uint_eq(on_native(&trio, "alarm", 99, 0), ALLOW);
	ck_assert_uint_eq(on_native(&trio, "alarm", 100, 0), KILL_PROCESS);
	ck_assert_uint_eq(on_native(&trio, "alarm", UINT64_MAX, 0), KILL_PROCESS);
	ck_assert_uint_eq(on_native(&trio, "chmod", 0, 0), KILL_PROCESS);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("profile_conditions");

	tcase_add_test(tcase, an_unconditional_rule_swallows_conditions_in_either_order);
	tcase_add_test(tcase, a_conditional_allow_can_be_denied_altogether);
	tcase_add_test(tcase, a_value_is_taken_out_of_a_list_of_values);
	tcase_add_test(tcase, a_masked_denial_goes_into_an_unconditional_allow);
	tcase_add_test(tcase, a_masked_denial_inside_a_wider_mask_changes_nothing);
	tcase_add_test(tcase, a_mask_of_several_bits_is_complemented_exactly);
	tcase_add_test(tcase, families_are_denied_over_not_vsock);
	tcase_add_test(tcase, two_arguments_together_are_denied_exactly);
	tcase_add_test(tcase, a_repeated_index_means_either_condition);
	tcase_add_test(tcase, a_masked_compare_sees_through_high_bits_and_a_plain_one_does_not);
	tcase_add_test(tcase, overlapping_ranges_of_both_sides_leave_the_middle);
	return vb_unit_run("profile_conditions", tcase);
}
