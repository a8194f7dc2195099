/* SPDX-License-Identifier: Apache-2.0 */
#include "status.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "clock.h"
#include "status_sys.h"
#include "vb/adjust/json.h"
#include "vb/base/str.h"
#include "vb/base/timestamp.h"

enum {
	STATUS_VERSION = 1,
	/* Changes come in bursts; one file is written for all of them. */
	DELAY_US = 100 * 1000,
	/* Bundles whose update is bad, of those that were looked up. */
	BUNDLES_MAX = 16,
};

struct bundle_problem {
	char *name;
	char *problem;
	unsigned int roles; /* enum vb_bundle_role: of all lookups since it began */
	struct timespec since;
};

struct vb_status {
	struct vb_status_parts parts;
	struct event *due;
	bool is_dirty;
	bool is_with_worker;
	bool is_anothers;
	struct timespec started_at;
	struct timespec stopped_at; /* 0: it runs */

	char *runtime_name;
	char *runtime_version;
	char *nri_version;
	bool validates;
	bool connected;
	struct timespec connected_since;
	char *unreachable; /* why no connection came about; or NULL */

	char config_digest[VB_DIGEST_SIZE];
	struct timespec config_loaded_at;
	bool refuses_all;
	char *config_problem;

	struct bundle_problem bundles[BUNDLES_MAX];
	size_t bundle_count;
};

static json_t *text_or_null(const char *text)
{
	return text == NULL || text[0] == '\0' ? json_null() : json_string(text);
}

static json_t *time_or_null(const struct timespec *at)
{
	char text[VB_TIMESTAMP_SIZE];

	if (at->tv_sec == 0)
		return json_null();
	vb_timestamp_format(at, text);
	return json_string(text);
}

static json_t *runtime_to_json(const struct vb_status *status)
{
	return json_pack("{so so so sb sb so so}", "name", text_or_null(status->runtime_name),
		"version", text_or_null(status->runtime_version), "nri_version",
		text_or_null(status->nri_version), "validates", status->validates, "connected",
		status->connected, "since", time_or_null(&status->connected_since), "problem",
		text_or_null(status->unreachable));
}

static json_t *config_to_json(const struct vb_status *status)
{
	return json_pack("{ss so so so sb}", "path", status->parts.config_path, "digest",
		text_or_null(status->config_digest), "loaded_at",
		time_or_null(&status->config_loaded_at), "problem",
		text_or_null(status->config_problem), "refuses_all", status->refuses_all);
}

static json_t *audit_to_json(const struct vb_status *status)
{
	const struct vb_auditor_state *state = vb_auditor_get_state(status->parts.audit);
	const struct vb_audit_counters *counters = &state->counters;

	return json_pack("{so sI sI sI sI sI sI}", "problem", text_or_null(state->problem),
		"frames", (json_int_t)counters->frames, "bytes", (json_int_t)counters->bytes,
		"syncs", (json_int_t)counters->syncs, "lost", (json_int_t)counters->lost, "repairs",
		(json_int_t)counters->repairs, "rotations", (json_int_t)counters->rotations);
}

static json_t *refusal_to_json(const struct vb_refusal *refusal)
{
	return json_pack("{ss ss ss ss ss ss so so sI}", "namespace", refusal->namespace_name,
		"pod", refusal->pod, "container", refusal->container, "container_id",
		refusal->container_id, "code", refusal->code, "error", refusal->line, "first_at",
		time_or_null(&refusal->first_at), "last_at", time_or_null(&refusal->last_at),
		"count", (json_int_t)refusal->count);
}

/* One that cannot be shown, for names that are not UTF-8, is left out. */
static json_t *refusals_to_json(const struct vb_status *status)
{
	vb_auto_json json_t *array = json_array();
	const struct vb_refusal *refusal = NULL;

	for (size_t i = 0; (refusal = vb_refusals_get(status->parts.refusals, i)) != NULL; i++)
		(void)json_array_append_new(array, refusal_to_json(refusal));
	return VB_STEAL(array);
}

static json_t *roles_to_json(unsigned int roles)
{
	static const struct {
		enum vb_bundle_role role;
		const char *name;
	} names[] = {{VB_BUNDLE_OF_POD, "pod"}, {VB_BUNDLE_DEFAULT, "default"},
		{VB_BUNDLE_FLOOR, "floor"}};
	vb_auto_json json_t *array = json_array();

	for (size_t i = 0; i < VB_ARRAY_SIZE(names); i++)
		if (roles & names[i].role)
			(void)json_array_append_new(array, json_string(names[i].name));
	return VB_STEAL(array);
}

static json_t *bundles_to_json(const struct vb_status *status)
{
	vb_auto_json json_t *array = json_array();

	for (size_t i = 0; i < status->bundle_count; i++) {
		const struct bundle_problem *bundle = &status->bundles[i];
		(void)json_array_append_new(
			array, json_pack("{ss ss so so}", "name", bundle->name, "problem",
				       bundle->problem, "used_as", roles_to_json(bundle->roles),
				       "since", time_or_null(&bundle->since)));
	}
	return VB_STEAL(array);
}

static char *to_text(const struct vb_status *status)
{
	const struct timespec now = vb_clock_now();

	vb_auto_json json_t *object = json_pack("{si ss si so so so so so so so so}",
		"status_version", STATUS_VERSION, "version", status->parts.version, "pid",
		(int)getpid(), "started_at", time_or_null(&status->started_at), "stopped_at",
		time_or_null(&status->stopped_at), "at", time_or_null(&now), "runtime",
		runtime_to_json(status), "config", config_to_json(status), "audit",
		audit_to_json(status), "bundle_problems", bundles_to_json(status), "refusals",
		refusals_to_json(status));
	return object == NULL ? NULL : vb_json_dump(object, JSON_COMPACT | JSON_SORT_KEYS);
}

struct writing {
	struct vb_job job; /* first */
	struct vb_status *status;
	char *text;
	int result;
	struct vb_error err;
};

static void run(struct vb_job *job)
{
	struct writing *writing = (struct writing *)job;

	writing->result = vb_status_write_file(writing->text, &writing->err);
}

/* The file stays as it was, as its `at` says. */
static void report_failure(const struct vb_status *status, const struct vb_error *err)
{
	struct vb_log_line line;

	vb_log_begin(&line, NULL, "status-failed");
	vb_log_text(&line, "error", err->what);
	vb_log_write_limited(status->parts.log, &line);
}

static void schedule(struct vb_status *status)
{
	const struct timeval delay = {.tv_usec = DELAY_US};

	if (!status->is_with_worker && !status->is_anothers && !evtimer_pending(status->due, NULL))
		(void)evtimer_add(status->due, &delay);
}

static void done(struct vb_job *job)
{
	struct writing *writing = (struct writing *)job;
	struct vb_status *status = writing->status;

	status->is_with_worker = false;
	if (writing->result < 0)
		report_failure(status, &writing->err);
	if (status->is_dirty)
		schedule(status);
	free(writing->text);
	free(writing);
}

static void on_due(evutil_socket_t fd, short what, void *context)
{
	struct vb_status *status = context;
	struct writing *writing = calloc(1, sizeof(*writing));

	(void)fd;
	(void)what;
	if (writing != NULL)
		writing->text = to_text(status);
	if (writing == NULL || writing->text == NULL) {
		free(writing);
		return;
	}
	writing->job.run = run;
	writing->job.done = done;
	writing->status = status;
	status->is_dirty = false;
	status->is_with_worker = true;
	vb_worker_submit(status->parts.worker, &writing->job, VB_JOB_BACKGROUND);
}

void vb_status_touch(struct vb_status *status)
{
	status->is_dirty = true;
	schedule(status);
}

struct vb_status *vb_status_create(const struct vb_status_parts *parts)
{
	struct vb_status *status = calloc(1, sizeof(*status));

	if (status == NULL)
		return NULL;
	status->parts = *parts;
	status->due = evtimer_new(parts->base, on_due, status);
	if (status->due == NULL) {
		free(status);
		return NULL;
	}
	status->started_at = vb_clock_now();
	return status;
}

void vb_status_destroy(struct vb_status *status)
{
	struct vb_error err = {0};

	if (status == NULL)
		return;
	status->stopped_at = vb_clock_now();
	status->connected = false;
	vb_auto_free char *text = status->is_anothers ? NULL : to_text(status);
	if (text != NULL && vb_status_write_file(text, &err) < 0)
		report_failure(status, &err);
	event_free(status->due);
	free(status->runtime_name);
	free(status->runtime_version);
	free(status->nri_version);
	free(status->unreachable);
	free(status->config_problem);
	for (size_t i = 0; i < status->bundle_count; i++) {
		free(status->bundles[i].name);
		free(status->bundles[i].problem);
	}
	free(status);
}

/* Out of memory, it is not known. */
static void replace(char **text, const char *by)
{
	free(*text);
	*text = by != NULL ? strdup(by) : NULL;
}

void vb_status_set_runtime(
	struct vb_status *status, const struct vb_nri_configure *runtime, bool validates)
{
	replace(&status->runtime_name, runtime->runtime_name);
	replace(&status->runtime_version, runtime->runtime_version);
	replace(&status->nri_version, runtime->nri_version);
	status->validates = validates;
	vb_status_touch(status);
}

void vb_status_set_connected(struct vb_status *status, bool connected)
{
	if (status->connected == connected)
		return;
	status->connected = connected;
	if (connected)
		replace(&status->unreachable, NULL);
	status->connected_since = vb_clock_now();
	vb_status_touch(status);
}

void vb_status_set_unreachable(struct vb_status *status, const char *problem)
{
	if (vb_str_equal(status->unreachable, problem))
		return;
	replace(&status->unreachable, problem);
	vb_status_touch(status);
}

void vb_status_set_anothers(struct vb_status *status, bool is_anothers)
{
	if (status->is_anothers == is_anothers)
		return;
	status->is_anothers = is_anothers;
	if (is_anothers)
		(void)evtimer_del(status->due);
	else
		vb_status_touch(status);
}

void vb_status_set_config(
	struct vb_status *status, const struct vb_settings *settings, const char *problem)
{
	memcpy(status->config_digest, settings->digest, sizeof(status->config_digest));
	status->config_loaded_at = settings->loaded_at;
	status->refuses_all = settings->problem != NULL;
	replace(&status->config_problem, problem != NULL ? problem : settings->problem);
	vb_status_touch(status);
}

static void remove_bundle(struct vb_status *status, size_t index)
{
	struct bundle_problem *bundle = &status->bundles[index];

	free(bundle->name);
	free(bundle->problem);
	status->bundle_count--;
	memmove(bundle, bundle + 1, (status->bundle_count - index) * sizeof(*bundle));
}

/* problem is taken over. */
static void add_bundle_take(
	struct vb_status *status, const char *name, unsigned int roles, char *problem)
{
	struct bundle_problem fresh = {.name = strdup(name), .problem = problem, .roles = roles};

	if (fresh.name == NULL) {
		free(problem);
		return;
	}
	if (status->bundle_count == BUNDLES_MAX)
		remove_bundle(status, 0);
	fresh.since = vb_clock_now();
	status->bundles[status->bundle_count++] = fresh;
}

void vb_status_set_bundle(struct vb_status *status, const struct vb_bundle_note *note)
{
	unsigned int roles = note->roles;
	size_t i = 0;

	while (i < status->bundle_count && strcmp(status->bundles[i].name, note->name) != 0)
		i++;
	struct bundle_problem *known = i < status->bundle_count ? &status->bundles[i] : NULL;
	if (note->warnings.count == 0 && known == NULL)
		return;
	vb_auto_free char *problem =
		note->warnings.count > 0 ? vb_strv_join(&note->warnings, ';') : NULL;
	if (known != NULL) {
		roles |= known->roles;
		if (roles == known->roles && vb_str_equal(known->problem, problem))
			return;
	}
	vb_status_touch(status);
	if (known != NULL && vb_str_equal(known->problem, problem)) {
		known->roles = roles;
		return;
	}
	if (known != NULL)
		remove_bundle(status, i);
	if (problem != NULL)
		add_bundle_take(status, note->name, roles, VB_STEAL(problem));
}

size_t vb_status_count_bundles(const struct vb_status *status)
{
	return status->bundle_count;
}
