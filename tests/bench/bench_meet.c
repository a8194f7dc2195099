/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long the seccomp engine takes for one container: containerd's default profile, read, met
 * with what Vambrace brings along, and written. Prints medians; judges nothing.
 */
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "vb/adjust/profile.h"
#include "vb/adjust/starter.h"
#include "vb/base/cleanup.h"

enum { RUNS = 101 };

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

static double median(double times[RUNS])
{
	qsort(times, RUNS, sizeof(times[0]), compare_times);
	return times[RUNS / 2];
}

static void stop_at(int r, const struct vb_error *err)
{
	if (r == 0)
		return;
	(void)fprintf(stderr, "%s\n", err->what);
	exit(1);
}

enum step { READ, MEET, CHECK, WRITE, STEPS };

static void run_once(
	const json_t *json, const struct vb_starter_options *options, double times[STEPS])
{
	vb_auto_profile struct vb_profile *base = NULL;
	vb_auto_profile struct vb_profile *starter = NULL;
	vb_auto_profile struct vb_profile *result = NULL;
	struct vb_error err = {0};
	double start = now_us();

	stop_at(vb_profile_from_json(json, options->native, &base, &err), &err);
	stop_at(vb_profile_starter(options, &starter, &err), &err);
	times[READ] = now_us() - start;
	start = now_us();
	stop_at(vb_profile_meet(base, starter, &result, &err), &err);
	times[MEET] = now_us() - start;
	start = now_us();
	stop_at(vb_profile_check_quick(base, starter, result, &err), &err);
	times[CHECK] = now_us() - start;
	start = now_us();
	json_decref(vb_profile_to_json(result));
	times[WRITE] = now_us() - start;
}

static void measure(const char *file, const char *what, const struct vb_starter_options *options)
{
	char path[512];
	double times[STEPS][RUNS];
	double total[RUNS];

	(void)snprintf(path, sizeof(path), "%s/profiles/%s", VB_TEST_DATA, file);
	json_t *json = json_load_file(path, 0, NULL);
	if (json == NULL)
		exit(1);
	for (size_t i = 0; i < RUNS; i++) {
		double one[STEPS];
		run_once(json, options, one);
		for (size_t j = 0; j < STEPS; j++)
			times[j][i] = one[j];
		total[i] = one[READ] + one[MEET] + one[WRITE];
	}
	json_decref(json);
	printf("%-32s %-30s %6.0f %6.0f %6.0f %6.0f %6.0f\n", file, what, median(times[READ]),
		median(times[MEET]), median(times[CHECK]), median(times[WRITE]), median(total));
}

int main(void)
{
	static const char *const files[] = {
		"containerd-1.7.24-default.json", "containerd-2.1.9-default.json"};

	printf("%-32s %-30s %6s %6s %6s %6s %6s  (median of %d, in us)\n", "base", "met with",
		"read", "meet", "check", "write", "total", RUNS);
	for (size_t i = 0; i < VB_ARRAY_SIZE(files); i++) {
		struct vb_starter_options options = {
			.native = SCMP_ARCH_X86_64, .parts = VB_STARTER_DENIALS};
		measure(files[i], "starter", &options);
		options.parts |= VB_STARTER_CLOSURE;
		measure(files[i], "starter, closure", &options);
		options.native_abi_only = true;
		measure(files[i], "starter, closure, native ABI", &options);
	}
	printf("meet includes check; total is read, meet and write\n");
	return 0;
}
