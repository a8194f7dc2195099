/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "bundle_support.h"
#include "file_clock.h"
#include "file_owner.h"
#include "unit.h"
#include "vb/adjust/bundle_store.h"
#include "vb/base/file.h"

static struct vb_error err;
static struct vb_bundle_store *store;
static const struct vb_bundle *bundle;

static void start(void)
{
	file_owner = 0;
	file_read_only_mount = false;
	file_clock = (struct timespec){0};
	bundle = NULL;
	memset(&err, 0, sizeof(err));
	store = bundle_start_store();
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

START_TEST(a_bundle_is_found_in_the_first_directory_that_has_it)
{
	bundle_install("second", "arm", MANIFEST("2"));
	assert_version("2");
	bundle_install("first", "arm", MANIFEST("1"));
	assert_version("1");
	ck_assert_ptr_null(vb_bundle_store_warning(store));
}
END_TEST

START_TEST(success_leaves_the_error_untouched)
{
	bundle_install("second", "arm", MANIFEST("2"));
	memset(&err, 0x5a, sizeof(err));
	const struct vb_error before = err;
	ck_assert_int_eq(get("arm"), 0);
	ck_assert_mem_eq(&err, &before, sizeof(err));
}
END_TEST

START_TEST(a_missing_bundle_is_refused_naming_the_directories)
{
	vb_assert_refused(get("arm"), &err,
		"ErrBundleNotFound: bundle 'arm' is not on this node: install it in one of "
		"first,no-such-directory,second, or correct bundle.vambrace.dev");
	ck_assert_int_eq(mkdir("first/arm", 0755), 0);
	vb_assert_refused(get("arm"), &err,
		"ErrBundleNotFound: bundle 'arm' is not on this node: put its manifest.json into "
		"first/arm, or correct bundle.vambrace.dev");
	ck_assert_ptr_null(bundle);
	/* It is in nobody's way. */
	bundle_install("second", "arm", MANIFEST("2"));
	assert_version("2");
}
END_TEST

START_TEST(a_bundle_on_a_node_without_directories_is_refused_saying_so)
{
	static const struct vb_strv none;
	vb_auto_bundle_store struct vb_bundle_store *bare = vb_bundle_store_create(&none);

	vb_assert_refused(vb_bundle_store_get(bare, "arm", NULL, &bundle, &err), &err,
		"ErrBundleNotFound: bundle 'arm' is not on this node: give the node config "
		"bundle_dirs, which it sets to none, or name no bundle");
}
END_TEST

START_TEST(a_name_that_is_a_path_is_not_looked_for)
{
	static const char *const names[] = {"", ".", "..", "../first/arm", "/etc", "arm/"};

	bundle_install("first", "arm", MANIFEST("1"));
	for (size_t i = 0; i < VB_ARRAY_SIZE(names); i++) {
		ck_assert_int_eq(get(names[i]), -EPERM);
		ck_assert_str_eq(err.code, "ErrBundleNotFound");
	}
}
END_TEST

START_TEST(an_update_is_seen_at_the_next_lookup)
{
	bundle_install("first", "arm", MANIFEST("1"));
	assert_version("1");
	const struct vb_bundle *before = bundle;
	assert_version("1");
	ck_assert_ptr_eq(bundle, before);
	bundle_install("first", "arm", MANIFEST("2"));
	assert_version("2");
}
END_TEST

static void rewrite(const char *text)
{
	vb_auto_close int fd = open("first/arm/manifest.json", O_WRONLY | O_CLOEXEC);

	ck_assert_int_eq((int)pwrite(fd, text, strlen(text), 0), (int)strlen(text));
}

START_TEST(an_update_in_place_is_seen_too)
{
	static const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1000000000}};

	bundle_install("first", "arm", MANIFEST("1"));
	assert_version("1");
	rewrite(MANIFEST("2"));
	/* The kernel's clock ticks in milliseconds; a new time must differ in this test. */
	ck_assert_int_eq(utimensat(AT_FDCWD, "first/arm/manifest.json", times, 0), 0);
	assert_version("2");
}
END_TEST

START_TEST(an_update_in_the_tick_of_the_version_before_is_seen_too)
{
	bundle_install("first", "arm", MANIFEST("1"));
	file_clock_start();
	assert_version("1");
	rewrite(MANIFEST("2"));
	assert_version("2");
	rewrite(MANIFEST("3"));
	file_clock_tick();
	assert_version("3");
	/* From then on the times tell, and it is not read for nothing. */
	rewrite("{{{");
	assert_version("3");
	ck_assert_ptr_null(vb_bundle_store_warning(store));
}
END_TEST

static void assert_loaded(const char *version)
{
	vb_auto_strv struct vb_strv loaded = {0};

	vb_bundle_store_take_loaded(store, &loaded);
	ck_assert_uint_eq(loaded.count, version != NULL);
	if (version != NULL)
		ck_assert_int_eq(strncmp(loaded.items[0], version, strlen(version)), 0);
}

START_TEST(a_first_version_and_an_update_are_told_once)
{
	bundle_install("first", "arm", MANIFEST("1"));
	assert_version("1");
	assert_loaded("arm@sha256:");
	assert_version("1");
	assert_loaded(NULL);
	/* Another file, the same version. */
	bundle_install("first", "arm", MANIFEST("1"));
	assert_version("1");
	assert_loaded(NULL);
	bundle_install("first", "arm", "{");
	assert_version("1");
	assert_loaded(NULL);
	bundle_install("first", "arm", MANIFEST("3"));
	assert_version("3");
	assert_loaded("arm@sha256:");
}
END_TEST

START_TEST(a_removed_bundle_is_gone)
{
	bundle_install("first", "arm", MANIFEST("1"));
	assert_version("1");
	ck_assert_int_eq(unlink("first/arm/manifest.json"), 0);
	ck_assert_int_eq(get("arm"), -EPERM);
	ck_assert_str_eq(err.code, "ErrBundleNotFound");
}
END_TEST

START_TEST(an_update_that_does_not_parse_leaves_the_last_good_version_in_use)
{
	bundle_install("first", "arm", MANIFEST("1"));
	assert_version("1");
	bundle_install("first", "arm", "{");
	assert_version("1");
	ck_assert_str_eq(vb_bundle_store_warning(store),
		"bundle 'arm': JSON error in line 1, column 1: string or '}' expected near end of "
		"file");
	bundle_install("first", "arm", MANIFEST("3"));
	assert_version("3");
	ck_assert_ptr_null(vb_bundle_store_warning(store));
}
END_TEST

START_TEST(a_first_version_that_does_not_parse_is_refused)
{
	bundle_install("first", "arm", "{");
	vb_assert_refused(get("arm"), &err,
		"ErrBundleInvalid: bundle 'arm': JSON error in line 1, column 1: string or '}' "
		"expected near end of file: correct the bundle's manifest.json");
	/* Not passed by for the good one in a later directory. */
	bundle_install("second", "arm", MANIFEST("2"));
	ck_assert_int_eq(get("arm"), -EPERM);
}
END_TEST

START_TEST(a_pinned_digest_must_be_the_manifests)
{
	char digest[VB_DIGEST_SIZE];
	char other[VB_DIGEST_SIZE];
	const struct vb_bundle_pin pin = {digest, "the pod"};
	const struct vb_bundle_pin other_pin = {other, "the node's rule"};
	char text[512];

	bundle_install("first", "arm", MANIFEST("1"));
	vb_digest(MANIFEST("1"), strlen(MANIFEST("1")), digest);
	ck_assert_int_eq(vb_bundle_store_get(store, "arm", &pin, &bundle, &err), 0);
	vb_digest(MANIFEST("2"), strlen(MANIFEST("2")), other);
	(void)snprintf(text, sizeof(text),
		"ErrBundleDigest: bundle 'arm' on this node has digest %s, the node's rule pins "
		"%s: "
		"install the pinned version, or correct the pin",
		digest, other);
	vb_assert_refused(vb_bundle_store_get(store, "arm", &other_pin, &bundle, &err), &err, text);
}
END_TEST

START_TEST(a_file_that_others_can_write_is_refused)
{
	static const char refusal[] =
		"ErrBundleInvalid: bundle 'arm' has a file or directory that others than root can "
		"write: chown it to root and chmod go-w";

	bundle_install("first", "arm", MANIFEST("1"));
	file_owner = 1000;
	vb_assert_refused(get("arm"), &err, refusal);
	file_owner = 0;
	ck_assert_int_eq(chmod("first/arm/manifest.json", 0664), 0);
	vb_assert_refused(get("arm"), &err, refusal);
	ck_assert_int_eq(chmod("first/arm/manifest.json", 0646), 0);
	vb_assert_refused(get("arm"), &err, refusal);
	ck_assert_int_eq(chmod("first/arm/manifest.json", 0755), 0);
	assert_version("1");
	ck_assert_int_eq(chmod("first/arm", 0775), 0);
	vb_assert_refused(get("arm"), &err, refusal);
	ck_assert_int_eq(chmod("first/arm", 0757), 0);
	vb_assert_refused(get("arm"), &err, refusal);
}
END_TEST

START_TEST(on_a_read_only_mount_anyone_may_own_it)
{
	bundle_install("first", "arm", MANIFEST("1"));
	ck_assert_int_eq(chmod("first/arm", 0777), 0);
	file_owner = 1000;
	file_read_only_mount = true;
	assert_version("1");
}
END_TEST

START_TEST(any_owner_is_taken_when_it_was_asked_for)
{
	bundle_install("first", "arm", MANIFEST("1"));
	file_owner = 1000;
	vb_bundle_store_accept_any_owner(store);
	assert_version("1");
}
END_TEST

START_TEST(a_config_maps_inner_links_are_followed)
{
	ck_assert_int_eq(vb_file_make_directories("first/arm/..2026_01_01", &err), 0);
	ck_assert_int_eq(vb_file_replace("first/arm/..2026_01_01/manifest.json", MANIFEST("1"),
				 strlen(MANIFEST("1")), 0644, &err),
		0);
	ck_assert_int_eq(symlink("..2026_01_01", "first/arm/..data"), 0);
	ck_assert_int_eq(symlink("..data/manifest.json", "first/arm/manifest.json"), 0);
	assert_version("1");
}
END_TEST

static const char advice[] =
	"put a directory with a manifest.json or a tar there, and no links out";

static void assert_invalid(const char *what)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "ErrBundleInvalid: bundle 'arm' in first: %s: %s", what,
		advice);
	vb_assert_refused(get("arm"), &err, text);
}

START_TEST(a_link_out_of_the_bundle_is_refused)
{
	bundle_install("second", "arm", MANIFEST("2"));
	ck_assert_int_eq(mkdir("first/arm", 0755), 0);
	ck_assert_int_eq(symlink("../../second/arm/manifest.json", "first/arm/manifest.json"), 0);
	assert_invalid("open 'manifest.json': Invalid cross-device link");
	ck_assert_int_eq(unlink("first/arm/manifest.json"), 0);
	ck_assert_int_eq(symlink("/etc/passwd", "first/arm/manifest.json"), 0);
	assert_invalid("open 'manifest.json': Invalid cross-device link");
	ck_assert_int_eq(unlink("first/arm/manifest.json"), 0);
	ck_assert_int_eq(symlink("manifest.json", "first/arm/manifest.json"), 0);
	assert_invalid("open 'manifest.json': Too many levels of symbolic links");
	ck_assert_int_eq(unlink("first/arm/manifest.json"), 0);
	ck_assert_int_eq(rmdir("first/arm"), 0);
	ck_assert_int_eq(symlink("../second/arm", "first/arm"), 0);
	assert_invalid("open 'arm': Invalid cross-device link");
}
END_TEST

START_TEST(a_file_in_the_bundles_place_is_refused)
{
	ck_assert_int_eq(vb_file_replace("first/arm", "x", 1, 0644, &err), 0);
	assert_invalid("open 'arm': Not a directory");
}
END_TEST

START_TEST(only_a_regular_file_is_a_manifest)
{
	ck_assert_int_eq(vb_file_make_directories("first/arm/manifest.json", &err), 0);
	vb_assert_refused(get("arm"), &err,
		"ErrBundleInvalid: bundle 'arm' in first: 'manifest.json' is not a regular file: "
		"see the file on the node");
	ck_assert_int_eq(rmdir("first/arm/manifest.json"), 0);
	/* Would block for ever without O_NONBLOCK. */
	ck_assert_int_eq(mkfifo("first/arm/manifest.json", 0644), 0);
	ck_assert_int_eq(get("arm"), -EPERM);
}
END_TEST

START_TEST(a_manifest_has_one_mebibyte_at_most)
{
	static char text[(1 << 20) + 2];

	memset(text, ' ', sizeof(text) - 1);
	memcpy(text, MANIFEST("1"), strlen(MANIFEST("1")));
	text[1 << 20] = '\0';
	bundle_install("first", "arm", text);
	assert_version("1");
	text[1 << 20] = ' ';
	bundle_install("second", "leg", text);
	vb_assert_refused(get("leg"), &err,
		"ErrBundleInvalid: bundle 'leg' in second: 'manifest.json' has 1048577 bytes, at "
		"most 1048576 are read: see the file on the node");
}
END_TEST

START_TEST(several_bundles_are_kept_apart)
{
	char name[8];
	char text[128];

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 20; i++) {
			(void)snprintf(name, sizeof(name), "b%d", i);
			(void)snprintf(text, sizeof(text),
				"{\"kind\":\"bundle\",\"schema_version\":\"1.5\",\"name\":\"%s\","
				"\"version\":\"%d\"}",
				name, i);
			if (round == 0)
				bundle_install("first", name, text);
			ck_assert_int_eq(get(name), 0);
			ck_assert_str_eq(bundle->name, name);
		}
	}
}
END_TEST

START_TEST(without_an_error_to_fill_refusals_stay_refusals)
{
	ck_assert_int_eq(vb_bundle_store_get(store, "arm", NULL, &bundle, NULL), -EPERM);
	bundle_install("first", "arm", "{");
	ck_assert_int_eq(vb_bundle_store_get(store, "arm", NULL, &bundle, NULL), -EPERM);
	vb_bundle_store_destroy(NULL);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("bundle_store");

	tcase_add_checked_fixture(tcase, start, finish);
	tcase_add_test(tcase, a_bundle_is_found_in_the_first_directory_that_has_it);
	tcase_add_test(tcase, success_leaves_the_error_untouched);
	tcase_add_test(tcase, a_missing_bundle_is_refused_naming_the_directories);
	tcase_add_test(tcase, a_bundle_on_a_node_without_directories_is_refused_saying_so);
	tcase_add_test(tcase, a_name_that_is_a_path_is_not_looked_for);
	tcase_add_test(tcase, an_update_is_seen_at_the_next_lookup);
	tcase_add_test(tcase, an_update_in_place_is_seen_too);
	tcase_add_test(tcase, an_update_in_the_tick_of_the_version_before_is_seen_too);
	tcase_add_test(tcase, a_first_version_and_an_update_are_told_once);
	tcase_add_test(tcase, a_removed_bundle_is_gone);
	tcase_add_test(tcase, an_update_that_does_not_parse_leaves_the_last_good_version_in_use);
	tcase_add_test(tcase, a_first_version_that_does_not_parse_is_refused);
	tcase_add_test(tcase, a_pinned_digest_must_be_the_manifests);
	tcase_add_test(tcase, a_file_that_others_can_write_is_refused);
	tcase_add_test(tcase, on_a_read_only_mount_anyone_may_own_it);
	tcase_add_test(tcase, any_owner_is_taken_when_it_was_asked_for);
	tcase_add_test(tcase, a_config_maps_inner_links_are_followed);
	tcase_add_test(tcase, a_link_out_of_the_bundle_is_refused);
	tcase_add_test(tcase, a_file_in_the_bundles_place_is_refused);
	tcase_add_test(tcase, only_a_regular_file_is_a_manifest);
	tcase_add_test(tcase, a_manifest_has_one_mebibyte_at_most);
	tcase_add_test(tcase, several_bundles_are_kept_apart);
	tcase_add_test(tcase, without_an_error_to_fill_refusals_stay_refusals);
	return vb_unit_run("bundle_store", tcase);
}
