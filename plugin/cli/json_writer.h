/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_CLI_JSON_WRITER_H
#define VB_PLUGIN_CLI_JSON_WRITER_H

#include <jansson.h>
#include <stdbool.h>

#include "vb/base/str.h"

/*
 * jansson's setters report failure by -1 and swallow what they were given, so an object can be
 * built without looking: `ok` collects the failures, and the caller looks once.
 */
struct vb_json_writer {
	json_t *object;
	bool ok;
};

struct vb_json_writer vb_json_begin(void);

/* The object, or NULL when any part of it is missing. */
json_t *vb_json_end(struct vb_json_writer *writer);

/* Takes the value; NULL stands for one that could not be made. */
void vb_json_put(struct vb_json_writer *writer, const char *key, json_t *value);

/* Copies the text; NULL becomes null. */
void vb_json_put_text(struct vb_json_writer *writer, const char *key, const char *text);

/* A new array; NULL when out of memory. */
json_t *vb_json_strings(const struct vb_strv *strings);

#endif
