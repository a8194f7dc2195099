/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "metrics.h"
#include "unit.h"
#include "vb/adjust/codes.h"
#include "vb/base/file.h"

#define EXPECTED VB_TEST_DATA "/golden/metrics/expected.txt"

static char *render(const struct vb_metrics *metrics)
{
	vb_auto_buf struct vb_buf *text = vb_buf_create(1 << 16);

	ck_assert_int_eq(vb_metrics_render(metrics, text), 0);
	return vb_buf_strdup(text);
}

static void fill_times(struct vb_metrics *metrics)
{
	static const uint64_t create_us[] = {3, 63, 64, 180, 200, 1500000, 70000000};

	for (size_t i = 0; i < VB_ARRAY_SIZE(create_us); i++)
		vb_histogram_add(&metrics->times[VB_METRICS_CREATE], create_us[i]);
	vb_histogram_add(&metrics->times[VB_METRICS_START], 2097151);
	vb_histogram_add(&metrics->times[VB_METRICS_START], 2097152);
}

/* No two numbers are the same, so that none can stand in another's place. */
static struct vb_metrics filled(void)
{
	struct vb_metrics metrics = {.version = "0.1.0",
		.admitted = 1001,
		.passed = 1002,
		.opt_outs = 1003,
		.containers = {1011, 1012, 1013, 1014},
		.unhardened = {1021, 1022, 1023},
		.is_registered = true,
		.registrations = 1032,
		.configs_loaded = 1041,
		.configs_kept = 1042,
		.has_config_problem = true,
		.bundles = {.count = 1051, .bytes = 1052},
		.bundles_loaded = 1053,
		.bundles_kept = 1054,
		.bundle_problems = 1055,
		.audit = {.frames = 1061,
			.bytes = 1062,
			.lost = 1064,
			.repairs = 1065,
			.rotations = 1066},
		.has_audit_problem = true,
		.process = {.resident_bytes = 1071, .open_fds = 1072, .cpu_us = 12345678}};

	for (size_t i = 0; i < VB_METRICS_CODES; i++)
		metrics.refused[i] = 1100 + i;
	for (size_t i = 0; i < VB_LAYER_COUNT; i++) {
		metrics.layers_failed[i] = 1200 + i;
		metrics.layers_unsupported[i] = 1300 + i;
	}
	fill_times(&metrics);
	return metrics;
}

START_TEST(the_page_is_this)
{
	const struct vb_metrics metrics = filled();
	struct vb_error err = {0};
	vb_auto_free char *expected = NULL;
	vb_auto_free char *text = render(&metrics);
	size_t size = 0;

	ck_assert_msg(vb_file_read(EXPECTED, 1 << 16, &expected, &size, &err) == 0, "%s", err.what);
	/* libcheck takes no message of that length. */
	if (strcmp(text, expected) != 0)
		(void)fprintf(stderr, "%s", text);
	ck_assert_msg(strcmp(text, expected) == 0, "%s is not what stands above", EXPECTED);
}
END_TEST

START_TEST(before_anything_happened_all_series_are_there_already)
{
	const struct vb_metrics empty = {.version = "0.1.0"};
	const struct vb_metrics metrics = filled();
	vb_auto_free char *text = render(&empty);
	vb_auto_free char *full = render(&metrics);
	size_t lines = 0;
	size_t full_lines = 0;

	for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	for (const char *at = full; (at = strchr(at, '\n')) != NULL; at++)
		full_lines++;
	ck_assert_uint_eq(lines, full_lines);
	ck_assert_ptr_nonnull(strstr(text, "\nvambrace_reconnects_total 0\n"));
	ck_assert_ptr_nonnull(strstr(text, "_sum{request=\"create\"} 0.000000\n"));
}
END_TEST

START_TEST(a_page_without_room_is_an_error)
{
	const struct vb_metrics metrics = filled();
	vb_auto_buf struct vb_buf *text = vb_buf_create(4096);

	ck_assert_int_eq(vb_metrics_render(&metrics, text), -ENOSPC);
}
END_TEST

START_TEST(refusals_are_counted_by_their_code)
{
	struct vb_metrics metrics = {.version = "0.1.0"};
	/* Not the literal itself. */
	char code[] = VB_CODE_CONFLICT;

	vb_metrics_count_refusal(&metrics, code);
	vb_metrics_count_refusal(&metrics, VB_CODE_REQUIRES_RUNTIME);
	vb_metrics_count_refusal(&metrics, VB_CODE_INTERNAL);
	vb_metrics_count_refusal(&metrics, NULL);
	vb_metrics_count_refusal(&metrics, "ErrNew");
	vb_auto_free char *text = render(&metrics);
	ck_assert_ptr_nonnull(strstr(text, "\"refused\",code=\"ErrConflict\"} 1\n"));
	ck_assert_ptr_nonnull(
		strstr(text, "\"refused\",code=\"ErrHardeningRequiresRuntime\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(text, "\"refused\",code=\"ErrInternal\"} 3\n"));
	ck_assert_ptr_nonnull(strstr(text, "\"refused\",code=\"ErrDeadline\"} 0\n"));
}
END_TEST

START_TEST(layers_and_findings_are_counted_by_what_became_of_them)
{
	struct vb_metrics metrics = {.version = "0.1.0"};
	struct vb_outcome outcome = {0};

	outcome.layers[VB_LAYER_TMPFS].state = VB_LAYER_FAILED;
	outcome.layers[VB_LAYER_PRELOAD].state = VB_LAYER_UNSUPPORTED;
	outcome.layers[VB_LAYER_SECCOMP].state = VB_LAYER_APPLIED;
	vb_metrics_count_layers(&metrics, &outcome);
	vb_metrics_count_layers(&metrics, &outcome);
	vb_metrics_count_unhardened(&metrics, "report");
	vb_metrics_count_unhardened(&metrics, "not-killed");
	vb_auto_free char *text = render(&metrics);
	ck_assert_ptr_nonnull(strstr(text, "layers_failed_total{layer=\"tmpfs\"} 2\n"));
	ck_assert_ptr_nonnull(strstr(text, "layers_unsupported_total{layer=\"preload\"} 2\n"));
	ck_assert_ptr_nonnull(strstr(text, "layers_failed_total{layer=\"seccomp\"} 0\n"));
	ck_assert_ptr_nonnull(strstr(text, "unhardened_total{action=\"report\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(text, "unhardened_total{action=\"killed\"} 0\n"));
	ck_assert_ptr_nonnull(strstr(text, "unhardened_total{action=\"not-killed\"} 1\n"));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("metrics");

	tcase_add_test(tcase, the_page_is_this);
	tcase_add_test(tcase, before_anything_happened_all_series_are_there_already);
	tcase_add_test(tcase, a_page_without_room_is_an_error);
	tcase_add_test(tcase, refusals_are_counted_by_their_code);
	tcase_add_test(tcase, layers_and_findings_are_counted_by_what_became_of_them);
	return vb_unit_run("metrics", tcase);
}
