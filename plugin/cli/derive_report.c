/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "derive.h"
#include "json_writer.h"

enum { DERIVE_VERSION = 1 };

static const char *const flaw_texts[VB_DERIVE_FLAW_COUNT] = {
	[VB_DERIVE_MALFORMED] = "with the shim's mark that the shim does not write",
	[VB_DERIVE_MISPLACED] = "of the shim behind other text",
	[VB_DERIVE_CUT] = "with a name that was too long for the shim",
	[VB_DERIVE_UNFINISHED] = "of the shim broken off at the end of a log",
	[VB_DERIVE_UNRESOLVED] = "about an execveat without a path",
};

static int print_names(struct vb_buf *out, const char *what, const struct vb_strv *names)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < names->count; i++)
		r = vb_buf_printf(out, "vambrace: %s: %s\n", what, names->items[i]);
	return r;
}

static int print_left_out(struct vb_buf *out, const struct vb_derived *derived)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < derived->left_out.count; i++)
		r = vb_buf_printf(out, "vambrace: left out: %s: %s\n", derived->left_out.items[i],
			derived->left_out_why.items[i]);
	return r;
}

static int print_flaws(struct vb_buf *out, const struct vb_derive_report *report)
{
	int r = 0;

	for (unsigned int flaw = 0; r == 0 && flaw < VB_DERIVE_FLAW_COUNT; flaw++) {
		const struct vb_derive_flaws *flaws = &report->derived->flaws[flaw];
		if (flaws->count > 0)
			r = vb_buf_printf(out,
				"vambrace: not used: %" PRIu64 " line%s %s, first %s:%" PRIu64 "\n",
				flaws->count, flaws->count == 1 ? "" : "s", flaw_texts[flaw],
				report->logs->items[flaws->log], flaws->line);
	}
	return r;
}

static int print_nothing(struct vb_buf *out, const struct vb_derive_report *report)
{
	const struct vb_derived *derived = report->derived;
	const char *name = vb_derive_list_name(report->list);

	if (derived->loopback > 0)
		return vb_buf_append_string(
			out, "vambrace: connections to loopback only, which need no entry\n");
	return vb_buf_printf(out,
		"vambrace: nothing to list: %" PRIu64 " %s lines of the shim among %" PRIu64 "\n"
		"  run the workload with the annotation 'preload-audit.vambrace.dev: %s'\n",
		derived->used, name, derived->lines, name);
}

int vb_derive_notes(const struct vb_derive_report *report, struct vb_buf *out)
{
	const struct vb_derived *derived = report->derived;

	int r = print_names(out, "load failed, not listed", &derived->failed);
	if (r == 0)
		r = print_names(out, "denied, not listed", &derived->denied);
	if (r == 0)
		r = print_names(
			out, "as asked for, which may be a symbolic link", &derived->requested);
	if (r == 0 && derived->requested.count > 0)
		r = vb_buf_append_string(out, "  a link has to be listed by what it leads to, which"
					      " the audit of exec tells\n");
	if (r == 0)
		r = print_left_out(out, derived);
	if (r == 0)
		r = print_flaws(out, report);
	if (r == 0 && derived->dropped > 0)
		r = vb_buf_printf(out,
			"vambrace: the shim left out %" PRIu64
			" lines: stderr was full, or datagrams were denied too often\n"
			"  record again, with a reader that keeps up and with audit on\n",
			derived->dropped);
	return r == 0 && derived->entries.count == 0 ? print_nothing(out, report) : r;
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *left_out_to_json(const struct vb_derived *derived)
{
	json_t *array = json_array();

	for (size_t i = 0; array != NULL && i < derived->left_out.count; i++) {
		struct vb_json_writer w = vb_json_begin();
		vb_json_put_text(&w, "name", derived->left_out.items[i]);
		vb_json_put_text(&w, "why", derived->left_out_why.items[i]);
		if (json_array_append_new(array, vb_json_end(&w)) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *flaws_to_json(const struct vb_derive_report *report)
{
	struct vb_json_writer w = vb_json_begin();

	for (unsigned int flaw = 0; flaw < VB_DERIVE_FLAW_COUNT; flaw++) {
		const struct vb_derive_flaws *flaws = &report->derived->flaws[flaw];
		struct vb_json_writer one = vb_json_begin();
		vb_json_put(&one, "count", number(flaws->count));
		if (flaws->count > 0) {
			vb_json_put_text(&one, "first_log", report->logs->items[flaws->log]);
			vb_json_put(&one, "first_line", number(flaws->line));
		}
		vb_json_put(&w, vb_derive_flaw_name(flaw), vb_json_end(&one));
	}
	return vb_json_end(&w);
}

static json_t *update_to_json(const struct vb_derive_report *report)
{
	struct vb_json_writer w = vb_json_begin();

	vb_json_put_text(&w, "manifest", report->manifest);
	vb_json_put(&w, "replaced", json_boolean(report->update->replace));
	vb_json_put(&w, "added", number(report->update->added));
	vb_json_put(&w, "kept", number(report->update->kept));
	vb_json_put(&w, "unseen", number(report->update->unseen));
	return vb_json_end(&w);
}

json_t *vb_derive_to_json(const struct vb_derive_report *report)
{
	const struct vb_derived *derived = report->derived;
	struct vb_json_writer w = vb_json_begin();

	vb_json_put(&w, "derive_version", json_integer(DERIVE_VERSION));
	vb_json_put_text(&w, "list", vb_derive_list_name(report->list));
	vb_json_put(&w, "logs", vb_json_strings(report->logs));
	vb_json_put(&w, "incomplete", json_boolean(vb_derived_is_incomplete(derived)));
	vb_json_put(&w, "entries", vb_json_strings(&derived->entries));
	vb_json_put(&w, "requested", vb_json_strings(&derived->requested));
	vb_json_put(&w, "load_failed", vb_json_strings(&derived->failed));
	vb_json_put(&w, "denied", vb_json_strings(&derived->denied));
	vb_json_put(&w, "left_out", left_out_to_json(derived));
	vb_json_put(&w, "lines", number(derived->lines));
	vb_json_put(&w, "used", number(derived->used));
	vb_json_put(&w, "loopback", number(derived->loopback));
	vb_json_put(&w, "dropped", number(derived->dropped));
	vb_json_put(&w, "flaws", flaws_to_json(report));
	vb_json_put(&w, "into", report->manifest != NULL ? update_to_json(report) : json_null());
	return vb_json_end(&w);
}
