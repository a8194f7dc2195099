/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "outcome_support.h"
#include "unit.h"
#include "vb/adjust/refusal.h"
#include "vb/adjust/json.h"

#define NET_RAW   (UINT64_C(1) << 13)
#define SYS_ADMIN (UINT64_C(1) << 21)

#define FLOOR_DIGEST "sha256:f00df00df00df00df00df00df00df00df00df00df00df00df00df00df00df00d"

static struct outcome_scene scene;
static struct vb_error err;

static void set_up(void)
{
	scene_init(&scene);
}

static void tear_down(void)
{
	scene_finish(&scene);
}

static void set_text(char **text, const char *value)
{
	free(*text);
	*text = strdup(value);
	ck_assert_ptr_nonnull(*text);
}

static bool has_evidence(enum vb_layer layer, const char *line)
{
	return vb_strv_contains(&scene.outcome.layers[layer].evidence, line);
}

START_TEST(a_kernel_that_holds_everything_is_full)
{
	scene_judge(&scene);
	for (enum vb_layer layer = 0; layer < VB_LAYER_COUNT; layer++) {
		const struct vb_layer_outcome *out = &scene.outcome.layers[layer];
		ck_assert_msg(out->reason == NULL, "%s: %s", vb_layer_name(layer), out->reason);
		ck_assert_int_eq(out->state,
			layer == VB_LAYER_SPEC_ALLOW ? VB_LAYER_SKIPPED : VB_LAYER_APPLIED);
		ck_assert_uint_gt(out->evidence.count, 0);
	}
	ck_assert_int_eq(scene.outcome.level, VB_LEVEL_FULL);
	ck_assert_ptr_null(scene.outcome.problem);
	ck_assert_ptr_null(scene.outcome.note);
	ck_assert_int_eq(vb_outcome_admit(&scene.outcome, &err), 0);
}
END_TEST

START_TEST(evidence_is_what_the_kernel_said)
{
	scene_judge(&scene);
	ck_assert(has_evidence(VB_LAYER_SECCOMP, "Seccomp: 2"));
	ck_assert(has_evidence(VB_LAYER_SECCOMP, "Seccomp_filters: 1"));
	ck_assert(has_evidence(VB_LAYER_CAPABILITIES, "CapBnd: 00000000a80405fa"));
	ck_assert(has_evidence(VB_LAYER_READ_ONLY_ROOTFS, "/ ro,relatime - overlay"));
	ck_assert(has_evidence(
		VB_LAYER_TMPFS, "/tmp rw,nosuid,nodev,noexec,relatime - tmpfs rw,size=4096k"));
	ck_assert(has_evidence(VB_LAYER_NO_NEW_PRIVILEGES, "NoNewPrivs: 1"));
	ck_assert(has_evidence(VB_LAYER_RLIMITS, "RLIMIT_NOFILE: 32 64"));
	ck_assert(has_evidence(VB_LAYER_PRELOAD, "maps: /usr/local/lib/libautonomy_preload.so"));
	ck_assert(has_evidence(VB_LAYER_SPEC_ALLOW,
		"inherit:allow (Speculation_Store_Bypass: thread vulnerable)"));
}
END_TEST

START_TEST(no_filter_in_the_kernel_turns_seccomp_red)
{
	scene.evidence.status.seccomp_mode = 0;
	scene.evidence.status.seccomp_filters = 0;
	scene_assert_only(&scene, VB_LAYER_SECCOMP, VB_LAYER_FAILED, "no seccomp filter");
	scene.evidence.status.seccomp_mode = 2;
	scene_assert_only(&scene, VB_LAYER_SECCOMP, VB_LAYER_FAILED, "no seccomp filter");
}
END_TEST

START_TEST(a_filter_without_the_plans_denials_turns_seccomp_red)
{
	char line[VB_REFUSAL_LINE_MAX];

	scene.evidence.spec.seccomp = VB_CONTAINMENT_LACKING;
	scene.evidence.spec.seccomp_reason = strdup("ptrace is allowed");
	scene_assert_only(&scene, VB_LAYER_SECCOMP, VB_LAYER_FAILED, "ptrace is allowed");
	scene.evidence.spec.seccomp = VB_CONTAINMENT_ABSENT;
	scene_assert_only(&scene, VB_LAYER_SECCOMP, VB_LAYER_FAILED, "no seccomp profile");
	ck_assert_int_eq(vb_outcome_admit(&scene.outcome, &err), -EPERM);
	ck_assert_str_eq(err.code, "ErrNotApplied");
	ck_assert_str_eq(
		err.what, "layer seccomp is not in force: config.json has no seccomp profile");
	vb_refusal_format(line, &err, "robots", "arm-0", "ctl");
	ck_assert_str_eq(line,
		"vambrace: ErrNotApplied: layer seccomp is not in force: config.json has no "
		"seccomp profile (robots/arm-0, container ctl): look into the node's log for "
		"container 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
}
END_TEST

START_TEST(crun_installs_its_filter_with_exec_when_no_new_privs_is_set)
{
	scene.evidence.stage = VB_STAGE_START;
	scene.evidence.shim_mapped = false;
	scene.evidence.status.seccomp_mode = 0;
	scene.evidence.spec.no_new_privileges = true;
	set_text(&scene.receipt.runtime, "/usr/bin/crun");
	scene_judge(&scene);
	ck_assert_int_eq(scene.outcome.layers[VB_LAYER_SECCOMP].state, VB_LAYER_UNOBSERVED);
	ck_assert_int_eq(vb_outcome_admit(&scene.outcome, &err), 0);
	/* No excuse for other runtimes, nor without no_new_privs, nor when the workload runs. */
	scene.evidence.spec.no_new_privileges = false;
	scene_judge(&scene);
	ck_assert_int_eq(scene.outcome.layers[VB_LAYER_SECCOMP].state, VB_LAYER_FAILED);
	scene.evidence.spec.no_new_privileges = true;
	set_text(&scene.receipt.runtime, "/usr/sbin/runc");
	scene_judge(&scene);
	ck_assert_int_eq(scene.outcome.layers[VB_LAYER_SECCOMP].state, VB_LAYER_FAILED);
	set_text(&scene.receipt.runtime, "/usr/bin/crun");
	scene.evidence.stage = VB_STAGE_RUNNING;
	scene_judge(&scene);
	ck_assert_int_eq(scene.outcome.layers[VB_LAYER_SECCOMP].state, VB_LAYER_FAILED);
}
END_TEST

START_TEST(a_dropped_capability_in_any_set_turns_capabilities_red)
{
	uint64_t *const sets[] = {&scene.evidence.status.cap_bounding,
		&scene.evidence.status.cap_effective, &scene.evidence.status.cap_permitted,
		&scene.evidence.status.cap_inheritable, &scene.evidence.status.cap_ambient};

	/* The hook's receipt is no excuse. */
	for (size_t i = 0; i < VB_ARRAY_SIZE(sets); i++) {
		*sets[i] |= NET_RAW;
		scene_assert_only(
			&scene, VB_LAYER_CAPABILITIES, VB_LAYER_FAILED, "still has CAP_NET_RAW");
		*sets[i] &= ~NET_RAW;
	}
	scene.receipt.cap_bounding |= NET_RAW;
	scene.evidence.status.cap_bounding |= NET_RAW;
	scene_assert_only(&scene, VB_LAYER_CAPABILITIES, VB_LAYER_FAILED, "still has CAP_NET_RAW");
}
END_TEST

START_TEST(a_capability_that_config_json_did_not_give_turns_capabilities_red)
{
	scene.evidence.status.cap_effective |= SYS_ADMIN;
	scene_assert_only(&scene, VB_LAYER_CAPABILITIES, VB_LAYER_FAILED,
		"CapEff has more than config.json gave: CAP_SYS_ADMIN");
}
END_TEST

START_TEST(a_user_without_capabilities_is_fine)
{
	scene.evidence.status.cap_effective = 0;
	scene.evidence.status.cap_permitted = 0;
	scene_judge(&scene);
	ck_assert_int_eq(scene.outcome.level, VB_LEVEL_FULL);
}
END_TEST

START_TEST(no_new_privs_unset_turns_its_layer_red)
{
	scene.evidence.status.no_new_privileges = false;
	scene_assert_only(
		&scene, VB_LAYER_NO_NEW_PRIVILEGES, VB_LAYER_FAILED, "may gain privileges");
}
END_TEST

START_TEST(a_higher_limit_turns_rlimits_red)
{
	static const char *const texts[] = {
		"Max open files            33                   64                   files\n",
		"Max open files            32                   65                   files\n",
		"Max open files            unlimited            unlimited            files\n",
		"Max processes             32                   64                   files\n"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(texts); i++) {
		set_text(&scene.evidence.limits, texts[i]);
		scene_assert_only(&scene, VB_LAYER_RLIMITS, VB_LAYER_FAILED, "RLIMIT_NOFILE");
	}
	set_text(&scene.evidence.limits,
		"Max open files            16                   16                   files\n");
	scene_judge(&scene);
	ck_assert_int_eq(scene.outcome.level, VB_LEVEL_FULL);
}
END_TEST

START_TEST(a_writable_root_or_runtime_file_turns_the_root_red)
{
	static const struct {
		const char *find;
		const char *replacement;
		const char *words;
	} changes[] = {
		{"/ / ro,", "/ / rw,", "/ is not mounted ro"},
		{"/etc/hosts ro", "/etc/hosts rw", "/etc/hosts is not mounted ro"},
		{"/etc/hostname ro", "/etc/hostname rw", "/etc/hostname is not mounted ro"},
		{"/etc/resolv.conf ro", "/etc/resolv.conf rw",
			"/etc/resolv.conf is not mounted ro"},
		{"/dev rw,nosuid,noexec", "/dev rw,nosuid", "/dev is not mounted noexec"},
		{"/dev/shm rw,nosuid,nodev,noexec", "/dev/shm rw,nosuid,nodev",
			"/dev/shm is not mounted noexec"},
	};

	for (size_t i = 0; i < VB_ARRAY_SIZE(changes); i++) {
		scene_change_mounts(&scene, changes[i].find, changes[i].replacement);
		scene_assert_only(
			&scene, VB_LAYER_READ_ONLY_ROOTFS, VB_LAYER_FAILED, changes[i].words);
	}
}
END_TEST

START_TEST(a_tmpfs_that_is_not_as_planned_turns_tmpfs_red)
{
	static const char line[] =
		"/tmp rw,nosuid,nodev,noexec,relatime - tmpfs tmpfs rw,size=4096k";
	static const struct {
		const char *replacement;
		const char *words;
	} changes[] = {
		{"/tmq rw,nosuid,nodev,noexec - tmpfs tmpfs rw,size=4096k",
			"nothing is mounted on /tmp"},
		{"/tmp rw,nosuid,nodev,noexec - ext4 /dev/sda rw,size=4096k", "is no tmpfs"},
		{"/tmp rw,nosuid,nodev,noexec - tmpfs tmpfs rw,size=8192k", "not 4194304 bytes"},
		{"/tmp rw,nosuid,nodev,noexec - tmpfs tmpfs rw", "not 4194304 bytes"},
		{"/tmp rw,nosuid,nodev,noexec - tmpfs tmpfs rw,size=4096k,mode=755",
			"has not mode 1777"},
		{"/tmp rw,nosuid,nodev - tmpfs tmpfs rw,size=4096k", "not mounted noexec"},
		{"/tmp rw,nodev,noexec - tmpfs tmpfs rw,size=4096k", "not mounted nosuid"},
		{"/tmp rw,nosuid,noexec - tmpfs tmpfs rw,size=4096k", "not mounted nodev"},
		{"/tmp rw,nosuid,nodev,noexec - tmpfs t rw,size=4096k\n"
		 "120 107 0:60 / /tmp rw - tmpfs x rw,size=4096k",
			"not mounted nosuid"},
	};

	for (size_t i = 0; i < VB_ARRAY_SIZE(changes); i++) {
		scene_change_mounts(&scene, line, changes[i].replacement);
		scene_assert_only(&scene, VB_LAYER_TMPFS, VB_LAYER_FAILED, changes[i].words);
	}
}
END_TEST

START_TEST(a_destination_behind_a_symbolic_link_is_found_where_it_leads)
{
	scene_change_mounts(&scene, " /tmp rw", " /private/tmp rw");
	scene_assert_only(&scene, VB_LAYER_TMPFS, VB_LAYER_FAILED, "nothing is mounted on /tmp");
	ck_assert_int_eq(vb_strv_add(&scene.evidence.destinations, "/private/tmp"), 0);
	ck_assert_int_eq(vb_strv_add(&scene.evidence.destinations, ""), 0);
	scene_judge(&scene);
	ck_assert_int_eq(scene.outcome.level, VB_LEVEL_FULL);
}
END_TEST

START_TEST(a_shim_that_is_not_mapped_or_mounted_turns_preload_red)
{
	scene.evidence.shim_mapped = false;
	scene_assert_only(&scene, VB_LAYER_PRELOAD, VB_LAYER_FAILED, "not mapped");
	scene.evidence.shim_mapped = true;
	scene_change_mounts(&scene, "/usr/local/lib/libautonomy_preload.so ro", "/usr/local/x ro");
	scene_assert_only(&scene, VB_LAYER_PRELOAD, VB_LAYER_FAILED, "nothing is mounted");
	scene_change_mounts(&scene, "/opt/vambrace/lib/libautonomy_preload.so", "/evil.so");
	scene_assert_only(&scene, VB_LAYER_PRELOAD, VB_LAYER_FAILED, "is /evil.so");
	scene_change_mounts(
		&scene, "preload.so ro,nosuid,nodev,relatime", "preload.so rw,nosuid,nodev");
	scene_assert_only(&scene, VB_LAYER_PRELOAD, VB_LAYER_FAILED, "not mounted ro");
}
END_TEST

START_TEST(a_variable_that_is_missing_or_overridden_turns_preload_red)
{
	ck_assert_int_eq(
		vb_strv_add(&scene.evidence.spec.env, "AUTONOMY_PRELOAD_EXEC_ALLOWLIST=/bin/sh"),
		0);
	scene_assert_only(&scene, VB_LAYER_PRELOAD, VB_LAYER_FAILED,
		"lacks AUTONOMY_PRELOAD_EXEC_ALLOWLIST as planned");
	vb_strv_finish(&scene.evidence.spec.env);
	scene_assert_only(&scene, VB_LAYER_PRELOAD, VB_LAYER_FAILED, "lacks AUTONOMY_PRELOAD");
}
END_TEST

START_TEST(a_shim_is_unobserved_before_exec_and_of_a_process_that_exited)
{
	scene.evidence.stage = VB_STAGE_START;
	scene.evidence.shim_mapped = false;
	scene_assert_only(&scene, VB_LAYER_PRELOAD, VB_LAYER_UNOBSERVED, "mapped with exec");
	ck_assert_int_eq(vb_outcome_admit(&scene.outcome, &err), 0);
	scene.evidence.stage = VB_STAGE_GONE;
	scene_assert_only(&scene, VB_LAYER_PRELOAD, VB_LAYER_UNOBSERVED, "exited before");
}
END_TEST

START_TEST(an_entrypoint_that_the_shim_cannot_cover_is_unsupported)
{
	scene.evidence.shim_mapped = false;
	set_text(&scene.receipt.preload_verdict, "not covered: static binary");
	scene_assert_only(&scene, VB_LAYER_PRELOAD, VB_LAYER_UNSUPPORTED, "static binary");
	ck_assert_int_eq(vb_outcome_admit(&scene.outcome, &err), 0);
	/* The kernel has the last word. */
	scene.evidence.shim_mapped = true;
	scene_judge(&scene);
	ck_assert_int_eq(scene.outcome.layers[VB_LAYER_PRELOAD].state, VB_LAYER_APPLIED);
}
END_TEST

START_TEST(the_starter_alone_is_baseline_never_full)
{
	scene_set_layers(&scene,
		"'seccomp':{"
		"'sources':['default'],'starter':true}",
		true);
	scene_judge(&scene);
	ck_assert_int_eq(scene.outcome.level, VB_LEVEL_BASELINE);
	scene.evidence.spec.seccomp = VB_CONTAINMENT_LACKING;
	scene.evidence.spec.seccomp_reason = strdup("x");
	scene_judge(&scene);
	ck_assert_int_eq(scene.outcome.level, VB_LEVEL_NONE);
}
END_TEST

START_TEST(papers_that_do_not_fit_spoil_the_container_as_a_whole)
{
	char **const papers[] = {&scene.receipt.container_id, &scene.receipt.plan_digest,
		&scene.receipt.config_digest, &scene.evidence.spec.plan_digest};
	static const char *const problems[] = {"another container", "another plan",
		"not the one that vambrace-oci wrote", "digest of another plan"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(papers); i++) {
		char *kept = *papers[i];
		*papers[i] = strdup("other");
		scene_judge(&scene);
		ck_assert_int_eq(scene.outcome.level, VB_LEVEL_PARTIAL);
		ck_assert_ptr_nonnull(strstr(scene.outcome.problem, problems[i]));
		ck_assert_int_eq(vb_outcome_admit(&scene.outcome, &err), -EPERM);
		ck_assert_str_eq(err.code, "ErrNotApplied");
		free(*papers[i]);
		*papers[i] = kept;
	}
	scene.evidence.spec.is_read = false;
	scene_judge(&scene);
	ck_assert_str_eq(scene.outcome.problem, "config.json could not be read again");
}
END_TEST

START_TEST(without_a_receipt_no_layer_of_the_hook_counts)
{
	scene.has_receipt = false;
	scene_judge(&scene);
	for (enum vb_layer layer = 0; layer < VB_LAYER_COUNT; layer++) {
		bool of_nri = layer == VB_LAYER_TMPFS || layer == VB_LAYER_PRELOAD;
		ck_assert_int_eq(scene.outcome.layers[layer].state, layer == VB_LAYER_SPEC_ALLOW
									    ? VB_LAYER_SKIPPED
								    : of_nri ? VB_LAYER_APPLIED
									     : VB_LAYER_FAILED);
	}
	ck_assert_int_eq(vb_outcome_admit(&scene.outcome, &err), -EPERM);
	ck_assert_ptr_nonnull(strstr(err.what, "left no receipt"));
}
END_TEST

START_TEST(opted_out_of_seccomp_the_level_is_partial_at_most)
{
	scene.plan->opt_out_reason = strdup("to strace");
	scene_judge(&scene);
	ck_assert_int_eq(scene.outcome.level, VB_LEVEL_PARTIAL);
}
END_TEST

START_TEST(without_the_hook_the_level_is_partial_at_most)
{
	scene_set_layers(&scene,
		"'tmpfs':{'mounts':[{'mode':'1777','noexec':true,'path':'/tmp',"
		"'size_bytes':4194304}],'sources':['annotation']}",
		false);
	scene.has_receipt = false;
	scene.evidence.spec.is_read = false;
	scene_judge(&scene);
	ck_assert_int_eq(scene.outcome.layers[VB_LAYER_TMPFS].state, VB_LAYER_APPLIED);
	ck_assert_int_eq(scene.outcome.level, VB_LEVEL_PARTIAL);
	ck_assert_str_eq(scene.outcome.note, "partial (no hook)");
	ck_assert_int_eq(vb_outcome_admit(&scene.outcome, &err), 0);
}
END_TEST

START_TEST(writable_mounts_are_listed_under_a_read_only_root_only)
{
	scene_judge(&scene);
	vb_auto_free char *list = vb_strv_join(&scene.outcome.writable_mounts, ' ');
	ck_assert_str_eq(list, "/data /dev /dev/shm");
	scene_set_layers(&scene, "'no_new_privileges':{'sources':['bundle']}", true);
	scene_judge(&scene);
	ck_assert_uint_eq(scene.outcome.writable_mounts.count, 0);
}
END_TEST

START_TEST(the_json_says_what_the_outcome_says)
{
	const struct timespec now = {.tv_sec = 1700000000, .tv_nsec = 42};

	scene.evidence.status.no_new_privileges = false;
	scene_judge(&scene);
	vb_outcome_stamp(&scene.outcome, &now, NULL);
	vb_auto_free char *text = vb_outcome_to_json(&scene.outcome);
	ck_assert_ptr_nonnull(text);
	vb_auto_json json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	const char *values[10] = {NULL};
	int version = 0;
	ck_assert_int_eq(json_unpack(json, "{s:i,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:{s:{s:s,s:s}}}",
				 "outcome_version", &version, "container_id", &values[0],
				 "namespace", &values[1], "pod", &values[2], "container",
				 &values[3], "runtime", &values[4], "plan_digest", &values[5],
				 "level", &values[6], "at", &values[7], "layers",
				 "no_new_privileges", "state", &values[8], "reason", &values[9]),
		0);
	ck_assert_int_eq(version, 1);
	ck_assert_str_eq(values[0], scene_container_id);
	ck_assert_int_eq(json_integer_value(json_object_get(json, "pid")), 4242);
	ck_assert_str_eq(values[1], "robots");
	ck_assert_str_eq(values[2], "arm-0");
	ck_assert_str_eq(values[3], "ctl");
	ck_assert_str_eq(values[4], "/usr/sbin/runc");
	ck_assert_str_eq(values[5], scene.plan_digest);
	ck_assert_str_eq(values[6], "partial");
	ck_assert_str_eq(values[7], "2023-11-14T22:13:20.000000042Z");
	ck_assert_str_eq(values[8], "failed");
	ck_assert_str_eq(values[9], "the process may gain privileges at exec");
	ck_assert_uint_eq(json_array_size(json_object_get(json, "writable_mounts")), 3);
}
END_TEST

static const char *text_at(const json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key));
}

START_TEST(the_json_names_what_the_nodes_rule_brings)
{
	for (int by_rule = 0; by_rule < 2; by_rule++) {
		if (by_rule) {
			scene.plan->bundle_is_default = true;
			scene.plan->floor_name = strdup("base");
			scene.plan->floor_digest = strdup(FLOOR_DIGEST);
		}
		scene_judge(&scene);
		vb_auto_free char *text = vb_outcome_to_json(&scene.outcome);
		ck_assert_ptr_nonnull(text);
		vb_auto_json json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
		const json_t *is_default = json_object_get(json, "bundle_is_default");
		ck_assert_str_eq(text_at(json, "bundle"), "arm");
		ck_assert(by_rule ? json_is_true(is_default) : json_is_false(is_default));
		ck_assert(vb_str_equal(text_at(json, "floor"), by_rule ? "base" : NULL));
		ck_assert(
			vb_str_equal(text_at(json, "floor_digest"), by_rule ? FLOOR_DIGEST : NULL));
	}
}
END_TEST

START_TEST(since_is_kept_for_as_long_as_the_plan_stays)
{
	const struct timespec first = {.tv_sec = 1700000000};
	const struct timespec later = {.tv_sec = 1700000001};

	scene_judge(&scene);
	vb_outcome_stamp(&scene.outcome, &first, NULL);
	ck_assert_str_eq(scene.outcome.since, scene.outcome.at);
	vb_auto_free char *text = vb_outcome_to_json(&scene.outcome);
	scene_judge(&scene);
	vb_outcome_stamp(&scene.outcome, &later, text);
	ck_assert_str_eq(scene.outcome.since, "2023-11-14T22:13:20.000000000Z");
	ck_assert_str_eq(scene.outcome.at, "2023-11-14T22:13:21.000000000Z");
	/* Another plan, or a file that is not ours, starts anew. */
	scene.outcome.plan_digest[10] ^= 1;
	vb_outcome_stamp(&scene.outcome, &later, text);
	ck_assert_str_eq(scene.outcome.since, scene.outcome.at);
	vb_outcome_stamp(&scene.outcome, &later, "{");
	ck_assert_str_eq(scene.outcome.since, scene.outcome.at);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("outcome");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_kernel_that_holds_everything_is_full);
	tcase_add_test(tcase, evidence_is_what_the_kernel_said);
	tcase_add_test(tcase, no_filter_in_the_kernel_turns_seccomp_red);
	tcase_add_test(tcase, a_filter_without_the_plans_denials_turns_seccomp_red);
	tcase_add_test(tcase, crun_installs_its_filter_with_exec_when_no_new_privs_is_set);
	tcase_add_test(tcase, a_dropped_capability_in_any_set_turns_capabilities_red);
	tcase_add_test(tcase, a_capability_that_config_json_did_not_give_turns_capabilities_red);
	tcase_add_test(tcase, a_user_without_capabilities_is_fine);
	tcase_add_test(tcase, no_new_privs_unset_turns_its_layer_red);
	tcase_add_test(tcase, a_higher_limit_turns_rlimits_red);
	tcase_add_test(tcase, a_writable_root_or_runtime_file_turns_the_root_red);
	tcase_add_test(tcase, a_tmpfs_that_is_not_as_planned_turns_tmpfs_red);
	tcase_add_test(tcase, a_destination_behind_a_symbolic_link_is_found_where_it_leads);
	tcase_add_test(tcase, a_shim_that_is_not_mapped_or_mounted_turns_preload_red);
	tcase_add_test(tcase, a_variable_that_is_missing_or_overridden_turns_preload_red);
	tcase_add_test(tcase, a_shim_is_unobserved_before_exec_and_of_a_process_that_exited);
	tcase_add_test(tcase, an_entrypoint_that_the_shim_cannot_cover_is_unsupported);
	tcase_add_test(tcase, the_starter_alone_is_baseline_never_full);
	tcase_add_test(tcase, papers_that_do_not_fit_spoil_the_container_as_a_whole);
	tcase_add_test(tcase, without_a_receipt_no_layer_of_the_hook_counts);
	tcase_add_test(tcase, opted_out_of_seccomp_the_level_is_partial_at_most);
	tcase_add_test(tcase, without_the_hook_the_level_is_partial_at_most);
	tcase_add_test(tcase, writable_mounts_are_listed_under_a_read_only_root_only);
	tcase_add_test(tcase, the_json_says_what_the_outcome_says);
	tcase_add_test(tcase, the_json_names_what_the_nodes_rule_brings);
	tcase_add_test(tcase, since_is_kept_for_as_long_as_the_plan_stays);
	return vb_unit_run("outcome", tcase);
}
