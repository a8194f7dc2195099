/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "file_clock.h"
#include "oci_node.h"
#include "settings.h"
#include "unit.h"

#define PATH "/run/config/config.json"

static struct vb_settings_file *file;
static struct vb_settings *settings;
static struct vb_error err;

// NOLINTBEGIN(readability-identifier-naming): the linker chooses these names.
int __real_stat64(const char *path, struct stat *st);
int __wrap_stat64(const char *path, struct stat *st);
int __wrap_stat64(const char *path, struct stat *st)
{
	int r = __real_stat64(path, st);

	file_clock_stamp(st);
	return r;
}

// NOLINTEND(readability-identifier-naming)

static void start(void)
{
	support_enter_node();
	support_make_directories("/run/config");
	memset(&err, 0, sizeof(err));
	file_clock = (struct timespec){0};
	file = vb_settings_file_create(PATH);
	ck_assert_ptr_nonnull(file);
}

static void finish(void)
{
	vb_settings_destroy(settings);
	vb_settings_file_destroy(file);
}

static int refresh(bool forced)
{
	vb_settings_destroy(settings);
	settings = NULL;
	memset(&err, 0, sizeof(err));
	return vb_settings_refresh(file, forced, &settings, &err);
}

static void load(void)
{
	ck_assert_msg(vb_settings_load(file, &settings, &err) == 0, "%s", err.what);
}

START_TEST(no_file_means_the_defaults_and_a_file_that_comes_is_taken)
{
	load();
	ck_assert_uint_eq(settings->config.deadline_ms, 1500);
	ck_assert_str_eq(settings->digest, "");
	ck_assert_int_eq(refresh(false), 0);
	ck_assert_int_eq(refresh(true), 0);
	support_write_file(PATH, "{\"deadline_ms\":200}", 0644);
	ck_assert_int_eq(refresh(false), 1);
	ck_assert_uint_eq(settings->config.deadline_ms, 200);
	ck_assert_int_eq(strncmp(settings->digest, "sha256:", 7), 0);
	ck_assert_ptr_null(settings->problem);
}
END_TEST

START_TEST(the_same_file_is_read_again_only_when_forced)
{
	support_write_file(PATH, "{\"deadline_ms\":200}", 0644);
	load();
	ck_assert_int_eq(refresh(false), 0);
	ck_assert_ptr_null(settings);
	ck_assert_int_eq(refresh(true), 1);
	ck_assert_uint_eq(settings->config.deadline_ms, 200);
}
END_TEST

START_TEST(a_bad_file_fails_once_with_its_path_and_a_good_one_is_taken_again)
{
	support_write_file(PATH, "{\"deadline_ms\":200}", 0644);
	load();
	support_write_file(PATH, "{\"deadline_ms\":2}", 0644);
	ck_assert_int_eq(refresh(false), -EINVAL);
	ck_assert_str_eq(err.what, "node config '" PATH "': config.deadline_ms must be a number "
				   "from 100 to 60000");
	ck_assert_int_eq(refresh(false), 0);
	ck_assert_int_eq(refresh(true), -EINVAL);
	support_write_file(PATH, "{\"deadline_ms\":300}", 0644);
	ck_assert_int_eq(refresh(false), 1);
	ck_assert_uint_eq(settings->config.deadline_ms, 300);
}
END_TEST

START_TEST(a_good_file_that_could_not_be_opened_is_taken_at_the_next_look)
{
	struct rlimit limit;

	support_write_file(PATH, "{\"deadline_ms\":200}", 0644);
	load();
	support_write_file(PATH, "{\"deadline_ms\":300}", 0644);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	const struct rlimit none = {.rlim_max = limit.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	int r = refresh(false);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(r, -EMFILE);
	ck_assert_int_eq(refresh(false), 1);
	ck_assert_uint_eq(settings->config.deadline_ms, 300);
	ck_assert_int_eq(refresh(false), 0);
}
END_TEST

START_TEST(a_file_that_has_gone_is_a_failure_and_not_the_defaults)
{
	support_write_file(PATH, "{\"deadline_ms\":200}", 0644);
	load();
	ck_assert_int_eq(unlink(PATH), 0);
	ck_assert_int_eq(refresh(false), -ENOENT);
	ck_assert_ptr_null(settings);
	ck_assert_int_eq(refresh(false), 0);
}
END_TEST

/* As kubelet does it: files behind a link that is replaced as a whole. */
START_TEST(a_config_map_that_turns_its_link_round_is_a_change)
{
	support_make_directories("/run/config/..1");
	support_make_directories("/run/config/..2");
	support_write_file("/run/config/..1/config.json", "{\"deadline_ms\":201}", 0644);
	support_write_file("/run/config/..2/config.json", "{\"deadline_ms\":202}", 0644);
	ck_assert_int_eq(symlink("..1", "/run/config/..data"), 0);
	ck_assert_int_eq(symlink("..data/config.json", PATH), 0);
	load();
	ck_assert_uint_eq(settings->config.deadline_ms, 201);
	ck_assert_int_eq(symlink("..2", "/run/config/..data_tmp"), 0);
	ck_assert_int_eq(rename("/run/config/..data_tmp", "/run/config/..data"), 0);
	ck_assert_int_eq(refresh(false), 1);
	ck_assert_uint_eq(settings->config.deadline_ms, 202);
}
END_TEST

START_TEST(a_change_in_the_tick_of_the_one_before_is_seen)
{
	support_write_file(PATH, "{\"deadline_ms\":201}", 0644);
	file_clock_start();
	load();
	ck_assert_int_eq(refresh(false), 0);
	support_write_file(PATH, "{\"deadline_ms\":202}", 0644);
	ck_assert_int_eq(refresh(false), 1);
	ck_assert_uint_eq(settings->config.deadline_ms, 202);
	support_write_file(PATH, "{\"deadline_ms\":{{{}", 0644);
	ck_assert_int_eq(refresh(false), -EINVAL);
	ck_assert_int_eq(refresh(false), 0);
	support_write_file(PATH, "{\"deadline_ms\":203}", 0644);
	file_clock_tick();
	ck_assert_int_eq(refresh(false), 1);
	ck_assert_uint_eq(settings->config.deadline_ms, 203);
	/* From then on the times tell. */
	support_write_file(PATH, "{\"deadline_ms\":204}", 0644);
	ck_assert_int_eq(refresh(false), 0);
	ck_assert_int_eq(refresh(true), 1);
}
END_TEST

START_TEST(a_first_file_that_is_bad_or_no_file_fails)
{
	support_write_file(PATH, "{", 0644);
	ck_assert_int_eq(vb_settings_load(file, &settings, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.what, "node config '" PATH "': JSON error"));
	ck_assert_int_eq(unlink(PATH), 0);
	ck_assert_int_eq(mkfifo(PATH, 0644), 0);
	ck_assert_int_eq(vb_settings_load(file, &settings, &err), -EINVAL);
}
END_TEST

START_TEST(a_link_that_leads_nowhere_is_not_the_lack_of_a_file)
{
	ck_assert_int_eq(symlink("..data/config.json", PATH), 0);
	ck_assert_int_eq(vb_settings_load(file, &settings, &err), -ENOLINK);
	ck_assert_str_eq(err.what,
		"node config '" PATH "': it is a link that leads nowhere; put its file back, or "
		"remove the link for the built-in settings");
	ck_assert_ptr_null(settings);
	support_make_directories("/run/config/..data");
	support_write_file("/run/config/..data/config.json", "{\"deadline_ms\":200}", 0644);
	ck_assert_int_eq(refresh(false), 1);
	ck_assert_uint_eq(settings->config.deadline_ms, 200);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("settings");

	tcase_add_checked_fixture(tcase, start, finish);
	tcase_add_test(tcase, no_file_means_the_defaults_and_a_file_that_comes_is_taken);
	tcase_add_test(tcase, the_same_file_is_read_again_only_when_forced);
	tcase_add_test(tcase, a_bad_file_fails_once_with_its_path_and_a_good_one_is_taken_again);
	tcase_add_test(tcase, a_good_file_that_could_not_be_opened_is_taken_at_the_next_look);
	tcase_add_test(tcase, a_file_that_has_gone_is_a_failure_and_not_the_defaults);
	tcase_add_test(tcase, a_config_map_that_turns_its_link_round_is_a_change);
	tcase_add_test(tcase, a_change_in_the_tick_of_the_one_before_is_seen);
	tcase_add_test(tcase, a_first_file_that_is_bad_or_no_file_fails);
	tcase_add_test(tcase, a_link_that_leads_nowhere_is_not_the_lack_of_a_file);
	return vb_unit_run("settings", tcase);
}
