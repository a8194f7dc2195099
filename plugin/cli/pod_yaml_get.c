/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "pod_yaml.h"

static const json_t *get(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_null(value) ? NULL : value;
}

static int wrong_type(const struct vb_yaml *yaml, const json_t *object, const char *key,
	const char *wanted, struct vb_error *err)
{
	return vb_yaml_error(yaml, object, key, err, "%s must be %s", key, wanted);
}

int vb_yaml_get_string(const struct vb_yaml *yaml, const json_t *object, const char *key,
	const char **ret_text, struct vb_error *err)
{
	const json_t *value = get(object, key);

	if (value == NULL)
		return 0;
	if (!json_is_string(value))
		return wrong_type(yaml, object, key, "a text; put the value in quotes", err);
	*ret_text = json_string_value(value);
	return 0;
}

int vb_yaml_get_bool(const struct vb_yaml *yaml, const json_t *object, const char *key,
	bool *ret_value, struct vb_error *err)
{
	const json_t *value = get(object, key);

	if (value == NULL)
		return 0;
	if (!json_is_boolean(value))
		return wrong_type(yaml, object, key, "true or false, without quotes", err);
	*ret_value = json_is_true(value);
	return 0;
}

int vb_yaml_get_object(const struct vb_yaml *yaml, const json_t *object, const char *key,
	const json_t **ret_object, struct vb_error *err)
{
	const json_t *value = get(object, key);

	if (value == NULL)
		return 0;
	if (!json_is_object(value))
		return wrong_type(yaml, object, key, "a mapping", err);
	*ret_object = value;
	return 0;
}

int vb_yaml_get_objects(const struct vb_yaml *yaml, const json_t *object, const char *key,
	const json_t **ret_array, struct vb_error *err)
{
	const json_t *value = get(object, key);
	const json_t *item;
	size_t i;

	if (value == NULL)
		return 0;
	if (!json_is_array(value))
		return wrong_type(yaml, object, key, "a list", err);
	json_array_foreach(value, i, item)
		if (!json_is_object(item))
			return vb_yaml_error(
				yaml, object, key, err, "item %zu of %s must be a mapping", i, key);
	*ret_array = value;
	return 0;
}
