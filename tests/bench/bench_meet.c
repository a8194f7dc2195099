/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long the seccomp engine takes for one container: containerd's default profile, read, met
 * with what Vambrace brings along, and written; and how long a config.json takes that holds little
 * else, from text to text, at first and when the same two were met before. Prints medians; judges
 * nothing.
 */
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vb/adjust/oci_apply.h"
#include "vb/adjust/oci_document.h"
#include "vb/adjust/plan.h"
#include "vb/adjust/profile.h"
#include "vb/adjust/starter.h"
#include "vb/base/cleanup.h"
#include "vb/base/file.h"

enum { RUNS = 101, TEXT_MAX = 1 << 20 };

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

/* As in the hook, a file; here one for all keys. */
static char memory_path[] = "/tmp/vambrace-bench-XXXXXX";

static char *recall(void *context, const char *key)
{
	char *text = NULL;
	size_t size;

	(void)context;
	(void)key;
	return vb_file_read(memory_path, TEXT_MAX, &text, &size, NULL) == 0 ? text : NULL;
}

static void keep(void *context, const char *key, const char *text)
{
	FILE *file = fopen(memory_path, "we");

	(void)context;
	(void)key;
	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
		exit(1);
}

/* A config.json with the profile of that file; the caller frees it. */
static char *make_config(const char *path)
{
	json_t *spec = json_pack("{s:s,s:{},s:{s:s},s:{s:o}}", "ociVersion", "1.0.2", "process",
		"root", "path", "rootfs", "linux", "seccomp", json_load_file(path, 0, NULL));
	char *text = json_dumps(spec, JSON_COMPACT);

	json_decref(spec);
	if (text == NULL)
		exit(1);
	return text;
}

/* As the hook does it, from the text to the text. */
static void edit_config(const char *config, struct vb_oci_edit *edit)
{
	vb_auto_oci_document struct vb_oci_document document = {0};
	vb_auto_receipt struct vb_receipt receipt = {0};
	vb_auto_free char *edited = NULL;
	struct vb_error err = {0};
	size_t size = 0;

	edit->seccomp = &document.seccomp;
	int r = vb_oci_document_read(config, strlen(config), &document, &err);
	if (r == 0)
		r = vb_oci_apply(document.tree, edit, &receipt, &err);
	if (r == 0)
		r = vb_oci_document_write(&document, &edited, &size, &err);
	stop_at(r, &err);
}

/* The first container of a kind meets, all others are told. */
static void measure_memory(const char *file)
{
	const struct vb_oci_memory memory = {.recall = recall, .keep = keep};
	vb_auto_plan struct vb_plan *plan = vb_plan_create();
	struct vb_oci_edit edit = {
		.plan = plan, .layers = 1U << VB_LAYER_SECCOMP, .native = SCMP_ARCH_X86_64};
	char path[512];
	double times[2][RUNS];

	if (plan == NULL)
		exit(1);
	plan->sources[VB_LAYER_SECCOMP] = VB_SOURCE_DEFAULT;
	plan->seccomp.starter = true;
	(void)snprintf(path, sizeof(path), "%s/profiles/%s", VB_TEST_DATA, file);
	vb_auto_free char *config = make_config(path);
	for (size_t i = 0; i < (size_t)2 * RUNS; i++) {
		/* The first half remembers nothing; the first of the others still has to meet. */
		edit.memory = i < RUNS ? NULL : &memory;
		double start = now_us();
		edit_config(config, &edit);
		times[i / RUNS][i % RUNS] = now_us() - start;
	}
	printf("%-32s %-30s %6.0f %6.0f\n", file, "starter, by the renderer", median(times[0]),
		median(times[1]));
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
	printf("meet includes check; total is read, meet and write\n\n");
	int fd = mkstemp(memory_path);
	vb_cleanup_close(&fd);
	printf("%-32s %-30s %6s %6s\n", "base", "met with", "first", "again");
	for (size_t i = 0; i < VB_ARRAY_SIZE(files); i++)
		measure_memory(files[i]);
	return unlink(memory_path) == 0 ? 0 : 1;
}
