/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>

#include "vb/proto/nri.h"

static const struct {
	const char *text;
	struct vb_nri_version version;
	bool is_version;
} versions[] = {
	{"2.1.9+unknown", {2, 1, 9, false}, true},
	{"1.7.24~ds1", {1, 7, 24, false}, true},
	{"v2.2.7", {2, 2, 7, false}, true},
	{"2.2.0-rc.1", {2, 2, 0, true}, true},
	{"v2.2.0-beta.0-123-gabcdef", {2, 2, 0, true}, true},
	{"2.3.0~rc1", {2, 3, 0, true}, true},
	{"2.1.4-k3s2", {2, 1, 4, false}, true},
	{"1.7.24-1~bpo12+1", {1, 7, 24, false}, true},
	{"2", {2, 0, 0, false}, true},
	{"2.", {2, 0, 0, false}, true},
	{"2.10", {2, 10, 0, false}, true},
	{"2..1", {2, 0, 0, false}, true},
	{"", {0, 0, 0, false}, false},
	{"unknown", {0, 0, 0, false}, false},
	{"-1.2", {0, 0, 0, false}, false},
};

START_TEST(a_runtime_version_is_read_out_of_its_decorations)
{
	struct vb_nri_version version = {.major = 77};

	ck_assert_int_eq(
		vb_nri_version_parse(versions[_i].text, &version), versions[_i].is_version);
	ck_assert_uint_eq(version.major, versions[_i].version.major);
	ck_assert_uint_eq(version.minor, versions[_i].version.minor);
	ck_assert_uint_eq(version.patch, versions[_i].version.patch);
	ck_assert_int_eq(version.is_prerelease, versions[_i].version.is_prerelease);
}
END_TEST

START_TEST(a_version_number_of_any_length_stays_big)
{
	struct vb_nri_version version;

	ck_assert(vb_nri_version_parse("99999999999999999999999.4294967296.1", &version));
	ck_assert_uint_ge(version.major, 1000000);
	ck_assert_uint_ge(version.minor, 1000000);
	ck_assert_uint_eq(version.patch, 1);
}
END_TEST

static const struct {
	const char *name;
	const char *version;
	const char *nri_version;
	uint32_t mask;
} runtimes[] = {
	{"containerd", "1.7.24~ds1", "", 0x66c},
	{"containerd", "2.1.9+unknown", "", 0x66c},
	{"containerd", "2.2.0-rc.0", "", 0x66c},
	{"containerd", "2.2.0", "", 0x266c},
	{"containerd", "2.2.1-rc.0", "", 0x266c},
	{"containerd", "v2.3.4", "v0.12.0", 0x266c},
	{"containerd", "2.10.0-rc.1", "", 0x266c},
	{"containerd", "3.0.0", "", 0x266c},
	{"containerd", "0.2.2", "", 0x66c},
	{"containerd", "", "", 0x66c},
	{"cri-o", "1.34.0", "", 0x66c},
	{"cri-o", "1.36.0", "0.12.0", 0x266c},
	{"", "2.2.0", "", 0x66c},
};

START_TEST(the_mask_has_validate_where_the_runtime_has_it)
{
	struct vb_nri_configure configure = {.config = "",
		.runtime_name = runtimes[_i].name,
		.runtime_version = runtimes[_i].version,
		.nri_version = runtimes[_i].nri_version};

	ck_assert_uint_eq(vb_nri_event_mask(&configure, VB_NRI_EVENTS_WANTED), runtimes[_i].mask);
	ck_assert_uint_eq(vb_nri_event_mask(&configure, 0), 0);
}
END_TEST

START_TEST(the_methods_of_the_plugin_service_are_known_and_no_others)
{
	static const char plugin[] = "nri.pkg.api.v1alpha1.Plugin";

	ck_assert_int_eq(vb_nri_method_find(plugin, "Configure"), VB_NRI_METHOD_CONFIGURE);
	ck_assert_int_eq(vb_nri_method_find(plugin, "StateChange"), VB_NRI_METHOD_STATE_CHANGE);
	ck_assert_int_eq(
		vb_nri_method_find(plugin, "StartContainer"), VB_NRI_METHOD_START_CONTAINER);
	ck_assert_int_eq(vb_nri_method_find(plugin, "ValidateContainerAdjustment"),
		VB_NRI_METHOD_VALIDATE_ADJUSTMENT);
	ck_assert_int_eq(vb_nri_method_find(plugin, "RegisterPlugin"), VB_NRI_METHOD_UNKNOWN);
	ck_assert_int_eq(vb_nri_method_find(plugin, "configure"), VB_NRI_METHOD_UNKNOWN);
	ck_assert_int_eq(vb_nri_method_find(plugin, ""), VB_NRI_METHOD_UNKNOWN);
	ck_assert_int_eq(vb_nri_method_find("nri.pkg.api.v1alpha1.Runtime", "Configure"),
		VB_NRI_METHOD_UNKNOWN);
}
END_TEST

START_TEST(every_event_has_the_name_of_its_method)
{
	for (int i = VB_NRI_EVENT_RUN_POD_SANDBOX; i <= VB_NRI_EVENT_VALIDATE_ADJUSTMENT; i++) {
		const char *name = vb_nri_event_name((enum vb_nri_event)i);
		ck_assert_int_ne(
			vb_nri_method_find(VB_NRI_SERVICE_PLUGIN, name), VB_NRI_METHOD_UNKNOWN);
	}
	ck_assert_str_eq(vb_nri_event_name(VB_NRI_EVENT_UNKNOWN), "unknown");
	ck_assert_str_eq(vb_nri_event_name((enum vb_nri_event)99), "unknown");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nri_names");
	TCase *tcase = tcase_create("names");

	tcase_add_loop_test(tcase, a_runtime_version_is_read_out_of_its_decorations, 0,
		(int)VB_ARRAY_SIZE(versions));
	tcase_add_test(tcase, a_version_number_of_any_length_stays_big);
	tcase_add_loop_test(tcase, the_mask_has_validate_where_the_runtime_has_it, 0,
		(int)VB_ARRAY_SIZE(runtimes));
	tcase_add_test(tcase, the_methods_of_the_plugin_service_are_known_and_no_others);
	tcase_add_test(tcase, every_event_has_the_name_of_its_method);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
