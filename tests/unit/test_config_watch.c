/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/stat.h>
#include <time.h>

#include "config_watch_sys.h"
#include "loop.h"
#include "oci_node.h"
#include "unit.h"

#define DIRECTORY "/run/etc/vambrace"
#define PATH      DIRECTORY "/config.json"

enum { PATIENCE_S = 20 };

static struct event_base *base;
static struct vb_config_watch *watch;
static unsigned int changes;

static void on_changed(void *context)
{
	(void)context;
	changes++;
}

static void start(void)
{
	support_enter_node();
	base = event_base_new();
	ck_assert_ptr_nonnull(base);
	ck_assert_int_eq(event_base_priority_init(base, VB_LOOP_PRIORITIES), 0);
	changes = 0;
}

static void finish(void)
{
	vb_config_watch_destroy(watch);
	event_base_free(base);
}

static void watch_config(void)
{
	watch = vb_config_watch_create(base, PATH, on_changed, NULL);
	ck_assert_ptr_nonnull(watch);
}

/* Takes what has happened so far. */
static void settle(void)
{
	ck_assert_int_ge(event_base_loop(base, EVLOOP_NONBLOCK), 0);
	changes = 0;
}

static void expect_change(void)
{
	time_t until = time(NULL) + PATIENCE_S;

	while (changes == 0 && time(NULL) < until)
		ck_assert_int_ge(event_base_loop(base, EVLOOP_ONCE), 0);
	ck_assert_uint_gt(changes, 0);
	settle();
}

static void write_config(void)
{
	support_write_file(PATH, "{}", 0644);
}

START_TEST(a_file_that_comes_is_a_change)
{
	support_make_directories(DIRECTORY);
	watch_config();
	settle();
	write_config();
	expect_change();
}
END_TEST

START_TEST(a_directory_that_comes_later_is_a_change_and_watched)
{
	watch_config();
	settle();
	support_make_directories(DIRECTORY);
	expect_change();
	write_config();
	expect_change();
}
END_TEST

START_TEST(a_directory_that_is_removed_and_made_again_is_watched)
{
	support_make_directories(DIRECTORY);
	watch_config();
	settle();
	ck_assert_int_eq(rmdir(DIRECTORY), 0);
	expect_change();
	support_make_directories(DIRECTORY);
	expect_change();
	write_config();
	expect_change();
}
END_TEST

START_TEST(a_directory_in_the_place_of_another_is_watched)
{
	support_make_directories(DIRECTORY);
	watch_config();
	settle();
	ck_assert_int_eq(rename(DIRECTORY, "/run/etc/former"), 0);
	support_make_directories(DIRECTORY);
	expect_change();
	write_config();
	expect_change();
	/* The former one is of no interest any more. */
	support_write_file("/run/etc/former/config.json", "{}", 0644);
	ck_assert_int_ge(event_base_loop(base, EVLOOP_NONBLOCK), 0);
	ck_assert_uint_eq(changes, 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("config_watch");

	tcase_add_checked_fixture(tcase, start, finish);
	tcase_set_timeout(tcase, 3 * PATIENCE_S);
	tcase_add_test(tcase, a_file_that_comes_is_a_change);
	tcase_add_test(tcase, a_directory_that_comes_later_is_a_change_and_watched);
	tcase_add_test(tcase, a_directory_that_is_removed_and_made_again_is_watched);
	tcase_add_test(tcase, a_directory_in_the_place_of_another_is_watched);
	return vb_unit_run("config_watch", tcase);
}
