/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "status.h"
#include "vb/adjust/json.h"
#include "vb/base/str.h"
#include "vb/base/timestamp.h"
#include "vb/base/utf8.h"
#include "why.h"

enum { NAMED_MAX = 8 /* candidates in the line about an ambiguous name */ };

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static bool is_same(const json_t *a, const json_t *b, const char *key)
{
	return strcmp(text_of(a, key), text_of(b, key)) == 0;
}

static bool is_same_pod(const json_t *a, const json_t *b)
{
	return is_same(a, b, "namespace") && is_same(a, b, "pod");
}

static int out_of_memory(struct vb_error *err)
{
	return vb_error_set(err, ENOMEM, "find the container");
}

int vb_why_add_source(json_t *sources, const char *what, const char *path, const char *error)
{
	vb_auto_free char *name = strdup(path);
	json_t *found = NULL;
	size_t i = 0;

	if (name == NULL)
		return -ENOMEM;
	vb_utf8_scrub(name);
	json_array_foreach(sources, i, found)
		if (strcmp(text_of(found, "what"), what) == 0 &&
			strcmp(text_of(found, "path"), name) == 0)
			return 0;
	return json_array_append_new(
		       sources, json_pack("{s:s,s:s,s:b,s:s?}", "what", what, "path", name, "read",
					error == NULL, "error", error)) < 0
		       ? -ENOMEM
		       : 0;
}

static json_t *make_candidate(const json_t *from, json_t *outcome)
{
	const json_t *id = json_object_get(from, "container_id");

	return json_pack("{s:s,s:s,s:s,s:s?,s:O?}", "namespace", text_of(from, "namespace"), "pod",
		text_of(from, "pod"), "container", text_of(from, "container"), "container_id",
		json_string_value(id), "outcome", outcome);
}

static int add_candidate(json_t *candidates, const json_t *from, json_t *outcome)
{
	return json_array_append_new(candidates, make_candidate(from, outcome)) < 0 ? -ENOMEM : 0;
}

static int add_status(const struct vb_status *status, json_t *candidates)
{
	json_t *item = NULL;
	size_t i = 0;
	int r = 0;

	json_array_foreach(status->containers, i, item)
		if (r == 0)
			r = add_candidate(candidates, item, item);
	json_array_foreach(json_object_get(status->daemon, "refusals"), i, item)
		if (r == 0)
			r = add_candidate(candidates, item, NULL);
	return r;
}

/* The line about a name that means containers of several pods. */
static int refuse_ambiguous(const json_t *chosen, const char *name, struct vb_error *err)
{
	vb_auto_strv struct vb_strv names = {0};
	vb_auto_free char *list = NULL;
	json_t *item = NULL;
	size_t i = 0;

	json_array_foreach(chosen, i, item) {
		vb_auto_free char *path = vb_str_format("%s/%s/%s", text_of(item, "namespace"),
			text_of(item, "pod"), text_of(item, "container"));
		if (path == NULL || vb_strv_add(&names, path) < 0)
			return out_of_memory(err);
	}
	vb_strv_sort_unique(&names);
	size_t more = names.count > NAMED_MAX ? names.count - NAMED_MAX : 0;
	for (; names.count > NAMED_MAX; names.count--)
		free(names.items[names.count - 1]);
	list = vb_strv_join(&names, ' ');
	if (list == NULL)
		return out_of_memory(err);
	vb_utf8_scrub(list);
	(void)vb_error_say(err, EINVAL, "'%.128s' may be any of: %s%s", name, list,
		more > 0 ? " and more" : "");
	return vb_error_fix(err, "say NAMESPACE/POD[/CONTAINER], or more digits of the id");
}

static bool is_ambiguous(const json_t *chosen, bool by_id)
{
	const json_t *first = json_array_get(chosen, 0);
	const json_t *item = NULL;
	size_t i = 0;

	json_array_foreach(chosen, i, item)
		if (!is_same_pod(first, item) || (by_id && !is_same(first, item, "container_id")))
			return true;
	return false;
}

/* Those that the name means; an id before a name. */
static int select_named(const json_t *candidates, const char *name, json_t *chosen, bool *ret_by_id)
{
	json_t *item = NULL;
	size_t i = 0;

	*ret_by_id = false;
	json_array_foreach(candidates, i, item)
		if (vb_status_match(item, name) == VB_NAME_ID)
			*ret_by_id = true;
	json_array_foreach(candidates, i, item) {
		enum vb_name_match match = vb_status_match(item, name);
		if (match == VB_NAME_NONE || (*ret_by_id && match != VB_NAME_ID))
			continue;
		if (json_array_append(chosen, item) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Ids and the latest outcome of one more instance. */
static int merge(json_t *target, const json_t *instance)
{
	const char *id = json_string_value(json_object_get(instance, "container_id"));
	json_t *ids = json_object_get(target, "ids");
	json_t *outcome = json_object_get(instance, "outcome");
	const json_t *latest = json_object_get(target, "outcome");
	const json_t *known = NULL;
	size_t i = 0;

	json_array_foreach(ids, i, known)
		if (vb_str_equal(json_string_value(known), id))
			id = NULL;
	if (id != NULL && json_array_append_new(ids, json_string(id)) < 0)
		return -ENOMEM;
	if (!json_is_object(outcome) ||
		(json_is_object(latest) &&
			strcmp(text_of(latest, "since"), text_of(outcome, "since")) >= 0))
		return 0;
	return json_object_set(target, "outcome", outcome) < 0 ||
			       json_object_set(target, "container_id",
				       json_object_get(instance, "container_id")) < 0
		       ? -ENOMEM
		       : 0;
}

static int add_target(json_t *targets, json_t *instance)
{
	json_t *target = NULL;
	size_t i = 0;

	json_array_foreach(targets, i, target)
		if (is_same_pod(target, instance) && is_same(target, instance, "container"))
			return merge(target, instance);
	json_t *added = json_deep_copy(instance);
	if (json_array_append_new(targets, added) < 0 ||
		json_object_set_new(added, "ids", json_array()) < 0 ||
		json_object_set_new(added, "refusals", json_array()) < 0)
		return -ENOMEM;
	return merge(added, instance);
}

/* The instance that was named by its id ends where the next one begins. */
static int bound(json_t *target, const json_t *candidates)
{
	const char *since = text_of(json_object_get(target, "outcome"), "since");
	const char *until = NULL;
	const json_t *item = NULL;
	size_t i = 0;

	json_array_foreach(candidates, i, item) {
		const char *other = text_of(json_object_get(item, "outcome"), "since");
		if (!is_same_pod(target, item) || !is_same(target, item, "container") ||
			strcmp(other, since) <= 0)
			continue;
		if (until == NULL || strcmp(other, until) < 0)
			until = other;
	}
	if (json_object_set_new(target, "from", json_string(since)) < 0)
		return -ENOMEM;
	return until != NULL && json_object_set_new(target, "until", json_string(until)) < 0
		       ? -ENOMEM
		       : 0;
}

static bool is_old(const json_t *refusal, int64_t since_ns)
{
	const char *last = text_of(refusal, "last_at");
	int64_t at_ns = 0;

	return since_ns > 0 &&
	       (vb_timestamp_parse(last, strlen(last), &at_ns) < 0 || at_ns < since_ns);
}

static int add_refusals(json_t *targets, const json_t *daemon, int64_t since_ns)
{
	json_t *target = NULL;
	json_t *refusal = NULL;
	size_t i = 0;
	size_t k = 0;

	json_array_foreach(json_object_get(daemon, "refusals"), i, refusal)
		json_array_foreach(targets, k, target)
			if (!is_old(refusal, since_ns) && is_same_pod(target, refusal) &&
				is_same(target, refusal, "container") &&
				json_array_append(json_object_get(target, "refusals"), refusal) < 0)
				return -ENOMEM;
	return 0;
}

static int choose(const json_t *candidates, const char *name, json_t *targets, struct vb_error *err)
{
	vb_auto_json json_t *chosen = json_array();
	json_t *item = NULL;
	size_t i = 0;
	bool by_id = false;
	int r = 0;

	if (chosen == NULL || select_named(candidates, name, chosen, &by_id) < 0)
		return out_of_memory(err);
	if (json_array_size(chosen) == 0)
		return vb_error_say(err, ENOENT, "no container or pod is called '%.128s'", name);
	if (is_ambiguous(chosen, by_id))
		return refuse_ambiguous(chosen, name, err);
	json_array_foreach(chosen, i, item)
		if (r == 0)
			r = add_target(targets, item);
	if (r == 0 && by_id &&
		json_is_object(json_object_get(json_array_get(targets, 0), "outcome")))
		r = bound(json_array_get(targets, 0), candidates);
	return r < 0 ? out_of_memory(err) : 0;
}

/* Why a name may mean nothing: the first thing that could not be read. */
static int advise(const json_t *sources, struct vb_error *err)
{
	const json_t *source = NULL;
	size_t i = 0;

	json_array_foreach(sources, i, source)
		if (!json_is_true(json_object_get(source, "read")))
			return vb_error_fix(err, "could not be read: %s: %s",
				text_of(source, "path"), text_of(source, "error"));
	return vb_error_fix(err, "`vambrace status` lists the hardened containers");
}

int vb_why_find(const struct vb_why_setting *setting, const char *name, json_t *targets,
	json_t *sources, struct vb_error *err)
{
	vb_auto_status struct vb_status status = {0};
	vb_auto_json json_t *candidates = json_array();
	struct vb_error why = {0};

	if (candidates == NULL)
		return out_of_memory(err);
	int r = vb_status_load(setting->state, &status, &why);
	if (r == -ENOMEM || vb_why_add_source(sources, "state", setting->state,
				    r < 0                   ? why.what
				    : status.daemon == NULL ? "vambrace-nri has not run here"
							    : NULL) < 0)
		return out_of_memory(err);
	if (add_status(&status, candidates) < 0)
		return out_of_memory(err);
	r = vb_why_list_logs(setting, candidates, sources, err);
	if (r == 0)
		r = choose(candidates, name, targets, err);
	if (r == 0 && add_refusals(targets, status.daemon, setting->since_ns) < 0)
		r = out_of_memory(err);
	return r == -ENOENT ? advise(sources, err) : r;
}
