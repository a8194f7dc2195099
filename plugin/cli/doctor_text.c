/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor.h"

#include <errno.h>

#include "vb/adjust/text.h"
#include "vb/base/str.h"
#include "vb/base/utf8.h"

enum {
	TEXT_INDENT = 20,
	PARAGRAPH_MAX = 4096,
};

static int print_head(const json_t *facts, struct vb_buf *out)
{
	const char *pretty = vb_doctor_text_of(facts, "system.pretty_name");
	const char *kernel = vb_doctor_text_of(facts, "system.kernel");
	const char *architecture = vb_doctor_text_of(facts, "system.architecture");
	const char *place = vb_doctor_place(facts)->name;
	bool is_cluster = vb_str_equal(place, "k3s") || vb_str_equal(place, "kind");
	vb_auto_free char *head = vb_str_format("%s%s%s, Linux %s, %s%s",
		pretty != NULL ? pretty : "unknown system", is_cluster ? ", " : "",
		is_cluster ? place : "", kernel != NULL ? kernel : "of unknown version",
		architecture != NULL ? architecture : "of unknown architecture",
		vb_doctor_bool_of(facts, "privileged") == 1 ? "" : ", looked at without root");

	if (head == NULL)
		return -ENOMEM;
	vb_utf8_scrub(head);
	int r = vb_text_paragraph(out, 0, head);
	return r < 0 ? r : vb_buf_append_string(out, "\n");
}

/* The level's name in its colour, then the topic: as wide as TEXT_INDENT. */
static int print_label(const struct vb_finding *finding, bool colour, struct vb_buf *out)
{
	static const char *const colours[VB_FINDING_LEVELS] = {
		[VB_FINDING_OK] = "\033[32m",
		[VB_FINDING_UNSEEN] = "\033[36m",
		[VB_FINDING_WARNING] = "\033[33m",
		[VB_FINDING_PROBLEM] = "\033[1;31m",
	};
	int r = colour ? vb_buf_append_string(out, colours[finding->level]) : 0;

	if (r == 0)
		r = vb_buf_printf(out, "%-8s", vb_finding_level_name(finding->level));
	if (r == 0 && colour)
		r = vb_buf_append_string(out, "\033[0m");
	return r < 0 ? r : vb_buf_printf(out, "%-*s", TEXT_INDENT - 8, finding->topic);
}

/* A wrapped paragraph whose first line goes on behind what is there already. */
static int print_behind(const char *text, struct vb_buf *out)
{
	vb_auto_buf struct vb_buf *paragraph = vb_buf_create(PARAGRAPH_MAX);

	if (paragraph == NULL)
		return -ENOMEM;
	int r = vb_text_paragraph(paragraph, TEXT_INDENT, text);
	if (r < 0)
		return r;
	vb_buf_consume(paragraph, TEXT_INDENT);
	return vb_buf_append(out, vb_buf_data(paragraph), vb_buf_size(paragraph));
}

static int print_finding(const struct vb_finding *finding, bool colour, struct vb_buf *out)
{
	int r = print_label(finding, colour, out);

	if (r == 0)
		r = print_behind(finding->what, out);
	if (r < 0 || finding->fix[0] == '\0')
		return r;
	r = vb_buf_printf(out, "%*s", TEXT_INDENT, "-> ");
	return r < 0 ? r : print_behind(finding->fix, out);
}

int vb_doctor_text(
	const struct vb_findings *findings, const json_t *facts, bool colour, struct vb_buf *out)
{
	const size_t *counts = findings->counts;

	int r = print_head(facts, out);
	for (size_t i = 0; r == 0 && i < findings->count; i++)
		r = print_finding(&findings->items[i], colour, out);
	return r < 0 ? r
		     : vb_buf_printf(out, "\n%zu ok, %zu unseen, %zu warnings, %zu problems%s\n",
			       counts[VB_FINDING_OK], counts[VB_FINDING_UNSEEN],
			       counts[VB_FINDING_WARNING], counts[VB_FINDING_PROBLEM],
			       findings->is_full ? "; not all are shown" : "");
}

json_t *vb_doctor_json(const struct vb_findings *findings, const json_t *facts)
{
	json_t *items = json_array();
	const size_t *counts = findings->counts;

	for (size_t i = 0; i < findings->count; i++) {
		const struct vb_finding *finding = &findings->items[i];
		if (json_array_append_new(
			    items, json_pack("{s:s,s:s,s:s,s:s}", "topic", finding->topic, "level",
					   vb_finding_level_name(finding->level), "what",
					   finding->what, "fix", finding->fix)) < 0) {
			json_decref(items);
			return NULL;
		}
	}
	return json_pack("{s:i,s:O,s:o,s:{s:I,s:I,s:I,s:I}}", "doctor_version", 1, "facts", facts,
		"findings", items, "summary", "ok", (json_int_t)counts[VB_FINDING_OK], "unseen",
		(json_int_t)counts[VB_FINDING_UNSEEN], "warning",
		(json_int_t)counts[VB_FINDING_WARNING], "problem",
		(json_int_t)counts[VB_FINDING_PROBLEM]);
}
