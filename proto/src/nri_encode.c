/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "nri_internal.h"
#include "vb/base/utf8.h"
#include "wire.h"

/* protobuf-c's structs want char *, though packing only reads. */
static char *unconst(const char *text)
{
	return (char *)(uintptr_t)text;
}

static int check_text(const char *kind, const char *text, struct vb_error *err)
{
	if (vb_utf8_is_valid(text, strlen(text)))
		return 0;
	return vb_error_say(err, EINVAL, "%s '%s' is not UTF-8", kind, text);
}

static bool is_plugin_name(const char *name)
{
	size_t length = 0;

	for (; name[length] != '\0'; length++)
		if (!isalnum((unsigned char)name[length]) && strchr("._+-", name[length]) == NULL)
			return false;
	return length > 0;
}

int vb_nri_encode_register(
	struct vb_buf *out, const char *name, const char *index, struct vb_error *err)
{
	Nri__Pkg__Api__V1alpha1__RegisterPluginRequest request;

	if (!is_plugin_name(name))
		return vb_error_say(err, EINVAL, "'%s' is not an NRI plugin name", name);
	if (!isdigit((unsigned char)index[0]) || !isdigit((unsigned char)index[1]) ||
		index[2] != '\0')
		return vb_error_say(err, EINVAL, "NRI plugin index '%s' is not two digits", index);
	nri__pkg__api__v1alpha1__register_plugin_request__init(&request);
	request.plugin_name = unconst(name);
	request.plugin_idx = unconst(index);
	return vb_wire_append(out, NULL, 0, &request.base, err);
}

int vb_nri_encode_configure(struct vb_buf *out, uint32_t events, struct vb_error *err)
{
	Nri__Pkg__Api__V1alpha1__ConfigureResponse response;

	if (events == 0 || events > INT32_MAX)
		return vb_error_say(err, EINVAL, "0x%x is not an NRI event mask", events);
	nri__pkg__api__v1alpha1__configure_response__init(&response);
	response.events = (int32_t)events;
	return vb_wire_append(out, NULL, 0, &response.base, err);
}

int vb_nri_encode_synchronize(struct vb_buf *out, bool more, struct vb_error *err)
{
	Nri__Pkg__Api__V1alpha1__SynchronizeResponse response;

	nri__pkg__api__v1alpha1__synchronize_response__init(&response);
	response.more = more;
	return vb_wire_append(out, NULL, 0, &response.base, err);
}

int vb_nri_encode_validate(struct vb_buf *out, const char *reason, struct vb_error *err)
{
	Nri__Pkg__Api__V1alpha1__ValidateContainerAdjustmentResponse response;
	vb_auto_free char *text = strdup(reason != NULL ? reason : "");

	if (text == NULL)
		return vb_error_set(err, ENOMEM, "encode a validation");
	vb_utf8_scrub(text);
	nri__pkg__api__v1alpha1__validate_container_adjustment_response__init(&response);
	response.reject = reason != NULL;
	response.reason = text;
	return vb_wire_append(out, NULL, 0, &response.base, err);
}

static int encode_pairs(struct vb_arena *arena, const struct vb_nri_pairs *from,
	vb_pb_pair ***ret_pairs, struct vb_error *err)
{
	vb_pb_pair *pairs = vb_arena_alloc(arena, from->count * sizeof(*pairs));
	vb_pb_pair **pointers = vb_arena_alloc(arena, from->count * sizeof(void *));

	if (pairs == NULL || pointers == NULL)
		return vb_wire_arena_error(arena, err);
	for (size_t i = 0; i < from->count; i++) {
		int r = check_text("key", from->items[i].key, err);
		if (r == 0)
			r = check_text("value", from->items[i].value, err);
		if (r < 0)
			return r;
		nri__pkg__api__v1alpha1__key_value__init(&pairs[i]);
		pairs[i].key = unconst(from->items[i].key);
		pairs[i].value = unconst(from->items[i].value);
		pointers[i] = &pairs[i];
	}
	*ret_pairs = pointers;
	return 0;
}

static int encode_mount(const struct vb_nri_mount *from, vb_pb_mount *to, struct vb_error *err)
{
	int r = check_text("mount destination", from->destination, err);

	if (r == 0)
		r = check_text("mount type", from->type, err);
	if (r == 0)
		r = check_text("mount source", from->source, err);
	for (size_t i = 0; r == 0 && i < from->options.count; i++)
		r = check_text("mount option", from->options.items[i], err);
	nri__pkg__api__v1alpha1__mount__init(to);
	to->destination = unconst(from->destination);
	to->type = unconst(from->type);
	to->source = unconst(from->source);
	to->n_options = from->options.count;
	to->options = (char **)(uintptr_t)from->options.items;
	return r;
}

static int encode_mounts(struct vb_arena *arena, const struct vb_nri_mounts *from,
	vb_pb_mount ***ret_mounts, struct vb_error *err)
{
	vb_pb_mount *mounts = vb_arena_alloc(arena, from->count * sizeof(*mounts));
	vb_pb_mount **pointers = vb_arena_alloc(arena, from->count * sizeof(void *));

	if (mounts == NULL || pointers == NULL)
		return vb_wire_arena_error(arena, err);
	for (size_t i = 0; i < from->count; i++) {
		int r = encode_mount(&from->items[i], &mounts[i], err);
		if (r < 0)
			return r;
		pointers[i] = &mounts[i];
	}
	*ret_mounts = pointers;
	return 0;
}

int vb_nri_encode_create(
	struct vb_buf *out, const struct vb_nri_adjustment *adjustment, struct vb_error *err)
{
	Nri__Pkg__Api__V1alpha1__CreateContainerResponse response;
	vb_pb_adjustment adjust;
	vb_auto_arena struct vb_arena *arena = vb_arena_create(VB_ARENA_DEFAULT_BYTES);

	if (arena == NULL)
		return vb_error_set(err, ENOMEM, "encode an adjustment");
	nri__pkg__api__v1alpha1__create_container_response__init(&response);
	nri__pkg__api__v1alpha1__container_adjustment__init(&adjust);
	adjust.n_annotations = adjustment->annotations.count;
	adjust.n_env = adjustment->env.count;
	adjust.n_mounts = adjustment->mounts.count;
	int r = encode_pairs(arena, &adjustment->annotations, &adjust.annotations, err);
	if (r == 0)
		r = encode_pairs(arena, &adjustment->env, &adjust.env, err);
	if (r == 0)
		r = encode_mounts(arena, &adjustment->mounts, &adjust.mounts, err);
	if (r < 0)
		return r;
	if (adjust.n_annotations + adjust.n_env + adjust.n_mounts > 0)
		response.adjust = &adjust;
	return vb_wire_append(out, NULL, 0, &response.base, err);
}
