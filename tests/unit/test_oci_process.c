/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "oci_support.h"
#include "vb/adjust/codes.h"
#include "vb/adjust/oci_process.h"

static int limit(const char *type, uint64_t *ret_soft, uint64_t *ret_hard)
{
	(void)type;
	*ret_soft = 512;
	*ret_hard = 2048;
	return 0;
}

static int apply(json_t *process, const struct vb_plan *plan, const struct vb_receipt *receipt,
	struct vb_error *err)
{
	const struct vb_oci_edit edit = {
		.plan = plan, .layers = VB_OCI_LAYERS_ALL, .inherited_limit = limit};

	return vb_oci_process_apply(process, &edit, receipt, err);
}

static void assert_applied(const char *before, const struct vb_plan *plan,
	const struct vb_receipt *receipt, const char *after)
{
	vb_auto_json json_t *process = support_document(before);
	struct vb_error err = {0};

	int r = apply(process, plan, receipt, &err);
	ck_assert_msg(r == 0, "%s", err.what);
	support_assert_prints(process, after);
}

START_TEST(capabilities_are_clamped_to_those_saved_at_create)
{
	vb_auto_plan struct vb_plan *plan = support_plan();
	const struct vb_receipt receipt = {.cap_bounding = 1U << 0 | 1U << 5,
		.cap_effective = 1U << 0,
		.cap_permitted = 1U << 0};

	assert_applied("{'capabilities':{'bounding':['CAP_NET_RAW','CAP_KILL','CAP_CHOWN','CAP_X'],"
		       "'effective':['CAP_CHOWN','CAP_NET_RAW'],'permitted':['CAP_NET_RAW'],"
		       "'inheritable':['CAP_NET_RAW'],'ambient':['CAP_CHOWN']}}",
		plan, &receipt,
		"{'capabilities':{'bounding':['CAP_KILL','CAP_CHOWN'],'effective':['CAP_CHOWN'],"
		"'permitted':[],'inheritable':[],'ambient':[]}}");
}
END_TEST

START_TEST(a_process_without_capabilities_gets_those_of_the_container_in_writing)
{
	vb_auto_plan struct vb_plan *plan = support_plan();
	const struct vb_receipt receipt = {.cap_bounding = 1U << 5 | 1U << 13, .cap_ambient = 0};

	assert_applied("{'capabilities':null}", plan, &receipt,
		"{'capabilities':{'bounding':['CAP_KILL','CAP_NET_RAW'],'effective':[],"
		"'inheritable':[],'permitted':[],'ambient':[]}}");
}
END_TEST

START_TEST(no_new_privileges_is_set_and_never_cleared)
{
	vb_auto_plan struct vb_plan *plan = support_plan();
	const struct vb_receipt with = {.no_new_privileges = true};
	const struct vb_receipt without = {.no_new_privileges = false};

	assert_applied("{'capabilities':{},'noNewPrivileges':false}", plan, &with,
		"{'capabilities':{},'noNewPrivileges':true}");
	assert_applied("{'capabilities':{},'noNewPrivileges':true}", plan, &without,
		"{'capabilities':{},'noNewPrivileges':true}");
	assert_applied("{'capabilities':{}}", plan, &without, "{'capabilities':{}}");
}
END_TEST

START_TEST(limits_are_lowered_as_at_create)
{
	vb_auto_plan struct vb_plan *plan = support_plan();
	char type[] = "RLIMIT_NOFILE";
	const struct vb_rlimit rlimit = {.type = type, .soft = 1024, .hard = 4096};
	const struct vb_receipt receipt = {0};

	ck_assert_int_eq(vb_rlimit_list_add(&plan->rlimits, &rlimit), 0);
	assert_applied("{'capabilities':{},'rlimits':[{'type':'RLIMIT_NOFILE',"
		       "'hard':18446744073709551615,'soft':1}]}",
		plan, &receipt,
		"{'capabilities':{},'rlimits':[{'type':'RLIMIT_NOFILE','hard':4096,'soft':1}]}");
	assert_applied("{'capabilities':{}}", plan, &receipt,
		"{'capabilities':{},'rlimits':[{'type':'RLIMIT_NOFILE','soft':512,'hard':2048}]}");
}
END_TEST

START_TEST(what_the_plan_does_not_speak_of_stays)
{
	vb_auto_plan struct vb_plan *plan = support_plan();
	const struct vb_receipt receipt = {.cap_bounding = UINT64_MAX};
	static const char text[] =
		"{'terminal':true,'user':{'uid':4294967295},'args':['sh'],"
		"'env':['A=b'],'cwd':'/','capabilities':{'bounding':['CAP_BPF']},"
		"'rlimits':[{'type':'RLIMIT_AS','hard':18446744073709551615}],"
		"'scheduler':{'nice':-3},'x':1.250}";

	assert_applied(text, plan, &receipt, text);
}
END_TEST

START_TEST(a_planned_variable_must_be_there_once_and_unchanged)
{
	static const struct {
		const char *env;
		const char *words;
	} cases[] = {
		{"{}", "LD_PRELOAD is missing"},
		{"{'env':null}", "LD_PRELOAD is missing"},
		{"{'env':['LD_PRELOADX=/s.so','XLD_PRELOAD=/s.so']}", "LD_PRELOAD is missing"},
		{"{'env':['LD_PRELOAD=']}", "LD_PRELOAD has another value"},
		{"{'env':['LD_PRELOAD']}", "LD_PRELOAD has another value"},
		{"{'env':['LD_PRELOAD=/s.so:/t.so']}", "LD_PRELOAD has another value"},
		{"{'env':['LD_PRELOAD=/s.so','LD_PRELOAD=/s.so']}",
			"LD_PRELOAD is there more than once"},
		{"{'env':['LD_PRELOAD=/s.so','A=b','LD_PRELOAD=']}",
			"LD_PRELOAD has another value"},
	};
	vb_auto_plan struct vb_plan *plan = support_plan();
	const struct vb_receipt receipt = {0};

	support_plan_env(plan, "LD_PRELOAD=/s.so");
	for (size_t i = 0; i < VB_ARRAY_SIZE(cases); i++) {
		vb_auto_json json_t *process = support_document(cases[i].env);
		struct vb_error err = {0};
		support_assert_refused(apply(process, plan, &receipt, &err), &err,
			VB_CODE_PLAN_MISMATCH, cases[i].words);
	}
	assert_applied("{'env':['A=b','LD_PRELOAD=/s.so'],'capabilities':{}}", plan, &receipt,
		"{'env':['A=b','LD_PRELOAD=/s.so'],'capabilities':{}}");
}
END_TEST

START_TEST(processes_of_another_shape_fail)
{
	static const char *const documents[] = {"{'env':{}}", "{'env':[1]}",
		"{'env':['A=b'],'capabilities':[]}",
		"{'env':['A=b'],'capabilities':{'ambient':''}}"};
	vb_auto_plan struct vb_plan *plan = support_plan();
	const struct vb_receipt receipt = {0};

	support_plan_env(plan, "A=b");
	for (size_t i = 0; i < VB_ARRAY_SIZE(documents); i++) {
		vb_auto_json json_t *process = support_document(documents[i]);
		ck_assert_int_eq(apply(process, plan, &receipt, NULL), -EINVAL);
	}
}
END_TEST

START_TEST(a_key_that_go_would_take_for_another_is_refused)
{
	vb_auto_plan struct vb_plan *plan = support_plan();
	vb_auto_json json_t *process = support_document("{'Capabilities':{'bounding':[]}}");
	const struct vb_receipt receipt = {0};
	struct vb_error err = {0};

	ck_assert_int_eq(apply(process, plan, &receipt, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.what, "'Capabilities'"));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("oci_process");

	tcase_add_test(tcase, capabilities_are_clamped_to_those_saved_at_create);
	tcase_add_test(
		tcase, a_process_without_capabilities_gets_those_of_the_container_in_writing);
	tcase_add_test(tcase, no_new_privileges_is_set_and_never_cleared);
	tcase_add_test(tcase, limits_are_lowered_as_at_create);
	tcase_add_test(tcase, what_the_plan_does_not_speak_of_stays);
	tcase_add_test(tcase, a_planned_variable_must_be_there_once_and_unchanged);
	tcase_add_test(tcase, processes_of_another_shape_fail);
	tcase_add_test(tcase, a_key_that_go_would_take_for_another_is_refused);
	return support_run(tcase);
}
