/* SPDX-License-Identifier: Apache-2.0 */
/* What golden cases (tests/golden/status) cannot hold: a daemon that runs, and colours. */
#include <string.h>

#include "status.h"
#include "unit.h"
#include "vb/adjust/json.h"

static struct vb_status status;

static void start(void)
{
	status = (struct vb_status){
		.daemon = json_pack("{s:s,s:i,s:n,s:{s:b,s:s,s:s,s:s,s:s}}", "version", "0.1.0",
			"pid", 42, "stopped_at", "runtime", "connected", 1, "name", "containerd",
			"version", "2.3.4", "nri_version", "0.12.0", "since",
			"2026-11-29T01:43:53.000000001Z"),
		.runs = true,
		.containers = json_pack("[{s:s,s:s,s:s,s:s,s:s},{s:s,s:s,s:s,s:s,s:s}]",
			"namespace", "robots", "pod", "arm", "container", "main", "level", "full",
			"container_id", "0123456789abcdef", "namespace", "robots", "pod", "leg",
			"container", "main", "level", "none", "container_id", "fedcba9876543210"),
		.damaged = json_array(),
	};
	ck_assert_ptr_nonnull(status.daemon);
	ck_assert_ptr_nonnull(status.containers);
}

static void finish(void)
{
	vb_status_finish(&status);
}

static char *text(bool colour)
{
	vb_auto_buf struct vb_buf *out = vb_buf_create(1 << 16);

	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(vb_status_text(&status, false, colour, out), 0);
	char *copy = vb_buf_strdup(out);
	ck_assert_ptr_nonnull(copy);
	return copy;
}

/* The same without the ends of lines, wherever they are. */
static char *unfolded_text(void)
{
	char *copy = text(false);

	for (char *c = copy; (c = strchr(c, '\n')) != NULL;)
		*c = ' ';
	return copy;
}

START_TEST(a_daemon_that_runs_names_its_runtime)
{
	vb_auto_free char *report = text(false);

	ck_assert_int_eq(strncmp(report,
				 "vambrace-nri 0.1.0 (pid 42), registered with containerd 2.3.4, "
				 "NRI 0.12.0 since\n2026-11-29 01:43:53Z.\n",
				 85),
		0);
	ck_assert_ptr_null(strchr(report, '\033'));
}
END_TEST

START_TEST(a_daemon_without_a_runtime_says_so)
{
	json_t *runtime = json_object_get(status.daemon, "runtime");

	ck_assert_int_eq(json_object_set_new(runtime, "connected", json_false()), 0);
	vb_auto_free char *report = unfolded_text();
	ck_assert_ptr_nonnull(strstr(report, "but is not registered with a runtime: hardened"));
	ck_assert_ptr_null(strstr(report, "Hook: "));
	ck_assert_int_eq(json_object_set_new(runtime, "problem", json_string("no socket")), 0);
	vb_auto_free char *with_why = unfolded_text();
	ck_assert_ptr_nonnull(
		strstr(with_why, "but is not registered with a runtime (no socket): hardened"));
	ck_assert_ptr_nonnull(strstr(with_why, "`vambrace doctor` tells"));
}
END_TEST

START_TEST(a_hook_is_told_of_where_it_is_not_usable)
{
	status.hook = "ok";
	vb_auto_free char *well = unfolded_text();
	ck_assert_ptr_null(strstr(well, "Hook: "));
	status.hook = "ENOENT";
	vb_auto_free char *report = unfolded_text();
	ck_assert_ptr_nonnull(strstr(report,
		" Hook: /opt/vambrace/bin/vambrace-oci is not usable (ENOENT): no pod of its"));
	vb_auto_json json_t *json = vb_status_json(&status);
	ck_assert_str_eq(json_string_value(json_object_get(json, "hook")), "ENOENT");
}
END_TEST

static void set_daemons(json_t *daemons)
{
	json_decref(status.daemons);
	status.daemons = daemons;
	ck_assert_ptr_nonnull(daemons);
}

START_TEST(another_daemon_that_waits_is_told_of)
{
	set_daemons(json_pack("[{s:i,s:b}]", "pid", 42, "in_container", 0));
	vb_auto_free char *one = unfolded_text();
	ck_assert_ptr_null(strstr(one, "Plugins: "));
	set_daemons(json_pack("[{s:i,s:b},{s:i,s:b}]", "pid", 42, "in_container", 0, "pid", 43,
		"in_container", 1));
	vb_auto_free char *two = unfolded_text();
	ck_assert_ptr_nonnull(strstr(two, "(pid 42), registered with containerd"));
	ck_assert_ptr_nonnull(strstr(two, " Plugins: 2 vambrace-nri processes are on this host."));
	vb_auto_json json_t *json = vb_status_json(&status);
	ck_assert_uint_eq(json_array_size(json_object_get(json, "daemons")), 2);
}
END_TEST

/* daemon.json is lost, or of one that has ended; that is not to be taken for the daemon's end. */
START_TEST(a_daemon_that_daemon_json_does_not_tell_of_is_there_all_the_same)
{
	status.runs = false;
	set_daemons(json_array());
	vb_auto_free char *none = unfolded_text();
	ck_assert_ptr_nonnull(strstr(none, "is gone without a word"));
	set_daemons(json_pack("[{s:i,s:b}]", "pid", 43, "in_container", 0));
	vb_auto_free char *one = unfolded_text();
	ck_assert_ptr_nonnull(strstr(one, "vambrace-nri runs (pid 43), but daemon.json does not"));
	ck_assert_ptr_null(strstr(one, "refused"));
	json_decref(status.daemon);
	status.daemon = NULL;
	vb_auto_free char *lost = unfolded_text();
	ck_assert_ptr_nonnull(strstr(lost, "`kill -HUP 43` has it written anew."));
}
END_TEST

START_TEST(levels_have_colours_on_a_terminal)
{
	vb_auto_free char *report = text(true);

	ck_assert_ptr_nonnull(strstr(report, "\033[32mfull     \033[0m"));
	ck_assert_ptr_nonnull(strstr(report, "\033[1;31mnone     \033[0m"));
}
END_TEST

/* A name, and the pod that it means; two pods have a container of the name main. */
static const struct {
	const char *name;
	size_t count;
	const char *pod;
} names[] = {
	{"arm", 1, "arm"},
	{"main", 2, "arm"},
	{"robots/leg", 1, "leg"},
	{"robots/leg/main", 1, "leg"},
	{"fedcba9876543210", 1, "leg"},
	{"fedcba98", 1, "leg"},
	{"fedcba9", 0, NULL},
	{"robots", 0, NULL},
	{"robots/", 0, NULL},
	{"robots/leg/other", 0, NULL},
	{"robots/le", 0, NULL},
	{"", 0, NULL},
};

START_TEST(a_name_means_the_containers_that_have_it)
{
	ck_assert_int_eq(vb_status_select(&status, names[_i].name), 0);
	ck_assert_uint_eq(json_array_size(status.containers), names[_i].count);
	if (names[_i].count == 0)
		return;
	const json_t *pod = json_object_get(json_array_get(status.containers, 0), "pod");
	ck_assert_str_eq(json_string_value(pod), names[_i].pod);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("status");

	tcase_add_checked_fixture(tcase, start, finish);
	tcase_add_test(tcase, a_daemon_that_runs_names_its_runtime);
	tcase_add_test(tcase, a_daemon_without_a_runtime_says_so);
	tcase_add_test(tcase, a_hook_is_told_of_where_it_is_not_usable);
	tcase_add_test(tcase, another_daemon_that_waits_is_told_of);
	tcase_add_test(tcase, a_daemon_that_daemon_json_does_not_tell_of_is_there_all_the_same);
	tcase_add_test(tcase, levels_have_colours_on_a_terminal);
	tcase_add_loop_test(
		tcase, a_name_means_the_containers_that_have_it, 0, (int)VB_ARRAY_SIZE(names));
	return vb_unit_run("status", tcase);
}
