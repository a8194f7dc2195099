/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "report_text.h"
#include "vb/adjust/json.h"
#include "vb/adjust/text.h"
#include "vb/base/str.h"
#include "vb/base/utf8.h"
#include "why.h"

enum {
	FIELD_INDENT = 2,
	ID_INDENT = 6,
	REFUSALS_SHOWN = 5,
};

static int field_take(struct vb_buf *out, const char *name, char *text)
{
	return vb_report_field_take(out, FIELD_INDENT, name, text);
}

static json_int_t number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static const char *plural(json_int_t count)
{
	return count == 1 ? "" : "s";
}

/* ", last 2026-11-29 01:44:00Z", or nothing where no line has a time. */
static char *last_of(const json_t *object)
{
	vb_auto_free char *at = vb_report_time_of(object, "last_at");

	if (at == NULL)
		return NULL;
	return json_is_string(json_object_get(object, "last_at")) ? vb_str_format(", last %s", at)
								  : strdup("");
}

/* The line that allows it. */
static int print_allow(const json_t *line, struct vb_buf *out)
{
	if (!json_is_object(line))
		return 0;
	vb_auto_free char *value = json_dumps(json_object_get(line, "value"), JSON_ENCODE_ANY);

	return value == NULL
		       ? -ENOMEM
		       : field_take(out, "",
				 vb_str_format("allow: %s: %s: %s", vb_report_text_of(line, "file"),
					 vb_report_text_of(line, "path"), value));
}

static int print_note(const json_t *object, struct vb_buf *out)
{
	const char *note = json_string_value(json_object_get(object, "note"));

	return note != NULL ? field_take(out, "", strdup(note)) : 0;
}

/* "execve(/bin/sh)", "mount (x86_64) of attack: SCMP_ACT_ERRNO" */
static char *what_of(const json_t *denial)
{
	const char *target = json_string_value(json_object_get(denial, "target"));

	if (json_is_string(json_object_get(denial, "action")))
		return vb_str_format("%s (%s) of %s: %s", vb_report_text_of(denial, "call"),
			vb_report_text_of(denial, "arch"), vb_report_text_of(denial, "program"),
			vb_report_text_of(denial, "action"));
	return target != NULL ? vb_str_format("%s(%s)", vb_report_text_of(denial, "call"), target)
			      : strdup(vb_report_text_of(denial, "call"));
}

static int print_denial(const json_t *denial, struct vb_buf *out)
{
	vb_auto_free char *what = what_of(denial);
	vb_auto_free char *last = last_of(denial);
	json_int_t count = number_of(denial, "count");

	if (what == NULL || last == NULL)
		return -ENOMEM;
	int r = field_take(out, vb_report_text_of(denial, "layer"),
		vb_str_format("%s, %lld time%s%s, by %s", what, (long long)count, plural(count),
			last, vb_report_text_of(denial, "by")));
	if (r == 0)
		r = print_allow(json_object_get(denial, "allow"), out);
	return r < 0 ? r : print_note(denial, out);
}

static int print_exit(const json_t *ended, struct vb_buf *out)
{
	vb_auto_free char *at = vb_report_time_of(ended, "finished_at");

	if (at == NULL)
		return -ENOMEM;
	if (!json_is_object(ended) || number_of(ended, "code") == 0)
		return 0;
	int r = field_take(out, "ended",
		vb_str_format(
			"with exit code %lld at %s", (long long)number_of(ended, "code"), at));
	return r < 0 ? r : print_note(ended, out);
}

static int print_hint(const json_t *hint, struct vb_buf *out)
{
	json_int_t mentions = number_of(hint, "mentions");
	const char *error = vb_report_text_of(hint, "error");
	vb_auto_free char *last = last_of(hint);

	if (last == NULL)
		return -ENOMEM;
	int r = field_take(out, error,
		vb_str_format("%s [%s]", vb_report_text_of(hint, "text"),
			vb_report_text_of(hint, "layer")));
	if (r == 0)
		r = print_allow(json_object_get(hint, "allow"), out);
	if (r < 0 || mentions == 0)
		return r;
	r = field_take(out, "",
		vb_str_format("%lld line%s of its log name%s it%s:", (long long)mentions,
			plural(mentions), mentions == 1 ? "s" : "", last));
	return r < 0 ? r : field_take(out, "", strdup(vb_report_text_of(hint, "last")));
}

static int print_refusals(const json_t *refusals, struct vb_buf *out)
{
	size_t count = json_array_size(refusals);
	int r = 0;

	for (size_t i = 0; r == 0 && i < count && i < REFUSALS_SHOWN; i++) {
		const json_t *refusal = json_array_get(refusals, i);
		json_int_t times = number_of(refusal, "count");
		vb_auto_free char *last = last_of(refusal);
		if (last == NULL)
			return -ENOMEM;
		r = field_take(out, "refused",
			vb_str_format("%lld time%s%s: %s", (long long)times, plural(times), last,
				vb_report_text_of(refusal, "error")));
	}
	if (r < 0 || count <= REFUSALS_SHOWN)
		return r;
	return field_take(
		out, "", vb_str_format("... and %zu more, see --json", count - REFUSALS_SHOWN));
}

static int print_losses(const json_t *losses, struct vb_buf *out)
{
	const json_t *loss = NULL;
	size_t i = 0;
	int r = 0;

	json_array_foreach(losses, i, loss)
		if (r == 0)
			r = field_take(out, "not seen",
				vb_str_format("%s: %lld", vb_report_text_of(loss, "what"),
					(long long)number_of(loss, "count")));
	return r;
}

static int print_ids(const json_t *container, struct vb_buf *out)
{
	const json_t *ids = json_object_get(container, "container_ids");
	const json_t *id = NULL;
	size_t i = 0;
	int r = 0;

	if (json_array_size(ids) > 0)
		r = vb_buf_printf(out, "%*scontainer id\n", FIELD_INDENT, "");
	json_array_foreach(ids, i, id)
		if (r == 0)
			r = vb_report_paragraph_take(out, ID_INDENT, strdup(json_string_value(id)));
	return r;
}

static int print_head(const json_t *container, bool colour, struct vb_buf *out)
{
	size_t kinds = json_array_size(json_object_get(container, "denials"));
	vb_auto_free char *name = vb_str_format("%s/%s/%s",
		vb_report_text_of(container, "namespace"), vb_report_text_of(container, "pod"),
		vb_report_text_of(container, "container"));
	const char *begin = !colour ? "" : kinds > 0 ? "\033[1;31m" : "\033[32m";

	if (name == NULL)
		return -ENOMEM;
	vb_utf8_scrub(name);
	int r = kinds > 0 ? vb_buf_printf(out, "%s: %s%zu kind%s of denial%s\n", name, begin, kinds,
				    plural((json_int_t)kinds), colour ? "\033[0m" : "")
			  : vb_buf_printf(out, "%s: %sno denial found%s\n", name, begin,
				    colour ? "\033[0m" : "");
	return r < 0 ? r : print_ids(container, out);
}

static int print_container(const json_t *container, bool colour, struct vb_buf *out)
{
	const char *note = json_string_value(json_object_get(container, "note"));
	const json_t *item = NULL;
	size_t i = 0;

	int r = print_head(container, colour, out);
	if (r == 0 && note != NULL)
		r = field_take(out, "note", strdup(note));
	json_array_foreach(json_object_get(container, "denials"), i, item)
		if (r == 0)
			r = print_denial(item, out);
	if (r == 0)
		r = print_exit(json_object_get(container, "exit"), out);
	json_array_foreach(json_object_get(container, "hints"), i, item)
		if (r == 0)
			r = print_hint(item, out);
	if (r == 0)
		r = print_refusals(json_object_get(container, "refusals"), out);
	if (r == 0)
		r = print_losses(json_object_get(container, "losses"), out);
	return r < 0 ? r : vb_buf_append_string(out, "\n");
}

static int print_seccomp(const json_t *seccomp, struct vb_buf *out)
{
	json_int_t records = number_of(seccomp, "records");
	json_int_t gone = number_of(seccomp, "unattributed");
	json_int_t lost = number_of(seccomp, "suppressed");
	json_int_t malformed = number_of(seccomp, "malformed");
	json_int_t more = number_of(seccomp, "not_kept");

	int r = vb_report_paragraph_take(out, 0,
		vb_str_format(
			"Seccomp records: %lld, of which %lld of what is shown, %lld of other "
			"processes, %lld not denied but logged, %lld not attributable%s.",
			(long long)records, (long long)number_of(seccomp, "attributed"),
			(long long)number_of(seccomp, "of_others"),
			(long long)number_of(seccomp, "logged"), (long long)gone,
			gone > 0 ? " (the process that a record names is gone, or cannot be seen)"
				 : ""));
	if (r == 0 && lost > 0)
		r = vb_report_paragraph_take(out, 0,
			vb_str_format("The kernel left out %lld more audit lines of its log.",
				(long long)lost));
	if (r == 0 && malformed + more > 0)
		r = vb_report_paragraph_take(out, 0,
			vb_str_format("Not counted: %lld malformed records, and %lld above the "
				      "number that is kept.",
				(long long)malformed, (long long)more));
	return r;
}

static int print_sources(const json_t *sources, struct vb_buf *out)
{
	const json_t *source = NULL;
	size_t i = 0;
	int r = 0;

	json_array_foreach(sources, i, source)
		if (r == 0 && !json_is_true(json_object_get(source, "read")))
			r = vb_report_paragraph_take(out, 0,
				vb_str_format("Not read: %s, %s: %s",
					vb_report_text_of(source, "what"),
					vb_report_text_of(source, "path"),
					vb_report_text_of(source, "error")));
	return r;
}

int vb_why_text(const json_t *report, bool colour, struct vb_buf *out)
{
	const json_t *container = NULL;
	size_t i = 0;
	int r = 0;

	json_array_foreach(json_object_get(report, "containers"), i, container)
		if (r == 0)
			r = print_container(container, colour, out);
	if (r == 0)
		r = print_seccomp(json_object_get(report, "seccomp"), out);
	if (r == 0)
		r = print_sources(json_object_get(report, "sources"), out);
	if (r == 0)
		r = vb_text_paragraph(out, 0,
			"Never seen here: lines of a child whose stderr is not the container's, "
			"and calls that pass the shim (static programs, Go).");
	return r;
}
