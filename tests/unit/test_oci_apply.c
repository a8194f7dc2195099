/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <seccomp.h>
#include <string.h>

#include "oci_support.h"
#include "vb/adjust/caps.h"
#include "vb/adjust/codes.h"
#include "vb/adjust/oci_apply.h"
#include "vb/base/str.h"

static int limit(const char *type, uint64_t *ret_soft, uint64_t *ret_hard)
{
	if (!vb_str_equal(type, "RLIMIT_NOFILE"))
		return -EINVAL;
	*ret_soft = 512;
	*ret_hard = 2048;
	return 0;
}

static int apply_layers(json_t *spec, const struct vb_plan *plan, unsigned int layers,
	struct vb_receipt *receipt, struct vb_error *err)
{
	const struct vb_oci_edit edit = {.plan = plan,
		.layers = layers,
		.native = SCMP_ARCH_X86_64,
		.inherited_limit = limit};

	return vb_oci_apply(spec, &edit, receipt, err);
}

/* Applies the whole plan, which must turn the one text into the other and change nothing twice. */
static void assert_applied(const char *before, const struct vb_plan *plan, const char *after)
{
	vb_auto_json json_t *spec = support_document(before);

	for (int i = 0; i < 2; i++) {
		vb_auto_receipt struct vb_receipt receipt = {0};
		struct vb_error err = {0};
		int r = apply_layers(spec, plan, VB_OCI_LAYERS_ALL, &receipt, &err);
		ck_assert_msg(r == 0, "%s", err.what);
		support_assert_prints(spec, after);
	}
}

START_TEST(a_plan_that_asks_for_nothing_changes_nothing)
{
	vb_auto_plan struct vb_plan *plan = support_plan();

	assert_applied("{'process':{'capabilities':{'bounding':['CAP_X']}},'mounts':[{}]}", plan,
		"{'process':{'capabilities':{'bounding':['CAP_X']}},'mounts':[{}]}");
}
END_TEST

START_TEST(capabilities_are_dropped_from_every_set)
{
	vb_auto_plan struct vb_plan *plan = support_plan();

	plan->sources[VB_LAYER_CAPABILITIES] = VB_SOURCE_ANNOTATION;
	plan->cap_drop = UINT64_C(1) << 13;
	assert_applied("{'process':{'capabilities':{"
		       "'bounding':['CAP_CHOWN','CAP_NET_RAW','CAP_KILL'],"
		       "'effective':['CAP_NET_RAW'],'permitted':['CAP_NET_RAW','CAP_KILL'],"
		       "'inheritable':['CAP_NET_RAW','CAP_NET_RAW'],'ambient':['CAP_NET_RAW']}}}",
		plan,
		"{'process':{'capabilities':{'bounding':['CAP_CHOWN','CAP_KILL'],'effective':[],"
		"'permitted':['CAP_KILL'],'inheritable':[],'ambient':[]}}}");
}
END_TEST

START_TEST(names_that_linux_does_not_have_go_with_a_drop)
{
	vb_auto_plan struct vb_plan *plan = support_plan();

	plan->sources[VB_LAYER_CAPABILITIES] = VB_SOURCE_ANNOTATION;
	plan->cap_drop = UINT64_C(1) << 13;
	assert_applied("{'process':{'capabilities':{'bounding':"
		       "['13','cap_net_raw','NET_RAW','ALL','CAP_ALL','CAP_FUTURE','CAP_KILL']}}}",
		plan, "{'process':{'capabilities':{'bounding':['CAP_KILL']}}}");
}
END_TEST

START_TEST(ambient_stays_within_permitted_and_inheritable)
{
	vb_auto_plan struct vb_plan *plan = support_plan();

	plan->sources[VB_LAYER_CAPABILITIES] = VB_SOURCE_ANNOTATION;
	plan->cap_drop = UINT64_C(1) << 13;
	assert_applied("{'process':{'capabilities':{'permitted':['CAP_KILL'],"
		       "'inheritable':['CAP_KILL','CAP_CHOWN'],"
		       "'ambient':['CAP_CHOWN','CAP_KILL']}}}",
		plan,
		"{'process':{'capabilities':{'permitted':['CAP_KILL'],"
		"'inheritable':['CAP_KILL','CAP_CHOWN'],'ambient':['CAP_KILL']}}}");
}
END_TEST

START_TEST(the_receipt_says_what_stayed)
{
	vb_auto_plan struct vb_plan *plan = support_plan();
	vb_auto_receipt struct vb_receipt receipt = {0};
	vb_auto_json json_t *spec = support_document(
		"{'process':{'capabilities':{'bounding':['CAP_CHOWN','CAP_NET_RAW'],"
		"'effective':['CAP_CHOWN'],'permitted':['CAP_CHOWN','CAP_KILL'],"
		"'inheritable':['CAP_KILL'],'ambient':['CAP_KILL']}}}");

	plan->sources[VB_LAYER_CAPABILITIES] = VB_SOURCE_ANNOTATION;
	plan->sources[VB_LAYER_NO_NEW_PRIVILEGES] = VB_SOURCE_ANNOTATION;
	plan->cap_drop = UINT64_C(1) << 13;
	ck_assert_int_eq(apply_layers(spec, plan, VB_OCI_LAYERS_ALL, &receipt, NULL), 0);
	ck_assert_uint_eq(receipt.cap_bounding, 1U << 0);
	ck_assert_uint_eq(receipt.cap_effective, 1U << 0);
	ck_assert_uint_eq(receipt.cap_permitted, 1U << 0 | 1U << 5);
	ck_assert_uint_eq(receipt.cap_inheritable, 1U << 5);
	ck_assert_uint_eq(receipt.cap_ambient, 1U << 5);
	ck_assert(receipt.no_new_privileges);
}
END_TEST

START_TEST(no_new_privileges_of_the_pod_itself_is_in_the_receipt_too)
{
	vb_auto_plan struct vb_plan *plan = support_plan();
	vb_auto_receipt struct vb_receipt receipt = {0};
	vb_auto_json json_t *spec = support_document("{'process':{'noNewPrivileges':true}}");

	ck_assert_int_eq(apply_layers(spec, plan, VB_OCI_LAYERS_ALL, &receipt, NULL), 0);
	ck_assert(receipt.no_new_privileges);
	ck_assert_uint_eq(receipt.cap_bounding, 0);
}
END_TEST

START_TEST(a_read_only_root_takes_the_runtimes_own_files_along)
{
	vb_auto_plan struct vb_plan *plan = support_plan();

	plan->sources[VB_LAYER_READ_ONLY_ROOTFS] = VB_SOURCE_BUNDLE;
	assert_applied("{'process':{},'root':{'path':'rootfs'},'mounts':["
		       "{'destination':'/etc/hosts','options':['rbind','rw','rrw','rprivate']},"
		       "{'destination':'/etc//hostname/','options':['ro','rbind','ro']},"
		       "{'destination':'etc/resolv.conf'},"
		       "{'destination':'/dev','type':'tmpfs','options':['exec','nosuid']},"
		       "{'destination':'/dev/shm','options':['rbind','dev','noexec','rexec']},"
		       "{'destination':'/dev/pts','type':'devpts','options':['nosuid']},"
		       "{'destination':'/data','options':null}]}",
		plan,
		"{'process':{},'root':{'path':'rootfs','readonly':true},'mounts':["
		"{'destination':'/etc/hosts','options':['rbind','rprivate','ro']},"
		"{'destination':'/etc//hostname/','options':['rbind','ro']},"
		"{'destination':'etc/resolv.conf','options':['ro']},"
		"{'destination':'/dev','type':'tmpfs','options':['nosuid','noexec']},"
		"{'destination':'/dev/shm','options':['rbind','nosuid','nodev','noexec']},"
		"{'destination':'/dev/pts','type':'devpts','options':['nosuid']},"
		"{'destination':'/data','options':null}]}");
}
END_TEST

START_TEST(what_stays_writable_under_a_read_only_root_is_listed)
{
	vb_auto_plan struct vb_plan *plan = support_plan();
	vb_auto_receipt struct vb_receipt receipt = {0};
	vb_auto_json json_t *spec = support_document(
		"{'process':{},'mounts':[{'destination':'/proc','type':'proc'},"
		"{'destination':'/etc/hosts','type':'bind'},"
		"{'destination':'/was','type':'bind'},{'destination':'/was/','options':['ro']},"
		"{'destination':'/rro','type':'bind','options':['rro']},"
		"{'destination':'/dev/termination-log','type':'bind','options':['rw']},"
		"{'destination':'/sys/fs/cgroup','type':'cgroup'},"
		"{'destination':'data/../logs','type':'bind','options':['rbind']}]}");

	plan->sources[VB_LAYER_READ_ONLY_ROOTFS] = VB_SOURCE_BUNDLE;
	ck_assert_int_eq(apply_layers(spec, plan, VB_OCI_LAYERS_ALL, &receipt, NULL), 0);
	ck_assert_uint_eq(receipt.writable_mounts.count, 2);
	ck_assert_str_eq(receipt.writable_mounts.items[0], "/dev/termination-log");
	ck_assert_str_eq(receipt.writable_mounts.items[1], "/logs");
}
END_TEST

static struct vb_plan *plan_with_limit(const char *type, uint64_t soft, uint64_t hard)
{
	struct vb_plan *plan = support_plan();
	char name[64];
	const struct vb_rlimit rlimit = {.type = name, .soft = soft, .hard = hard};

	(void)snprintf(name, sizeof(name), "%s", type);
	plan->sources[VB_LAYER_RLIMITS] = VB_SOURCE_BUNDLE;
	ck_assert_int_eq(vb_rlimit_list_add(&plan->rlimits, &rlimit), 0);
	return plan;
}

START_TEST(a_limit_is_lowered_and_never_raised)
{
	vb_auto_plan struct vb_plan *plan = plan_with_limit("RLIMIT_NOFILE", 1024, 4096);

	assert_applied("{'process':{'rlimits':[{'type':'RLIMIT_NOFILE',"
		       "'hard':18446744073709551615,'soft':18446744073709551615},"
		       "{'type':'RLIMIT_CORE','hard':18446744073709551615,'soft':0}]}}",
		plan,
		"{'process':{'rlimits':[{'type':'RLIMIT_NOFILE','hard':4096,'soft':1024},"
		"{'type':'RLIMIT_CORE','hard':18446744073709551615,'soft':0}]}}");
	assert_applied("{'process':{'rlimits':[{'type':'RLIMIT_NOFILE','hard':100,'soft':10}]}}",
		plan, "{'process':{'rlimits':[{'type':'RLIMIT_NOFILE','hard':100,'soft':10}]}}");
	/* The planned soft limit would lie above the pod's hard one. */
	assert_applied("{'process':{'rlimits':[{'type':'RLIMIT_NOFILE','hard':900,'soft':9999}]}}",
		plan, "{'process':{'rlimits':[{'type':'RLIMIT_NOFILE','hard':900,'soft':900}]}}");
}
END_TEST

START_TEST(a_limit_above_int64_stays_exact)
{
	vb_auto_plan struct vb_plan *plan =
		plan_with_limit("RLIMIT_NOFILE", 9223372036854775809U, 18446744073709551614U);

	assert_applied("{'process':{'rlimits':[{'type':'RLIMIT_NOFILE',"
		       "'hard':18446744073709551615,'soft':18446744073709551615}]}}",
		plan,
		"{'process':{'rlimits':[{'type':'RLIMIT_NOFILE',"
		"'hard':18446744073709551614,'soft':9223372036854775809}]}}");
}
END_TEST

START_TEST(an_absent_limit_is_bounded_by_the_inherited_one)
{
	vb_auto_plan struct vb_plan *plan = plan_with_limit("RLIMIT_NOFILE", 1024, 4096);

	assert_applied("{'process':{}}", plan,
		"{'process':{'rlimits':[{'type':'RLIMIT_NOFILE','soft':512,'hard':2048}]}}");
}
END_TEST

START_TEST(every_entry_of_a_limit_is_lowered)
{
	vb_auto_plan struct vb_plan *plan = plan_with_limit("RLIMIT_NOFILE", 1, 2);

	assert_applied("{'process':{'rlimits':[{'type':'RLIMIT_NOFILE','hard':9,'soft':9},"
		       "{'type':'RLIMIT_NOFILE','hard':8,'soft':8}]}}",
		plan,
		"{'process':{'rlimits':[{'type':'RLIMIT_NOFILE','hard':2,'soft':1},"
		"{'type':'RLIMIT_NOFILE','hard':2,'soft':1}]}}");
}
END_TEST

static void assert_fails(const char *before, const struct vb_plan *plan, int errnum)
{
	vb_auto_json json_t *spec = support_document(before);
	vb_auto_receipt struct vb_receipt receipt = {0};
	struct vb_error err = {0};

	ck_assert_int_eq(apply_layers(spec, plan, VB_OCI_LAYERS_ALL, &receipt, &err), -errnum);
	ck_assert_str_ne(err.what, "");
}

START_TEST(a_limit_that_is_no_number_fails)
{
	vb_auto_plan struct vb_plan *plan = plan_with_limit("RLIMIT_NOFILE", 1, 2);
	static const char *const values[] = {
		"-1", "1.5", "'7'", "'\\u00017'", "18446744073709551616", "null", "[]"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(values); i++) {
		char before[128];
		(void)snprintf(before, sizeof(before),
			"{'process':{'rlimits':[{'type':'RLIMIT_NOFILE','hard':%s}]}}", values[i]);
		assert_fails(before, plan, EINVAL);
	}
}
END_TEST

START_TEST(a_limit_that_linux_does_not_have_fails)
{
	vb_auto_plan struct vb_plan *plan = plan_with_limit("RLIMIT_FUN", 1, 2);

	assert_fails("{'process':{}}", plan, EINVAL);
}
END_TEST

START_TEST(documents_of_another_shape_fail)
{
	static const char *const documents[] = {"{}", "{'process':null}", "{'process':[]}",
		"{'process':{'capabilities':[]}}", "{'process':{'capabilities':{'bounding':{}}}}",
		"{'process':{'capabilities':{'bounding':[1]}}}", "{'process':{},'root':7}",
		"{'process':{},'mounts':{}}", "{'process':{},'mounts':[{}]}",
		"{'process':{},'mounts':[1]}",
		"{'process':{},'mounts':[{'destination':'/dev','options':'x'}]}",
		"{'process':{'rlimits':{}}}", "{'process':{},'linux':[]}",
		"{'process':{},'linux':{'seccomp':'x'}}"};
	vb_auto_plan struct vb_plan *plan = plan_with_limit("RLIMIT_NOFILE", 1, 2);

	plan->sources[VB_LAYER_CAPABILITIES] = VB_SOURCE_ANNOTATION;
	plan->sources[VB_LAYER_READ_ONLY_ROOTFS] = VB_SOURCE_ANNOTATION;
	plan->sources[VB_LAYER_SECCOMP] = VB_SOURCE_DEFAULT;
	plan->seccomp.starter = true;
	plan->cap_drop = 1;
	for (size_t i = 0; i < VB_ARRAY_SIZE(documents); i++)
		assert_fails(documents[i], plan, EINVAL);
}
END_TEST

static const char *const unconfined = "{'process':{}}";
static const char *const confined =
	"{'process':{},'linux':{'seccomp':{'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':38,"
	"'architectures':['SCMP_ARCH_X86_64','SCMP_ARCH_X86'],'syscalls':["
	"{'names':['read','mount','ptrace'],'action':'SCMP_ACT_ALLOW'},"
	"{'names':['personality'],'action':'SCMP_ACT_ALLOW','args':["
	"{'index':0,'value':18446744073709551615,'op':'SCMP_CMP_EQ'}]}]}}}";

static void assert_seccomp(const char *before, const struct vb_plan *plan, const char *after)
{
	vb_auto_json json_t *spec = support_document(before);
	vb_auto_receipt struct vb_receipt receipt = {0};
	struct vb_error err = {0};

	int r = apply_layers(spec, plan, VB_OCI_LAYERS_ALL, &receipt, &err);
	ck_assert_msg(r == 0, "%s", err.what);
	support_assert_prints(json_object_get(json_object_get(spec, "linux"), "seccomp"), after);
}

static struct vb_plan *plan_with_seccomp(struct vb_plan_seccomp seccomp)
{
	struct vb_plan *plan = support_plan();

	plan->sources[VB_LAYER_SECCOMP] = VB_SOURCE_DEFAULT;
	plan->seccomp = seccomp;
	return plan;
}

START_TEST(the_starter_is_met_with_what_the_container_has)
{
	vb_auto_plan struct vb_plan *plan =
		plan_with_seccomp((struct vb_plan_seccomp){.starter = true});

	assert_seccomp(confined, plan,
		"{'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':38,"
		"'architectures':['SCMP_ARCH_X86_64','SCMP_ARCH_X86'],'syscalls':["
		"{'names':['mount','ptrace'],'action':'SCMP_ACT_ERRNO','errnoRet':1},"
		"{'names':['read'],'action':'SCMP_ACT_ALLOW'},"
		"{'names':['personality'],'action':'SCMP_ACT_ALLOW','args':["
		"{'index':0,'value':18446744073709551615,'op':'SCMP_CMP_EQ'}]}]}");
}
END_TEST

START_TEST(an_unconfined_container_gets_the_starter_itself)
{
	vb_auto_plan struct vb_plan *plan =
		plan_with_seccomp((struct vb_plan_seccomp){.starter = true});
	vb_auto_json json_t *spec = support_document(unconfined);
	vb_auto_receipt struct vb_receipt receipt = {0};

	ck_assert_int_eq(apply_layers(spec, plan, VB_OCI_LAYERS_ALL, &receipt, NULL), 0);
	vb_auto_free char *text = support_printed(spec);
	ck_assert_ptr_nonnull(strstr(text, "\"defaultAction\":\"SCMP_ACT_ALLOW\""));
	ck_assert_ptr_nonnull(strstr(text, "\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_X86\""));
	ck_assert_ptr_nonnull(strstr(text, "\"kexec_file_load\""));
	ck_assert_ptr_null(strstr(text, "\"open_tree\""));
	ck_assert_ptr_null(strstr(text, "\"flags\""));
}
END_TEST

START_TEST(closure_io_uring_and_native_abi_go_into_the_meet)
{
	vb_auto_plan struct vb_plan *plan = plan_with_seccomp((struct vb_plan_seccomp){
		.starter = true, .closure = true, .deny_io_uring = true, .native_abi_only = true});
	vb_auto_json json_t *spec = support_document(unconfined);
	vb_auto_receipt struct vb_receipt receipt = {0};

	ck_assert_int_eq(apply_layers(spec, plan, VB_OCI_LAYERS_ALL, &receipt, NULL), 0);
	vb_auto_free char *text = support_printed(spec);
	ck_assert_ptr_nonnull(strstr(text, "\"architectures\":[\"SCMP_ARCH_X86_64\"]"));
	ck_assert_ptr_nonnull(strstr(text, "\"open_tree\""));
	ck_assert_ptr_nonnull(strstr(text, "\"io_uring_setup\""));
}
END_TEST

START_TEST(the_native_abi_alone_can_be_asked_for)
{
	vb_auto_plan struct vb_plan *plan =
		plan_with_seccomp((struct vb_plan_seccomp){.native_abi_only = true});

	assert_seccomp("{'process':{},'linux':{'seccomp':{'defaultAction':'SCMP_ACT_ALLOW',"
		       "'architectures':['SCMP_ARCH_X86_64','SCMP_ARCH_X86']}}}",
		plan,
		"{'defaultAction':'SCMP_ACT_ALLOW','architectures':['SCMP_ARCH_X86_64'],"
		"'syscalls':[]}");
}
END_TEST

START_TEST(runtime_default_is_refused_where_there_is_no_profile)
{
	vb_auto_plan struct vb_plan *plan = plan_with_seccomp(
		(struct vb_plan_seccomp){.starter = true, .runtime_default = true});
	vb_auto_json json_t *spec = support_document(unconfined);
	vb_auto_receipt struct vb_receipt receipt = {0};
	struct vb_error err = {0};

	int r = apply_layers(spec, plan, VB_OCI_LAYERS_ALL, &receipt, &err);
	support_assert_refused(r, &err, VB_CODE_CONFLICT, "unconfined");
}
END_TEST

START_TEST(a_profile_in_dockers_format_is_refused)
{
	vb_auto_plan struct vb_plan *plan =
		plan_with_seccomp((struct vb_plan_seccomp){.starter = true});
	vb_auto_json json_t *spec =
		support_document("{'process':{},'linux':{'seccomp':{'defaultAction':'SCMP_ACT_"
				 "ERRNO','archMap':[]}}}");
	vb_auto_receipt struct vb_receipt receipt = {0};
	struct vb_error err = {0};

	int r = apply_layers(spec, plan, VB_OCI_LAYERS_ALL, &receipt, &err);
	support_assert_refused(r, &err, VB_CODE_PROFILE_INVALID, "seccomp profile");
}
END_TEST

START_TEST(a_layer_left_out_is_not_written_and_all_others_are)
{
	static const enum vb_layer written[] = {VB_LAYER_SECCOMP, VB_LAYER_CAPABILITIES,
		VB_LAYER_READ_ONLY_ROOTFS, VB_LAYER_NO_NEW_PRIVILEGES, VB_LAYER_RLIMITS};
	static const char *const traces[] = {"\"seccomp\"", "\"bounding\":[]", "\"readonly\":true",
		"\"noNewPrivileges\":true", "\"RLIMIT_NOFILE\""};
	vb_auto_plan struct vb_plan *plan = plan_with_limit("RLIMIT_NOFILE", 1, 2);

	plan->cap_drop = VB_CAP_ALL;
	plan->seccomp.starter = true;
	for (size_t i = 0; i < VB_ARRAY_SIZE(written); i++)
		plan->sources[written[i]] = VB_SOURCE_BUNDLE;
	for (size_t out = 0; out < VB_ARRAY_SIZE(written); out++) {
		vb_auto_json json_t *spec = support_document(
			"{'process':{'capabilities':{'bounding':['CAP_KILL']}},'root':{}}");
		vb_auto_receipt struct vb_receipt receipt = {0};
		ck_assert_int_eq(apply_layers(spec, plan, VB_OCI_LAYERS_ALL & ~(1U << written[out]),
					 &receipt, NULL),
			0);
		vb_auto_free char *text = support_printed(spec);
		for (size_t i = 0; i < VB_ARRAY_SIZE(traces); i++)
			ck_assert_msg((strstr(text, traces[i]) == NULL) == (i == out),
				"layer %zu left out, %s: %s", out, traces[i], text);
	}
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, a_plan_that_asks_for_nothing_changes_nothing);
	tcase_add_test(tcase, capabilities_are_dropped_from_every_set);
	tcase_add_test(tcase, names_that_linux_does_not_have_go_with_a_drop);
	tcase_add_test(tcase, ambient_stays_within_permitted_and_inheritable);
	tcase_add_test(tcase, the_receipt_says_what_stayed);
	tcase_add_test(tcase, no_new_privileges_of_the_pod_itself_is_in_the_receipt_too);
	tcase_add_test(tcase, a_read_only_root_takes_the_runtimes_own_files_along);
	tcase_add_test(tcase, what_stays_writable_under_a_read_only_root_is_listed);
	tcase_add_test(tcase, a_limit_is_lowered_and_never_raised);
	tcase_add_test(tcase, a_limit_above_int64_stays_exact);
	tcase_add_test(tcase, an_absent_limit_is_bounded_by_the_inherited_one);
	tcase_add_test(tcase, every_entry_of_a_limit_is_lowered);
	tcase_add_test(tcase, a_limit_that_is_no_number_fails);
	tcase_add_test(tcase, a_limit_that_linux_does_not_have_fails);
	tcase_add_test(tcase, documents_of_another_shape_fail);
	tcase_add_test(tcase, the_starter_is_met_with_what_the_container_has);
	tcase_add_test(tcase, an_unconfined_container_gets_the_starter_itself);
	tcase_add_test(tcase, closure_io_uring_and_native_abi_go_into_the_meet);
	tcase_add_test(tcase, the_native_abi_alone_can_be_asked_for);
	tcase_add_test(tcase, runtime_default_is_refused_where_there_is_no_profile);
	tcase_add_test(tcase, a_profile_in_dockers_format_is_refused);
	tcase_add_test(tcase, a_layer_left_out_is_not_written_and_all_others_are);
}

int main(void)
{
	TCase *tcase = tcase_create("oci_apply");

	add_tests(tcase);
	return support_run(tcase);
}
