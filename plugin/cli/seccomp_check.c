/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "seccomp.h"
#include "vb/adjust/json.h"

/* `vambrace seccomp check PROFILE...` */

enum { TEXT_MAX = 64 << 20 };

/* The findings of one profile, as text or as JSON. */
struct review {
	const struct vb_seccomp_options *options;
	struct vb_seccomp_input input;
	struct vb_buf *text;
	json_t *findings;
	size_t errors;
	size_t warnings;
};

static void review_finish(struct review *review)
{
	vb_seccomp_input_finish(&review->input);
	vb_buf_destroy(review->text);
	json_decref(review->findings);
}

static int add_text(struct review *review, const char *severity, const struct vb_json_place *place,
	const struct vb_error *finding)
{
	int r = vb_buf_printf(review->text, "%s:%zu:%zu: %s: %s\n", review->input.name, place->line,
		place->column, severity, finding->what);

	if (r == 0 && finding->fix[0] != '\0')
		r = vb_buf_printf(review->text, "  %s\n", finding->fix);
	return r;
}

static int add_json(struct review *review, const char *severity, const struct vb_json_place *place,
	const struct vb_error *finding)
{
	struct vb_json_writer writer = vb_json_begin();

	vb_json_put_text(&writer, "severity", severity);
	vb_json_put(&writer, "at", vb_seccomp_place_to_json(place));
	vb_json_put_text(&writer, "place", finding->place);
	vb_json_put_text(&writer, "what", finding->what);
	vb_json_put_text(&writer, "fix", finding->fix);
	return json_array_append_new(review->findings, vb_json_end(&writer));
}

static int add_finding(struct review *review, const char *severity,
	const struct vb_json_place *place, const struct vb_error *finding)
{
	return review->options->json ? add_json(review, severity, place, finding)
				     : add_text(review, severity, place, finding);
}

static int take_finding(
	void *context, enum vb_profile_severity severity, const struct vb_error *finding)
{
	struct review *review = context;
	struct vb_json_place place = vb_seccomp_place(&review->input, finding->place);
	bool error = severity == VB_PROFILE_ERROR;

	review->errors += error;
	review->warnings += !error;
	return add_finding(review, error ? "error" : "warning", &place, finding);
}

/* What reads well must also compile as it reads, as it would have to on a node. */
static int compile(const struct vb_seccomp_input *input, vb_profile_report_fn report, void *context)
{
	vb_auto_profile struct vb_profile *result = NULL;
	struct vb_error err = {0};
	int r = vb_profile_meet(NULL, input->profile, &result, &err);

	if (r == -ENOMEM || r == 0)
		return r;
	return report(context, VB_PROFILE_ERROR, &err);
}

int vb_seccomp_judge(
	const struct vb_seccomp_input *input, vb_profile_report_fn report, void *context)
{
	int r = vb_profile_lint(input->json, input->profile, report, context);

	return r == 0 ? compile(input, report, context) : r;
}

/* Returns VB_EXIT_TROUBLE when there is nothing to review, else VB_EXIT_OK or a negative value. */
static int look_at(struct review *review, const char *path, struct vb_error *err)
{
	int code = vb_seccomp_read(review->options, path, &review->input, err);

	if (code == VB_EXIT_TROUBLE)
		return code;
	if (code == VB_EXIT_REFUSED) {
		review->errors++;
		return add_finding(review, "error", &review->input.place, err);
	}
	return vb_seccomp_judge(&review->input, take_finding, review);
}

static int conclude_text(struct review *review)
{
	const char *verdict = review->errors > 0 ? "refused" : "fine";

	if (review->input.json != NULL &&
		vb_seccomp_print_input(review->options, &review->input, review->text) < 0)
		return -ENOMEM;
	if (vb_buf_printf(review->text, "%s: %s, %zu error%s, %zu warning%s\n", review->input.name,
		    verdict, review->errors, review->errors == 1 ? "" : "s", review->warnings,
		    review->warnings == 1 ? "" : "s") < 0)
		return -ENOMEM;
	return vb_seccomp_finish_text(review->text, VB_EXIT_OK) == VB_EXIT_OK ? 0 : -EIO;
}

static int conclude_json(struct review *review, json_t *profiles)
{
	struct vb_json_writer writer = vb_json_begin();

	vb_json_put(&writer, "profile", vb_seccomp_input_to_json(review->options, &review->input));
	vb_json_put(&writer, "fine", json_boolean(review->errors == 0));
	vb_json_put(&writer, "findings", json_incref(review->findings));
	return json_array_append_new(profiles, vb_json_end(&writer)) < 0 ? -ENOMEM : 0;
}

/* profiles: NULL for text. Returns the exit code. */
static int check_one(const struct vb_seccomp_options *options, const char *path, json_t *profiles)
{
	vb_auto(review_finish) struct review review = {
		.options = options, .text = vb_buf_create(TEXT_MAX), .findings = json_array()};
	struct vb_error err = {0};

	if (review.text == NULL || review.findings == NULL)
		return vb_seccomp_no_memory();
	int r = look_at(&review, path, &err);
	if (r == VB_EXIT_TROUBLE)
		return vb_command_fail(&err);
	if (r == 0)
		r = options->json ? conclude_json(&review, profiles) : conclude_text(&review);
	if (r < 0)
		return vb_seccomp_no_memory();
	return review.errors > 0 ? VB_EXIT_REFUSED : VB_EXIT_OK;
}

int vb_seccomp_check(const struct vb_seccomp_options *options)
{
	vb_auto_json json_t *profiles = options->json ? json_array() : NULL;
	int code = VB_EXIT_OK;

	for (int i = 0; i < options->arguments.operand_count; i++) {
		int one = check_one(options, options->arguments.operands[i], profiles);
		code = one > code ? one : code;
	}
	if (!options->json)
		return code;
	struct vb_json_writer writer = vb_seccomp_begin_json(options);
	vb_json_put(&writer, "profiles", json_incref(profiles));
	return vb_seccomp_finish_json(&writer, code);
}
