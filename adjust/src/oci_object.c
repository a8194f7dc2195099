/* SPDX-License-Identifier: Apache-2.0 */
#include "oci_internal.h"

#include <errno.h>

static int get(json_t *parent, const char *where, const char *key, json_type type,
	json_t **ret_value, struct vb_error *err)
{
	json_t *value = json_object_get(parent, key);

	if (value == NULL || json_is_null(value)) {
		*ret_value = NULL;
		return 0;
	}
	if (json_typeof(value) != type)
		return vb_error_say(err, EINVAL, "%s.%s must be %s", where, key,
			type == JSON_OBJECT ? "an object" : "an array");
	*ret_value = value;
	return 0;
}

int vb_oci_get_object(json_t *parent, const char *where, const char *key, json_t **ret_object,
	struct vb_error *err)
{
	return get(parent, where, key, JSON_OBJECT, ret_object, err);
}

int vb_oci_get_array(json_t *parent, const char *where, const char *key, json_t **ret_array,
	struct vb_error *err)
{
	return get(parent, where, key, JSON_ARRAY, ret_array, err);
}

static int need(json_t *parent, const char *where, const char *key, json_type type,
	json_t **ret_value, struct vb_error *err)
{
	json_t *value = NULL;

	int r = get(parent, where, key, type, &value, err);
	if (r < 0)
		return r;
	if (value == NULL) {
		value = type == JSON_OBJECT ? json_object() : json_array();
		if (json_object_set_new(parent, key, value) < 0)
			return vb_error_set(err, ENOMEM, "add %s.%s", where, key);
	}
	*ret_value = value;
	return 0;
}

int vb_oci_need_object(json_t *parent, const char *where, const char *key, json_t **ret_object,
	struct vb_error *err)
{
	return need(parent, where, key, JSON_OBJECT, ret_object, err);
}

int vb_oci_need_array(json_t *parent, const char *where, const char *key, json_t **ret_array,
	struct vb_error *err)
{
	return need(parent, where, key, JSON_ARRAY, ret_array, err);
}
