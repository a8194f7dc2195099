/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thousand bundles of 80 dlopen and 200 connect entries, looked up and decided upon
 * in this process, then by the daemon with a runtime played to it. Prints medians and what the
 * daemon has resident; judges nothing. As root.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bundle_support.h"
#include "nri_runtime.h"
#include "tar_maker.h"
#include "vb/adjust/bundle_tar.h"
#include "vb/adjust/decide.h"
#include "vb/base/file.h"

enum { BUNDLES = 1000, RUNS = 1000 };

static double times[RUNS];

static double now_us(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static int compare_times(const void *left, const void *right)
{
	const double *a = left;
	const double *b = right;

	return (*a > *b) - (*a < *b);
}

static void print_times(const char *what)
{
	qsort(times, RUNS, sizeof(times[0]), compare_times);
	printf("%-44s median %8.0f us, longest %8.0f us\n", what, times[RUNS / 2], times[RUNS - 1]);
}

/* From the bundle's name to the plan's bytes, as the daemon's worker does it. */
static void decide(struct vb_bundle_store *store, const char *name)
{
	const struct vb_subject subject = {.namespace_name = "robots",
		.pod = "arm-7",
		.container = "driver",
		.handler = "vambrace",
		.shim_installed = true};
	const struct vb_request request = {.asked = true};
	const struct vb_bundle *bundle = NULL;
	vb_auto_config struct vb_config config = {0};
	vb_auto_plan struct vb_plan *plan = NULL;
	struct vb_error err = {0};

	ck_assert_int_eq(vb_config_init(&config), 0);
	ck_assert_msg(vb_bundle_store_get(store, name, NULL, &bundle, &err) == 0, "%s", err.what);
	const struct vb_supply supply = {.bundle = bundle};
	ck_assert_msg(vb_plan_decide(&subject, &request, &supply, &config, &plan, &err) == 0, "%s",
		err.what);
	vb_auto_free char *text = vb_plan_to_json(plan);
	ck_assert_ptr_nonnull(text);
}

static void time_decisions(struct vb_bundle_store *store, const char *what, unsigned int step)
{
	for (unsigned int i = 0; i < RUNS; i++) {
		const char *name = bundle_large_name(i * step);
		double start = now_us();
		decide(store, name);
		times[i] = now_us() - start;
	}
	print_times(what);
}

START_TEST(decisions)
{
	struct vb_bundle_store *store = bundle_start_store();

	vb_bundle_store_accept_any_owner(store);
	for (unsigned int i = 0; i < BUNDLES; i++)
		bundle_install_large("first", i);
	time_decisions(store, "decision, bundle read and parsed", 1);
	time_decisions(store, "decision, bundle kept packed", 1);
	time_decisions(store, "decision, bundle kept ready", 0);
	bundle_finish_store(store);
}
END_TEST

static void print_memory(const struct runtime *runtime, const char *when)
{
	vb_auto_free char *path = vb_str_format("/proc/%d/status", runtime->daemon);
	vb_auto_free char *text = NULL;
	struct vb_error err;

	ck_assert_int_eq(vb_file_read_stream(AT_FDCWD, path, 1 << 16, &text, &err), 0);
	const char *resident = strstr(text, "VmRSS:");
	const char *most = strstr(text, "VmHWM:");
	ck_assert(resident != NULL && most != NULL);
	printf("%-44s %.*s, at most %.*s\n", when, (int)strcspn(resident + 6, "\n"), resident + 6,
		(int)strcspn(most + 6, "\n"), most + 6);
}

static void time_creations(struct runtime *runtime, const char *what, unsigned int step)
{
	for (unsigned int i = 0; i < RUNS; i++) {
		const struct event_text text = {.handler = "vambrace",
			.annotation = "bundle.vambrace.dev",
			.value = bundle_large_name(i * step)};
		double start = now_us();
		const struct answer *answer =
			runtime_call(runtime, "CreateContainer", event_payload(&text));
		times[i] = now_us() - start;
		ck_assert_msg(answer->code == 0, "%s", answer->message);
	}
	print_times(what);
	print_memory(runtime, "daemon resident");
}

START_TEST(daemon_with_a_thousand_bundles)
{
	struct runtime runtime;

	runtime_init(&runtime);
	/* The daemon only looks whether it is there. */
	bundle_write(VB_SHIM_HOST_PATH, "", 0);
	for (unsigned int i = 0; i < BUNDLES; i++)
		bundle_install_large(RUNTIME_BUNDLE, i);
	runtime_start_daemon(&runtime, "{\"bundle_dirs\":[\"" RUNTIME_BUNDLE "\"]}");
	(void)runtime_greet(&runtime, "2.1.9");
	print_memory(&runtime, "daemon resident, before");
	time_creations(&runtime, "CreateContainer, bundle read and parsed", 1);
	time_creations(&runtime, "CreateContainer, bundle kept packed", 1);
	time_creations(&runtime, "CreateContainer, bundle kept ready", 0);
	runtime_finish(&runtime);
}
END_TEST

/* The largest tar there can be, of which all is looked at. */
START_TEST(tar)
{
	static const uint8_t zeros[VB_BUNDLE_TAR_MAX];
	const struct tar_header header = {.name = "policies/large"};

	tar_begin();
	tar_add("manifest.json", "{}");
	tar_add_header(&header, sizeof(zeros) - 4096);
	tar_add_content(zeros, sizeof(zeros) - 4096);
	tar_end();
	for (unsigned int i = 0; i < RUNS; i++) {
		vb_auto_bundle_tar struct vb_bundle_tar read = {0};
		struct vb_error err;
		double start = now_us();
		ck_assert_int_eq(vb_bundle_tar_read(tar_data(), tar_size(), "manifest.json",
					 1 << 20, &read, &err),
			0);
		times[i] = now_us() - start;
	}
	print_times("walk of a tar of 16 MiB");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bundles");
	TCase *tcase = tcase_create("bundles");

	tcase_set_timeout(tcase, 600);
	tcase_add_test(tcase, decisions);
	tcase_add_test(tcase, tar);
	tcase_add_test(tcase, daemon_with_a_thousand_bundles);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
