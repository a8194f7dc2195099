/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles as tars, beside bundles as directories. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "bundle_support.h"
#include "tar_maker.h"
#include "unit.h"
#include "vb/adjust/bundle_store.h"

static struct vb_error err;
static struct vb_bundle_store *store;
static const struct vb_bundle *bundle;

static void start(void)
{
	bundle = NULL;
	memset(&err, 0, sizeof(err));
	store = bundle_start_store();
	vb_bundle_store_accept_any_owner(store);
}

static void finish(void)
{
	bundle_finish_store(store);
}

static int get(const char *name)
{
	return vb_bundle_store_get(store, name, NULL, &bundle, &err);
}

static void assert_version(const char *version)
{
	bundle = bundle_assert_version(store, version);
}

START_TEST(a_tar_is_a_bundle)
{
	bundle_install_tar("second", "arm", MANIFEST("1"));
	assert_version("1");
	const struct vb_bundle *before = bundle;
	assert_version("1");
	ck_assert_ptr_eq(bundle, before);
	bundle_install_tar("second", "arm", MANIFEST("2"));
	assert_version("2");
	bundle_install("first", "arm", MANIFEST("3"));
	assert_version("3");
}
END_TEST

START_TEST(a_tars_digest_is_that_of_the_tar)
{
	char digest[VB_DIGEST_SIZE];
	const struct vb_bundle_pin pin = {digest, "the pod"};

	bundle_install_tar("first", "arm", MANIFEST("1"));
	vb_digest(tar_data(), tar_size(), digest);
	ck_assert_int_eq(vb_bundle_store_get(store, "arm", &pin, &bundle, &err), 0);
	vb_digest(MANIFEST("1"), strlen(MANIFEST("1")), digest);
	ck_assert_int_eq(vb_bundle_store_get(store, "arm", &pin, &bundle, &err), -EPERM);
	ck_assert_str_eq(err.code, "ErrBundleDigest");
}
END_TEST

START_TEST(a_bundle_in_both_forms_is_refused_naming_both)
{
	bundle_install("first", "arm", MANIFEST("1"));
	bundle_install_tar("first", "arm", MANIFEST("2"));
	vb_assert_refused(get("arm"), &err,
		"ErrBundleInvalid: bundle 'arm' is in first twice, as the directory 'arm' and as "
		"'arm.tar': remove one of them");
	ck_assert_int_eq(unlink("first/arm/manifest.json"), 0);
	ck_assert_int_eq(get("arm"), -EPERM);
	ck_assert_int_eq(rmdir("first/arm"), 0);
	assert_version("2");
}
END_TEST

START_TEST(a_directory_named_like_a_tar_is_another_bundle)
{
	bundle_install("first", "arm.tar", MANIFEST_OF("arm.tar", "7"));
	ck_assert_int_eq(get("arm.tar"), 0);
	ck_assert_str_eq(bundle->version, "7");
	ck_assert_int_eq(get("arm"), -EPERM);
	ck_assert_str_eq(err.code, "ErrBundleNotFound");
}
END_TEST

START_TEST(a_tar_update_that_does_not_parse_leaves_the_last_good_version_in_use)
{
	bundle_install_tar("first", "arm", MANIFEST("1"));
	assert_version("1");
	tar_begin();
	tar_add("manifest.json", MANIFEST("2"));
	tar_add("../arm/manifest.json", MANIFEST("2"));
	tar_end();
	bundle_install_made_tar("first", "arm");
	assert_version("1");
	ck_assert_str_eq(vb_bundle_store_warning(store),
		"bundle 'arm' in first: arm.tar: member '../arm/manifest.json' leads out of the "
		"bundle");
	bundle_write("first/arm.tar", tar_data(), 700);
	assert_version("1");
	bundle_install_tar("first", "arm", "{");
	assert_version("1");
	bundle_install_tar("first", "arm", MANIFEST("3"));
	assert_version("3");
	ck_assert_ptr_null(vb_bundle_store_warning(store));
}
END_TEST

START_TEST(a_hostile_tar_is_refused_naming_the_member)
{
	tar_begin();
	tar_add("manifest.json", MANIFEST("1"));
	tar_add("/etc/passwd", "x");
	tar_end();
	bundle_install_made_tar("first", "arm");
	vb_assert_refused(get("arm"), &err,
		"ErrBundleInvalid: bundle 'arm' in first: arm.tar: member '/etc/passwd' has an "
		"absolute name: pack it again with 'vambrace bundle pack'");
}
END_TEST

START_TEST(a_tar_without_a_manifest_is_refused)
{
	tar_begin();
	tar_add("arm/manifest.json", MANIFEST("1"));
	tar_end();
	bundle_install_made_tar("first", "arm");
	vb_assert_refused(get("arm"), &err,
		"ErrBundleInvalid: bundle 'arm' in first: arm.tar has no manifest.json: pack the "
		"directory that holds the manifest.json");
}
END_TEST

START_TEST(a_manifest_in_a_tar_has_the_tars_name)
{
	bundle_install_tar("first", "arm", MANIFEST_OF("leg", "1"));
	ck_assert_int_eq(get("arm"), -EPERM);
	ck_assert_str_eq(err.what,
		"bundle 'arm': manifest.name is 'leg', not the name of its directory or tar");
}
END_TEST

START_TEST(limits_hold_for_a_tar_too)
{
	static char text[(1 << 20) + 2];
	static const struct tar_header header = {.name = "manifest.json"};

	(void)snprintf(text, sizeof(text), "%-*s", (int)sizeof(text) - 1, MANIFEST("1"));
	bundle_install_tar("first", "arm", text);
	vb_assert_refused(get("arm"), &err,
		"ErrBundleInvalid: bundle 'arm' in first: arm.tar: member 'manifest.json' has "
		"1048577 bytes, at most 1048576 are read: pack it again with 'vambrace bundle "
		"pack'");
	tar_begin();
	tar_add_header(&header, 0);
	bundle_install_made_tar("first", "arm");
	ck_assert_int_eq(truncate("first/arm.tar", (16 << 20) + 1), 0);
	vb_assert_refused(get("arm"), &err,
		"ErrBundleInvalid: bundle 'arm' in first: 'arm.tar' has 16777217 bytes, at most "
		"16777216 are read: see the file on the node");
}
END_TEST

START_TEST(a_link_out_and_a_fifo_are_no_tars)
{
	bundle_install_tar("second", "arm", MANIFEST("1"));
	ck_assert_int_eq(symlink("../second/arm.tar", "first/arm.tar"), 0);
	vb_assert_refused(get("arm"), &err,
		"ErrBundleInvalid: bundle 'arm' in first: open 'arm.tar': Invalid cross-device "
		"link: put a directory with a manifest.json or a tar there, and no links out");
	ck_assert_int_eq(unlink("first/arm.tar"), 0);
	ck_assert_int_eq(mkfifo("first/arm.tar", 0644), 0);
	vb_assert_refused(get("arm"), &err,
		"ErrBundleInvalid: bundle 'arm' in first: 'arm.tar' is not a regular file: see the "
		"file on the node");
}
END_TEST

START_TEST(a_tar_in_a_config_map_is_found_behind_its_inner_links)
{
	bundle_install_tar("first/..2026_01_01", "arm", MANIFEST("1"));
	ck_assert_int_eq(symlink("..2026_01_01", "first/..data"), 0);
	ck_assert_int_eq(symlink("..data/arm.tar", "first/arm.tar"), 0);
	assert_version("1");
	bundle_install_tar("first/..2026_01_02", "arm", MANIFEST("2"));
	ck_assert_int_eq(symlink("..2026_01_02", "first/..data_tmp"), 0);
	ck_assert_int_eq(rename("first/..data_tmp", "first/..data"), 0);
	assert_version("2");
}
END_TEST

#define PROFILE                                                                                    \
	"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"mount\"],"              \
	"\"action\":\"SCMP_ACT_ERRNO\"}]}"

static void install_with_profile(const char *version, const char *profile)
{
	tar_begin();
	tar_add("manifest.json", version);
	tar_add("profiles/camera.json", profile);
	tar_end();
	bundle_install_made_tar("first", "arm");
}

static int get_profile(const char *name, struct vb_custom_profile **ret_profile)
{
	return vb_bundle_store_profile(store, bundle, name, ret_profile, &err);
}

START_TEST(a_profile_in_a_tar_is_found)
{
	vb_auto_custom_profile struct vb_custom_profile *profile = NULL;
	vb_auto_custom_profile struct vb_custom_profile *again = NULL;

	install_with_profile(MANIFEST("1"), PROFILE);
	assert_version("1");
	ck_assert_msg(get_profile("camera", &profile) == 0, "%s", err.what);
	ck_assert_str_eq(profile->text, PROFILE);
	ck_assert_int_eq(get_profile("camera", &again), 0);
	ck_assert_ptr_eq(again, profile);
	ck_assert_int_eq(get_profile("lidar", &again), -EPERM);
	ck_assert_str_eq(vb_unit_text(&err),
		"ErrProfileInvalid: there is no file 'profiles/lidar.json' in 'first/arm.tar': "
		"pack "
		"the bundle again with the file, or name another profile");
}
END_TEST

START_TEST(a_profile_is_that_of_the_version_in_force)
{
	vb_auto_custom_profile struct vb_custom_profile *profile = NULL;
	vb_auto_custom_profile struct vb_custom_profile *again = NULL;

	install_with_profile(MANIFEST("1"), PROFILE);
	assert_version("1");
	ck_assert_int_eq(get_profile("camera", &profile), 0);
	/* The manifest of the new one is bad, so its profile is not taken either. */
	install_with_profile("{", PROFILE " ");
	assert_version("1");
	ck_assert_int_eq(get_profile("camera", &again), 0);
	ck_assert_ptr_eq(again, profile);
	ck_assert_str_eq(vb_bundle_store_warning(store),
		"profile 'camera' of bundle 'arm': bundle 'arm' in first: arm.tar is not the one "
		"that is in force");
	/* Nor is one that nobody knows. */
	vb_auto_custom_profile struct vb_custom_profile *other = NULL;
	ck_assert_int_eq(get_profile("lidar", &other), -EPERM);
	ck_assert_str_eq(err.code, "ErrBundleInvalid");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("bundle_forms");

	tcase_add_checked_fixture(tcase, start, finish);
	tcase_add_test(tcase, a_tar_is_a_bundle);
	tcase_add_test(tcase, a_tars_digest_is_that_of_the_tar);
	tcase_add_test(tcase, a_bundle_in_both_forms_is_refused_naming_both);
	tcase_add_test(tcase, a_directory_named_like_a_tar_is_another_bundle);
	tcase_add_test(tcase, a_tar_update_that_does_not_parse_leaves_the_last_good_version_in_use);
	tcase_add_test(tcase, a_hostile_tar_is_refused_naming_the_member);
	tcase_add_test(tcase, a_tar_without_a_manifest_is_refused);
	tcase_add_test(tcase, a_manifest_in_a_tar_has_the_tars_name);
	tcase_add_test(tcase, limits_hold_for_a_tar_too);
	tcase_add_test(tcase, a_link_out_and_a_fifo_are_no_tars);
	tcase_add_test(tcase, a_tar_in_a_config_map_is_found_behind_its_inner_links);
	tcase_add_test(tcase, a_profile_in_a_tar_is_found);
	tcase_add_test(tcase, a_profile_is_that_of_the_version_in_force);
	return vb_unit_run("bundle_forms", tcase);
}
