/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "vb/adjust/json.h"
#include "vb/adjust/outcome.h"

static json_t *text_or_null(const char *text)
{
	return text == NULL ? json_null() : json_string(text);
}

static json_t *strings_to_json(const struct vb_strv *strings)
{
	vb_auto_json json_t *array = json_array();

	for (size_t i = 0; i < strings->count; i++)
		if (json_array_append_new(array, json_string(strings->items[i])) < 0)
			return NULL;
	return VB_STEAL(array);
}

static json_t *layer_to_json(const struct vb_layer_outcome *layer)
{
	vb_auto_json json_t *object = json_object();

	if (json_object_set_new(object, "state", json_string(vb_layer_state_name(layer->state))) <
			0 ||
		json_object_set_new(object, "evidence", strings_to_json(&layer->evidence)) < 0)
		return NULL;
	if (layer->reason != NULL &&
		json_object_set_new(object, "reason", json_string(layer->reason)) < 0)
		return NULL;
	return VB_STEAL(object);
}

static int add_speculation(json_t *layers, const struct vb_spec_outcome *speculation)
{
	json_t *layer = json_object_get(layers, vb_layer_name(VB_LAYER_SPEC_ALLOW));

	if (json_object_set_new(layer, "value", json_string(speculation->value)) < 0)
		return -ENOMEM;
	return json_object_set_new(
		layer, "node_effect", json_string(vb_spec_effect_name(speculation->effect)));
}

static json_t *layers_to_json(const struct vb_outcome *outcome)
{
	vb_auto_json json_t *object = json_object();

	for (enum vb_layer layer = 0; layer < VB_LAYER_COUNT; layer++)
		if (json_object_set_new(object, vb_layer_name(layer),
			    layer_to_json(&outcome->layers[layer])) < 0)
			return NULL;
	if (add_speculation(object, &outcome->speculation) < 0)
		return NULL;
	return VB_STEAL(object);
}

char *vb_outcome_to_json(const struct vb_outcome *outcome)
{
	vb_auto_json json_t *object = json_object();
	const struct {
		const char *key;
		json_t *value;
	} members[] = {
		{"outcome_version", json_integer(VB_OUTCOME_VERSION)},
		{"container_id", text_or_null(outcome->container_id)},
		{"pid", outcome->pid > 0 ? json_integer(outcome->pid) : json_null()},
		{"namespace", text_or_null(outcome->namespace_name)},
		{"pod", text_or_null(outcome->pod)},
		{"container", text_or_null(outcome->container)},
		{"handler", text_or_null(outcome->handler)},
		{"runtime", text_or_null(outcome->runtime)},
		{"bundle", text_or_null(outcome->bundle)},
		{"bundle_digest", text_or_null(outcome->bundle_digest)},
		{"bundle_is_default", json_boolean(outcome->bundle_is_default)},
		{"floor", text_or_null(outcome->floor)},
		{"floor_digest", text_or_null(outcome->floor_digest)},
		{"plan_digest", json_string(outcome->plan_digest)},
		{"level", json_string(vb_level_name(outcome->level))},
		{"note", text_or_null(outcome->note)},
		{"problem", text_or_null(outcome->problem)},
		{"layers", layers_to_json(outcome)},
		{"writable_mounts", strings_to_json(&outcome->writable_mounts)},
		{"preload_verdict", text_or_null(outcome->preload_verdict)},
		{"since", json_string(outcome->since)},
		{"at", json_string(outcome->at)},
	};
	bool complete = true;

	/* Every value is set, also after a failure, since setting is what releases it. */
	for (size_t i = 0; i < VB_ARRAY_SIZE(members); i++)
		if (json_object_set_new(object, members[i].key, members[i].value) < 0)
			complete = false;
	return complete ? vb_json_dump(object, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
}

/* The `since` of an earlier outcome of the same plan, or "". */
static void copy_since(const char *previous, const char *plan_digest, char *ret_since, size_t size)
{
	vb_auto_json json_t *object = json_loads(previous, JSON_REJECT_DUPLICATES, NULL);
	const char *digest = json_string_value(json_object_get(object, "plan_digest"));
	const char *since = json_string_value(json_object_get(object, "since"));

	ret_since[0] = '\0';
	if (vb_str_equal(digest, plan_digest) && since != NULL && strlen(since) < size)
		memcpy(ret_since, since, strlen(since) + 1);
}

void vb_outcome_stamp(struct vb_outcome *outcome, const struct timespec *now, const char *previous)
{
	vb_timestamp_format(now, outcome->at);
	outcome->since[0] = '\0';
	if (previous != NULL)
		copy_since(previous, outcome->plan_digest, outcome->since, sizeof(outcome->since));
	if (outcome->since[0] == '\0')
		memcpy(outcome->since, outcome->at, sizeof(outcome->since));
}
