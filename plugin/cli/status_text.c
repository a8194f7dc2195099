/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "report_text.h"
#include "status.h"
#include "vb/adjust/plan.h"
#include "vb/adjust/text.h"
#include "vb/base/str.h"
#include "vb/base/utf8.h"

enum {
	FIELD_INDENT = 2,
	DIGEST_INDENT = 6,
	REFUSALS_SHOWN = 5,
	NAME_COLUMNS = 39,
	LEVEL_COLUMNS = 9,
};

/* Formatted text that may hold what a pod's author wrote, beside a name. */
static int field_take(struct vb_buf *out, const char *name, char *text)
{
	return vb_report_field_take(out, FIELD_INDENT, name, text);
}

static int print_runtime(const struct vb_status *status, struct vb_buf *out)
{
	const json_t *runtime = json_object_get(status->daemon, "runtime");
	const char *nri = json_string_value(json_object_get(runtime, "nri_version"));
	const char *problem = json_string_value(json_object_get(runtime, "problem"));
	vb_auto_free char *since = vb_report_time_of(runtime, "since");

	if (since == NULL)
		return -ENOMEM;
	if (!json_is_true(json_object_get(runtime, "connected")))
		return vb_report_paragraph_take(out, 0,
			vb_str_format("vambrace-nri %s runs (pid %lld), but is not registered with "
				      "a runtime%s%s%s: hardened pods are refused. `vambrace "
				      "doctor` tells what to change.",
				vb_report_text_of(status->daemon, "version"),
				(long long)json_integer_value(
					json_object_get(status->daemon, "pid")),
				problem != NULL ? " (" : "", problem != NULL ? problem : "",
				problem != NULL ? ")" : ""));
	return vb_report_paragraph_take(out, 0,
		vb_str_format("vambrace-nri %s (pid %lld), registered with %s %s%s%s since %s.",
			vb_report_text_of(status->daemon, "version"),
			(long long)json_integer_value(json_object_get(status->daemon, "pid")),
			vb_report_text_of(runtime, "name"), vb_report_text_of(runtime, "version"),
			nri != NULL ? ", NRI " : "", nri != NULL ? nri : "", since));
}

/* The file was lost, or another one wrote it last. */
static int print_undescribed(const struct vb_status *status, struct vb_buf *out)
{
	long long pid = (long long)json_integer_value(
		json_object_get(json_array_get(status->daemons, 0), "pid"));

	return vb_report_paragraph_take(out, 0,
		vb_str_format("vambrace-nri runs (pid %lld), but daemon.json does not tell of it: "
			      "`kill -HUP %lld` has it written anew.",
			pid, pid));
}

static int print_daemon(const struct vb_status *status, struct vb_buf *out)
{
	vb_auto_free char *at = vb_report_time_of(status->daemon, "at");
	vb_auto_free char *stopped = vb_report_time_of(status->daemon, "stopped_at");

	if (at == NULL || stopped == NULL)
		return -ENOMEM;
	if (status->runs)
		return print_runtime(status, out);
	if (json_array_size(status->daemons) > 0)
		return print_undescribed(status, out);
	if (status->daemon == NULL)
		return vb_text_paragraph(
			out, 0, "vambrace-nri has not run here: hardened pods are refused.");
	if (json_is_string(json_object_get(status->daemon, "stopped_at")))
		return vb_report_paragraph_take(out, 0,
			vb_str_format("vambrace-nri was stopped at %s: hardened pods are refused.",
				stopped));
	return vb_report_paragraph_take(out, 0,
		vb_str_format("vambrace-nri is gone without a word, last heard of at %s: hardened "
			      "pods are refused.",
			at));
}

/* " (default,floor)" where not only pods name it; the caller frees it. */
static char *use_of(const json_t *bundle)
{
	vb_auto_strv struct vb_strv uses = {0};
	size_t i = 0;
	const json_t *use = NULL;

	json_array_foreach(json_object_get(bundle, "used_as"), i, use)
		if (json_is_string(use) && strcmp(json_string_value(use), "pod") != 0 &&
			vb_strv_add(&uses, json_string_value(use)) < 0)
			return NULL;
	vb_auto_free char *list = vb_strv_join(&uses, ',');
	return list == NULL ? NULL
			    : vb_str_format("%s%s%s", uses.count > 0 ? " (" : "", list,
				      uses.count > 0 ? ")" : "");
}

static int print_bundle_problem(const json_t *bundle, struct vb_buf *out)
{
	vb_auto_free char *use = use_of(bundle);

	if (use == NULL)
		return -ENOMEM;
	return vb_report_paragraph_take(out, 0,
		vb_str_format("Bundle %s%s: its last good version is in use: %s",
			vb_report_text_of(bundle, "name"), use,
			vb_report_text_of(bundle, "problem")));
}

/* What the daemon itself complains of. */
static int print_problems(const struct vb_status *status, struct vb_buf *out)
{
	const json_t *config = json_object_get(status->daemon, "config");
	const json_t *audit = json_object_get(status->daemon, "audit");
	const char *problem = json_string_value(json_object_get(config, "problem"));
	const char *lost = json_string_value(json_object_get(audit, "problem"));
	size_t i = 0;
	const json_t *bundle = NULL;
	int r = 0;

	if (status->hook != NULL && strcmp(status->hook, "ok") != 0)
		r = vb_report_paragraph_take(out, 0,
			vb_str_format("Hook: /opt/vambrace/bin/vambrace-oci is not usable (%s): no "
				      "pod of its handlers starts. `vambrace doctor` tells what "
				      "to change.",
				status->hook));
	if (r == 0 && json_array_size(status->daemons) > 1)
		r = vb_report_paragraph_take(out, 0,
			vb_str_format(
				"Plugins: %zu vambrace-nri processes are on this host. One at "
				"a time is registered, and another waits until it has ended. "
				"`vambrace doctor` tells how to come to one.",
				json_array_size(status->daemons)));
	if (r == 0 && problem != NULL)
		r = vb_report_paragraph_take(out, 0,
			vb_str_format("Config: %s is not in force, %s: %s",
				vb_report_text_of(config, "path"),
				json_is_true(json_object_get(config, "refuses_all"))
					? "and every hardened container is refused"
					: "the one before is",
				problem));
	if (r == 0 && lost != NULL)
		r = vb_report_paragraph_take(out, 0, vb_str_format("Audit log: %s", lost));
	json_array_foreach(json_object_get(status->daemon, "bundle_problems"), i, bundle)
		if (r == 0)
			r = print_bundle_problem(bundle, out);
	json_array_foreach(status->damaged, i, bundle)
		if (r == 0)
			r = vb_report_paragraph_take(out, 0,
				vb_str_format("Damaged: %s: %s", vb_report_text_of(bundle, "file"),
					vb_report_text_of(bundle, "error")));
	return r;
}

static const char *colour_of(const char *level)
{
	if (strcmp(level, "full") == 0)
		return "\033[32m";
	return strcmp(level, "none") == 0 ? "\033[1;31m" : "\033[33m";
}

static int print_level(const char *level, int columns, bool colour, struct vb_buf *out)
{
	int r = colour ? vb_buf_append_string(out, colour_of(level)) : 0;

	if (r == 0)
		r = vb_buf_printf(out, "%-*s", columns, level);
	return r < 0 || !colour ? r : vb_buf_append_string(out, "\033[0m");
}

static char *name_of(const json_t *outcome)
{
	char *name = vb_str_format("%s/%s/%s", vb_report_text_of(outcome, "namespace"),
		vb_report_text_of(outcome, "pod"), vb_report_text_of(outcome, "container"));

	if (name != NULL)
		vb_utf8_scrub(name);
	return name;
}

static bool is_worth_a_line(const char *state)
{
	return strcmp(state, "failed") == 0 || strcmp(state, "unsupported") == 0 ||
	       strcmp(state, "unobserved") == 0;
}

/* Below a container's line: what keeps it from being fully hardened. */
static int print_shortcomings(const json_t *outcome, struct vb_buf *out)
{
	const char *note = json_string_value(json_object_get(outcome, "note"));
	const char *problem = json_string_value(json_object_get(outcome, "problem"));
	const json_t *layers = json_object_get(outcome, "layers");
	int r = 0;

	if (problem != NULL)
		r = field_take(out, "problem", strdup(problem));
	if (r == 0 && note != NULL)
		r = field_take(out, "note", strdup(note));
	for (enum vb_layer i = 0; r == 0 && i < VB_LAYER_COUNT; i++) {
		const json_t *layer = json_object_get(layers, vb_layer_name(i));
		if (is_worth_a_line(vb_report_text_of(layer, "state")))
			r = field_take(out, vb_layer_name(i),
				vb_str_format("%s: %s", vb_report_text_of(layer, "state"),
					vb_report_text_of(layer, "reason")));
	}
	return r;
}

static bool is_default(const json_t *outcome)
{
	return json_is_true(json_object_get(outcome, "bundle_is_default"));
}

/* Below a container's line: which bundles it has though its pod names them not. */
static int print_rule(const json_t *outcome, struct vb_buf *out)
{
	const char *bundle =
		is_default(outcome) ? json_string_value(json_object_get(outcome, "bundle")) : NULL;
	const char *floor = json_string_value(json_object_get(outcome, "floor"));

	if (bundle == NULL && floor == NULL)
		return 0;
	return field_take(out, "by the node's rule",
		vb_str_format("%s%s%s%s%s", bundle != NULL ? "default " : "",
			bundle != NULL ? bundle : "", bundle != NULL && floor != NULL ? ", " : "",
			floor != NULL ? "floor " : "", floor != NULL ? floor : ""));
}

/* A name that is too long for its column has a line of its own. */
static int print_row(const json_t *outcome, bool colour, struct vb_buf *out)
{
	vb_auto_free char *name = name_of(outcome);
	vb_auto_free char *since = vb_report_time_of(outcome, "since");
	const char *bundle = json_string_value(json_object_get(outcome, "bundle"));

	if (name == NULL || since == NULL)
		return -ENOMEM;
	int r = strlen(name) < NAME_COLUMNS ? vb_buf_printf(out, "%-*s", NAME_COLUMNS, name)
					    : vb_buf_printf(out, "%s\n%*s", name, NAME_COLUMNS, "");
	if (r == 0)
		r = print_level(vb_report_text_of(outcome, "level"), LEVEL_COLUMNS, colour, out);
	if (r == 0)
		r = vb_buf_printf(out, "%s  %s\n", since, bundle != NULL ? bundle : "-");
	if (r == 0)
		r = print_rule(outcome, out);
	return r < 0 ? r : print_shortcomings(outcome, out);
}

static int print_table(const struct vb_status *status, bool colour, struct vb_buf *out)
{
	size_t i = 0;
	const json_t *outcome = NULL;
	int r = vb_buf_append_string(out, "\n");

	if (r < 0 || json_array_size(status->containers) == 0)
		return r < 0 ? r : vb_buf_append_string(out, "No container is hardened.\n");
	r = vb_buf_printf(out, "%-*s%-*s%-22s%s\n", NAME_COLUMNS, "CONTAINER", LEVEL_COLUMNS,
		"LEVEL", "SINCE", "BUNDLE");
	json_array_foreach(status->containers, i, outcome)
		if (r == 0)
			r = print_row(outcome, colour, out);
	return r;
}

static int print_layer(const char *name, const json_t *layer, struct vb_buf *out)
{
	const char *reason = json_string_value(json_object_get(layer, "reason"));
	const char *value = json_string_value(json_object_get(layer, "value"));
	const char *effect = json_string_value(json_object_get(layer, "node_effect"));
	size_t i = 0;
	const json_t *evidence = NULL;

	int r = field_take(out, name,
		vb_str_format("%s%s%s%s%s%s%s", vb_report_text_of(layer, "state"),
			value != NULL ? ", " : "", value != NULL ? value : "",
			effect != NULL ? ", on this node: " : "", effect != NULL ? effect : "",
			reason != NULL ? ": " : "", reason != NULL ? reason : ""));
	json_array_foreach(json_object_get(layer, "evidence"), i, evidence)
		if (r == 0)
			r = field_take(out, "",
				vb_str_format("- %s", json_string_value(evidence) != NULL
							      ? json_string_value(evidence)
							      : "?"));
	return r;
}

/* A digest or an id leaves no room beside its name on a line. */
static int print_digest(struct vb_buf *out, const char *name, const char *digest)
{
	return vb_buf_printf(
		out, "%*s%s\n%*s%s\n", FIELD_INDENT, "", name, DIGEST_INDENT, "", digest);
}

/* kind is "bundle" or "floor". */
static int print_bundle(
	const json_t *outcome, const char *kind, const char *digest_key, struct vb_buf *out)
{
	const char *name = json_string_value(json_object_get(outcome, kind));
	bool by_default = is_default(outcome) && strcmp(kind, "bundle") == 0;
	vb_auto_free char *title = vb_str_format("%s %s%s", kind, name != NULL ? name : "",
		by_default ? " (the default of the node's rule)" : "");
	vb_auto_free char *digest = strdup(vb_report_text_of(outcome, digest_key));

	if (title == NULL || digest == NULL)
		return -ENOMEM;
	vb_utf8_scrub(title);
	vb_utf8_scrub(digest);
	return name == NULL ? 0 : print_digest(out, title, digest);
}

static int print_head(const json_t *outcome, bool colour, struct vb_buf *out)
{
	vb_auto_free char *name = name_of(outcome);
	vb_auto_free char *id = strdup(vb_report_text_of(outcome, "container_id"));
	vb_auto_free char *digest = strdup(vb_report_text_of(outcome, "plan_digest"));

	if (name == NULL || id == NULL || digest == NULL)
		return -ENOMEM;
	vb_utf8_scrub(id);
	vb_utf8_scrub(digest);
	int r = vb_buf_printf(out, "\n%s: ", name);
	if (r == 0)
		r = print_level(vb_report_text_of(outcome, "level"), 0, colour, out);
	if (r == 0)
		r = vb_buf_append_string(out, "\n");
	if (r == 0)
		r = print_digest(out, "container id", id);
	if (r == 0)
		r = print_bundle(outcome, "bundle", "bundle_digest", out);
	if (r == 0)
		r = print_bundle(outcome, "floor", "floor_digest", out);
	if (r == 0)
		r = print_digest(out, "plan digest", digest);
	if (r == 0)
		r = field_take(out, "handler",
			vb_str_format("%s, runtime %s", vb_report_text_of(outcome, "handler"),
				vb_report_text_of(outcome, "runtime")));
	return r == 0 ? field_take(out, "since", vb_report_time_of(outcome, "since")) : r;
}

static int print_writable(const json_t *outcome, struct vb_buf *out)
{
	size_t i = 0;
	const json_t *mount = NULL;
	int r = 0;

	json_array_foreach(json_object_get(outcome, "writable_mounts"), i, mount)
		if (r == 0 && json_is_string(mount))
			r = field_take(
				out, i == 0 ? "writable" : "", strdup(json_string_value(mount)));
	return r;
}

static int print_details(const json_t *outcome, bool colour, struct vb_buf *out)
{
	const char *note = json_string_value(json_object_get(outcome, "note"));
	const char *problem = json_string_value(json_object_get(outcome, "problem"));
	const char *verdict = json_string_value(json_object_get(outcome, "preload_verdict"));
	const json_t *layers = json_object_get(outcome, "layers");

	int r = print_head(outcome, colour, out);
	if (r == 0 && problem != NULL)
		r = field_take(out, "problem", strdup(problem));
	if (r == 0 && note != NULL)
		r = field_take(out, "note", strdup(note));
	for (enum vb_layer i = 0; r == 0 && i < VB_LAYER_COUNT; i++)
		r = print_layer(vb_layer_name(i), json_object_get(layers, vb_layer_name(i)), out);
	if (r == 0 && verdict != NULL)
		r = field_take(out, "entrypoint", strdup(verdict));
	return r < 0 ? r : print_writable(outcome, out);
}

static int print_refusals(const struct vb_status *status, struct vb_buf *out)
{
	const json_t *refusals = json_object_get(status->daemon, "refusals");
	size_t count = json_array_size(refusals);
	size_t shown = count < REFUSALS_SHOWN ? count : REFUSALS_SHOWN;
	int r = count > 0 ? vb_buf_append_string(out, "\nRefused lately:\n") : 0;

	for (size_t i = 0; r == 0 && i < shown; i++) {
		const json_t *refusal = json_array_get(refusals, i);
		json_int_t times = json_integer_value(json_object_get(refusal, "count"));
		vb_auto_free char *at = vb_report_time_of(refusal, "last_at");
		if (at == NULL)
			return -ENOMEM;
		r = vb_report_paragraph_take(out, FIELD_INDENT,
			vb_str_format("%s (%lld time%s) %s", at, (long long)times,
				times == 1 ? "" : "s", vb_report_text_of(refusal, "error")));
	}
	if (r < 0 || shown == count)
		return r;
	return vb_report_paragraph_take(
		out, FIELD_INDENT, vb_str_format("... and %zu more, see --json", count - shown));
}

int vb_status_text(const struct vb_status *status, bool details, bool colour, struct vb_buf *out)
{
	size_t i = 0;
	const json_t *outcome = NULL;

	int r = print_daemon(status, out);
	if (r == 0)
		r = print_problems(status, out);
	if (r == 0 && !details)
		r = print_table(status, colour, out);
	if (details)
		json_array_foreach(status->containers, i, outcome)
			if (r == 0)
				r = print_details(outcome, colour, out);
	return r < 0 || details ? r : print_refusals(status, out);
}

json_t *vb_status_json(const struct vb_status *status)
{
	return json_pack("{s:i,s:O?,s:b,s:O?,s:s?,s:O,s:O}", "status_version", 1, "daemon",
		status->daemon, "daemon_runs", status->runs, "daemons", status->daemons, "hook",
		status->hook, "containers", status->containers, "damaged", status->damaged);
}
