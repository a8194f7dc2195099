/* SPDX-License-Identifier: Apache-2.0 */
#include "json_writer.h"
#include "lint.h"

bool vb_lint_is_fine(const struct vb_lint_report *report, bool strict)
{
	return report->errors == 0 && !(strict && report->warnings > 0);
}

static const char *level_name(enum vb_lint_level level)
{
	return level == VB_LINT_ERROR ? "error" : "warning";
}

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

int vb_lint_print(const struct vb_lint_report *report, bool strict, struct vb_buf *out)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < report->count; i++) {
		const struct vb_lint_finding *finding = &report->findings[i];
		r = vb_buf_printf(out, "%s:%zu:%zu: %s: %s\n  %s\n", finding->file,
			finding->at.line, finding->at.column, level_name(finding->level),
			finding->problem.what, finding->problem.fix);
	}
	if (r == 0 && report->left_out > 0)
		r = vb_buf_printf(
			out, "%s: %zu more are not shown\n", report->bundle, report->left_out);
	if (r < 0)
		return r;
	return vb_buf_printf(out, "%s: %s, %zu error%s, %zu warning%s\n", report->bundle,
		vb_lint_is_fine(report, strict) ? "fine" : "not fine", report->errors,
		plural(report->errors), report->warnings, plural(report->warnings));
}

static json_t *number(size_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *finding_to_json(const struct vb_lint_finding *finding)
{
	struct vb_json_writer w = vb_json_begin();
	struct vb_json_writer at = vb_json_begin();

	vb_json_put(&at, "line", number(finding->at.line));
	vb_json_put(&at, "column", number(finding->at.column));
	vb_json_put_text(&w, "file", finding->file);
	vb_json_put(&w, "at", vb_json_end(&at));
	vb_json_put_text(&w, "place", finding->problem.place);
	vb_json_put_text(&w, "level", level_name(finding->level));
	vb_json_put_text(&w, "what", finding->problem.what);
	vb_json_put_text(&w, "fix", finding->problem.fix);
	return vb_json_end(&w);
}

json_t *vb_lint_to_json(const struct vb_lint_report *report, bool strict)
{
	struct vb_json_writer w = vb_json_begin();
	json_t *findings = json_array();

	for (size_t i = 0; i < report->count; i++)
		if (json_array_append_new(findings, finding_to_json(&report->findings[i])) < 0)
			w.ok = false;
	vb_json_put_text(&w, "bundle", report->bundle);
	vb_json_put(&w, "fine", json_boolean(vb_lint_is_fine(report, strict)));
	vb_json_put(&w, "errors", number(report->errors));
	vb_json_put(&w, "warnings", number(report->warnings));
	vb_json_put(&w, "left_out", number(report->left_out));
	vb_json_put(&w, "findings", findings);
	return vb_json_end(&w);
}
