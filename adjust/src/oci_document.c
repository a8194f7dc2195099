/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/oci_document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json_slice.h"
#include "vb/adjust/json.h"
#include "vb/adjust/oci_text.h"
#include "vb/base/str.h"

static const char placeholder[] = "null";

void vb_oci_document_finish(struct vb_oci_document *document)
{
	json_decref(document->tree);
	free(document->seccomp);
	*document = (struct vb_oci_document){0};
}

static int find_seccomp(const char *text, size_t size, struct vb_json_slice *ret_value)
{
	const struct vb_json_slice document = {.text = text, .size = size};
	struct vb_json_slice linux_object = {0};

	int r = vb_json_slice_get(&document, "linux", &linux_object);
	return r > 0 ? vb_json_slice_get(&linux_object, "seccomp", ret_value) : r;
}

/* Escapes could hide a key from those who look at the bytes. */
static bool can_be_apart(const struct vb_json_slice *value)
{
	return value->text[0] == '{' && memchr(value->text, '\\', value->size) == NULL;
}

/* The text with something else in a part's place, which lies within it. */
static char *replace(
	const char *text, size_t size, const struct vb_json_slice *part, const char *by)
{
	size_t before = (size_t)(part->text - text);
	size_t length = strlen(by);
	size_t behind = size - before - part->size;
	char *result = malloc(before + length + behind + 1);

	if (result == NULL)
		return NULL;
	memcpy(result, text, before);
	memcpy(result + before, by, length);
	memcpy(result + before + length, part->text + part->size, behind);
	result[before + length + behind] = '\0';
	return result;
}

/* Whether null stands where something is to be put. */
static bool has_place(const json_t *tree)
{
	return json_is_null(json_object_get(json_object_get(tree, "linux"), "seccomp"));
}

static int read_apart(const char *text, size_t size, const struct vb_json_slice *seccomp,
	struct vb_oci_document *ret_document, struct vb_error *err)
{
	vb_auto_oci_document struct vb_oci_document document = {0};
	vb_auto_free char *rest = replace(text, size, seccomp, placeholder);

	document.seccomp = strndup(seccomp->text, seccomp->size);
	if (rest == NULL || document.seccomp == NULL)
		return vb_error_set(err, ENOMEM, "read JSON");
	int r = vb_oci_text_parse(
		rest, size - seccomp->size + strlen(placeholder), &document.tree, err);
	if (r < 0)
		return r;
	/* A NUL within, or no place: what the slices saw is not what the tree shows. */
	if (strlen(document.seccomp) != seccomp->size || !has_place(document.tree))
		return vb_error_say(err, EINVAL, "linux.seccomp is not where it seems to be");
	*ret_document = document;
	document = (struct vb_oci_document){0};
	return 0;
}

int vb_oci_document_read(
	const char *text, size_t size, struct vb_oci_document *ret_document, struct vb_error *err)
{
	struct vb_json_slice seccomp = {0};

	if (size <= VB_OCI_TEXT_MAX && find_seccomp(text, size, &seccomp) > 0 &&
		can_be_apart(&seccomp)) {
		int r = read_apart(text, size, &seccomp, ret_document, NULL);
		if (r == 0)
			return 0;
	}
	/* Nothing is apart, or something is wrong, which this says in the usual words. */
	json_t *tree = NULL;
	int r = vb_oci_text_parse(text, size, &tree, err);
	if (r == 0)
		*ret_document = (struct vb_oci_document){.tree = tree};
	return r;
}

int vb_oci_document_write(const struct vb_oci_document *document, char **ret_text, size_t *ret_size,
	struct vb_error *err)
{
	struct vb_json_slice place = {0};
	vb_auto_free char *rest = NULL;
	size_t size = 0;

	if (document->seccomp == NULL)
		return vb_oci_text_write(document->tree, ret_text, ret_size, err);
	int r = vb_oci_text_write(document->tree, &rest, &size, err);
	if (r < 0)
		return r;
	if (!has_place(document->tree) || find_seccomp(rest, size, &place) <= 0)
		return vb_error_say(err, EINVAL, "linux.seccomp has no place to be written to");
	char *text = replace(rest, size, &place, document->seccomp);
	if (text == NULL)
		return vb_error_set(err, ENOMEM, "write JSON");
	*ret_size = size - place.size + strlen(document->seccomp);
	*ret_text = text;
	return 0;
}
