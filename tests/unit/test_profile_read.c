/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing profiles; every refusal word for word. */
#include <check.h>
#include <errno.h>
#include <seccomp.h>
#include <string.h>

#include "profile_support.h"
#include "unit.h"
#include "vb/adjust/oci_number.h"

#define X86_64 SCMP_ARCH_X86_64

START_TEST(what_is_no_profile_is_refused)
{
	support_refuse("[]", "the profile is not an object");
	support_refuse("{}", "the profile has no defaultAction");
	support_refuse("{'defaultAction':7}", "the profile has no defaultAction");
	support_refuse("{'defaultAction':'SCMP_ACT_DENY'}",
		"the profile has the unknown defaultAction 'SCMP_ACT_DENY'");
	support_refuse("{'defaultAction':'SCMP_ACT_ALLOW','sysscalls':[]}",
		"the profile has the unknown key 'sysscalls'");
	support_refuse("{'defaultAction':'SCMP_ACT_ALLOW','syscalls':{}}",
		"syscalls of the profile is not a list");
}
END_TEST

START_TEST(errno_belongs_to_actions_that_take_it)
{
	support_refuse("{'defaultAction':'SCMP_ACT_ALLOW','defaultErrnoRet':1}",
		"the profile has defaultErrnoRet, which SCMP_ACT_ALLOW does not take");
	support_refuse("{'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':4096}",
		"the profile: defaultErrnoRet is not a number from 0 to 4095");
	support_refuse("{'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':-1}",
		"the profile: defaultErrnoRet is not a number from 0 to 4095");
	support_refuse("{'defaultAction':'SCMP_ACT_TRACE','defaultErrnoRet':32768}",
		"the profile: defaultErrnoRet is not a number from 0 to 32767");
	support_refuse("{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['read'],"
		       "'action':'SCMP_ACT_ERRNO','errnoRet':'EPERM'}]}",
		"syscalls[0]: errnoRet is not a number from 0 to 4095");
}
END_TEST

START_TEST(unknown_words_are_refused_with_their_place)
{
	support_refuse("{'defaultAction':'SCMP_ACT_ALLOW','architectures':['SCMP_ARCH_X86_64',"
		       "'amd64']}",
		"architectures[1] is unknown: 'amd64'");
	support_refuse("{'defaultAction':'SCMP_ACT_ALLOW','architectures':[3]}",
		"architectures[0] is unknown: 'not a string'");
	support_refuse("{'defaultAction':'SCMP_ACT_ALLOW','flags':['SECCOMP_FILTER_FLAG_X']}",
		"flags[0] is unknown: 'SECCOMP_FILTER_FLAG_X'");
	support_refuse("{'defaultAction':'SCMP_ACT_ALLOW','listenerPath':3}",
		"listenerPath is not a string of at most 4096 bytes");
}
END_TEST

START_TEST(an_entry_without_sense_is_refused)
{
	support_refuse("{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[7]}",
		"syscalls[0] is not an object");
	support_refuse("{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['read']}]}",
		"syscalls[0] has no action");
	support_refuse("{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':[],"
		       "'action':'SCMP_ACT_LOG'}]}",
		"syscalls[0] has no names");
	support_refuse("{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['read'],"
		       "'action':'SCMP_ACT_LOG'},{'names':['write','no name'],"
		       "'action':'SCMP_ACT_LOG'}]}",
		"syscalls[1].names[1] is no system call name: 'no name'");
	support_refuse("{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':[7],"
		       "'action':'SCMP_ACT_LOG'}]}",
		"syscalls[0].names[0] is no system call name: 'not a string'");
	support_refuse("{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['read'],"
		       "'action':'SCMP_ACT_LOG','arg':[]}]}",
		"syscalls[0] has the unknown key 'arg'");
}
END_TEST

static void refuse_argument(const char *argument, const char *expected)
{
	char text[512];

	(void)snprintf(text, sizeof(text),
		"{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['read'],"
		"'action':'SCMP_ACT_LOG','args':[%s]}]}",
		argument);
	support_refuse(text, expected);
}

START_TEST(an_argument_without_sense_is_refused)
{
	refuse_argument("7", "syscalls[0].args[0] is not an object");
	refuse_argument(
		"{'index':0,'value':1}", "syscalls[0].args[0] has the unknown operator '(none)'");
	refuse_argument("{'index':0,'value':1,'op':'SCMP_CMP_XX'}",
		"syscalls[0].args[0] has the unknown operator 'SCMP_CMP_XX'");
	refuse_argument("{'index':6,'value':1,'op':'SCMP_CMP_EQ'}",
		"syscalls[0].args[0]: index is not a number from 0 to 5");
	refuse_argument("{'index':0,'value':-1,'op':'SCMP_CMP_EQ'}",
		"syscalls[0].args[0]: value or valueTwo is not an unsigned 64-bit number");
	refuse_argument("{'index':0,'value':1.5,'op':'SCMP_CMP_EQ'}",
		"syscalls[0].args[0]: value or valueTwo is not an unsigned 64-bit number");
	refuse_argument("{'index':0,'value':1,'valueTwo':'x','op':'SCMP_CMP_MASKED_EQ'}",
		"syscalls[0].args[0]: value or valueTwo is not an unsigned 64-bit number");
	refuse_argument("{'index':0,'value':1,'op':'SCMP_CMP_EQ','mask':1}",
		"syscalls[0].args[0] has the unknown key 'mask'");
	refuse_argument(
		"{'index':0},{},{},{},{},{},{}", "syscalls[0] has 7 args, more than a call has");
}
END_TEST

START_TEST(docker_keys_are_recognised_not_half_read)
{
	support_refuse("{'defaultAction':'SCMP_ACT_ERRNO','archMap':[]}",
		"the profile has the key 'archMap' of Docker's profile format, which a runtime "
		"would "
		"ignore");
	support_refuse("{'defaultAction':'SCMP_ACT_ERRNO','syscalls':[{'names':['bpf'],"
		       "'action':'SCMP_ACT_ALLOW','includes':{'caps':['CAP_BPF']}}]}",
		"syscalls[0] has the key 'includes' of Docker's profile format, which a runtime "
		"would ignore");
	support_refuse("{'defaultAction':'SCMP_ACT_ERRNO','syscalls':[{'name':'bpf',"
		       "'action':'SCMP_ACT_ALLOW'}]}",
		"syscalls[0] has the key 'name' of Docker's profile format, which a runtime would "
		"ignore");
}
END_TEST

START_TEST(rules_that_contradict_each_other_are_refused)
{
	support_refuse("{'defaultAction':'SCMP_ACT_ALLOW','syscalls':["
		       "{'names':['read','alarm'],'action':'SCMP_ACT_ERRNO','args':["
		       "{'index':0,'value':5,'op':'SCMP_CMP_LT'}]},"
		       "{'names':['alarm'],'action':'SCMP_ACT_LOG','args':["
		       "{'index':0,'value':3,'valueTwo':3,'op':'SCMP_CMP_MASKED_EQ'}]}]}",
		"syscalls[0] and syscalls[1] give 'alarm' different actions for the same "
		"arguments");
}
END_TEST

START_TEST(rules_that_exclude_each_other_or_agree_are_fine)
{
	vb_auto_profile struct vb_profile *profile =
		support_profile("{'defaultAction':'SCMP_ACT_ALLOW','syscalls':["
				"{'names':['alarm'],'action':'SCMP_ACT_ERRNO','args':["
				"{'index':0,'value':5,'op':'SCMP_CMP_LT'}]},"
				"{'names':['alarm'],'action':'SCMP_ACT_ERRNO','args':["
				"{'index':0,'value':3,'op':'SCMP_CMP_LE'}]},"
				"{'names':['alarm'],'action':'SCMP_ACT_LOG','args':["
				"{'index':0,'value':7,'valueTwo':6,'op':'SCMP_CMP_MASKED_EQ'}]},"
				"{'names':['alarm'],'action':'SCMP_ACT_ALLOW','args':["
				"{'index':0,'value':0,'op':'SCMP_CMP_EQ'}]}]}");

	ck_assert_uint_eq(support_action(profile, X86_64, "alarm", 0, 0), ERRNO(EPERM));
	ck_assert_uint_eq(support_action(profile, X86_64, "alarm", 4, 0), ERRNO(EPERM));
	ck_assert_uint_eq(support_action(profile, X86_64, "alarm", 6, 0), LOG);
	ck_assert_uint_eq(support_action(profile, X86_64, "alarm", 14, 0), LOG);
	ck_assert_uint_eq(support_action(profile, X86_64, "alarm", 5, 0), ALLOW);
}
END_TEST

START_TEST(writing_is_canonical)
{
	vb_auto_profile struct vb_profile *profile = support_profile(
		"{'syscalls':[{'names':['write','alarm','alarm'],'action':'SCMP_ACT_ERRNO'},"
		"{'names':['brk'],'action':'SCMP_ACT_KILL_THREAD'},"
		"{'names':['mmap'],'action':'SCMP_ACT_ERRNO','errnoRet':13,'args':["
		"{'index':3,'value':5,'op':'SCMP_CMP_GE'},"
		"{'index':1,'value':12,'valueTwo':20,'op':'SCMP_CMP_MASKED_EQ'}]},"
		"{'names':['read'],'action':'SCMP_ACT_ERRNO'},"
		"{'names':['dup'],'action':'SCMP_ACT_ALLOW'}],"
		"'architectures':['SCMP_ARCH_X86','SCMP_ARCH_X86_64'],"
		"'flags':['SECCOMP_FILTER_FLAG_SPEC_ALLOW','SECCOMP_FILTER_FLAG_LOG'],"
		"'defaultAction':'SCMP_ACT_ALLOW'}");
	vb_auto_free char *text = support_text(profile);

	ck_assert_str_eq(text,
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\","
		"\"architectures\":[\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_X86\"],"
		"\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\",\"SECCOMP_FILTER_FLAG_SPEC_ALLOW\"],"
		"\"syscalls\":["
		"{\"names\":[\"brk\"],\"action\":\"SCMP_ACT_KILL\"},"
		"{\"names\":[\"alarm\",\"read\",\"write\"],\"action\":\"SCMP_ACT_ERRNO\","
		"\"errnoRet\":1},"
		"{\"names\":[\"mmap\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":13,\"args\":["
		"{\"index\":1,\"value\":12,\"op\":\"SCMP_CMP_MASKED_EQ\",\"valueTwo\":4},"
		"{\"index\":3,\"value\":5,\"op\":\"SCMP_CMP_GE\"}]}]}");
}
END_TEST

START_TEST(null_stands_for_an_absent_list)
{
	vb_auto_profile struct vb_profile *profile =
		support_profile("{'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':null,"
				"'architectures':null,'flags':null,'listenerPath':null,'syscalls':["
				"{'names':['read'],'action':'SCMP_ACT_ALLOW','args':null}]}");

	ck_assert_uint_eq(support_action(profile, X86_64, "read", 0, 0), ALLOW);
	ck_assert_uint_eq(support_action(profile, X86_64, "write", 0, 0), ERRNO(EPERM));
	ck_assert_int_eq(vb_profile_flags(profile), -1);
}
END_TEST

START_TEST(numbers_above_int64_survive)
{
	json_t *json = support_json("{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':["
				    "'personality'],'action':'SCMP_ACT_LOG','args':["
				    "{'index':0,'value':1,'op':'SCMP_CMP_EQ'}]}]}");
	json_t *args =
		json_object_get(json_array_get(json_object_get(json, "syscalls"), 0), "args");
	struct vb_profile *profile = NULL;
	struct vb_error err = {0};

	json_object_set_new(json_array_get(args, 0), "value", vb_oci_number_new(UINT64_MAX));
	ck_assert_int_eq(vb_profile_from_json(json, X86_64, &profile, &err), 0);
	ck_assert_uint_eq(support_action(profile, X86_64, "personality", UINT64_MAX, 0), LOG);
	ck_assert_uint_eq(support_action(profile, X86_64, "personality", INT64_MAX, 0), ALLOW);
	vb_auto_free char *text = support_text(profile);
	ck_assert_ptr_nonnull(strstr(text, "\"value\":\"\\u000118446744073709551615\""));
	vb_profile_destroy(profile);
	json_decref(json);
}
END_TEST

static int read_number(json_t *value, uint64_t *ret_number)
{
	int r = vb_oci_number_u64(value, ret_number);

	json_decref(value);
	return r;
}

START_TEST(marked_numbers_are_read_strictly)
{
	uint64_t number = 5;

	ck_assert_int_eq(read_number(json_integer(-1), &number), -EINVAL);
	ck_assert_int_eq(read_number(json_real(1.0), &number), -EINVAL);
	ck_assert_int_eq(read_number(json_string("18446744073709551615"), &number), -EINVAL);
	ck_assert_int_eq(read_number(json_string(VB_OCI_NUMBER_MARK), &number), -EINVAL);
	ck_assert_int_eq(read_number(json_string(VB_OCI_NUMBER_MARK "-1"), &number), -EINVAL);
	ck_assert_int_eq(read_number(json_string(VB_OCI_NUMBER_MARK "01"), &number), -EINVAL);
	ck_assert_int_eq(read_number(json_string(VB_OCI_NUMBER_MARK "1x"), &number), -EINVAL);
	ck_assert_int_eq(
		read_number(json_string(VB_OCI_NUMBER_MARK "18446744073709551616"), &number),
		-ERANGE);
	ck_assert_uint_eq(number, 5);
	ck_assert_int_eq(read_number(vb_oci_number_new(0), &number), 0);
	ck_assert_uint_eq(number, 0);
	ck_assert_int_eq(read_number(vb_oci_number_new(INT64_MAX), &number), 0);
	ck_assert_uint_eq(number, INT64_MAX);
	ck_assert_int_eq(read_number(vb_oci_number_new(UINT64_MAX), &number), 0);
	ck_assert_uint_eq(number, UINT64_MAX);
}
END_TEST

START_TEST(a_mask_of_no_bits_makes_a_rule_unconditional)
{
	vb_auto_profile struct vb_profile *profile =
		support_profile("{'defaultAction':'SCMP_ACT_ALLOW','syscalls':["
				"{'names':['read'],'action':'SCMP_ACT_ERRNO','args':["
				"{'index':0,'value':0,'valueTwo':5,'op':'SCMP_CMP_MASKED_EQ'}]}]}");

	ck_assert_uint_eq(support_action(profile, X86_64, "read", 77, 0), ERRNO(EPERM));
}
END_TEST

START_TEST(simulation_names_the_deciding_entry)
{
	const uint64_t args[VB_PROFILE_ARGS] = {8};
	vb_auto_profile struct vb_profile *profile =
		support_profile("{'defaultAction':'SCMP_ACT_ERRNO','syscalls':["
				"{'names':['read'],'action':'SCMP_ACT_ALLOW'},"
				"{'names':['personality'],'action':'SCMP_ACT_ALLOW','args':["
				"{'index':0,'value':0,'op':'SCMP_CMP_EQ'}]},"
				"{'names':['personality'],'action':'SCMP_ACT_LOG','args':["
				"{'index':0,'value':8,'op':'SCMP_CMP_EQ'}]}]}");
	struct vb_profile_verdict verdict = support_verdict(profile, X86_64, "personality", args);

	ck_assert_uint_eq(verdict.action, LOG);
	ck_assert_uint_eq(verdict.read, LOG);
	ck_assert_int_eq(verdict.rule, 2);
	verdict = support_verdict(profile, X86_64, "0", args);
	ck_assert_uint_eq(verdict.action, ALLOW);
	ck_assert_int_eq(verdict.rule, 0);
	verdict = support_verdict(profile, X86_64, "chmod", args);
	ck_assert_uint_eq(verdict.read, ERRNO(EPERM));
	ck_assert_int_eq(verdict.rule, -1);
	/* A closed ABI has no rules. */
	verdict = support_verdict(profile, SCMP_ARCH_X86, "read", args);
	ck_assert_uint_eq(verdict.read, KILL_THREAD);
	ck_assert_int_eq(verdict.rule, -1);
}
END_TEST

START_TEST(ways_to_a_call_are_all_that_an_abi_has)
{
	struct vb_profile_way ways[VB_PROFILE_WAYS_MAX];
	struct vb_error err = {0};
	size_t count = 0;

	ck_assert_int_eq(vb_profile_ways(X86_64, "personality", ways, &count, &err), 0);
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(ways[0].number, 135);
	ck_assert_int_eq(ways[0].selector, -1);
	ck_assert_int_eq(vb_profile_ways(X86_64, "umount", ways, &count, &err), 0);
	ck_assert_uint_eq(count, 0);
	ck_assert_int_eq(vb_profile_ways(SCMP_ARCH_AARCH64, "mknod", ways, &count, &err), 0);
	ck_assert_uint_eq(count, 0);
	/* By a number of its own, and as call 1 of socketcall. */
	ck_assert_int_eq(vb_profile_ways(SCMP_ARCH_X86, "socket", ways, &count, &err), 0);
	ck_assert_uint_eq(count, 2);
	ck_assert_int_eq(ways[0].number, 359);
	ck_assert_int_eq(ways[0].selector, -1);
	ck_assert_int_eq(ways[1].number, 102);
	ck_assert_int_eq(ways[1].selector, 1);
	/* semop is call 1 of ipc alone. */
	ck_assert_int_eq(vb_profile_ways(SCMP_ARCH_X86, "semop", ways, &count, &err), 0);
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(ways[0].number, 117);
	ck_assert_int_eq(ways[0].selector, 1);
	ck_assert_int_eq(vb_profile_ways(X86_64, "chmode", ways, &count, &err), -ENOENT);
	ck_assert_str_eq(err.what, "unknown system call 'chmode'");
	ck_assert_int_eq(vb_profile_ways(X86_64, "2000000000", ways, &count, &err), -EINVAL);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("profile_read");

	tcase_add_test(tcase, what_is_no_profile_is_refused);
	tcase_add_test(tcase, errno_belongs_to_actions_that_take_it);
	tcase_add_test(tcase, unknown_words_are_refused_with_their_place);
	tcase_add_test(tcase, an_entry_without_sense_is_refused);
	tcase_add_test(tcase, an_argument_without_sense_is_refused);
	tcase_add_test(tcase, docker_keys_are_recognised_not_half_read);
	tcase_add_test(tcase, rules_that_contradict_each_other_are_refused);
	tcase_add_test(tcase, rules_that_exclude_each_other_or_agree_are_fine);
	tcase_add_test(tcase, writing_is_canonical);
	tcase_add_test(tcase, null_stands_for_an_absent_list);
	tcase_add_test(tcase, numbers_above_int64_survive);
	tcase_add_test(tcase, marked_numbers_are_read_strictly);
	tcase_add_test(tcase, a_mask_of_no_bits_makes_a_rule_unconditional);
	tcase_add_test(tcase, simulation_names_the_deciding_entry);
	tcase_add_test(tcase, ways_to_a_call_are_all_that_an_abi_has);
	return vb_unit_run("profile_read", tcase);
}
