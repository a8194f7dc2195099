/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "json_writer.h"
#include "status.h"
#include "vb/adjust/json.h"
#include "vb/adjust/state.h"
#include "vb/base/file.h"
#include "vb/base/str.h"
#include "vb/base/timestamp.h"
#include "why.h"

enum {
	WHY_VERSION = 1,
	EXIT_SIGSYS = 159, /* 128 + SIGSYS */
	/* How far apart a container's end and the record of what ended it may be. */
	END_NS = 2000000000,
};

static int out_of_memory(struct vb_error *err)
{
	return vb_error_set(err, ENOMEM, "report denials");
}

/* NULL where there is none, or none that can be read: then less is known. */
static struct vb_plan *load_plan(const struct vb_why_setting *setting, const json_t *target)
{
	const char *id = json_string_value(json_object_get(target, "container_id"));
	vb_auto_free char *path = NULL;
	vb_auto_free char *text = NULL;
	struct vb_plan *plan = NULL;
	struct vb_error ignored;
	size_t size = 0;

	if (id == NULL || !vb_container_id_is_valid(id))
		return NULL;
	path = vb_str_format("%s/plans/%s.json", setting->state, id);
	if (path == NULL || vb_file_read(path, VB_STATE_FILE_MAX, &text, &size, &ignored) < 0 ||
		vb_plan_from_json(text, size, &plan, &ignored) < 0)
		return NULL;
	return plan;
}

static int64_t time_of(const json_t *object, const char *key, int64_t otherwise)
{
	const char *text = json_string_value(json_object_get(object, key));
	int64_t ns = 0;

	return text != NULL && vb_timestamp_parse(text, strlen(text), &ns) == 0 ? ns : otherwise;
}

/* NULL where there is none of that time, or none that can be read. */
static json_t *read_exit(const struct vb_why_setting *setting, const json_t *target)
{
	const char *id = json_string_value(json_object_get(target, "container_id"));
	vb_auto_json json_t *status = NULL;
	vb_auto_free char *path = NULL;
	struct vb_error ignored;

	if (id == NULL || !vb_container_id_is_valid(id))
		return NULL;
	path = vb_str_format(
		"%s/io.containerd.grpc.v1.cri/containers/%s/status", setting->containerd, id);
	if (path == NULL || vb_status_load_json(path, &status, &ignored) < 0)
		return NULL;
	json_int_t finished_ns = json_integer_value(json_object_get(status, "FinishedAt"));
	return finished_ns <= 0 || finished_ns < setting->since_ns
		       ? NULL
		       : json_pack("{s:I,s:o}", "code",
				 json_integer_value(json_object_get(status, "ExitCode")),
				 "finished_at", vb_why_time(finished_ns));
}

/* Records of killed processes that are gone, written when the container ended. */
static size_t count_kills(const struct vb_why_records *gone, int64_t at_ns)
{
	size_t count = 0;

	for (size_t i = 0; i < gone->count; i++)
		if (gone->items[i].signal != 0 && gone->items[i].at_ns > at_ns - END_NS &&
			gone->items[i].at_ns < at_ns + END_NS)
			count++;
	return count;
}

/* What 159 means; the call that the first process was killed for is among the denials. */
static char *note_sigsys(bool killed, size_t kills)
{
	if (killed)
		return strdup("159 is SIGSYS: a seccomp profile killed its first process for a "
			      "call that is named above");
	return vb_str_format(
		"159 is SIGSYS: a seccomp profile kills for a call, and does so by "
		"SCMP_ACT_KILL or SCMP_ACT_TRAP; or the program chose that code. %zu record%s of "
		"killed processes that are gone lie%s within two seconds of it",
		kills, kills == 1 ? "" : "s", kills == 1 ? "s" : "");
}

static bool is_same_text(const json_t *a, const json_t *b, const char *key)
{
	return vb_str_equal(json_string_value(json_object_get(a, key)),
		json_string_value(json_object_get(b, key)));
}

/* Adds the record's denial, or counts it with one of its kind. Takes it; records come by time. */
static int add_seccomp(json_t *denials, json_t *denial)
{
	vb_auto_json json_t *added = denial;
	json_t *known = NULL;
	size_t i = 0;

	if (added == NULL)
		return -ENOMEM;
	json_array_foreach(denials, i, known) {
		if (!is_same_text(known, added, "layer") || !is_same_text(known, added, "call") ||
			!is_same_text(known, added, "arch") ||
			!is_same_text(known, added, "action") ||
			!is_same_text(known, added, "program"))
			continue;
		json_int_t count = json_integer_value(json_object_get(known, "count"));
		return json_object_set_new(known, "count", json_integer(count + 1)) < 0 ||
				       json_object_set(known, "last_at",
					       json_object_get(added, "last_at")) < 0
			       ? -ENOMEM
			       : 0;
	}
	return json_array_append(denials, added) < 0 ? -ENOMEM : 0;
}

/* What is known of one container beside what it shares with the others. */
struct gathered {
	struct vb_plan *plan;
	struct vb_denials *denials;
	json_t *seccomp;
	json_t *ended; /* NULL: it runs, or that is not known */
	bool killed;   /* by seccomp, its first process */
};

static void finish_gathered(struct gathered *gathered)
{
	vb_plan_destroy(gathered->plan);
	vb_denials_destroy(gathered->denials);
	json_decref(gathered->seccomp);
	json_decref(gathered->ended);
}

static int add_exit(const struct gathered *gathered, const struct vb_why_records *gone,
	struct vb_json_writer *w)
{
	json_t *ended = gathered->ended;

	if (ended != NULL && json_integer_value(json_object_get(ended, "code")) == EXIT_SIGSYS) {
		size_t kills = count_kills(gone, time_of(ended, "finished_at", 0));
		vb_auto_free char *note = note_sigsys(gathered->killed, kills);
		if (note == NULL || json_object_set_new(ended, "note", json_string(note)) < 0)
			return -ENOMEM;
	}
	vb_json_put(w, "exit", ended != NULL ? json_incref(ended) : json_null());
	return w->ok ? 0 : -ENOMEM;
}

static const char *note_of(const json_t *target, const struct vb_plan *plan)
{
	if (plan != NULL)
		return NULL;
	return json_is_object(json_object_get(target, "outcome"))
		       ? "its plan cannot be read, so lines to allow are for a bundle"
		       : "no hardened container of this name is known here now";
}

/* The report's object of one container. */
static json_t *describe(
	const json_t *target, const struct gathered *gathered, const struct vb_why_records *gone)
{
	const json_t *outcome = json_object_get(target, "outcome");
	const struct vb_denied *denied = vb_denials_finish(gathered->denials);
	struct vb_json_writer w = vb_json_begin();
	vb_auto_json json_t *denials = vb_why_preload_denials(denied, gathered->plan);

	if (denials == NULL || json_array_extend(denials, gathered->seccomp) < 0)
		w.ok = false;
	vb_json_put(&w, "namespace", json_incref(json_object_get(target, "namespace")));
	vb_json_put(&w, "pod", json_incref(json_object_get(target, "pod")));
	vb_json_put(&w, "container", json_incref(json_object_get(target, "container")));
	vb_json_put(&w, "container_ids", json_incref(json_object_get(target, "ids")));
	vb_json_put_text(&w, "bundle", gathered->plan != NULL ? gathered->plan->bundle_name : NULL);
	vb_json_put_text(&w, "note", note_of(target, gathered->plan));
	vb_json_put(&w, "denials", json_incref(denials));
	vb_json_put(&w, "hints", vb_why_hints(denied, gathered->plan, outcome));
	vb_json_put(&w, "refusals", json_incref(json_object_get(target, "refusals")));
	vb_json_put(&w, "losses", vb_why_losses(denied));
	if (add_exit(gathered, gone, &w) < 0)
		w.ok = false;
	return vb_json_end(&w);
}

static int gather(const struct vb_why_setting *setting, const json_t *target, json_t *sources,
	struct gathered *gathered, struct vb_error *err)
{
	int64_t from_ns = time_of(target, "from", 0);
	int64_t since_ns = from_ns > setting->since_ns ? from_ns : setting->since_ns;

	gathered->plan = load_plan(setting, target);
	gathered->denials = vb_denials_create(since_ns, time_of(target, "until", INT64_MAX));
	gathered->seccomp = json_array();
	gathered->ended = read_exit(setting, target);
	if (gathered->denials == NULL || gathered->seccomp == NULL)
		return out_of_memory(err);
	return vb_why_read_logs(setting, target, gathered->denials, sources, err);
}

struct totals {
	size_t attributed;
	size_t logged;
	size_t of_others;
};

/*
 * Whether the record is of a container's first process, which is gone: until containerd wrote down
 * its end, nobody else had its pid.
 */
static bool is_of_ended(const struct vb_seccomp_record *record, const json_t *target,
	const struct gathered *gathered)
{
	const json_t *outcome = json_object_get(target, "outcome");

	return gathered->ended != NULL &&
	       json_integer_value(json_object_get(outcome, "pid")) == record->pid &&
	       record->at_ns >= time_of(outcome, "since", INT64_MAX) &&
	       record->at_ns <= time_of(gathered->ended, "finished_at", 0);
}

static enum vb_why_owner find_owner(const struct vb_why_setting *setting,
	const struct vb_seccomp_record *record, const json_t *targets, struct gathered *gathered,
	size_t *ret_target)
{
	enum vb_why_owner owner = vb_why_find_owner(setting, record, targets, ret_target);
	const json_t *target = NULL;
	size_t i = 0;

	if (owner != VB_WHY_GONE)
		return owner;
	json_array_foreach(targets, i, target)
		if (is_of_ended(record, target, &gathered[i])) {
			*ret_target = i;
			gathered[i].killed = gathered[i].killed || record->signal != 0;
			return VB_WHY_KNOWN;
		}
	return VB_WHY_GONE;
}

/* Those of processes that are gone stay in records. */
static int share_records(const struct vb_why_setting *setting, const json_t *targets,
	struct vb_why_records *records, struct gathered *gathered, struct totals *totals)
{
	size_t gone = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < records->count; i++) {
		const struct vb_seccomp_record *record = &records->items[i];
		size_t at = 0;
		if (vb_seccomp_record_passed(record)) {
			totals->logged++;
			continue;
		}
		switch (find_owner(setting, record, targets, gathered, &at)) {
		case VB_WHY_GONE:
			records->items[gone++] = *record;
			break;
		case VB_WHY_OTHER:
			totals->of_others++;
			break;
		case VB_WHY_KNOWN:
			totals->attributed++;
			r = add_seccomp(gathered[at].seccomp,
				vb_why_seccomp_denial(record, gathered[at].plan));
			break;
		}
	}
	records->count = gone;
	return r;
}

static json_t *seccomp_to_json(const struct vb_why_records *gone, const struct totals *totals)
{
	size_t all = gone->count + totals->attributed + totals->of_others + totals->logged;

	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "records", (json_int_t)all,
		"attributed", (json_int_t)totals->attributed, "logged", (json_int_t)totals->logged,
		"of_others", (json_int_t)totals->of_others, "unattributed", (json_int_t)gone->count,
		"suppressed", (json_int_t)gone->lost, "malformed", (json_int_t)gone->malformed,
		"not_kept", (json_int_t)gone->more);
}

/* containers of the report, and what the kernel's log held. */
static int report_targets(const struct vb_why_setting *setting, const json_t *targets,
	struct gathered *gathered, struct vb_json_writer *w, json_t *sources, struct vb_error *err)
{
	vb_auto_why_records struct vb_why_records records = {0};
	vb_auto_json json_t *containers = json_array();
	struct totals totals = {0};
	const json_t *target = NULL;
	size_t i = 0;

	json_array_foreach(targets, i, target) {
		int r = gather(setting, target, sources, &gathered[i], err);
		if (r < 0)
			return r;
	}
	int r = vb_why_read_records(setting, &records, sources, err);
	if (r < 0)
		return r;
	if (share_records(setting, targets, &records, gathered, &totals) < 0)
		return out_of_memory(err);
	json_array_foreach(targets, i, target)
		if (json_array_append_new(containers, describe(target, &gathered[i], &records)) < 0)
			return out_of_memory(err);
	vb_json_put(w, "containers", json_incref(containers));
	vb_json_put(w, "seccomp", seccomp_to_json(&records, &totals));
	return 0;
}

int vb_why_report(const struct vb_why_setting *setting, const char *name, json_t **ret_report,
	struct vb_error *err)
{
	struct vb_json_writer w = vb_json_begin();
	json_t *targets = json_array();
	json_t *sources = json_array();
	struct gathered *gathered = NULL;

	int r = vb_why_find(setting, name, targets, sources, err);
	size_t count = json_array_size(targets);
	if (r == 0) {
		gathered = calloc(count + 1, sizeof(*gathered));
		r = gathered == NULL ? out_of_memory(err)
				     : report_targets(setting, targets, gathered, &w, sources, err);
	}
	for (size_t i = 0; gathered != NULL && i < count; i++)
		finish_gathered(&gathered[i]);
	free(gathered);
	json_decref(targets);
	vb_json_put(&w, "why_version", json_integer(WHY_VERSION));
	vb_json_put(&w, "since", vb_why_time(setting->since_ns));
	vb_json_put(&w, "sources", sources);
	vb_auto_json json_t *report = vb_json_end(&w);
	if (r == 0 && report == NULL)
		r = out_of_memory(err);
	if (r == 0)
		*ret_report = VB_STEAL(report);
	return r;
}

bool vb_why_found(const json_t *report)
{
	const json_t *container = NULL;
	size_t i = 0;

	json_array_foreach(json_object_get(report, "containers"), i, container)
		if (json_array_size(json_object_get(container, "denials")) > 0 ||
			json_array_size(json_object_get(container, "refusals")) > 0 ||
			json_integer_value(json_object_get(
				json_object_get(container, "exit"), "code")) == EXIT_SIGSYS)
			return true;
	return false;
}
