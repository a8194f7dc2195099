/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The meet of two profiles, case by case: the traps are those that profiles and libseccomp really
 * lay. Every result has also passed the check of whole filters (support_meet()).
 */
#include <check.h>
#include <errno.h>
#include <seccomp.h>
#include <string.h>

#include "profile_support.h"
#include "unit.h"

#define X86_64 SCMP_ARCH_X86_64

static struct trio meet_starter(const char *base)
{
	return meet_profiles(support_profile(base), support_starter(VB_STARTER_DENIALS, X86_64));
}

static void refuse_texts(const char *base, const char *tighter, int errnum, const char *expected)
{
	vb_auto_profile struct vb_profile *a = support_profile(base);
	vb_auto_profile struct vb_profile *b = support_profile(tighter);

	support_refuse_meet(a, b, errnum, expected);
}

START_TEST(starter_over_the_default_profile_denies_and_keeps_everything_else)
{
	vb_auto(trio_finish) struct trio trio =
		meet_profiles(support_profile_from_file("containerd-1.7.24-default.json", X86_64),
			support_starter(VB_STARTER_DENIALS, X86_64));

	ck_assert_uint_eq(on_native(&trio, "ptrace", 0, 0), ERRNO(EPERM));
	ck_assert_uint_eq(on_native(&trio, "mknod", 0, 0), ERRNO(EPERM));
	ck_assert_uint_eq(on_native(&trio, "unshare", 0, 0), ERRNO(EPERM));
	ck_assert_uint_eq(on_native(&trio, "clone3", 0, 0), ERRNO(ENOSYS));
	ck_assert_uint_eq(on_native(&trio, "read", 0, 0), ALLOW);
	ck_assert_uint_eq(on_native(&trio, "socket", 40, 0), ERRNO(EPERM));
	ck_assert_uint_eq(on_native(&trio, "socket", 2, 0), ALLOW);
}
END_TEST

START_TEST(starter_over_a_profile_widened_for_sys_admin_denies_again)
{
	vb_auto(trio_finish) struct trio trio = meet_starter(
		"{'defaultAction':'SCMP_ACT_ERRNO','architectures':['SCMP_ARCH_X86_64'],'syscalls':"
		"["
		"{'names':['read','write','clone'],'action':'SCMP_ACT_ALLOW'},"
		"{'names':['bpf','mount','setns','umount2','unshare','perf_event_open'],"
		"'action':'SCMP_ACT_ALLOW'}]}");

	ck_assert_uint_eq(on_native(&trio, "mount", 0, 0), ERRNO(EPERM));
	ck_assert_uint_eq(on_native(&trio, "bpf", 0, 0), ERRNO(EPERM));
	ck_assert_uint_eq(on_native(&trio, "clone", 0, 0), ALLOW);
	ck_assert_uint_eq(on_native(&trio, "write", 0, 0), ALLOW);
	ck_assert_uint_eq(on_native(&trio, "chroot", 0, 0), ERRNO(EPERM));
}
END_TEST

START_TEST(starter_over_an_unconfined_container_is_the_starter)
{
	vb_auto(trio_finish) struct trio trio =
		meet_profiles(NULL, support_starter(VB_STARTER_DENIALS, X86_64));
	vb_auto_free char *expected = support_text(trio.tighter);
	vb_auto_free char *text = support_text(trio.result);

	ck_assert_str_eq(text, expected);
	ck_assert_uint_eq(on_native(&trio, "mount", 0, 0), ERRNO(EPERM));
	ck_assert_uint_eq(on_native(&trio, "chmod", 0, 0), ALLOW);
	ck_assert_uint_eq(support_action(trio.result, SCMP_ARCH_X86, "umount", 0, 0), ERRNO(EPERM));
}
END_TEST

START_TEST(allowlist_with_mount_loses_mount_only)
{
	vb_auto(trio_finish) struct trio trio =
		meet_starter("{'defaultAction':'SCMP_ACT_ERRNO','syscalls':["
			     "{'names':['mount','read'],'action':'SCMP_ACT_ALLOW'}]}");
	vb_auto_free char *text = support_text(trio.result);

	ck_assert_str_eq(text, "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":1,"
			       "\"architectures\":[\"SCMP_ARCH_X86_64\"],\"syscalls\":["
			       "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\"}]}");
}
END_TEST

START_TEST(default_enosys_stays_enosys)
{
	vb_auto(trio_finish) struct trio trio =
		meet_starter("{'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':38,"
			     "'syscalls':[{'names':['read'],'action':'SCMP_ACT_ALLOW'}]}");

	ck_assert_uint_eq(on_native(&trio, "mount", 0, 0), ERRNO(ENOSYS));
	ck_assert_uint_eq(on_native(&trio, "chmod", 0, 0), ERRNO(ENOSYS));
	ck_assert_uint_eq(on_native(&trio, "read", 0, 0), ALLOW);
}
END_TEST

static void check_default_is_kept(const char *action, uint32_t expected)
{
	char base[512];

	(void)snprintf(base, sizeof(base),
		"{'defaultAction':'%s','syscalls':[{'names':['read','mount'],"
		"'action':'SCMP_ACT_ALLOW'}]}",
		action);
	vb_auto(trio_finish) struct trio trio = meet_starter(base);
	ck_assert_uint_eq(on_native(&trio, "chmod", 0, 0), expected);
	/* Denied by the starter alone: EPERM, not the default. */
	ck_assert_uint_eq(on_native(&trio, "mount", 0, 0), ERRNO(EPERM));
	/* Denied by both: never weaker than the default. */
	ck_assert_uint_eq(on_native(&trio, "ptrace", 0, 0), expected);
	ck_assert_uint_eq(on_native(&trio, "read", 0, 0), ALLOW);
}

START_TEST(default_kill_process_is_not_weakened_to_errno)
{
	check_default_is_kept("SCMP_ACT_KILL_PROCESS", KILL_PROCESS);
}
END_TEST

START_TEST(default_kill_alias_is_not_weakened_to_errno)
{
	check_default_is_kept("SCMP_ACT_KILL", KILL_THREAD);
	check_default_is_kept("SCMP_ACT_KILL_THREAD", KILL_THREAD);
}
END_TEST

START_TEST(default_trap_is_not_weakened_to_errno)
{
	check_default_is_kept("SCMP_ACT_TRAP", TRAP);
}
END_TEST

START_TEST(default_log_gives_way_to_errno)
{
	vb_auto(trio_finish) struct trio trio =
		meet_starter("{'defaultAction':'SCMP_ACT_LOG','syscalls':["
			     "{'names':['read'],'action':'SCMP_ACT_ALLOW'}]}");

	ck_assert_uint_eq(on_native(&trio, "mount", 0, 0), ERRNO(EPERM));
	ck_assert_uint_eq(on_native(&trio, "chmod", 0, 0), LOG);
	ck_assert_uint_eq(on_native(&trio, "read", 0, 0), ALLOW);
}
END_TEST

START_TEST(explicit_kill_survives_a_denial)
{
	vb_auto(trio_finish) struct trio trio =
		meet_starter("{'defaultAction':'SCMP_ACT_ALLOW','syscalls':["
			     "{'names':['ptrace'],'action':'SCMP_ACT_KILL_PROCESS'},"
			     "{'names':['bpf'],'action':'SCMP_ACT_TRAP'}]}");

	ck_assert_uint_eq(on_native(&trio, "ptrace", 0, 0), KILL_PROCESS);
	ck_assert_uint_eq(on_native(&trio, "bpf", 0, 0), TRAP);
	ck_assert_uint_eq(on_native(&trio, "mount", 0, 0), ERRNO(EPERM));
}
END_TEST

START_TEST(log_notify_and_trace_give_way_to_errno)
{
	vb_auto(trio_finish) struct trio trio =
		meet_starter("{'defaultAction':'SCMP_ACT_ALLOW','listenerPath':'/run/a',"
			     "'syscalls':["
			     "{'names':['ptrace'],'action':'SCMP_ACT_LOG'},"
			     "{'names':['bpf','chmod'],'action':'SCMP_ACT_NOTIFY'},"
			     "{'names':['mount'],'action':'SCMP_ACT_TRACE','errnoRet':7}]}");
	vb_auto_free char *text = support_text(trio.result);

	ck_assert_uint_eq(on_native(&trio, "ptrace", 0, 0), ERRNO(EPERM));
	ck_assert_uint_eq(on_native(&trio, "bpf", 0, 0), ERRNO(EPERM));
	ck_assert_uint_eq(on_native(&trio, "mount", 0, 0), ERRNO(EPERM));
	ck_assert_uint_eq(on_native(&trio, "chmod", 0, 0), NOTIFY);
	ck_assert_ptr_nonnull(strstr(text, "\"listenerPath\":\"/run/a\""));
}
END_TEST

START_TEST(listener_goes_with_the_last_rule_that_notifies)
{
	vb_auto(trio_finish) struct trio trio =
		meet_starter("{'defaultAction':'SCMP_ACT_ALLOW','listenerPath':'/run/a',"
			     "'flags':['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV',"
			     "'SECCOMP_FILTER_FLAG_LOG'],"
			     "'syscalls':[{'names':['bpf'],'action':'SCMP_ACT_NOTIFY'}]}");
	vb_auto_free char *text = support_text(trio.result);

	ck_assert_ptr_null(strstr(text, "listener"));
	ck_assert_int_eq(vb_profile_flags(trio.result), VB_PROFILE_FLAG_LOG);
}
END_TEST

START_TEST(an_appended_denial_of_an_allowed_name_does_nothing_in_the_base)
{
	vb_auto(trio_finish) struct trio trio =
		meet_starter("{'defaultAction':'SCMP_ACT_ERRNO','syscalls':["
			     "{'names':['mount','chmod'],'action':'SCMP_ACT_ALLOW'},"
			     "{'names':['mount','chmod'],'action':'SCMP_ACT_KILL'}]}");

	ck_assert_uint_eq(support_action(trio.base, X86_64, "chmod", 0, 0), ALLOW);
	ck_assert_uint_eq(on_native(&trio, "chmod", 0, 0), ALLOW);
	ck_assert_uint_eq(on_native(&trio, "mount", 0, 0), ERRNO(EPERM));
}
END_TEST

START_TEST(two_allowlists_intersect)
{
	vb_auto(trio_finish) struct trio trio =
		meet_texts("{'defaultAction':'SCMP_ACT_ERRNO','syscalls':["
			   "{'names':['read','write','chmod'],'action':'SCMP_ACT_ALLOW'}]}",
			"{'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':38,'syscalls':["
			"{'names':['read','mount','chmod'],'action':'SCMP_ACT_ALLOW'}]}");

	ck_assert_uint_eq(on_native(&trio, "read", 0, 0), ALLOW);
	ck_assert_uint_eq(on_native(&trio, "chmod", 0, 0), ALLOW);
	/* Both deny by default: base's errno. Only the other one denies: its own. */
	ck_assert_uint_eq(on_native(&trio, "bpf", 0, 0), ERRNO(EPERM));
	ck_assert_uint_eq(on_native(&trio, "mount", 0, 0), ERRNO(EPERM));
	ck_assert_uint_eq(on_native(&trio, "write", 0, 0), ERRNO(ENOSYS));
}
END_TEST

START_TEST(a_notifying_overlay_never_opens_what_was_denied)
{
	vb_auto(trio_finish) struct trio trio = meet_texts(
		"{'defaultAction':'SCMP_ACT_ERRNO','syscalls':["
		"{'names':['connect','read'],'action':'SCMP_ACT_ALLOW'}]}",
		"{'defaultAction':'SCMP_ACT_ALLOW','listenerPath':'/run/l','listenerMetadata':'m',"
		"'syscalls':[{'names':['connect','mount'],'action':'SCMP_ACT_NOTIFY'}]}");
	vb_auto_free char *text = support_text(trio.result);

	ck_assert_uint_eq(on_native(&trio, "mount", 0, 0), ERRNO(EPERM));
	ck_assert_uint_eq(on_native(&trio, "connect", 0, 0), NOTIFY);
	ck_assert_uint_eq(on_native(&trio, "read", 0, 0), ALLOW);
	ck_assert_ptr_nonnull(
		strstr(text, "\"listenerPath\":\"/run/l\",\"listenerMetadata\":\"m\""));
}
END_TEST

START_TEST(a_stricter_default_of_the_overlay_wins)
{
	vb_auto(trio_finish) struct trio trio =
		meet_texts("{'defaultAction':'SCMP_ACT_ALLOW','syscalls':["
			   "{'names':['mount'],'action':'SCMP_ACT_ERRNO'}]}",
			"{'defaultAction':'SCMP_ACT_KILL_PROCESS','syscalls':["
			"{'names':['read','mount'],'action':'SCMP_ACT_ALLOW'}]}");

	ck_assert_uint_eq(on_native(&trio, "read", 0, 0), ALLOW);
	ck_assert_uint_eq(on_native(&trio, "mount", 0, 0), ERRNO(EPERM));
	ck_assert_uint_eq(on_native(&trio, "chmod", 0, 0), KILL_PROCESS);
}
END_TEST

START_TEST(a_name_that_nobody_knows_is_kept)
{
	vb_auto(trio_finish) struct trio trio =
		meet_texts("{'defaultAction':'SCMP_ACT_ERRNO','syscalls':["
			   "{'names':['call_of_2031','read'],'action':'SCMP_ACT_ALLOW'}]}",
			"{'defaultAction':'SCMP_ACT_ALLOW','syscalls':["
			"{'names':['call_of_2032'],'action':'SCMP_ACT_ERRNO'}]}");
	vb_auto_free char *text = support_text(trio.result);

	ck_assert_ptr_nonnull(strstr(text, "[\"call_of_2031\",\"read\"]"));
	ck_assert_ptr_null(strstr(text, "call_of_2032"));
}
END_TEST

START_TEST(conditions_that_need_too_many_rules_are_refused)
{
	/* All but multiples of a pattern in every bit pair: its complement has no short form. */
	refuse_texts("{'defaultAction':'SCMP_ACT_ERRNO','syscalls':[{'names':['mmap'],"
		     "'action':'SCMP_ACT_ALLOW','args':[{'index':0,'value':6148914691236517205,"
		     "'valueTwo':5,'op':'SCMP_CMP_MASKED_EQ'},"
		     "{'index':1,'value':2,'op':'SCMP_CMP_GE'}]}]}",
		"{'defaultAction':'SCMP_ACT_LOG','syscalls':[{'names':['mmap'],"
		"'action':'SCMP_ACT_ALLOW','args':[{'index':0,'value':1229782938247303441,"
		"'op':'SCMP_CMP_GE'},{'index':1,'value':4611686018427387900,'op':'SCMP_CMP_LT'},"
		"{'index':2,'value':4611686018427387901,'op':'SCMP_CMP_LT'}]},"
		"{'names':['mmap'],'action':'SCMP_ACT_TRAP','args':["
		"{'index':0,'value':1229782938247303440,'op':'SCMP_CMP_LE'},"
		"{'index':1,'value':15,'valueTwo':3,'op':'SCMP_CMP_MASKED_EQ'}]}]}",
		EOPNOTSUPP, "need more than 128 rules");
}
END_TEST

START_TEST(different_listeners_are_refused)
{
	refuse_texts("{'defaultAction':'SCMP_ACT_ALLOW','listenerPath':'/run/a','syscalls':["
		     "{'names':['mount'],'action':'SCMP_ACT_NOTIFY'}]}",
		"{'defaultAction':'SCMP_ACT_ALLOW','listenerPath':'/run/b','syscalls':["
		"{'names':['chmod'],'action':'SCMP_ACT_NOTIFY'}]}",
		EOPNOTSUPP, "to different ones");
}
END_TEST

START_TEST(conditions_on_sockets_are_refused_where_socketcall_is_open)
{
	/* On i386 the family lies in memory, behind socketcall: the condition cannot hold there. */
	refuse_texts("{'defaultAction':'SCMP_ACT_ERRNO','architectures':['SCMP_ARCH_X86_64',"
		     "'SCMP_ARCH_X86'],'syscalls':["
		     "{'names':['socket','socketcall'],'action':'SCMP_ACT_ALLOW'}]}",
		"{'defaultAction':'SCMP_ACT_ALLOW','architectures':['SCMP_ARCH_X86_64',"
		"'SCMP_ARCH_X86'],'syscalls':[{'names':['socket'],'action':'SCMP_ACT_ERRNO',"
		"'args':[{'index':0,'value':17,'op':'SCMP_CMP_EQ'}]}]}",
		EILSEQ, "SCMP_ARCH_X86");
}
END_TEST

START_TEST(profiles_for_different_nodes_are_refused)
{
	vb_auto_profile struct vb_profile *base =
		support_profile_for("{'defaultAction':'SCMP_ACT_ALLOW'}", SCMP_ARCH_AARCH64);
	vb_auto_profile struct vb_profile *tighter = support_starter(VB_STARTER_DENIALS, X86_64);
	struct vb_profile *result = NULL;
	struct vb_error err = {0};

	ck_assert_int_eq(vb_profile_meet(base, tighter, &result, &err), -EINVAL);
	ck_assert_str_eq(err.what,
		"the two profiles are for different nodes: SCMP_ARCH_AARCH64, SCMP_ARCH_X86_64");
}
END_TEST

START_TEST(meeting_twice_changes_nothing)
{
	vb_auto(trio_finish) struct trio once = meet_profiles(
		support_profile_from_file("containerd-2.1.9-default.json", X86_64),
		support_starter(
			VB_STARTER_DENIALS | VB_STARTER_CLOSURE | VB_STARTER_IO_URING, X86_64));
	vb_auto_profile struct vb_profile *twice = support_meet(once.result, once.tighter);
	vb_auto_profile struct vb_profile *itself = support_meet(once.result, once.result);
	vb_auto_free char *first = support_text(once.result);
	vb_auto_free char *second = support_text(twice);
	vb_auto_free char *third = support_text(itself);

	ck_assert_str_eq(second, first);
	ck_assert_str_eq(third, first);
}
END_TEST

START_TEST(abis_are_those_that_both_cover)
{
	vb_auto(trio_finish) struct trio trio =
		meet_profiles(support_profile_from_file("containerd-2.1.9-default.json", X86_64),
			support_starter(VB_STARTER_DENIALS, X86_64));

	ck_assert(vb_profile_covers_arch(trio.base, SCMP_ARCH_X32));
	ck_assert(vb_profile_covers_arch(trio.result, X86_64));
	ck_assert(vb_profile_covers_arch(trio.result, SCMP_ARCH_X86));
	ck_assert(!vb_profile_covers_arch(trio.result, SCMP_ARCH_X32));
	ck_assert_uint_eq(support_action(trio.result, SCMP_ARCH_X86, "umount", 0, 0), ERRNO(EPERM));
	ck_assert_uint_eq(support_action(trio.result, SCMP_ARCH_X86, "read", 0, 0), ALLOW);
}
END_TEST

START_TEST(an_absent_list_of_abis_means_the_native_one_alone)
{
	vb_auto(trio_finish) struct trio trio = meet_starter("{'defaultAction':'SCMP_ACT_ALLOW'}");

	ck_assert(!vb_profile_covers_arch(trio.result, SCMP_ARCH_X86));
	ck_assert_uint_eq(support_action(trio.result, SCMP_ARCH_X86, "read", 0, 0), KILL_THREAD);
}
END_TEST

START_TEST(x32_is_closed_even_when_both_list_it)
{
	const char *text = "{'defaultAction':'SCMP_ACT_ALLOW','architectures':['SCMP_ARCH_X86_64',"
			   "'SCMP_ARCH_X32']}";
	vb_auto(trio_finish) struct trio trio = meet_texts(text, text);

	ck_assert_uint_eq(support_action(trio.base, SCMP_ARCH_X32, "read", 0, 0), ALLOW);
	ck_assert_uint_eq(support_action(trio.result, SCMP_ARCH_X32, "read", 0, 0), KILL_THREAD);
	ck_assert_uint_eq(on_native(&trio, "read", 0, 0), ALLOW);
}
END_TEST

/* socketcall opens every socket, whatever a profile says about socket. */
START_TEST(i386_and_its_socketcall_are_closed_unless_both_list_them)
{
	const char *open = "{'defaultAction':'SCMP_ACT_ALLOW','architectures':["
			   "'SCMP_ARCH_X86_64','SCMP_ARCH_X86']}";
	const char *native = "{'defaultAction':'SCMP_ACT_ALLOW'}";
	vb_auto(trio_finish) struct trio listed = meet_texts(open, open);
	vb_auto(trio_finish) struct trio by_base = meet_texts(open, native);
	vb_auto(trio_finish) struct trio by_other = meet_texts(native, open);
	vb_auto(trio_finish) struct trio unconfined = meet_profiles(NULL, support_profile(native));

	ck_assert_uint_eq(support_action(listed.result, SCMP_ARCH_X86, "socketcall", 1, 0), ALLOW);
	ck_assert_uint_eq(
		support_action(by_base.result, SCMP_ARCH_X86, "socketcall", 1, 0), KILL_THREAD);
	ck_assert_uint_eq(
		support_action(by_other.result, SCMP_ARCH_X86, "socketcall", 1, 0), KILL_THREAD);
	ck_assert_uint_eq(
		support_action(unconfined.result, SCMP_ARCH_X86, "socketcall", 1, 0), KILL_THREAD);
	ck_assert_uint_eq(
		support_action(unconfined.result, SCMP_ARCH_X32, "read", 0, 0), KILL_THREAD);
}
END_TEST

/* mknod, mount's older kin and others do not exist there; what took their place does. */
START_TEST(names_that_arm64_does_not_have_change_nothing_there)
{
	const char *text = "{'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':38,"
			   "'architectures':['SCMP_ARCH_AARCH64','SCMP_ARCH_ARM'],'syscalls':["
			   "{'names':['mknod','mknodat','open','openat','umount','umount2'],"
			   "'action':'SCMP_ACT_ALLOW'}]}";
	vb_auto(trio_finish) struct trio trio =
		meet_profiles(support_profile_for(text, SCMP_ARCH_AARCH64),
			support_starter(VB_STARTER_DENIALS, SCMP_ARCH_AARCH64));
	struct vb_profile_way ways[VB_PROFILE_WAYS_MAX];
	size_t count = 1;

	ck_assert_int_eq(vb_profile_ways(SCMP_ARCH_AARCH64, "mknod", ways, &count, NULL), 0);
	ck_assert_uint_eq(count, 0);
	ck_assert_uint_eq(
		support_action(trio.result, SCMP_ARCH_AARCH64, "mknodat", 0, 0), ERRNO(EPERM));
	ck_assert_uint_eq(
		support_action(trio.result, SCMP_ARCH_AARCH64, "umount2", 0, 0), ERRNO(EPERM));
	ck_assert_uint_eq(support_action(trio.result, SCMP_ARCH_AARCH64, "openat", 0, 0), ALLOW);
	ck_assert_uint_eq(
		support_action(trio.result, SCMP_ARCH_AARCH64, "read", 0, 0), ERRNO(ENOSYS));
	/* The 32-bit sibling has them. */
	ck_assert_uint_eq(support_action(trio.result, SCMP_ARCH_ARM, "mknod", 0, 0), ERRNO(EPERM));
	ck_assert_uint_eq(support_action(trio.result, SCMP_ARCH_ARM, "open", 0, 0), ALLOW);
	ck_assert_uint_eq(support_action(trio.result, X86_64, "openat", 0, 0), KILL_THREAD);
}
END_TEST

START_TEST(flags_are_those_that_the_container_had)
{
	vb_auto(trio_finish) struct trio absent =
		meet_starter("{'defaultAction':'SCMP_ACT_ALLOW'}");
	vb_auto(trio_finish) struct trio empty =
		meet_starter("{'defaultAction':'SCMP_ACT_ALLOW','flags':[]}");
	vb_auto(trio_finish) struct trio some =
		meet_starter("{'defaultAction':'SCMP_ACT_ALLOW','flags':["
			     "'SECCOMP_FILTER_FLAG_SPEC_ALLOW'],'listenerPath':''}");
	vb_auto_free char *text = support_text(some.result);

	ck_assert_int_eq(vb_profile_flags(absent.result), -1);
	ck_assert_int_eq(vb_profile_flags(empty.result), 0);
	ck_assert_int_eq(vb_profile_flags(some.result), VB_PROFILE_FLAG_SPEC_ALLOW);
	ck_assert_ptr_nonnull(strstr(text, "\"flags\":[\"SECCOMP_FILTER_FLAG_SPEC_ALLOW\"]"));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("profile_meet");

	tcase_add_test(tcase, starter_over_the_default_profile_denies_and_keeps_everything_else);
	tcase_add_test(tcase, starter_over_a_profile_widened_for_sys_admin_denies_again);
	tcase_add_test(tcase, starter_over_an_unconfined_container_is_the_starter);
	tcase_add_test(tcase, allowlist_with_mount_loses_mount_only);
	tcase_add_test(tcase, default_enosys_stays_enosys);
	tcase_add_test(tcase, default_kill_process_is_not_weakened_to_errno);
	tcase_add_test(tcase, default_kill_alias_is_not_weakened_to_errno);
	tcase_add_test(tcase, default_trap_is_not_weakened_to_errno);
	tcase_add_test(tcase, default_log_gives_way_to_errno);
	tcase_add_test(tcase, explicit_kill_survives_a_denial);
	tcase_add_test(tcase, log_notify_and_trace_give_way_to_errno);
	tcase_add_test(tcase, listener_goes_with_the_last_rule_that_notifies);
	tcase_add_test(tcase, an_appended_denial_of_an_allowed_name_does_nothing_in_the_base);
	tcase_add_test(tcase, two_allowlists_intersect);
	tcase_add_test(tcase, a_notifying_overlay_never_opens_what_was_denied);
	tcase_add_test(tcase, a_stricter_default_of_the_overlay_wins);
	tcase_add_test(tcase, a_name_that_nobody_knows_is_kept);
	tcase_add_test(tcase, conditions_that_need_too_many_rules_are_refused);
	tcase_add_test(tcase, different_listeners_are_refused);
	tcase_add_test(tcase, conditions_on_sockets_are_refused_where_socketcall_is_open);
	tcase_add_test(tcase, profiles_for_different_nodes_are_refused);
	tcase_add_test(tcase, meeting_twice_changes_nothing);
	tcase_add_test(tcase, abis_are_those_that_both_cover);
	tcase_add_test(tcase, an_absent_list_of_abis_means_the_native_one_alone);
	tcase_add_test(tcase, x32_is_closed_even_when_both_list_it);
	tcase_add_test(tcase, i386_and_its_socketcall_are_closed_unless_both_list_them);
	tcase_add_test(tcase, names_that_arm64_does_not_have_change_nothing_there);
	tcase_add_test(tcase, flags_are_those_that_the_container_had);
	return vb_unit_run("profile_meet", tcase);
}
