/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "render.h"
#include "unit.h"

static struct vb_error err;
static struct vb_plan *plan;
static struct vb_arena *arena;
static const char digest[] = "sha256:0123";

static void set_up(void)
{
	plan = vb_plan_create();
	arena = vb_arena_create(VB_ARENA_DEFAULT_BYTES);
	ck_assert_ptr_nonnull(plan);
	ck_assert_ptr_nonnull(arena);
	ck_assert_int_eq(vb_strv_add(&plan->env, "A=1"), 0);
	ck_assert_int_eq(vb_strv_add(&plan->env, "B=x=y"), 0);
	struct vb_plan_mount *tmpfs = vb_plan_mounts_add(&plan->mounts, "/tmp", "tmpfs", "tmpfs");
	ck_assert_ptr_nonnull(tmpfs);
	ck_assert_int_eq(vb_strv_add(&tmpfs->options, "nosuid"), 0);
	ck_assert_int_eq(vb_strv_add(&tmpfs->options, "size=4096"), 0);
	ck_assert_ptr_nonnull(vb_plan_mounts_add(&plan->mounts, "/lib/s.so", "bind", "/opt/s.so"));
}

static void tear_down(void)
{
	vb_plan_destroy(plan);
	vb_arena_destroy(arena);
}

static struct vb_nri_adjustment render(void)
{
	struct vb_nri_adjustment adjustment = {0};

	ck_assert_int_eq(vb_render_adjustment(arena, plan, digest, &adjustment, &err), 0);
	return adjustment;
}

START_TEST(a_plan_renders_as_its_digest_its_env_and_its_mounts)
{
	struct vb_nri_adjustment adjustment = render();

	ck_assert_uint_eq(adjustment.annotations.count, 1);
	ck_assert_str_eq(adjustment.annotations.items[0].key, "plan-digest.vambrace.dev");
	ck_assert_str_eq(adjustment.annotations.items[0].value, digest);
	ck_assert_uint_eq(adjustment.env.count, 2);
	ck_assert_str_eq(adjustment.env.items[0].key, "A");
	ck_assert_str_eq(adjustment.env.items[0].value, "1");
	ck_assert_str_eq(adjustment.env.items[1].key, "B");
	ck_assert_str_eq(adjustment.env.items[1].value, "x=y");
	ck_assert_uint_eq(adjustment.mounts.count, 2);
	ck_assert_str_eq(adjustment.mounts.items[0].destination, "/tmp");
	ck_assert_str_eq(adjustment.mounts.items[0].type, "tmpfs");
	ck_assert_str_eq(adjustment.mounts.items[0].source, "tmpfs");
	ck_assert_uint_eq(adjustment.mounts.items[0].options.count, 2);
	ck_assert_str_eq(adjustment.mounts.items[0].options.items[1], "size=4096");
	ck_assert_str_eq(adjustment.mounts.items[1].source, "/opt/s.so");
}
END_TEST

START_TEST(a_plan_without_env_and_mounts_brings_its_digest_alone)
{
	struct vb_nri_adjustment adjustment = {0};
	struct vb_plan *empty = vb_plan_create();

	ck_assert_int_eq(vb_render_adjustment(arena, empty, digest, &adjustment, &err), 0);
	ck_assert_uint_eq(adjustment.annotations.count, 1);
	ck_assert_uint_eq(adjustment.env.count, 0);
	ck_assert_uint_eq(adjustment.mounts.count, 0);
	ck_assert_int_eq(vb_render_verify(&adjustment, empty, digest, &err), 0);
	vb_plan_destroy(empty);
}
END_TEST

START_TEST(a_budget_that_is_too_small_is_out_of_memory)
{
	struct vb_arena *small = vb_arena_create(16);
	struct vb_nri_adjustment adjustment = {0};

	ck_assert_int_eq(vb_render_adjustment(small, plan, digest, &adjustment, &err), -ENOMEM);
	vb_arena_destroy(small);
}
END_TEST

START_TEST(what_was_rendered_verifies_among_other_plugins_pieces)
{
	struct vb_nri_adjustment ours = render();
	struct vb_nri_pair annotations[] = {{"other", "1"}, ours.annotations.items[0]};
	struct vb_nri_pair env[] = {ours.env.items[1], {"C", "3"}, ours.env.items[0]};
	struct vb_nri_mount mounts[] = {{.destination = "/data", .type = "bind", .source = "/x"},
		ours.mounts.items[1], ours.mounts.items[0]};
	struct vb_nri_adjustment final = {
		.annotations = {annotations, 2}, .env = {env, 3}, .mounts = {mounts, 3}};

	ck_assert_msg(vb_render_verify(&final, plan, digest, &err) == 0, "%s", err.what);
}
END_TEST

static void expect_missing(const struct vb_nri_adjustment *final, const char *words)
{
	ck_assert_int_eq(vb_render_verify(final, plan, digest, &err), -ENOENT);
	ck_assert_msg(strstr(err.what, words) != NULL, "%s", err.what);
}

START_TEST(an_annotation_that_is_gone_changed_or_marked_for_removal_is_missing)
{
	struct vb_nri_adjustment final = render();
	struct vb_nri_pair pairs[2] = {final.annotations.items[0], final.annotations.items[0]};

	final.annotations = (struct vb_nri_pairs){pairs, 0};
	expect_missing(&final, "plan-digest.vambrace.dev");
	final.annotations.count = 1;
	pairs[0].value = "sha256:4567";
	expect_missing(&final, "plan-digest.vambrace.dev");
	/* The runtime applies a removal before or behind its set, as it happens. */
	pairs[0] = (struct vb_nri_pair){"-plan-digest.vambrace.dev", ""};
	final.annotations.count = 2;
	expect_missing(&final, "plan-digest.vambrace.dev");
	pairs[0].value = digest;
	expect_missing(&final, "plan-digest.vambrace.dev");
}
END_TEST

START_TEST(a_variable_that_is_gone_changed_or_set_twice_is_missing)
{
	struct vb_nri_adjustment final = render();
	struct vb_nri_pair pairs[3] = {final.env.items[0], final.env.items[1], {"A", "2"}};

	final.env = (struct vb_nri_pairs){pairs, 1};
	expect_missing(&final, "variable B ");
	final.env.count = 3;
	expect_missing(&final, "variable A ");
	pairs[2] = (struct vb_nri_pair){"-A", ""};
	expect_missing(&final, "variable A ");
	pairs[2] = (struct vb_nri_pair){"AA", "2"};
	ck_assert_int_eq(vb_render_verify(&final, plan, digest, &err), 0);
	pairs[1].value = "x=z";
	expect_missing(&final, "variable B ");
}
END_TEST

START_TEST(a_mount_that_is_gone_or_changed_is_missing)
{
	struct vb_nri_adjustment final = render();
	struct vb_nri_mount mounts[2] = {final.mounts.items[0], final.mounts.items[1]};
	char rw[] = "rw";
	char nosuid[] = "nosuid";
	char *const options[] = {nosuid, rw};

	final.mounts = (struct vb_nri_mounts){mounts, 1};
	expect_missing(&final, "mount at /lib/s.so is missing");
	final.mounts.count = 2;
	mounts[1].source = "/evil.so";
	expect_missing(&final, "mount at /lib/s.so");
	mounts[1].source = "/opt/s.so";
	mounts[0].options = (struct vb_nri_strings){options, 2};
	expect_missing(&final, "mount at /tmp");
	mounts[0].options.count = 1;
	expect_missing(&final, "mount at /tmp");
}
END_TEST

START_TEST(another_mount_at_the_same_place_is_told_however_it_is_spelled)
{
	static const char *const places[] = {
		"/tmp", "/tmp/", "//tmp", "/x/../tmp/.", "tmp", "-/tmp"};
	struct vb_nri_adjustment final = render();
	struct vb_nri_mount mounts[3] = {final.mounts.items[0], final.mounts.items[1],
		{.destination = "/tmp", .type = "bind", .source = "/x"}};

	final.mounts = (struct vb_nri_mounts){mounts, 3};
	for (size_t i = 0; i < VB_ARRAY_SIZE(places); i++) {
		mounts[2].destination = places[i];
		expect_missing(&final, "another plugin changes the mount at /tmp");
	}
	mounts[2].destination = "/tmp2";
	ck_assert_int_eq(vb_render_verify(&final, plan, digest, &err), 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("render");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_plan_renders_as_its_digest_its_env_and_its_mounts);
	tcase_add_test(tcase, a_plan_without_env_and_mounts_brings_its_digest_alone);
	tcase_add_test(tcase, a_budget_that_is_too_small_is_out_of_memory);
	tcase_add_test(tcase, what_was_rendered_verifies_among_other_plugins_pieces);
	tcase_add_test(tcase, an_annotation_that_is_gone_changed_or_marked_for_removal_is_missing);
	tcase_add_test(tcase, a_variable_that_is_gone_changed_or_set_twice_is_missing);
	tcase_add_test(tcase, a_mount_that_is_gone_or_changed_is_missing);
	tcase_add_test(tcase, another_mount_at_the_same_place_is_told_however_it_is_spelled);
	return vb_unit_run("render", tcase);
}
