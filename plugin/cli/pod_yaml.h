/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_CLI_POD_YAML_H
#define VB_PLUGIN_CLI_POD_YAML_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "vb/base/cleanup.h"
#include "vb/base/error.h"

/*
 * Kubernetes manifests, YAML or JSON, as JSON trees that remember where in the text their values
 * stood. Files come from anywhere, so everything is bounded: size, depth, number of values.
 *
 * Plain scalars mean what they mean to Kubernetes, whose reader follows YAML 1.1: `on`, `yes`, `y`
 * and their kin are booleans, `0755` is a number. Refused, because a reader that guesses would
 * explain another pod than the one that runs: duplicate keys, aliases, merge keys, tags other than
 * !!str, keys that are not scalars.
 */
struct vb_yaml;

enum {
	VB_YAML_SIZE_MAX = 4 << 20,
	VB_YAML_DEPTH_MAX = 64,
	VB_YAML_VALUES_MAX = 1 << 18,
};

/*
 * Parses a stream of YAML documents, or one JSON text (first character `{`). name is what errors
 * begin with, as in "pod.yaml:3:7: ..."; it is copied. Empty documents are left out.
 * -EINVAL with name, line and column; -EFBIG; -ENOMEM.
 */
int vb_yaml_parse(const char *name, const char *text, size_t size, struct vb_yaml **ret_yaml,
	struct vb_error *err) VB_WARN_UNUSED;
void vb_yaml_destroy(struct vb_yaml *yaml);

static inline void vb_cleanup_yaml(struct vb_yaml *const *yaml)
{
	vb_yaml_destroy(*yaml);
}
#define vb_auto_yaml vb_auto(vb_cleanup_yaml)

/* The documents, an array; borrowed. */
const json_t *vb_yaml_documents(const struct vb_yaml *yaml);

/*
 * Sets err to a text with the place in front: that of the key's value, or, with key NULL, of the
 * object or array itself. In JSON the place is the file alone. Returns -EINVAL.
 */
int vb_yaml_error(const struct vb_yaml *yaml, const json_t *object, const char *key,
	struct vb_error *err, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The line on which an object or array begins; 0 when it is not known. */
unsigned long vb_yaml_line(const struct vb_yaml *yaml, const json_t *object);

/*
 * Members of an object. One that is absent or null leaves the output as it was, as Kubernetes
 * takes it; one of another type is -EINVAL. Results are borrowed.
 */
int vb_yaml_get_string(const struct vb_yaml *yaml, const json_t *object, const char *key,
	const char **ret_text, struct vb_error *err) VB_WARN_UNUSED;
int vb_yaml_get_bool(const struct vb_yaml *yaml, const json_t *object, const char *key,
	bool *ret_value, struct vb_error *err) VB_WARN_UNUSED;
int vb_yaml_get_object(const struct vb_yaml *yaml, const json_t *object, const char *key,
	const json_t **ret_object, struct vb_error *err) VB_WARN_UNUSED;
/* An array whose items are all objects. */
int vb_yaml_get_objects(const struct vb_yaml *yaml, const json_t *object, const char *key,
	const json_t **ret_array, struct vb_error *err) VB_WARN_UNUSED;

#endif
