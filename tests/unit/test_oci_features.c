/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <seccomp.h>
#include <string.h>

#include "oci_support.h"
#include "vb/adjust/codes.h"
#include "vb/adjust/oci_apply.h"
#include "vb/adjust/profile.h"
#include "vb/base/str.h"

/* What the runtimes print, less the parts that are not looked at. */
static const char runc_1_1_15[] =
	"{\"ociVersionMin\":\"1.0.0\",\"linux\":{\"seccomp\":{\"enabled\":true,\"actions\":"
	"[\"SCMP_ACT_ALLOW\"],\"operators\":[],\"archs\":[]}},\"annotations\":{"
	"\"org.opencontainers.runc.checkpoint.enabled\":\"true\","
	"\"org.opencontainers.runc.version\":\"1.1.15+ds1\"}}";
static const char runc_1_3_6[] =
	"{\"ociVersionMin\":\"1.0.0\",\"linux\":{\"seccomp\":{\"enabled\":true,\"knownFlags\":[],"
	"\"supportedFlags\":[\"SECCOMP_FILTER_FLAG_TSYNC\",\"SECCOMP_FILTER_FLAG_SPEC_ALLOW\","
	"\"SECCOMP_FILTER_FLAG_LOG\",\"SECCOMP_FILTER_FLAG_FUTURE\",7]}},\"annotations\":{"
	"\"org.opencontainers.runc.version\":\"1.3.6+ds1\"}}";
static const char crun_1_28[] =
	"{\"ociVersionMin\":\"1.0.0\",\"linux\":{\"seccomp\":{\"enabled\":true,\"actions\":[]}},"
	"\"annotations\":{\"org.opencontainers.runc.checkpoint.enabled\":\"true\","
	"\"run.oci.crun.version\":\"1.28\"}}";
static const char stranger[] =
	"{\"linux\":{\"seccomp\":{\"supportedFlags\":"
	"[\"SECCOMP_FILTER_FLAG_LOG\",\"SECCOMP_FILTER_FLAG_SPEC_ALLOW\"]}}}";

static struct vb_oci_features parse(const char *text)
{
	struct vb_oci_features features = {.flags = 99};
	struct vb_error err = {0};

	int r = vb_oci_features_parse(text, strlen(text), &features, &err);
	ck_assert_msg(r == 0, "%s", err.what);
	return features;
}

static void assert_features(const char *text, bool known, bool allows, unsigned int flags)
{
	struct vb_oci_features features = parse(text);

	ck_assert_int_eq(features.is_known, known);
	ck_assert_int_eq(features.allows_by_default, allows);
	ck_assert_uint_eq(features.flags, flags);
}

START_TEST(runtimes_are_told_apart_by_what_they_print)
{
	assert_features(runc_1_1_15, true, false, 0);
	assert_features(runc_1_3_6, true, true,
		VB_PROFILE_FLAG_TSYNC | VB_PROFILE_FLAG_SPEC_ALLOW | VB_PROFILE_FLAG_LOG);
	assert_features(crun_1_28, true, true, VB_PROFILE_FLAG_SPEC_ALLOW | VB_PROFILE_FLAG_LOG);
	assert_features(stranger, false, false, 0);
	assert_features("{}", false, false, 0);
	assert_features(
		"{\"annotations\":{\"org.opencontainers.runc.version\":7}}", false, false, 0);
}
END_TEST

START_TEST(what_is_no_features_object_is_an_error)
{
	static const char *const texts[] = {"", "[]", "unknown command features", "{", "{}{}"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(texts); i++) {
		struct vb_oci_features features;
		ck_assert_int_eq(vb_oci_features_parse(texts[i], strlen(texts[i]), &features, NULL),
			-EINVAL);
	}
}
END_TEST

START_TEST(features_matter_where_there_is_a_filter_that_carries_flags)
{
	vb_auto_plan struct vb_plan *plan = support_plan();
	bool *const demands[] = {&plan->seccomp.starter, &plan->seccomp.runtime_default,
		&plan->seccomp.closure, &plan->seccomp.deny_io_uring,
		&plan->seccomp.native_abi_only, &plan->seccomp.log};

	ck_assert(!vb_oci_features_matter(plan));
	for (size_t i = 0; i < VB_ARRAY_SIZE(demands); i++) {
		*demands[i] = true;
		ck_assert(vb_oci_features_matter(plan));
		*demands[i] = false;
	}
	plan->sources[VB_LAYER_SPEC_ALLOW] = VB_SOURCE_BUNDLE;
	ck_assert(vb_oci_features_matter(plan));
	plan->sources[VB_LAYER_SPEC_ALLOW] = 0;
	plan->sources[VB_LAYER_CAPABILITIES] = VB_SOURCE_BUNDLE;
	ck_assert(!vb_oci_features_matter(plan));
}
END_TEST

struct wish {
	enum vb_spec_allow spec_allow;
	bool log;
	bool starter;
};

/* The closure without the starter: a filter, but not the one that logs by itself. */
static const struct wish nothing = {VB_SPEC_ALLOW_INHERIT, false, false};
static const struct wish starter = {VB_SPEC_ALLOW_INHERIT, false, true};
static const struct wish logging = {VB_SPEC_ALLOW_INHERIT, true, false};
static const struct wish mitigate = {VB_SPEC_ALLOW_MITIGATE, false, false};
static const struct wish mitigate_and_log = {VB_SPEC_ALLOW_MITIGATE, true, false};
static const struct wish allow = {VB_SPEC_ALLOW_ALLOW, false, false};
static const struct wish allow_and_log = {VB_SPEC_ALLOW_ALLOW, true, false};

/* flags: of the container's own profile; NULL: it has no profile, "": a profile without the key. */
static int apply_with_receipt(const char *features_text, struct wish wish, const char *flags,
	json_t **ret_seccomp, struct vb_receipt_speculation *ret_speculation, struct vb_error *err)
{
	struct vb_oci_features features = {0};
	vb_auto_plan struct vb_plan *plan = support_plan();
	vb_auto_receipt struct vb_receipt receipt = {0};
	vb_auto_free char *text = vb_str_format("{'process':{},'linux':{%s%s%s}}",
		flags != NULL ? "'seccomp':{'defaultAction':'SCMP_ACT_ALLOW'" : "",
		flags != NULL ? flags : "", flags != NULL ? "}" : "");

	ck_assert_ptr_nonnull(text);
	vb_auto_json json_t *spec = support_document(text);
	if (features_text != NULL)
		features = parse(features_text);
	const struct vb_oci_edit edit = {.plan = plan,
		.layers = VB_OCI_LAYERS_ALL,
		.native = SCMP_ARCH_X86_64,
		.features = features_text != NULL ? &features : NULL};
	plan->sources[VB_LAYER_SECCOMP] = VB_SOURCE_DEFAULT;
	plan->seccomp.closure = true;
	plan->seccomp.starter = wish.starter;
	plan->seccomp.log = wish.log;
	plan->spec_allow = wish.spec_allow;
	if (wish.spec_allow != VB_SPEC_ALLOW_INHERIT)
		plan->sources[VB_LAYER_SPEC_ALLOW] = VB_SOURCE_BUNDLE;
	int r = vb_oci_apply(spec, &edit, &receipt, err);
	*ret_seccomp = json_incref(json_object_get(json_object_get(spec, "linux"), "seccomp"));
	*ret_speculation = receipt.speculation;
	return r;
}

static int apply(const char *features_text, struct wish wish, const char *flags,
	json_t **ret_seccomp, struct vb_error *err)
{
	struct vb_receipt_speculation speculation;

	return apply_with_receipt(features_text, wish, flags, ret_seccomp, &speculation, err);
}

/* expected: the flags in the result without the common beginning of their names; NULL: no key. */
static void assert_flags(
	const char *features, struct wish wish, const char *flags, const char *expected)
{
	vb_auto_json json_t *seccomp = NULL;
	vb_auto_strv struct vb_strv names = {0};
	struct vb_error err = {0};
	const json_t *name;
	size_t i;

	int r = apply(features, wish, flags, &seccomp, &err);
	ck_assert_msg(r == 0, "%s", err.what);
	const json_t *got = json_object_get(seccomp, "flags");
	ck_assert_int_eq(got != NULL, expected != NULL);
	json_array_foreach(got, i, name) {
		const char *short_name =
			vb_str_after(json_string_value(name), "SECCOMP_FILTER_FLAG_");
		ck_assert_ptr_nonnull(short_name);
		ck_assert_int_eq(vb_strv_add(&names, short_name), 0);
	}
	vb_strv_sort_unique(&names);
	vb_auto_free char *joined = vb_strv_join(&names, ' ');
	ck_assert_str_eq(joined, expected != NULL ? expected : "");
}

#define LOG_FLAG        ",'flags':['SECCOMP_FILTER_FLAG_LOG']"
#define SPEC_ALLOW_FLAG ",'flags':['SECCOMP_FILTER_FLAG_SPEC_ALLOW']"
#define EMPTY_LIST      ",'flags':[]"

START_TEST(nothing_asked_leaves_the_flags_as_they_are)
{
	static const char *const runtimes[] = {runc_1_1_15, runc_1_3_6, crun_1_28, stranger, NULL};

	for (size_t i = 0; i < VB_ARRAY_SIZE(runtimes); i++) {
		assert_flags(runtimes[i], nothing, NULL, NULL);
		assert_flags(runtimes[i], nothing, "", NULL);
		assert_flags(runtimes[i], nothing, LOG_FLAG, "LOG");
		assert_flags(runtimes[i], nothing, SPEC_ALLOW_FLAG, "SPEC_ALLOW");
	}
}
END_TEST

START_TEST(an_empty_list_goes_and_its_meaning_stays)
{
	assert_flags(runc_1_3_6, nothing, EMPTY_LIST, "LOG");
	assert_flags(crun_1_28, nothing, EMPTY_LIST, "LOG");
	assert_flags(runc_1_1_15, nothing, EMPTY_LIST, NULL);
	/* Of a stranger nobody knows how to say the same otherwise. */
	assert_flags(stranger, nothing, EMPTY_LIST, "");
	assert_flags(NULL, nothing, EMPTY_LIST, "");
}
END_TEST

START_TEST(the_starter_logs_unasked)
{
	assert_flags(runc_1_3_6, starter, NULL, "LOG SPEC_ALLOW");
	assert_flags(crun_1_28, starter, "", "LOG SPEC_ALLOW");
	assert_flags(crun_1_28, starter, LOG_FLAG, "LOG");
	assert_flags(runc_1_1_15, starter, NULL, NULL);
	assert_flags(NULL, starter, NULL, NULL);
}
END_TEST

START_TEST(log_comes_where_it_leaves_the_speculation_state)
{
	static const char *const able[] = {runc_1_3_6, crun_1_28};
	static const char *const unable[] = {runc_1_1_15, stranger, NULL};

	for (size_t i = 0; i < VB_ARRAY_SIZE(able); i++) {
		assert_flags(able[i], logging, NULL, "LOG SPEC_ALLOW");
		assert_flags(able[i], logging, "", "LOG SPEC_ALLOW");
		assert_flags(able[i], logging, EMPTY_LIST, "LOG");
		assert_flags(able[i], logging, SPEC_ALLOW_FLAG, "LOG SPEC_ALLOW");
	}
	for (size_t i = 0; i < VB_ARRAY_SIZE(unable); i++) {
		assert_flags(unable[i], logging, NULL, NULL);
		assert_flags(unable[i], logging, SPEC_ALLOW_FLAG, "SPEC_ALLOW");
	}
}
END_TEST

/* No such runtime is known; one may come. */
START_TEST(where_no_flags_mean_mitigation_only_an_unconfined_container_gets_spec_allow)
{
	static const char *const documents[] = {"{'process':{}}",
		"{'process':{},'linux':{'seccomp':{'defaultAction':'SCMP_ACT_ALLOW'}}}"};
	static const enum vb_spec_state states[] = {VB_SPEC_STATE_ALLOW, VB_SPEC_STATE_MITIGATE};
	const struct vb_oci_features features = {.is_known = true,
		.allows_by_default = false,
		.flags = VB_PROFILE_FLAG_SPEC_ALLOW | VB_PROFILE_FLAG_LOG};
	vb_auto_plan struct vb_plan *plan = support_plan();
	const struct vb_oci_edit edit = {.plan = plan,
		.layers = VB_OCI_LAYERS_ALL,
		.native = SCMP_ARCH_X86_64,
		.features = &features};

	plan->sources[VB_LAYER_SECCOMP] = VB_SOURCE_DEFAULT;
	plan->seccomp.starter = true;
	plan->seccomp.log = true;
	for (size_t i = 0; i < VB_ARRAY_SIZE(documents); i++) {
		vb_auto_receipt struct vb_receipt receipt = {0};
		vb_auto_json json_t *spec = support_document(documents[i]);
		ck_assert_int_eq(vb_oci_apply(spec, &edit, &receipt, NULL), 0);
		vb_auto_free char *text = support_printed(spec);
		ck_assert_int_eq(
			strstr(text, "FLAG_SPEC_ALLOW") != NULL, states[i] == VB_SPEC_STATE_ALLOW);
		ck_assert_int_eq(strstr(text, "flags") != NULL, states[i] == VB_SPEC_STATE_ALLOW);
		ck_assert_int_eq(receipt.speculation.had, states[i]);
		ck_assert_int_eq(receipt.speculation.has, states[i]);
	}
}
END_TEST

static struct vb_receipt_speculation speculation_of(
	const char *features_text, struct wish wish, const char *flags)
{
	vb_auto_json json_t *seccomp = NULL;
	struct vb_receipt_speculation speculation = {0};
	struct vb_error err = {0};

	int r = apply_with_receipt(features_text, wish, flags, &seccomp, &speculation, &err);
	ck_assert_msg(r == 0, "%s", err.what);
	ck_assert(speculation.is_set);
	return speculation;
}

static void assert_speculation(const char *features, struct wish wish, const char *flags,
	enum vb_spec_state had, enum vb_spec_state has)
{
	struct vb_receipt_speculation speculation = speculation_of(features, wish, flags);

	ck_assert_str_eq(vb_spec_state_name(speculation.had), vb_spec_state_name(had));
	ck_assert_str_eq(vb_spec_state_name(speculation.has), vb_spec_state_name(has));
}

START_TEST(the_receipt_says_what_the_flags_meant_and_mean)
{
	const enum vb_spec_state unknown = VB_SPEC_STATE_UNKNOWN;
	const enum vb_spec_state allowed = VB_SPEC_STATE_ALLOW;
	const enum vb_spec_state mitigated = VB_SPEC_STATE_MITIGATE;

	assert_speculation(runc_1_3_6, starter, NULL, allowed, allowed);
	assert_speculation(runc_1_3_6, starter, "", allowed, allowed);
	assert_speculation(crun_1_28, starter, LOG_FLAG, mitigated, mitigated);
	assert_speculation(crun_1_28, nothing, EMPTY_LIST, mitigated, mitigated);
	assert_speculation(crun_1_28, mitigate, "", allowed, mitigated);
	assert_speculation(crun_1_28, allow, NULL, allowed, allowed);
	/* The starter over an unconfined container takes it away. */
	assert_speculation(runc_1_1_15, starter, NULL, allowed, mitigated);
	assert_speculation(runc_1_1_15, starter, "", mitigated, mitigated);
	assert_speculation(stranger, starter, NULL, allowed, unknown);
	assert_speculation(NULL, starter, "", unknown, unknown);
	ck_assert(speculation_of(crun_1_28, starter, NULL).takes_flag);
	ck_assert(speculation_of(runc_1_3_6, starter, NULL).takes_flag);
	ck_assert(!speculation_of(runc_1_1_15, starter, NULL).takes_flag);
	ck_assert(!speculation_of(stranger, starter, NULL).takes_flag);
	ck_assert(!speculation_of(NULL, starter, NULL).takes_flag);
}
END_TEST

START_TEST(mitigate_takes_spec_allow_away_and_never_writes_an_empty_list)
{
	static const char *const able[] = {runc_1_3_6, crun_1_28};

	for (size_t i = 0; i < VB_ARRAY_SIZE(able); i++) {
		assert_flags(able[i], mitigate, NULL, "LOG");
		assert_flags(able[i], mitigate, "", "LOG");
		assert_flags(able[i], mitigate, EMPTY_LIST, "LOG");
		assert_flags(able[i], mitigate, SPEC_ALLOW_FLAG, "LOG");
		assert_flags(able[i], mitigate,
			",'flags':['SECCOMP_FILTER_FLAG_SPEC_ALLOW','SECCOMP_FILTER_FLAG_TSYNC']",
			"TSYNC");
		assert_flags(able[i], mitigate_and_log, NULL, "LOG");
	}
	/* runc before 1.2 never sets SPEC_ALLOW, and refuses the key. */
	assert_flags(runc_1_1_15, mitigate, NULL, NULL);
	assert_flags(runc_1_1_15, mitigate, EMPTY_LIST, NULL);
	assert_flags(runc_1_1_15, mitigate_and_log, "", NULL);
}
END_TEST

START_TEST(allow_adds_the_flag)
{
	static const char *const able[] = {runc_1_3_6, crun_1_28};

	for (size_t i = 0; i < VB_ARRAY_SIZE(able); i++) {
		assert_flags(able[i], allow, NULL, "SPEC_ALLOW");
		assert_flags(able[i], allow, "", "SPEC_ALLOW");
		assert_flags(able[i], allow, SPEC_ALLOW_FLAG, "SPEC_ALLOW");
		assert_flags(able[i], allow_and_log, NULL, "LOG SPEC_ALLOW");
	}
}
END_TEST

static void assert_flags_refused(const char *features, struct wish wish, const char *flags,
	const char *code, const char *words)
{
	vb_auto_json json_t *seccomp = NULL;
	struct vb_error err = {0};

	support_assert_refused(apply(features, wish, flags, &seccomp, &err), &err, code, words);
}

START_TEST(what_the_runtime_cannot_do_is_refused)
{
	assert_flags_refused(runc_1_1_15, allow, NULL, VB_CODE_UNSUPPORTED, "SPEC_ALLOW");
	assert_flags_refused(stranger, allow, NULL, VB_CODE_UNSUPPORTED, "does not say");
	assert_flags_refused(NULL, allow, NULL, VB_CODE_UNSUPPORTED, "does not say");
	assert_flags_refused(stranger, mitigate, NULL, VB_CODE_UNSUPPORTED, "does not say");
	assert_flags_refused(NULL, mitigate, LOG_FLAG, VB_CODE_UNSUPPORTED, "does not say");
}
END_TEST

START_TEST(allow_does_not_undo_the_mitigation_of_the_containers_own_profile)
{
	assert_flags_refused(runc_1_3_6, allow, LOG_FLAG, VB_CODE_CONFLICT, "without SPEC_ALLOW");
	assert_flags_refused(crun_1_28, allow, EMPTY_LIST, VB_CODE_CONFLICT, "without SPEC_ALLOW");
}
END_TEST

/* own and custom: members of a profile that name its flags, or ""; own NULL: unconfined. */
static void assert_met_flags(const char *own, const char *custom, const char *expected)
{
	vb_auto_plan struct vb_plan *plan = support_plan();
	vb_auto_receipt struct vb_receipt receipt = {0};
	struct vb_oci_features features = parse(runc_1_3_6);
	vb_auto_free char *text = vb_str_format("{'process':{},'linux':{%s%s%s}}",
		own != NULL ? "'seccomp':{'defaultAction':'SCMP_ACT_ALLOW'" : "",
		own != NULL ? own : "", own != NULL ? "}" : "");
	vb_auto_json json_t *spec = support_document(text);
	const struct vb_oci_edit edit = {.plan = plan,
		.layers = VB_OCI_LAYERS_ALL,
		.native = SCMP_ARCH_X86_64,
		.features = &features};
	vb_auto_free char *profile =
		vb_str_format("{\"defaultAction\":\"SCMP_ACT_ALLOW\"%s}", custom);
	struct vb_error err = {0};

	plan->sources[VB_LAYER_SECCOMP] = VB_SOURCE_BUNDLE;
	ck_assert_int_eq(
		vb_plan_profiles_add(&plan->seccomp.profiles, VB_SOURCE_BUNDLE, "custom", profile),
		0);
	ck_assert_msg(vb_oci_apply(spec, &edit, &receipt, &err) == 0, "%s", err.what);
	vb_auto_free char *printed = support_printed(spec);
	const char *flags = strstr(printed, "\"flags\"");
	if (expected == NULL)
		ck_assert_msg(flags == NULL, "%s", printed);
	else
		ck_assert_msg(
			flags != NULL && vb_str_after(flags, expected) != NULL, "%s", printed);
}

#define CUSTOM_LOG   ",\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"]"
#define CUSTOM_ALLOW ",\"flags\":[\"SECCOMP_FILTER_FLAG_SPEC_ALLOW\"]"
#define CUSTOM_EMPTY ",\"flags\":[]"

START_TEST(flags_without_spec_allow_in_any_of_the_profiles_mitigate)
{
	static const char log_alone[] = "\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"]";
	static const char allow_alone[] = "\"flags\":[\"SECCOMP_FILTER_FLAG_SPEC_ALLOW\"]";

	assert_met_flags("", CUSTOM_LOG, log_alone);
	assert_met_flags("", CUSTOM_EMPTY, log_alone);
	assert_met_flags(NULL, CUSTOM_LOG, log_alone);
	assert_met_flags(SPEC_ALLOW_FLAG, CUSTOM_LOG, log_alone);
	assert_met_flags(SPEC_ALLOW_FLAG, CUSTOM_EMPTY, log_alone);
	assert_met_flags(LOG_FLAG, CUSTOM_ALLOW, log_alone);
	assert_met_flags(EMPTY_LIST, CUSTOM_ALLOW, log_alone);
	assert_met_flags(SPEC_ALLOW_FLAG, CUSTOM_ALLOW, allow_alone);
	/* No key, no say. */
	assert_met_flags(SPEC_ALLOW_FLAG, "", allow_alone);
	assert_met_flags(LOG_FLAG, "", log_alone);
	assert_met_flags("", CUSTOM_ALLOW, NULL);
	assert_met_flags("", "", NULL);
}
END_TEST

START_TEST(spec_allow_without_any_profile_is_refused)
{
	vb_auto_plan struct vb_plan *plan = support_plan();
	vb_auto_receipt struct vb_receipt receipt = {0};
	vb_auto_json json_t *spec = support_document("{'process':{}}");
	struct vb_oci_features features = parse(crun_1_28);
	const struct vb_oci_edit edit = {
		.plan = plan, .layers = VB_OCI_LAYERS_ALL, .features = &features};
	struct vb_error err = {0};

	plan->sources[VB_LAYER_SPEC_ALLOW] = VB_SOURCE_BUNDLE;
	plan->spec_allow = VB_SPEC_ALLOW_MITIGATE;
	support_assert_refused(vb_oci_apply(spec, &edit, &receipt, &err), &err, VB_CODE_CONFLICT,
		"no seccomp profile");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("oci_features");

	tcase_add_test(tcase, runtimes_are_told_apart_by_what_they_print);
	tcase_add_test(tcase, what_is_no_features_object_is_an_error);
	tcase_add_test(tcase, features_matter_where_there_is_a_filter_that_carries_flags);
	tcase_add_test(tcase, nothing_asked_leaves_the_flags_as_they_are);
	tcase_add_test(tcase, log_comes_where_it_leaves_the_speculation_state);
	tcase_add_test(tcase, an_empty_list_goes_and_its_meaning_stays);
	tcase_add_test(tcase, the_starter_logs_unasked);
	tcase_add_test(
		tcase, where_no_flags_mean_mitigation_only_an_unconfined_container_gets_spec_allow);
	tcase_add_test(tcase, the_receipt_says_what_the_flags_meant_and_mean);
	tcase_add_test(tcase, mitigate_takes_spec_allow_away_and_never_writes_an_empty_list);
	tcase_add_test(tcase, allow_adds_the_flag);
	tcase_add_test(tcase, what_the_runtime_cannot_do_is_refused);
	tcase_add_test(tcase, allow_does_not_undo_the_mitigation_of_the_containers_own_profile);
	tcase_add_test(tcase, flags_without_spec_allow_in_any_of_the_profiles_mitigate);
	tcase_add_test(tcase, spec_allow_without_any_profile_is_refused);
	return support_run(tcase);
}
