/* SPDX-License-Identifier: Apache-2.0 */
#include "json_writer.h"

struct vb_json_writer vb_json_begin(void)
{
	struct vb_json_writer writer = {.object = json_object()};

	writer.ok = writer.object != NULL;
	return writer;
}

json_t *vb_json_end(struct vb_json_writer *writer)
{
	if (writer->ok)
		return writer->object;
	json_decref(writer->object);
	return NULL;
}

void vb_json_put(struct vb_json_writer *writer, const char *key, json_t *value)
{
	if (json_object_set_new(writer->object, key, value) < 0)
		writer->ok = false;
}

void vb_json_put_text(struct vb_json_writer *writer, const char *key, const char *text)
{
	vb_json_put(writer, key, text != NULL ? json_string(text) : json_null());
}

json_t *vb_json_strings(const struct vb_strv *strings)
{
	json_t *array = json_array();

	for (size_t i = 0; array != NULL && i < strings->count; i++)
		if (json_array_append_new(array, json_string(strings->items[i])) < 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}
