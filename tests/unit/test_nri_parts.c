/* SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "histogram.h"
#include "kernel_log.h"
#include "log.h"
#include "report.h"
#include "supervise.h"
#include "unit.h"
#include "vb/adjust/plan.h"
#include "vb/base/str.h"
#include "vb/base/utf8.h"
#include "verdict.h"
#include "worker.h"

/* Log */

static int pipe_fds[2];

static struct vb_log *open_log(enum vb_log_target target)
{
	ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK), 0);
	struct vb_log *log = vb_log_create(pipe_fds[1], target);
	ck_assert_ptr_nonnull(log);
	return log;
}

/* What was logged since the last call. */
static const char *logged(void)
{
	static char text[1 << 17];

	ssize_t n = read(pipe_fds[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

START_TEST(a_line_starts_with_the_container_and_quotes_what_comes_from_outside)
{
	vb_auto_log struct vb_log *log = open_log(VB_LOG_STDERR);
	struct vb_log_line line;

	vb_log_begin(&line, "abc", "refused");
	vb_log_text(&line, "pod", "a \"b\"\\\n\x1b[0m");
	vb_log_word(&line, "level", "full");
	vb_log_number(&line, "count", -3);
	vb_log_text(&line, "bundle", NULL);
	vb_log_write(log, &line);
	ck_assert_str_eq(logged(),
		"container_id=abc event=refused pod=\"a \\\"b\\\"\\\\??[0m\" level=full count=-3 "
		"bundle=\"\"\n");
	vb_log_begin(&line, NULL, "registered");
	vb_log_write(log, &line);
	ck_assert_str_eq(logged(), "container_id=- event=registered\n");
	/* U+009B and U+0085 do on a terminal what ESC [ and a new line do. */
	vb_log_begin(&line, NULL, "refused");
	vb_log_text(&line, "pod",
		"caf\xc3\xa9\xc2\x9b"
		"2J\xc2\x85\xff");
	vb_log_write(log, &line);
	ck_assert_str_eq(logged(), "container_id=- event=refused pod=\"caf\xc3\xa9??2J???\"\n");
	vb_log_begin(&line, "a\nb event=\"c", "refused");
	vb_log_write(log, &line);
	ck_assert_str_eq(logged(), "container_id=a?b?event??c event=refused\n");
}
END_TEST

START_TEST(a_line_that_is_too_long_is_cut_and_still_one_line)
{
	vb_auto_log struct vb_log *log = open_log(VB_LOG_STDERR);
	struct vb_log_line line;
	char text[6000];

	memset(text, '"', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	vb_log_begin(&line, "abc", "refused");
	vb_log_text(&line, "pod", text);
	vb_log_text(&line, "error", text);
	vb_log_write(log, &line);
	const char *seen = logged();
	ck_assert_uint_le(strlen(seen), 4096);
	ck_assert_str_eq(seen + strlen(seen) - 5, "...\"\n");
	ck_assert_ptr_eq(strchr(seen, '\n'), seen + strlen(seen) - 1);
}
END_TEST

START_TEST(a_cut_goes_between_characters)
{
	vb_auto_log struct vb_log *log = open_log(VB_LOG_STDERR);
	struct vb_log_line line;
	char text[6001];

	/* Wherever the cut falls in a character of three bytes, or of one among them. */
	for (size_t start = 0; start < 4; start++) {
		memset(text, 'x', start);
		for (size_t at = start; at < sizeof(text) - 4; at += 4)
			memcpy(text + at, "\xe2\x82\xacz", 5);
		vb_log_begin(&line, NULL, "refused");
		vb_log_text_max(&line, "pod", text, 33);
		vb_log_text(&line, "error", text);
		vb_log_write(log, &line);
		const char *seen = logged();
		ck_assert_uint_le(strlen(seen), 4096);
		ck_assert(vb_utf8_is_valid(seen, strlen(seen)));
		ck_assert_str_eq(seen + strlen(seen) - 5, "...\"\n");
	}
}
END_TEST

START_TEST(a_record_of_the_kernels_log_has_a_level_and_fits)
{
	vb_auto_log struct vb_log *log = open_log(VB_LOG_KMSG);
	struct vb_log_line line;
	char text[2000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	vb_log_begin(&line, "abc", "refused");
	vb_log_text(&line, "error", text);
	vb_log_write(log, &line);
	const char *seen = logged();
	ck_assert_int_eq(strncmp(seen, "<6>vambrace-nri: container_id=abc ", 34), 0);
	ck_assert_uint_le(strlen(seen), 960);
	ck_assert_int_eq(seen[strlen(seen) - 1], '\n');
}
END_TEST

/* With names and a reason of the given text. */
static void report_opt_out(struct vb_log *log, const char *text)
{
	vb_auto_plan struct vb_plan *plan = vb_plan_create();
	struct vb_metrics metrics = {0};
	const struct vb_reporter reporter = {.log = log, .metrics = &metrics};
	char id[129] = "";
	const struct vb_task task = {.container_id = id, .plan = plan};

	memset(id, 'c', sizeof(id) - 1);
	plan->namespace_name = strdup(text);
	plan->pod = strdup(text);
	plan->container = strdup(text);
	plan->opt_out_reason = strdup(text);
	vb_report_opt_out(&reporter, &task);
	ck_assert_uint_eq(metrics.opt_outs, 1);
}

static const char *log_opt_out(enum vb_log_target target, const char *text)
{
	vb_auto_log struct vb_log *log = open_log(target);

	report_opt_out(log, text);
	return logged();
}

/* Log scrapers depend on it: changing the line is a breaking change. */
START_TEST(the_line_of_an_opt_out_ends_with_its_literal)
{
	static const char end[] = " Audit event: seccomp-opt-out\n";
	char text[2000];

	const char *line = log_opt_out(VB_LOG_STDERR, "vendor \"x\"");
	const char *rest = strstr(line, " event=");
	ck_assert_str_eq(rest, " event=seccomp-opt-out namespace=\"vendor \\\"x\\\"\" "
			       "pod=\"vendor \\\"x\\\"\" container=\"vendor \\\"x\\\"\" "
			       "reason=\"vendor \\\"x\\\"\" Audit event: seccomp-opt-out\n");
	/* Whatever a pod's author writes, for the kernel's log too. */
	memset(text, '"', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int target = VB_LOG_STDERR; target <= VB_LOG_KMSG; target++) {
		line = log_opt_out((enum vb_log_target)target, text);
		ck_assert_uint_le(strlen(line), 960);
		ck_assert_str_eq(line + strlen(line) - strlen(end), end);
		ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
	}
}
END_TEST

static void log_pid(struct vb_log *log)
{
	struct vb_log_line line;

	vb_log_begin(&line, NULL, "test");
	vb_log_number(&line, "pid", getpid());
	vb_log_write(log, &line);
}

START_TEST(the_kernels_log_itself_takes_a_line)
{
	vb_auto_close int kmsg = kernel_log_open();

	if (kmsg < 0)
		return;
	vb_auto_log struct vb_log *log = vb_log_create(kmsg, VB_LOG_KMSG);
	log_pid(log);
	vb_auto_free char *expected =
		vb_str_format("vambrace-nri: container_id=- event=test pid=%d\n", (int)getpid());
	kernel_log_expect(kmsg, expected);
}
END_TEST

START_TEST(the_line_of_an_opt_out_passes_the_kernels_own_limit)
{
	vb_auto_close int kmsg = kernel_log_open();

	if (kmsg < 0)
		return;
	vb_auto_log struct vb_log *log = vb_log_create(kmsg, VB_LOG_KMSG);
	vb_auto_free char *text = vb_str_format("pid %d", (int)getpid());
	for (int i = 0; i < 50; i++)
		log_pid(log);
	report_opt_out(log, text);
	vb_auto_free char *expected =
		vb_str_format("reason=\"%s\" Audit event: seccomp-opt-out\n", text);
	kernel_log_expect(kmsg, expected);
}
END_TEST

START_TEST(a_full_pipe_drops_lines_and_a_later_one_says_how_many)
{
	vb_auto_log struct vb_log *log = open_log(VB_LOG_STDERR);
	struct vb_log_line line;
	char page[4096] = {0};

	while (write(pipe_fds[1], page, sizeof(page)) > 0)
		;
	vb_log_begin(&line, NULL, "one");
	vb_log_write(log, &line);
	vb_log_write(log, &line);
	while (read(pipe_fds[0], page, sizeof(page)) > 0)
		;
	vb_log_begin(&line, NULL, "two");
	vb_log_write(log, &line);
	ck_assert_str_eq(logged(), "container_id=- event=log-lines-dropped count=2\n"
				   "container_id=- event=two\n");
}
END_TEST

START_TEST(a_plugin_that_does_not_last_is_started_ever_later)
{
	unsigned int delay_ms = 0;
	unsigned int starts = 0;

	for (unsigned int waited_ms = 0; waited_ms < 3600 * 1000; waited_ms += delay_ms, starts++)
		delay_ms = vb_supervise_delay_ms(delay_ms, 0);
	ck_assert_uint_eq(delay_ms, VB_SUPERVISE_MAX_MS);
	ck_assert_uint_lt(starts, 3600 / 5 + 8);
	ck_assert_uint_eq(
		vb_supervise_delay_ms(delay_ms, VB_SUPERVISE_LASTED_MS), VB_SUPERVISE_FIRST_MS);
	ck_assert_uint_eq(vb_supervise_delay_ms(VB_SUPERVISE_FIRST_MS, VB_SUPERVISE_LASTED_MS - 1),
		VB_SUPERVISE_FIRST_MS + VB_SUPERVISE_FIRST_MS);
}
END_TEST

START_TEST(what_a_peer_can_bring_about_is_limited)
{
	vb_auto_log struct vb_log *log = open_log(VB_LOG_STDERR);
	struct vb_log_line line;
	unsigned int lines = 0;

	for (int i = 0; i < 1000; i++) {
		vb_log_begin(&line, NULL, "garbage");
		vb_log_write_limited(log, &line);
	}
	for (const char *c = logged(); *c != '\0'; c++)
		lines += *c == '\n';
	ck_assert_uint_ge(lines, 100);
	ck_assert_uint_le(lines, 110);
	(void)usleep(300000);
	vb_log_begin(&line, NULL, "garbage");
	vb_log_write_limited(log, &line);
	ck_assert_ptr_nonnull(strstr(logged(), "event=garbage suppressed="));
}
END_TEST

/* Histogram */

START_TEST(percentiles_are_exact_to_a_sixteenth)
{
	struct vb_histogram histogram = {0};

	ck_assert_uint_eq(vb_histogram_percentile(&histogram, 99), 0);
	for (uint64_t us = 1; us <= 10000; us++)
		vb_histogram_add(&histogram, us);
	ck_assert_uint_eq(histogram.count, 10000);
	ck_assert_uint_eq(histogram.max_us, 10000);
	ck_assert_uint_eq(vb_histogram_percentile(&histogram, 100), 10000);
	for (unsigned int percent = 1; percent < 100; percent++) {
		uint64_t us = vb_histogram_percentile(&histogram, percent);
		uint64_t exact = (uint64_t)percent * 100;
		ck_assert_uint_ge(us, exact);
		ck_assert_uint_le(us, exact + exact / 16 + 1);
	}
}
END_TEST

START_TEST(the_smallest_and_the_greatest_times_have_a_place)
{
	struct vb_histogram histogram = {0};

	vb_histogram_add(&histogram, 0);
	ck_assert_uint_eq(vb_histogram_percentile(&histogram, 99), 0);
	vb_histogram_add(&histogram, 15);
	vb_histogram_add(&histogram, 16);
	ck_assert_uint_eq(vb_histogram_percentile(&histogram, 99), 16);
	vb_histogram_add(&histogram, UINT64_MAX);
	ck_assert_uint_eq(vb_histogram_percentile(&histogram, 50), 15);
	ck_assert_uint_eq(histogram.max_us, UINT64_MAX);
}
END_TEST

START_TEST(values_below_a_power_of_two_are_counted_exactly)
{
	struct vb_histogram histogram = {0};

	for (uint64_t us = 0; us <= 100000; us++)
		vb_histogram_add(&histogram, us);
	ck_assert_uint_eq(histogram.sum_us, UINT64_C(5000050000));
	for (uint64_t us = 1; us <= 65536; us *= 2)
		ck_assert_uint_eq(vb_histogram_count_below(&histogram, us), us);
	ck_assert_uint_eq(vb_histogram_count_below(&histogram, UINT64_C(1) << 31), 100001);
}
END_TEST

/* Levels */

START_TEST(a_container_counts_by_its_last_level_until_it_ends)
{
	struct vb_levels *levels = vb_levels_create();

	vb_levels_set(levels, "a", VB_LEVEL_PARTIAL);
	vb_levels_set(levels, "b", VB_LEVEL_FULL);
	vb_levels_set(levels, "c", VB_LEVEL_FULL);
	vb_levels_set(levels, "a", VB_LEVEL_FULL);
	ck_assert_uint_eq(vb_levels_count(levels, VB_LEVEL_FULL), 3);
	ck_assert_uint_eq(vb_levels_count(levels, VB_LEVEL_PARTIAL), 0);
	vb_levels_forget(levels, "a");
	vb_levels_forget(levels, "a");
	vb_levels_forget(levels, "d");
	ck_assert_uint_eq(vb_levels_count(levels, VB_LEVEL_FULL), 2);
	vb_levels_set(levels, "b", VB_LEVEL_NONE);
	ck_assert_uint_eq(vb_levels_count(levels, VB_LEVEL_NONE), 1);
	vb_levels_clear(levels);
	ck_assert_uint_eq(vb_levels_count(levels, VB_LEVEL_FULL), 0);
	vb_levels_set(levels, "b", VB_LEVEL_BASELINE);
	ck_assert_uint_eq(vb_levels_count(levels, VB_LEVEL_BASELINE), 1);
	vb_levels_destroy(levels);
	vb_levels_destroy(NULL);
}
END_TEST

/* Verdict */

static struct vb_nri_request request;

static bool concerns(void)
{
	struct vb_config config;

	ck_assert_int_eq(vb_config_init(&config), 0);
	bool result = vb_verdict_concerns(&config, &request);
	vb_config_finish(&config);
	return result;
}

START_TEST(a_container_concerns_us_by_handler_annotation_or_plan)
{
	struct vb_nri_pair pod_pairs[] = {{"a.example", "1"}, {"other.dev/x", "2"}};
	struct vb_nri_pair pairs[] = {{VB_PLAN_DIGEST_ANNOTATION, "sha256:0"}};

	request = (struct vb_nri_request){
		.pod = {.runtime_handler = "runc", .annotations = {pod_pairs, 2}}};
	ck_assert(!concerns());
	request.pod.runtime_handler = "";
	ck_assert(!concerns());
	request.pod.runtime_handler = "vambrace";
	ck_assert(concerns());
	request.pod.runtime_handler = "";
	pod_pairs[1].key = "tmpfs.vambrace.dev/container.other";
	ck_assert(concerns());
	pod_pairs[1].key = "no-such-key.vambrace.dev";
	ck_assert(concerns());
	request.pod.annotations.count = 0;
	request.container.annotations = (struct vb_nri_pairs){pairs, 1};
	ck_assert(concerns());
}
END_TEST

START_TEST(a_container_concerns_us_by_a_rules_default_or_floor)
{
	static const char text[] =
		"{\"rules\":[{\"namespaces\":[\"arms\"],\"default\":\"a\"},"
		"{\"namespaces\":[\"legs\"],\"floor\":\"a\",\"unhardened\":\"kill\"},"
		"{\"namespaces\":[\"*\"],\"bundles\":[\"a\"]}]}";
	static const struct {
		const char *namespace_name;
		bool concerns;
		enum vb_unhardened unhardened;
	} cases[] = {{"arms", true, VB_UNHARDENED_REPORT}, {"legs", true, VB_UNHARDENED_KILL},
		{"heads", false, VB_UNHARDENED_REPORT}};
	struct vb_config config;

	ck_assert_int_eq(vb_config_parse(text, sizeof(text) - 1, &config, NULL), 0);
	for (size_t i = 0; i < VB_ARRAY_SIZE(cases); i++) {
		const struct vb_nri_request pod = {
			.pod = {.runtime_handler = "runc",
				.name_space = (char *)(uintptr_t)cases[i].namespace_name}};
		ck_assert(vb_verdict_concerns(&config, &pod) == cases[i].concerns);
		ck_assert_int_eq(vb_verdict_on_unhardened(&config, cases[i].namespace_name),
			cases[i].unhardened);
	}
	vb_config_finish(&config);
}
END_TEST

START_TEST(every_error_refuses_where_the_event_can_refuse)
{
	static const int errors[] = {-EPERM, -ENOMEM, -EIO, -ENOENT, -EINVAL, -ECANCELED};
	static const enum vb_nri_event gates[] = {VB_NRI_EVENT_CREATE_CONTAINER,
		VB_NRI_EVENT_START_CONTAINER, VB_NRI_EVENT_VALIDATE_ADJUSTMENT,
		VB_NRI_EVENT_UNKNOWN};

	for (size_t i = 0; i < VB_ARRAY_SIZE(gates); i++) {
		ck_assert_int_eq(vb_verdict_after(gates[i], 0), VB_VERDICT_ADMIT);
		for (size_t j = 0; j < VB_ARRAY_SIZE(errors); j++)
			ck_assert_int_eq(vb_verdict_after(gates[i], errors[j]), VB_VERDICT_REFUSE);
	}
	ck_assert_int_eq(vb_verdict_after(VB_NRI_EVENT_REMOVE_CONTAINER, -EIO), VB_VERDICT_ADMIT);
}
END_TEST

/* Worker */

static struct event_base *base;
static char order[16];
static size_t ordered;

/* For what comes at once, on a machine that has much else to do. */
enum { PATIENCE_MS = 20000 };

struct numbered_job {
	struct vb_job job; /* first */
	char name;
	atomic_bool has_started;
	atomic_bool is_held; /* it does not end before it is let go */
	bool has_run;
};

static void run_job(struct vb_job *job)
{
	struct numbered_job *numbered = (struct numbered_job *)job;

	atomic_store(&numbered->has_started, true);
	while (atomic_load(&numbered->is_held))
		(void)usleep(1000);
	numbered->has_run = true;
}

static void job_done(struct vb_job *job)
{
	const struct numbered_job *numbered = (const struct numbered_job *)job;

	order[ordered++] = numbered->name;
	if (numbered->name == 'z')
		(void)event_base_loopbreak(base);
}

/* On a busy machine the thread may get its turn late. */
static void wait_for_start(struct numbered_job *job)
{
	for (unsigned int i = 0; i < 10000 && !atomic_load(&job->has_started); i++)
		(void)usleep(1000);
	ck_assert(atomic_load(&job->has_started));
}

static struct numbered_job make_job(char name, bool is_held)
{
	return (struct numbered_job){
		.job = {.run = run_job, .done = job_done}, .name = name, .is_held = is_held};
}

static void let_go(struct numbered_job *job)
{
	atomic_store(&job->is_held, false);
}

START_TEST(urgent_jobs_pass_those_in_the_background_and_keep_their_order)
{
	struct numbered_job jobs[] = {make_job('a', true), make_job('z', false),
		make_job('b', false), make_job('c', false)};

	base = event_base_new();
	struct vb_worker *worker = vb_worker_create(base);
	ck_assert_ptr_nonnull(worker);
	vb_worker_submit(worker, &jobs[0].job, VB_JOB_URGENT);
	vb_worker_submit(worker, &jobs[1].job, VB_JOB_BACKGROUND);
	vb_worker_submit(worker, &jobs[2].job, VB_JOB_URGENT);
	vb_worker_submit(worker, &jobs[3].job, VB_JOB_URGENT);
	let_go(&jobs[0]);
	(void)event_base_dispatch(base);
	ck_assert_str_eq(order, "abcz");
	ck_assert_int_eq(vb_worker_stop(worker, PATIENCE_MS), 0);
	event_base_free(base);
}
END_TEST

START_TEST(jobs_that_wait_when_the_worker_stops_come_back_without_having_run)
{
	struct numbered_job jobs[] = {
		make_job('a', true), make_job('b', false), make_job('c', false)};

	base = event_base_new();
	struct vb_worker *worker = vb_worker_create(base);
	for (size_t i = 0; i < VB_ARRAY_SIZE(jobs); i++)
		vb_worker_submit(worker, &jobs[i].job, VB_JOB_URGENT);
	wait_for_start(&jobs[0]);
	ck_assert_int_eq(vb_worker_stop(worker, 1), -ETIMEDOUT);
	let_go(&jobs[0]);
	ck_assert_int_eq(vb_worker_stop(worker, PATIENCE_MS), 0);
	ck_assert_str_eq(order, "abc");
	ck_assert(jobs[0].has_run);
	ck_assert(!jobs[1].has_run);
	ck_assert(!jobs[2].has_run);
	event_base_free(base);
}
END_TEST

START_TEST(a_job_that_hangs_does_not_hold_the_end)
{
	struct numbered_job job = make_job('a', true);

	base = event_base_new();
	struct vb_worker *worker = vb_worker_create(base);
	vb_worker_submit(worker, &job.job, VB_JOB_URGENT);
	wait_for_start(&job);
	ck_assert_int_eq(vb_worker_stop(worker, 50), -ETIMEDOUT);
	let_go(&job);
	ck_assert_int_eq(vb_worker_stop(worker, PATIENCE_MS), 0);
	event_base_free(base);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("parts");

	tcase_add_test(tcase, a_line_starts_with_the_container_and_quotes_what_comes_from_outside);
	tcase_add_test(tcase, a_line_that_is_too_long_is_cut_and_still_one_line);
	tcase_add_test(tcase, a_cut_goes_between_characters);
	tcase_add_test(tcase, a_record_of_the_kernels_log_has_a_level_and_fits);
	tcase_add_test(tcase, the_line_of_an_opt_out_ends_with_its_literal);
	tcase_add_test(tcase, the_kernels_log_itself_takes_a_line);
	tcase_add_test(tcase, the_line_of_an_opt_out_passes_the_kernels_own_limit);
	tcase_add_test(tcase, a_full_pipe_drops_lines_and_a_later_one_says_how_many);
	tcase_add_test(tcase, what_a_peer_can_bring_about_is_limited);
	tcase_add_test(tcase, a_plugin_that_does_not_last_is_started_ever_later);
	tcase_add_test(tcase, percentiles_are_exact_to_a_sixteenth);
	tcase_add_test(tcase, the_smallest_and_the_greatest_times_have_a_place);
	tcase_add_test(tcase, values_below_a_power_of_two_are_counted_exactly);
	tcase_add_test(tcase, a_container_counts_by_its_last_level_until_it_ends);
	tcase_add_test(tcase, a_container_concerns_us_by_handler_annotation_or_plan);
	tcase_add_test(tcase, a_container_concerns_us_by_a_rules_default_or_floor);
	tcase_add_test(tcase, every_error_refuses_where_the_event_can_refuse);
	tcase_add_test(tcase, urgent_jobs_pass_those_in_the_background_and_keep_their_order);
	tcase_add_test(tcase, jobs_that_wait_when_the_worker_stops_come_back_without_having_run);
	tcase_add_test(tcase, a_job_that_hangs_does_not_hold_the_end);
	return vb_unit_run("parts", tcase);
}
