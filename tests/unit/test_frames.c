/* SPDX-License-Identifier: Apache-2.0 */
/* The very bytes of frames that log scrapers read; changing one is a breaking change. */
#include <string.h>

#include "frames.h"
#include "unit.h"
#include "vb/base/cleanup.h"

#define HEAD(event) "{\"event\":\"" event "\",\"ts\":\"2026-11-29T02:03:53.000000042Z\","
#define WHO                                                                                        \
	"\"namespace\":\"robots\",\"pod\":\"arm-0\",\"container\":\"ctl\","                        \
	"\"container_id\":\"c0ffee\",\"handler\":\"vambrace\","

static const struct timespec at = {.tv_sec = 1795917833, .tv_nsec = 42};
static struct vb_audit_frame frame;

static char *text(const char *value)
{
	char *copy = strdup(value);

	ck_assert_ptr_nonnull(copy);
	return copy;
}

static void expect(const char *line)
{
	vb_audit_end(&frame);
	frame.text[frame.used] = '\0';
	ck_assert_str_eq(frame.text, line);
}

START_TEST(an_admission_lists_the_layers_that_were_asked)
{
	vb_auto_plan struct vb_plan *plan = vb_plan_create();

	plan->namespace_name = text("robots");
	plan->pod = text("arm-0");
	plan->container = text("ctl");
	plan->handler = text("vambrace");
	plan->bundle_name = text("arm");
	plan->bundle_is_default = true;
	plan->floor_name = text("base");
	plan->bundle_digest = text("sha256:b");
	plan->sources[VB_LAYER_SECCOMP] = VB_SOURCE_DEFAULT;
	plan->sources[VB_LAYER_PRELOAD] = VB_SOURCE_BUNDLE;
	const struct vb_admission admission = {"c0ffee", plan, "sha256:p"};
	vb_frame_admission(&frame, &at, &admission);
	expect(HEAD("admission") WHO "\"bundle\":\"arm\",\"bundle_digest\":\"sha256:b\","
				     "\"plan_digest\":\"sha256:p\",\"bundle_is_default\":true,"
				     "\"floor\":\"base\","
				     "\"floor_digest\":null,\"layers\":{"
				     "\"seccomp\":\"asked\",\"preload\":\"asked\"}}\n");
	/* Scrapers look for the beginning of this one. */
	plan->opt_out_reason = text("vendor blob, ticket \"42\"");
	vb_frame_opt_out(&frame, &at, &admission);
	expect(HEAD("seccomp-opt-out") WHO
		"\"bundle\":\"arm\",\"bundle_digest\":\"sha256:b\","
		"\"plan_digest\":\"sha256:p\",\"reason\":\"vendor blob, ticket \\\"42\\\"\"}\n");
}
END_TEST

START_TEST(a_refusal_counts_what_was_not_reported_yet)
{
	const struct vb_refusal refusal = {.namespace_name = "robots",
		.pod = "arm-0",
		.container = "ctl",
		.container_id = "c0ffee",
		.handler = "vambrace",
		.request = "CreateContainer",
		.code = "ErrConflict",
		.line = "vambrace: ErrConflict: \"quoted\"",
		.count = 9,
		.unreported = 7,
		.unreported_since = {.tv_sec = 1795917833}};

	vb_frame_refusal(&frame, &at, &refusal);
	expect(HEAD("refusal") WHO
		"\"bundle\":null,\"bundle_digest\":null,\"plan_digest\":null,"
		"\"request\":\"CreateContainer\",\"code\":\"ErrConflict\","
		"\"error\":\"vambrace: ErrConflict: \\\"quoted\\\"\",\"count\":7,"
		"\"since\":\"2026-11-29T02:03:53.000000000Z\"}\n");
}
END_TEST

START_TEST(an_outcome_has_a_word_for_each_layer_and_the_reasons)
{
	vb_auto_outcome struct vb_outcome outcome = {.namespace_name = text("robots"),
		.pod = text("arm-0"),
		.container = text("ctl"),
		.container_id = text("c0ffee"),
		.handler = text("vambrace"),
		.plan_digest = "sha256:p",
		.floor = text("base"),
		.floor_digest = text("sha256:f"),
		.level = VB_LEVEL_PARTIAL,
		.note = text("partial (no hook)")};

	outcome.layers[VB_LAYER_SECCOMP].state = VB_LAYER_APPLIED;
	outcome.layers[VB_LAYER_TMPFS].state = VB_LAYER_FAILED;
	outcome.layers[VB_LAYER_TMPFS].reason = text("/tmp is not mounted");
	vb_frame_outcome(&frame, &at, &outcome);
	expect(HEAD("outcome") WHO
		"\"bundle\":null,\"bundle_digest\":null,\"plan_digest\":\"sha256:p\","
		"\"bundle_is_default\":false,\"floor\":\"base\",\"floor_digest\":\"sha256:f\","
		"\"level\":\"partial\",\"layers\":{\"seccomp\":\"applied\","
		"\"spec_allow\":\"skipped\",\"capabilities\":\"skipped\","
		"\"read_only_rootfs\":\"skipped\",\"tmpfs\":\"failed\","
		"\"no_new_privileges\":\"skipped\",\"rlimits\":\"skipped\","
		"\"preload\":\"skipped\"},\"reasons\":{\"tmpfs\":\"/tmp is not mounted\"},"
		"\"note\":\"partial (no hook)\",\"problem\":null}\n");
}
END_TEST

START_TEST(an_unhardened_container_is_told_with_what_was_done)
{
	const struct vb_finding finding = {.namespace_name = "robots",
		.pod = "arm-0",
		.container = "ctl",
		.container_id = "c0ffee",
		.handler = "vambrace",
		.reason = "it runs without a plan of Vambrace",
		.action = "not-killed",
		.error = "kill process 7: Operation not permitted"};

	vb_frame_unhardened(&frame, &at, &finding);
	expect(HEAD("unhardened") WHO
		"\"bundle\":null,\"bundle_digest\":null,\"plan_digest\":null,"
		"\"reason\":\"it runs without a plan of Vambrace\",\"action\":\"not-killed\","
		"\"error\":\"kill process 7: Operation not permitted\"}\n");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("frames");

	tcase_add_test(tcase, an_admission_lists_the_layers_that_were_asked);
	tcase_add_test(tcase, a_refusal_counts_what_was_not_reported_yet);
	tcase_add_test(tcase, an_outcome_has_a_word_for_each_layer_and_the_reasons);
	tcase_add_test(tcase, an_unhardened_container_is_told_with_what_was_done);
	return vb_unit_run("frames", tcase);
}
