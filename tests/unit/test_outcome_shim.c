/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <string.h>

#include "outcome_support.h"
#include "unit.h"

/* Where the shim is found although its path or its file is not what the plan names. */

static struct outcome_scene scene;

static void set_up(void)
{
	scene_init(&scene);
}

static void tear_down(void)
{
	scene_finish(&scene);
}

START_TEST(a_shim_behind_a_symbolic_link_is_looked_for_where_it_leads)
{
	ck_assert_str_eq(
		vb_evidence_shim_path(&scene.evidence, scene.plan), VB_SHIM_CONTAINER_PATH);
	scene_change_mounts(&scene, "/usr/local/lib/libautonomy_preload.so ro",
		"/srv/lib/libautonomy_preload.so ro");
	for (size_t i = 0; i < scene.plan->mounts.count; i++) {
		bool is_shim = strcmp(scene.plan->mounts.items[i].destination,
				       VB_SHIM_CONTAINER_PATH) == 0;
		ck_assert_int_eq(vb_strv_add(&scene.evidence.destinations,
					 is_shim ? "/srv/lib/libautonomy_preload.so" : ""),
			0);
	}
	ck_assert_str_eq(vb_evidence_shim_path(&scene.evidence, scene.plan),
		"/srv/lib/libautonomy_preload.so");
	scene_judge(&scene);
	ck_assert_int_eq(scene.outcome.level, VB_LEVEL_FULL);
	ck_assert(vb_strv_contains(&scene.outcome.layers[VB_LAYER_PRELOAD].evidence,
		"maps: /srv/lib/libautonomy_preload.so"));
}
END_TEST

START_TEST(a_shim_that_an_upgrade_replaced_stays_in_force_in_running_containers)
{
	scene_change_mounts(&scene, "/opt/vambrace/lib/libautonomy_preload.so",
		"/opt/vambrace/lib/libautonomy_preload.so//deleted");
	scene_judge(&scene);
	ck_assert_int_eq(scene.outcome.level, VB_LEVEL_FULL);
	scene_change_mounts(
		&scene, "/opt/vambrace/lib/libautonomy_preload.so", "/evil.so//deleted");
	scene_assert_only(&scene, VB_LAYER_PRELOAD, VB_LAYER_FAILED, "is /evil.so//deleted");
	scene_change_mounts(&scene, "/opt/vambrace/lib/libautonomy_preload.so",
		"/opt/vambrace/lib/libautonomy_preload.so/deleted");
	scene_assert_only(&scene, VB_LAYER_PRELOAD, VB_LAYER_FAILED, "preload.so/deleted");
}
END_TEST

START_TEST(a_mapped_shim_is_applied_with_a_dlopen_list)
{
	scene.plan->preload.dlopen.set = true;
	scene_judge(&scene);
	ck_assert_int_eq(scene.outcome.layers[VB_LAYER_PRELOAD].state, VB_LAYER_APPLIED);
	ck_assert_int_eq(scene.outcome.level, VB_LEVEL_FULL);
}
END_TEST

START_TEST(a_mapped_shim_that_32_bit_programs_ignore_is_not_applied)
{
	scene.plan->preload.foreign_abi = true;
	scene_assert_only(&scene, VB_LAYER_PRELOAD, VB_LAYER_UNSUPPORTED,
		"partial: 32-bit programs may run, and ignore the shim");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("shim");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_shim_behind_a_symbolic_link_is_looked_for_where_it_leads);
	tcase_add_test(tcase, a_shim_that_an_upgrade_replaced_stays_in_force_in_running_containers);
	tcase_add_test(tcase, a_mapped_shim_is_applied_with_a_dlopen_list);
	tcase_add_test(tcase, a_mapped_shim_that_32_bit_programs_ignore_is_not_applied);
	return vb_unit_run("outcome-shim", tcase);
}
