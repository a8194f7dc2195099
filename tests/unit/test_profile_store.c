/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>

#include "file_owner.h"
#include "unit.h"
#include "vb/adjust/supply.h"
#include "vb/base/buf.h"
#include "vb/base/file.h"

#define DENYING(name)                                                                              \
	"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"" name                  \
	"\"],\"action\":\"SCMP_ACT_ERRNO\"}]}"

static char directory[] = "/tmp/vb-test-profiles.XXXXXX";
static struct vb_error err;
static struct vb_profile_store *store;
static struct vb_strv directories;
static struct vb_custom_profile *profile;

static void start(void)
{
	file_owner = 0;
	file_read_only_mount = false;
	memset(&err, 0, sizeof(err));
	profile = NULL;
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(chdir(directory), 0);
	(void)umask(022);
	ck_assert_int_eq(mkdir("site", 0755), 0);
	vb_auto_free char *site = vb_str_format("%s/site", directory);
	ck_assert_int_eq(vb_strv_add(&directories, "/elsewhere"), 0);
	ck_assert_int_eq(vb_strv_add(&directories, site), 0);
	store = vb_profile_store_create();
	ck_assert_ptr_nonnull(store);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void finish(void)
{
	vb_custom_profile_release(profile);
	vb_profile_store_destroy(store);
	vb_strv_finish(&directories);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void write_file(const char *path, const char *text)
{
	ck_assert_int_eq(vb_file_replace(path, text, strlen(text), 0644, &err), 0);
}

static int get(const char *name)
{
	vb_auto_free char *path = vb_str_format("%s/%s", directory, name);

	vb_custom_profile_release(profile);
	profile = NULL;
	return vb_profile_store_get(store, &directories, path, &profile, &err);
}

static void assert_got(const char *name, const char *text)
{
	ck_assert_msg(get(name) == 0, "%s", err.what);
	ck_assert_str_eq(profile->text, text);
}

/* The refusal with the test's directory written as D. */
static void assert_refused_here(int r, const char *expected)
{
	vb_auto_free char *line = vb_str_format("%s: %s: %s", err.code, err.what, err.fix);
	vb_auto_buf struct vb_buf *short_line = vb_buf_create(4096);

	ck_assert_int_eq(r, -EPERM);
	ck_assert_ptr_null(profile);
	const char *rest = line;
	for (const char *at; (at = strstr(rest, directory)) != NULL; rest = at + strlen(directory))
		ck_assert(vb_buf_append(short_line, rest, (size_t)(at - rest)) == 0 &&
			  vb_buf_append_string(short_line, "D") == 0);
	ck_assert_int_eq(vb_buf_append_string(short_line, rest), 0);
	vb_auto_free char *got = vb_buf_strdup(short_line);
	ck_assert_str_eq(got, expected);
}

START_TEST(a_file_below_a_directory_is_found_however_its_path_is_written)
{
	ck_assert_int_eq(mkdir("site/a", 0755), 0);
	write_file("site/a/p.json", DENYING("chmod"));
	assert_got("site/a/p.json", DENYING("chmod"));
	assert_got("site//./a/../a/p.json", DENYING("chmod"));
	ck_assert_ptr_null(vb_profile_store_warning(store));
}
END_TEST

START_TEST(a_changed_file_is_read_anew)
{
	write_file("site/p.json", DENYING("chmod"));
	assert_got("site/p.json", DENYING("chmod"));
	write_file("site/p.json", DENYING("chown"));
	assert_got("site/p.json", DENYING("chown"));
}
END_TEST

START_TEST(an_unchanged_file_is_the_same_profile)
{
	write_file("site/p.json", DENYING("chmod"));
	assert_got("site/p.json", DENYING("chmod"));
	const struct vb_custom_profile *first = profile;
	assert_got("site/p.json", DENYING("chmod"));
	ck_assert_ptr_eq(profile, first);
}
END_TEST

START_TEST(an_update_that_is_not_usable_leaves_the_last_good_one_in_use)
{
	write_file("site/p.json", DENYING("chmod"));
	assert_got("site/p.json", DENYING("chmod"));
	write_file("site/p.json", "{\"defaultAction\":\"SCMP_ACT_NO\"}");
	assert_got("site/p.json", DENYING("chmod"));
	ck_assert_str_eq(vb_profile_store_warning(store),
		"the profile has the unknown defaultAction 'SCMP_ACT_NO'");
	write_file("site/p.json", DENYING("chown"));
	assert_got("site/p.json", DENYING("chown"));
	ck_assert_ptr_null(vb_profile_store_warning(store));
}
END_TEST

START_TEST(a_file_that_was_removed_is_not_there)
{
	write_file("site/p.json", DENYING("chmod"));
	assert_got("site/p.json", DENYING("chmod"));
	ck_assert_int_eq(unlink("site/p.json"), 0);
	assert_refused_here(get("site/p.json"),
		"ErrProfileInvalid: there is no file 'p.json' in 'D/site': put the file there, or "
		"name another profile");
}
END_TEST

START_TEST(more_files_than_are_kept_are_all_served)
{
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 100; i++) {
			vb_auto_free char *path = vb_str_format("site/%d.json", i);
			if (round == 0)
				write_file(path, i % 2 == 0 ? DENYING("chmod") : DENYING("chown"));
			assert_got(path, i % 2 == 0 ? DENYING("chmod") : DENYING("chown"));
		}
	}
}
END_TEST

START_TEST(a_profile_in_use_outlives_the_store_and_its_file)
{
	write_file("site/p.json", DENYING("chmod"));
	assert_got("site/p.json", DENYING("chmod"));
	vb_profile_store_destroy(store);
	store = NULL;
	ck_assert_str_eq(profile->text, DENYING("chmod"));
}
END_TEST

START_TEST(a_configmap_with_its_links_works)
{
	ck_assert_int_eq(mkdir("site/..2026", 0777), 0);
	ck_assert_int_eq(chmod("site/..2026", 0777), 0);
	write_file("site/..2026/p.json", DENYING("chmod"));
	ck_assert_int_eq(symlink("..2026", "site/..data"), 0);
	ck_assert_int_eq(symlink("..data/p.json", "site/p.json"), 0);
	file_owner = 1000;
	assert_refused_here(get("site/p.json"),
		"ErrProfileInvalid: others than root can write 'D/site': chown it to root and "
		"chmod go-w");
	file_read_only_mount = true;
	assert_got("site/p.json", DENYING("chmod"));
}
END_TEST

START_TEST(links_and_paths_that_lead_out_are_refused)
{
	write_file("outside.json", DENYING("chmod"));
	ck_assert_int_eq(symlink("../outside.json", "site/up.json"), 0);
	ck_assert_int_eq(symlink("/etc/passwd", "site/absolute.json"), 0);
	ck_assert_int_eq(symlink("..", "site/parent"), 0);
	ck_assert_int_eq(symlink("loop.json", "site/loop.json"), 0);
	assert_refused_here(get("site/up.json"),
		"ErrProfileInvalid: a link on the way to 'up.json' leads out of 'D/site': put the "
		"file itself there");
	assert_refused_here(get("site/absolute.json"), "ErrProfileInvalid: a link on the way to "
						       "'absolute.json' leads out of 'D/site': put "
						       "the file itself there");
	assert_refused_here(get("site/parent/outside.json"),
		"ErrProfileInvalid: a link on the way to 'parent/outside.json' leads out of "
		"'D/site': put the file itself there");
	ck_assert_int_eq(get("site/loop.json"), -EPERM);
	assert_refused_here(get("site/../outside.json"),
		"ErrNotPermitted: the path is in none of the node's profile_dirs: put the file "
		"below one of /elsewhere,D/site");
	assert_refused_here(get("site"),
		"ErrNotPermitted: the path is in none of the node's profile_dirs: put the file "
		"below one of /elsewhere,D/site");
	assert_refused_here(get("site-too/p.json"),
		"ErrNotPermitted: the path is in none of the node's profile_dirs: put the file "
		"below one of /elsewhere,D/site");
}
END_TEST

START_TEST(what_others_can_write_is_refused)
{
	ck_assert_int_eq(mkdir("site/a", 0755), 0);
	write_file("site/a/p.json", DENYING("chmod"));
	ck_assert_int_eq(chmod("site/a", 0775), 0);
	assert_refused_here(get("site/a/p.json"),
		"ErrProfileInvalid: others than root can write 'a': chown it to root and chmod "
		"go-w");
	ck_assert_int_eq(chmod("site/a", 0755), 0);
	ck_assert_int_eq(chmod("site/a/p.json", 0646), 0);
	assert_refused_here(get("site/a/p.json"),
		"ErrProfileInvalid: others than root can write 'a/p.json': chown it to root and "
		"chmod go-w");
	vb_profile_store_accept_any_owner(store);
	assert_got("site/a/p.json", DENYING("chmod"));
}
END_TEST

START_TEST(what_is_no_readable_file_is_refused)
{
	ck_assert_int_eq(mkdir("site/d.json", 0755), 0);
	ck_assert_int_eq(mkfifo("site/f.json", 0644), 0);
	write_file("site/file", "");
	assert_refused_here(get("site/d.json"),
		"ErrProfileInvalid: 'd.json' is not a regular file: put a JSON file of at most 1 "
		"MiB there");
	assert_refused_here(get("site/f.json"),
		"ErrProfileInvalid: 'f.json' is not a regular file: put a JSON file of at most 1 "
		"MiB there");
	assert_refused_here(get("site/file/p.json"),
		"ErrProfileInvalid: there is no file 'file/p.json' in 'D/site': put the file "
		"there, or name another profile");
}
END_TEST

START_TEST(a_file_may_have_one_mebibyte_and_no_byte_more)
{
	vb_auto_free char *text = malloc(VB_CUSTOM_PROFILE_MAX + 2);

	ck_assert_ptr_nonnull(text);
	memset(text, ' ', VB_CUSTOM_PROFILE_MAX + 2);
	memcpy(text, DENYING("chmod"), sizeof(DENYING("chmod")) - 1);
	text[VB_CUSTOM_PROFILE_MAX] = '\0';
	write_file("site/p.json", text);
	ck_assert_msg(get("site/p.json") == 0, "%s", err.what);
	text[VB_CUSTOM_PROFILE_MAX] = ' ';
	text[VB_CUSTOM_PROFILE_MAX + 1] = '\0';
	write_file("site/q.json", text);
	assert_refused_here(get("site/q.json"),
		"ErrProfileInvalid: 'q.json' has 1048577 bytes, at most 1048576 are read: put a "
		"JSON file of at most 1 MiB there");
}
END_TEST

static void install(const char *name, const char *text)
{
	vb_auto_free char *path = vb_str_format("bundles/%s/manifest.json", name);
	char *slash = strrchr(path, '/');

	*slash = '\0';
	ck_assert_int_eq(vb_file_make_directories(path, &err), 0);
	*slash = '/';
	write_file(path, text);
}

START_TEST(what_was_worked_around_is_kept_by_bundle_and_by_whose_it_is)
{
#define MANIFEST(name)                                                                             \
	"{\"kind\":\"bundle\",\"schema_version\":\"1.6\",\"name\":\"" name "\",\"version\":\"1\"}"
	static const char rules[] = "{\"rules\":[{\"namespaces\":[\"robots\"],\"default\":\"arm\","
				    "\"floor\":\"base\"},{\"namespaces\":[\"legs\"],\"default\":"
				    "\"base\",\"floor\":\"base\"}]}";
	const struct vb_request plain = {0};
	const struct vb_request naming = {.asked = true, .bundle_name = (char[]){"arm"}};
	const struct {
		struct vb_supply_question question;
		size_t count;
		struct {
			const char *name;
			unsigned int roles;
		} bundles[2];
	} cases[] = {
		{{"robots", &plain}, 2, {{"base", VB_BUNDLE_FLOOR}, {"arm", VB_BUNDLE_DEFAULT}}},
		{{"robots", &naming}, 2, {{"base", VB_BUNDLE_FLOOR}, {"arm", VB_BUNDLE_OF_POD}}},
		{{"legs", &plain}, 1, {{"base", VB_BUNDLE_FLOOR | VB_BUNDLE_DEFAULT}}},
		{{"elsewhere", &naming}, 1, {{"arm", VB_BUNDLE_OF_POD}}},
		{{"elsewhere", &plain}, 0, {{NULL, 0}}},
	};
	vb_auto_strv struct vb_strv bundle_dirs = {0};
	vb_auto_config struct vb_config config = {0};

	ck_assert_int_eq(vb_config_parse(rules, strlen(rules), &config, &err), 0);
	ck_assert_int_eq(vb_strv_add(&bundle_dirs, "bundles"), 0);
	install("arm", MANIFEST("arm"));
	install("base", MANIFEST("base"));
	vb_auto_bundle_store struct vb_bundle_store *bundles = vb_bundle_store_create(&bundle_dirs);
	const struct vb_stores stores = {bundles, store};
	/* Whole, all in use, and broken. */
	for (size_t round = 0; round < 2 * VB_ARRAY_SIZE(cases); round++) {
		size_t warnings = round >= VB_ARRAY_SIZE(cases);
		size_t i = round % VB_ARRAY_SIZE(cases);
		vb_auto_supply_notes struct vb_supply_notes notes = {0};
		vb_auto_supply struct vb_supply supply = {0};
		if (round == VB_ARRAY_SIZE(cases)) {
			install("arm", "{");
			install("base", "{");
		}
		ck_assert_int_eq(vb_supply_gather(&stores, &config, &cases[i].question, &notes,
					 &supply, &err),
			0);
		ck_assert_uint_eq(notes.bundle_count, cases[i].count);
		ck_assert_uint_eq(notes.profile_warnings.count, 0);
		for (size_t j = 0; j < notes.bundle_count; j++) {
			const struct vb_bundle_note *note = &notes.bundles[j];
			ck_assert_str_eq(note->name, cases[i].bundles[j].name);
			ck_assert_uint_eq(note->roles, cases[i].bundles[j].roles);
			ck_assert_uint_eq(note->warnings.count, warnings);
			if (warnings > 0)
				ck_assert_ptr_nonnull(strstr(note->warnings.items[0], note->name));
		}
		vb_auto_strv struct vb_strv all = {0};
		ck_assert_int_eq(vb_supply_notes_list(&notes, &all), 0);
		ck_assert_uint_eq(all.count, warnings * cases[i].count);
	}
}
END_TEST

START_TEST(a_bundle_has_profiles_of_its_own)
{
	static const char manifest[] =
		"{\"kind\":\"bundle\",\"schema_version\":\"1.6\",\"name\":\"arm\",\"version\":"
		"\"1\",\"hardening\":{\"seccomp\":{\"profile\":\"p\"}}}";
	vb_auto_strv struct vb_strv bundle_dirs = {0};
	const struct vb_request request = {.bundle_name = (char[]){"arm"}};
	const struct vb_supply_question question = {"robots", &request};
	vb_auto_config struct vb_config config = {0};
	vb_auto_supply_notes struct vb_supply_notes notes = {0};

	ck_assert_int_eq(vb_file_make_directories("bundles/arm/profiles", &err), 0);
	ck_assert_int_eq(vb_strv_add(&bundle_dirs, "bundles"), 0);
	write_file("bundles/arm/manifest.json", manifest);
	write_file("bundles/arm/profiles/p.json", DENYING("chmod"));
	vb_auto_bundle_store struct vb_bundle_store *bundles = vb_bundle_store_create(&bundle_dirs);
	const struct vb_stores stores = {bundles, store};
	for (int round = 0; round < 2; round++) {
		vb_auto_supply struct vb_supply supply = {0};
		ck_assert_msg(
			vb_supply_gather(&stores, &config, &question, &notes, &supply, &err) == 0,
			"%s", err.what);
		ck_assert_str_eq(supply.bundle->name, "arm");
		ck_assert_str_eq(supply.bundled_profile->text, DENYING("chmod"));
		ck_assert_ptr_null(supply.annotated_profile);
		ck_assert_uint_eq(notes.bundle_count, 1);
		ck_assert_uint_eq(notes.bundles[0].warnings.count, (size_t)round);
		write_file("bundles/arm/profiles/p.json", "[]");
	}
	ck_assert_str_eq(notes.bundles[0].name, "arm");
	ck_assert_str_eq(notes.bundles[0].warnings.items[0],
		"profile 'p' of bundle 'arm': the JSON text is not an object");
	ck_assert_int_eq(chmod("bundles/arm/profiles", 0777), 0);
	vb_auto_supply struct vb_supply supply = {0};
	ck_assert_int_eq(
		vb_supply_gather(&stores, &config, &question, NULL, &supply, NULL), -EPERM);
	assert_refused_here(vb_supply_gather(&stores, &config, &question, NULL, &supply, &err),
		"ErrProfileInvalid: seccomp profile 'p' of bundle 'arm': others than root can "
		"write 'profiles': chown it to root and chmod go-w");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("profile_store");

	tcase_add_checked_fixture(tcase, start, finish);
	tcase_add_test(tcase, a_file_below_a_directory_is_found_however_its_path_is_written);
	tcase_add_test(tcase, a_changed_file_is_read_anew);
	tcase_add_test(tcase, an_unchanged_file_is_the_same_profile);
	tcase_add_test(tcase, an_update_that_is_not_usable_leaves_the_last_good_one_in_use);
	tcase_add_test(tcase, a_file_that_was_removed_is_not_there);
	tcase_add_test(tcase, more_files_than_are_kept_are_all_served);
	tcase_add_test(tcase, a_profile_in_use_outlives_the_store_and_its_file);
	tcase_add_test(tcase, a_configmap_with_its_links_works);
	tcase_add_test(tcase, links_and_paths_that_lead_out_are_refused);
	tcase_add_test(tcase, what_others_can_write_is_refused);
	tcase_add_test(tcase, what_is_no_readable_file_is_refused);
	tcase_add_test(tcase, a_file_may_have_one_mebibyte_and_no_byte_more);
	tcase_add_test(tcase, what_was_worked_around_is_kept_by_bundle_and_by_whose_it_is);
	tcase_add_test(tcase, a_bundle_has_profiles_of_its_own);
	return vb_unit_run("profile_store", tcase);
}
