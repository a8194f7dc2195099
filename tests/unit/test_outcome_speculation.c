/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <linux/prctl.h>
#include <string.h>

#include "outcome_support.h"
#include "unit.h"
#include "vb/adjust/json.h"

enum {
	FREE = PR_SPEC_PRCTL | PR_SPEC_ENABLE,
	FORCED = PR_SPEC_PRCTL | PR_SPEC_FORCE_DISABLE,
};

/* Linux 5.10: a filter without the flag forces both. */
static const struct vb_speculation_probe matters = {
	.before = {FREE, FREE}, .plain = {FORCED, FORCED}, .allowed = {FREE, FREE}};
/* Linux 5.16 and later. */
static const struct vb_speculation_probe no_effect = {
	.before = {FREE, FREE}, .plain = {FREE, FREE}, .allowed = {FREE, FREE}};
/* The daemon's own pod has such a filter. */
static const struct vb_speculation_probe in_a_pod = {
	.before = {FORCED, FORCED}, .plain = {FORCED, FORCED}, .allowed = {FORCED, FORCED}};

static struct outcome_scene scene;
static struct vb_error err;

static void set_up(void)
{
	scene_init(&scene);
	scene.evidence.stage = VB_STAGE_START;
	scene.receipt.speculation = (struct vb_receipt_speculation){.is_set = true,
		.had = VB_SPEC_STATE_ALLOW,
		.has = VB_SPEC_STATE_ALLOW,
		.takes_flag = true,
		.inherited = {FREE, FREE}};
}

static void tear_down(void)
{
	scene_finish(&scene);
}

/* value NULL: nothing is asked. */
static const struct vb_layer_outcome *judge(
	const char *value, const char *store_bypass, const char *indirect_branch)
{
	struct vb_proc_status *status = &scene.evidence.status;
	vb_auto_free char *asked =
		vb_str_format(",'spec_allow':{'sources':['bundle'],'value':'%s'}", value);
	vb_auto_free char *layers = vb_str_format(
		"'seccomp':{'sources':['bundle'],'starter':true}%s", value != NULL ? asked : "");

	scene_set_layers(&scene, layers, true);
	(void)snprintf(status->store_bypass, sizeof(status->store_bypass), "%s", store_bypass);
	(void)snprintf(
		status->indirect_branch, sizeof(status->indirect_branch), "%s", indirect_branch);
	scene_judge(&scene);
	return &scene.outcome.layers[VB_LAYER_SPEC_ALLOW];
}

static void assert_judged(const char *value, const char *store_bypass, const char *indirect_branch,
	enum vb_layer_state state)
{
	const struct vb_layer_outcome *out = judge(value, store_bypass, indirect_branch);

	ck_assert_msg(out->state == state, "%s with '%s', '%s': %s (%s)", value, store_bypass,
		indirect_branch, vb_layer_state_name(out->state),
		out->reason != NULL ? out->reason : "");
	ck_assert_int_eq(out->reason == NULL, state == VB_LAYER_APPLIED);
}

static bool has_evidence(const char *line)
{
	return vb_strv_contains(&scene.outcome.layers[VB_LAYER_SPEC_ALLOW].evidence, line);
}

START_TEST(mitigate_is_applied_when_the_kernel_shows_it)
{
	assert_judged("mitigate", "thread force mitigated", "", VB_LAYER_APPLIED);
	assert_judged("mitigate", "globally mitigated", "always enabled", VB_LAYER_APPLIED);
	assert_judged(
		"mitigate", "thread vulnerable", "conditional force disabled", VB_LAYER_APPLIED);
	assert_judged("mitigate", "not vulnerable", "not affected", VB_LAYER_APPLIED);
	assert_judged("mitigate", "thread vulnerable", "", VB_LAYER_UNSUPPORTED);
	assert_judged("mitigate", "vulnerable", "always enabled", VB_LAYER_UNSUPPORTED);
	assert_judged("mitigate", "", "", VB_LAYER_UNSUPPORTED);
	ck_assert(has_evidence("Speculation_Store_Bypass: not shown"));
	/* What the workload can take back is not held by the kernel. */
	assert_judged("mitigate", "thread mitigated", "conditional disabled", VB_LAYER_UNSUPPORTED);
}
END_TEST

START_TEST(mitigate_with_the_flag_in_config_json_fails)
{
	scene.evidence.spec.allows_speculation = true;
	assert_judged("mitigate", "thread vulnerable", "", VB_LAYER_FAILED);
	assert_judged("mitigate", "thread force mitigated", "", VB_LAYER_FAILED);
}
END_TEST

START_TEST(what_the_probe_saw_a_filter_do_must_be_seen_in_the_container)
{
	scene.probe = &matters;
	assert_judged("mitigate", "thread force mitigated", "", VB_LAYER_APPLIED);
	assert_judged("mitigate", "thread vulnerable", "", VB_LAYER_FAILED);
	ck_assert_int_eq(vb_outcome_admit(&scene.outcome, &err), -EPERM);
	ck_assert_str_eq(err.what,
		"layer spec_allow is not in force: this kernel mitigates for a filter without "
		"SPEC_ALLOW, but Speculation_Store_Bypass does not show it");
	assert_judged("mitigate", "thread force mitigated", "conditional force disabled",
		VB_LAYER_APPLIED);
	assert_judged("mitigate", "thread force mitigated", "conditional enabled", VB_LAYER_FAILED);
	scene.probe = &no_effect;
	assert_judged("mitigate", "thread vulnerable", "conditional enabled", VB_LAYER_UNSUPPORTED);
	ck_assert_int_eq(vb_outcome_admit(&scene.outcome, &err), 0);
}
END_TEST

START_TEST(allow_is_applied_when_the_kernel_does_not_mitigate)
{
	assert_judged("allow", "thread vulnerable", "conditional enabled", VB_LAYER_APPLIED);
	assert_judged("allow", "not vulnerable", "", VB_LAYER_APPLIED);
	assert_judged("allow", "", "", VB_LAYER_UNSUPPORTED);
	assert_judged("allow", "thread force mitigated", "", VB_LAYER_FAILED);
	assert_judged("allow", "thread vulnerable", "conditional force disabled", VB_LAYER_FAILED);
	assert_judged("allow", "globally mitigated", "", VB_LAYER_UNSUPPORTED);
	assert_judged("allow", "thread vulnerable", "always disabled", VB_LAYER_UNSUPPORTED);
}
END_TEST

START_TEST(a_running_process_may_have_given_its_speed_away)
{
	scene.evidence.stage = VB_STAGE_RUNNING;
	assert_judged("allow", "thread force mitigated", "", VB_LAYER_UNSUPPORTED);
	scene.evidence.stage = VB_STAGE_GONE;
	assert_judged("allow", "thread force mitigated", "", VB_LAYER_UNSUPPORTED);
}
END_TEST

START_TEST(a_node_that_is_forced_already_cannot_allow)
{
	scene.receipt.speculation.inherited.store_bypass = FORCED;
	assert_judged("allow", "thread force mitigated", "", VB_LAYER_UNSUPPORTED);
	ck_assert_int_eq(scene.outcome.speculation.effect, VB_SPEC_EFFECT_FORCED);
	assert_judged("mitigate", "thread force mitigated", "", VB_LAYER_APPLIED);
}
END_TEST

START_TEST(a_filter_that_comes_with_exec_is_not_judged_before)
{
	scene.evidence.status.seccomp_mode = 0;
	scene.evidence.spec.no_new_privileges = true;
	free(scene.receipt.runtime);
	scene.receipt.runtime = strdup("/usr/bin/crun");
	scene.probe = &matters;
	assert_judged("mitigate", "thread vulnerable", "", VB_LAYER_UNOBSERVED);
	ck_assert_int_eq(vb_outcome_admit(&scene.outcome, &err), 0);
	scene.evidence.status.seccomp_mode = 2;
	scene.evidence.stage = VB_STAGE_RUNNING;
	assert_judged("mitigate", "thread vulnerable", "", VB_LAYER_FAILED);
}
END_TEST

static void assert_value(const char *value, const char *store_bypass, const char *indirect_branch,
	const char *expected)
{
	(void)judge(value, store_bypass, indirect_branch);
	ck_assert_str_eq(scene.outcome.speculation.value, expected);
}

START_TEST(what_nobody_asked_for_is_recorded_as_inherited)
{
	assert_value(NULL, "thread vulnerable", "conditional enabled", "inherit:allow");
	ck_assert(has_evidence("inherit:allow (Speculation_Store_Bypass: thread vulnerable)"));
	ck_assert_int_eq(scene.outcome.layers[VB_LAYER_SPEC_ALLOW].state, VB_LAYER_SKIPPED);
	assert_value(NULL, "thread force mitigated", "", "inherit:mitigate");
	assert_value(NULL, "not vulnerable", "conditional force disabled", "inherit:mitigate");
	/* Where the kernel does not tell, the flags do. */
	assert_value(NULL, "", "", "inherit:allow");
	ck_assert(has_evidence("inherit:allow (Speculation_Store_Bypass: not shown)"));
	scene.receipt.speculation.has = VB_SPEC_STATE_MITIGATE;
	assert_value(NULL, "not vulnerable", "not affected", "inherit:mitigate");
	scene.receipt.speculation.is_set = false;
	assert_value(NULL, "", "", "inherit:unknown");
	assert_value("mitigate", "thread vulnerable", "", "mitigate");
	assert_value("allow", "thread vulnerable", "", "allow");
}
END_TEST

START_TEST(a_container_that_is_newly_mitigated_is_told_loudly)
{
	static const char note[] =
		"the plan's filter forces the speculation mitigations on a container that would "
		"have none, because the runtime cannot set SPEC_ALLOW (runc can since 1.2)";
	vb_auto_free char *evidence = vb_str_format("newly mitigated: %s", note);

	scene.probe = &matters;
	scene.receipt.speculation.has = VB_SPEC_STATE_MITIGATE;
	scene.receipt.speculation.takes_flag = false;
	assert_value(NULL, "thread force mitigated", "", "inherit:mitigate");
	ck_assert_str_eq(scene.outcome.note, note);
	ck_assert(has_evidence(evidence));
	ck_assert(has_evidence("the flag SPEC_ALLOW is unsupported by runtime /usr/sbin/runc"));
	/* Not new, asked for, or of no effect. */
	assert_value("mitigate", "thread force mitigated", "", "mitigate");
	ck_assert_ptr_null(scene.outcome.note);
	scene.receipt.speculation.had = VB_SPEC_STATE_MITIGATE;
	assert_value(NULL, "thread force mitigated", "", "inherit:mitigate");
	ck_assert_ptr_null(scene.outcome.note);
	scene.receipt.speculation.had = VB_SPEC_STATE_ALLOW;
	scene.probe = &no_effect;
	assert_value(NULL, "thread vulnerable", "", "inherit:allow");
	ck_assert_ptr_null(scene.outcome.note);
}
END_TEST

static enum vb_spec_effect effect_with(const struct vb_speculation_probe *probe, int inherited)
{
	scene.probe = probe;
	scene.receipt.speculation.inherited.store_bypass = inherited;
	(void)judge(NULL, "thread vulnerable", "");
	return scene.outcome.speculation.effect;
}

START_TEST(the_effect_is_that_on_what_the_container_inherits)
{
	ck_assert_int_eq(effect_with(&matters, FREE), VB_SPEC_EFFECT_MATTERS);
	ck_assert_int_eq(effect_with(&no_effect, FREE), VB_SPEC_EFFECT_NONE);
	ck_assert_int_eq(effect_with(NULL, FREE), VB_SPEC_EFFECT_UNKNOWN);
	ck_assert_int_eq(effect_with(&matters, FORCED), VB_SPEC_EFFECT_FORCED);
	ck_assert_int_eq(effect_with(&in_a_pod, FREE), VB_SPEC_EFFECT_MATTERS);
	scene.receipt.speculation.is_set = false;
	ck_assert_int_eq(effect_with(&in_a_pod, FREE), VB_SPEC_EFFECT_FORCED);
}
END_TEST

START_TEST(the_flags_are_evidence_of_the_filter)
{
	const struct vb_strv *evidence = &scene.outcome.layers[VB_LAYER_SECCOMP].evidence;

	(void)judge(NULL, "thread vulnerable", "");
	ck_assert(vb_strv_contains(evidence, "flags: none named"));
	ck_assert_int_eq(vb_strv_add(&scene.evidence.spec.flags, "SECCOMP_FILTER_FLAG_LOG"), 0);
	ck_assert_int_eq(
		vb_strv_add(&scene.evidence.spec.flags, "SECCOMP_FILTER_FLAG_SPEC_ALLOW"), 0);
	(void)judge(NULL, "thread vulnerable", "");
	ck_assert(vb_strv_contains(
		evidence, "flags: SECCOMP_FILTER_FLAG_LOG SECCOMP_FILTER_FLAG_SPEC_ALLOW"));
}
END_TEST

START_TEST(the_outcome_file_carries_value_and_effect)
{
	scene.probe = &matters;
	(void)judge("mitigate", "thread force mitigated", "");
	vb_auto_free char *text = vb_outcome_to_json(&scene.outcome);
	vb_auto_json json_t *object = json_loads(text, 0, NULL);
	const json_t *layer = json_object_get(json_object_get(object, "layers"), "spec_allow");

	ck_assert_str_eq(json_string_value(json_object_get(layer, "value")), "mitigate");
	ck_assert_str_eq(json_string_value(json_object_get(layer, "node_effect")), "matters");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("outcome_speculation");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, mitigate_is_applied_when_the_kernel_shows_it);
	tcase_add_test(tcase, mitigate_with_the_flag_in_config_json_fails);
	tcase_add_test(tcase, what_the_probe_saw_a_filter_do_must_be_seen_in_the_container);
	tcase_add_test(tcase, allow_is_applied_when_the_kernel_does_not_mitigate);
	tcase_add_test(tcase, a_running_process_may_have_given_its_speed_away);
	tcase_add_test(tcase, a_node_that_is_forced_already_cannot_allow);
	tcase_add_test(tcase, a_filter_that_comes_with_exec_is_not_judged_before);
	tcase_add_test(tcase, what_nobody_asked_for_is_recorded_as_inherited);
	tcase_add_test(tcase, a_container_that_is_newly_mitigated_is_told_loudly);
	tcase_add_test(tcase, the_effect_is_that_on_what_the_container_inherits);
	tcase_add_test(tcase, the_flags_are_evidence_of_the_filter);
	tcase_add_test(tcase, the_outcome_file_carries_value_and_effect);
	return vb_unit_run("outcome_speculation", tcase);
}
