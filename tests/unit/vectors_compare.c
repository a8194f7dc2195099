/* SPDX-License-Identifier: Apache-2.0 */
#include "vectors.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "nri.pb-c.h"
#include "vb/base/cleanup.h"
#include "vb/base/str.h"

/* What the index has and nri.proto leaves out. */
static const struct {
	const char *message;
	const char *key;
} left_out[] = {
	{"LinuxPodSandbox", "resources"},
	{"LinuxContainer", "resources"},
	{"ContainerAdjustment", "linux"},
	{"ContainerEvent", "linux_resources"},
	{"PodEvent", "linux_resources"},
	{"PodEvent", "overhead_linux_resources"},
	{"ValidateContainerAdjustmentRequest", "owners"},
	{"ValidateContainerAdjustmentRequest", "update"},
};

static bool is_left_out(const char *message, const char *key)
{
	for (size_t i = 0; i < VB_ARRAY_SIZE(left_out); i++)
		if (strcmp(left_out[i].message, message) == 0 && strcmp(left_out[i].key, key) == 0)
			return true;
	return false;
}

/* The index shortens long strings to "start...(1234 chars)". */
static void compare_text(const char *text, const char *expected)
{
	const char *cut = strstr(expected, "...(");

	if (cut == NULL || strstr(cut, " chars)") == NULL) {
		ck_assert_str_eq(text, expected);
		return;
	}
	ck_assert_int_eq(strncmp(text, expected, (size_t)(cut - expected)), 0);
	ck_assert_uint_eq(strlen(text), strtoul(cut + strlen("...("), NULL, 10));
}

/* 64-bit numbers are strings in the index. */
static void compare_number(int64_t number, json_t *expected)
{
	long long value = 0;

	if (json_is_string(expected))
		value = strtoll(json_string_value(expected), NULL, 10);
	else if (json_is_boolean(expected))
		value = json_is_true(expected);
	else if (expected != NULL)
		value = json_integer_value(expected);
	ck_assert_int_eq(number, value);
}

static void compare_enum(const ProtobufCEnumDescriptor *type, int number, json_t *expected)
{
	const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(type, number);

	ck_assert_ptr_nonnull(value);
	if (expected == NULL)
		ck_assert_int_eq(number, 0);
	else
		ck_assert_str_eq(value->name, json_string_value(expected));
}

/* What the index shows as an object is a map. */
static void compare_map(
	Nri__Pkg__Api__V1alpha1__KeyValue *const *pairs, size_t count, json_t *expected)
{
	ck_assert_uint_eq(count, json_object_size(expected));
	for (size_t i = 0; i < count; i++) {
		const char *value = json_string_value(json_object_get(expected, pairs[i]->key));
		ck_assert_msg(value != NULL, "unexpected key %s", pairs[i]->key);
		compare_text(pairs[i]->value, value);
	}
}

static void compare_message(const ProtobufCMessage *message, json_t *expected);

/* expected NULL: the field has its default. */
// NOLINTNEXTLINE(misc-no-recursion): as deep as the API's types
static void compare_value(
	const ProtobufCFieldDescriptor *field, const void *member, json_t *expected)
{
	if (field->type == PROTOBUF_C_TYPE_STRING) {
		compare_text(*(char *const *)member,
			expected != NULL ? json_string_value(expected) : "");
	} else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
		ck_assert_int_eq(*(void *const *)member != NULL, expected != NULL);
		if (expected != NULL)
			compare_message(*(const ProtobufCMessage *const *)member, expected);
	} else if (field->type == PROTOBUF_C_TYPE_ENUM) {
		compare_enum(field->descriptor, *(const int *)member, expected);
	} else if (field->type == PROTOBUF_C_TYPE_INT64 || field->type == PROTOBUF_C_TYPE_UINT64) {
		compare_number(*(const int64_t *)member, expected);
	} else {
		/* int32, uint32 and protobuf_c_boolean, which is an int */
		compare_number(*(const int32_t *)member, expected);
	}
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the API's types
static void compare_array(
	const ProtobufCFieldDescriptor *field, const uint8_t *items, size_t count, json_t *expected)
{
	bool is_number = field->type == PROTOBUF_C_TYPE_UINT32;
	size_t item_size = is_number ? sizeof(uint32_t) : sizeof(void *);

	/* Of a very long state the index has only how many items there are. */
	if (json_is_integer(expected)) {
		ck_assert_uint_eq(count, (size_t)json_integer_value(expected));
		return;
	}
	if (json_is_object(expected)) {
		compare_map((Nri__Pkg__Api__V1alpha1__KeyValue *const *)(const void *)items, count,
			expected);
		return;
	}
	ck_assert_uint_eq(count, json_array_size(expected));
	for (size_t i = 0; i < count; i++)
		compare_value(field, items + i * item_size, json_array_get(expected, i));
}

/* nri.proto cannot call a field linux. */
static const char *key_of(const ProtobufCFieldDescriptor *field)
{
	return strcmp(field->name, "on_linux") == 0 ? "linux" : field->name;
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the API's types
static void compare_message(const ProtobufCMessage *message, json_t *expected)
{
	const ProtobufCMessageDescriptor *type = message->descriptor;
	const uint8_t *base = (const uint8_t *)message;
	const char *key;
	json_t *value;

	for (unsigned int i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];
		json_t *member = json_object_get(expected, key_of(field));
		if (field->label == PROTOBUF_C_LABEL_REPEATED)
			compare_array(field, *(const uint8_t *const *)(base + field->offset),
				*(const size_t *)(base + field->quantifier_offset), member);
		else
			compare_value(field, base + field->offset, member);
	}
	json_object_foreach(expected, key, value) {
		bool is_known = is_left_out(type->short_name, key);
		for (unsigned int i = 0; i < type->n_fields && !is_known; i++)
			is_known = strcmp(key_of(&type->fields[i]), key) == 0;
		ck_assert_msg(is_known, "%s has no %s", type->short_name, key);
	}
}

void vectors_compare(const ProtobufCMessage *message, json_t *decoded)
{
	compare_message(message, decoded);
}

static void compare_pairs(const struct vb_nri_pairs *pairs,
	Nri__Pkg__Api__V1alpha1__KeyValue *const *expected, size_t count)
{
	ck_assert_uint_eq(pairs->count, count);
	for (size_t i = 0; i < count; i++) {
		ck_assert_str_eq(pairs->items[i].key, expected[i]->key);
		ck_assert_str_eq(pairs->items[i].value, expected[i]->value);
	}
}

static void compare_strings(
	const struct vb_nri_strings *strings, char *const *expected, size_t count)
{
	ck_assert_uint_eq(strings->count, count);
	for (size_t i = 0; i < count; i++)
		ck_assert_str_eq(strings->items[i], expected[i]);
}

static void compare_mounts(const struct vb_nri_mounts *mounts,
	Nri__Pkg__Api__V1alpha1__Mount *const *expected, size_t count)
{
	ck_assert_uint_eq(mounts->count, count);
	for (size_t i = 0; i < count; i++) {
		ck_assert_str_eq(mounts->items[i].destination, expected[i]->destination);
		ck_assert_str_eq(mounts->items[i].type, expected[i]->type);
		ck_assert_str_eq(mounts->items[i].source, expected[i]->source);
		compare_strings(
			&mounts->items[i].options, expected[i]->options, expected[i]->n_options);
	}
}

void vectors_compare_pod(const struct vb_nri_pod *pod, const void *pb_pod)
{
	const Nri__Pkg__Api__V1alpha1__PodSandbox *expected = pb_pod;
	const Nri__Pkg__Api__V1alpha1__LinuxPodSandbox *on_linux = expected->on_linux;

	ck_assert_str_eq(pod->id, expected->id);
	ck_assert_str_eq(pod->name, expected->name);
	ck_assert_str_eq(pod->uid, expected->uid);
	ck_assert_str_eq(pod->name_space, expected->namespace_);
	ck_assert_str_eq(pod->runtime_handler, expected->runtime_handler);
	ck_assert_str_eq(pod->cgroup_parent, on_linux != NULL ? on_linux->cgroup_parent : "");
	ck_assert_str_eq(pod->cgroups_path, on_linux != NULL ? on_linux->cgroups_path : "");
	compare_pairs(&pod->labels, expected->labels, expected->n_labels);
	compare_pairs(&pod->annotations, expected->annotations, expected->n_annotations);
	ck_assert_uint_eq(pod->pid, expected->pid);
	ck_assert(!pod->has_bad_text);
}

static void compare_container_linux(const struct vb_nri_container *container,
	const Nri__Pkg__Api__V1alpha1__LinuxContainer *expected)
{
	ck_assert_str_eq(container->cgroups_path, expected->cgroups_path);
	ck_assert_uint_eq(container->namespace_count, expected->n_namespaces);
	for (size_t i = 0; i < expected->n_namespaces; i++) {
		ck_assert_str_eq(container->namespaces[i].type, expected->namespaces[i]->type);
		ck_assert_str_eq(container->namespaces[i].path, expected->namespaces[i]->path);
	}
	ck_assert_int_eq(container->seccomp != NULL, expected->seccomp_policy != NULL);
}

void vectors_compare_container(const struct vb_nri_container *container, const void *pb_container)
{
	const Nri__Pkg__Api__V1alpha1__Container *expected = pb_container;

	ck_assert_str_eq(container->id, expected->id);
	ck_assert_str_eq(container->pod_sandbox_id, expected->pod_sandbox_id);
	ck_assert_str_eq(container->name, expected->name);
	ck_assert_int_eq((int)container->state, (int)expected->state);
	compare_pairs(&container->labels, expected->labels, expected->n_labels);
	compare_pairs(&container->annotations, expected->annotations, expected->n_annotations);
	compare_strings(&container->args, expected->args, expected->n_args);
	compare_strings(&container->env, expected->env, expected->n_env);
	compare_mounts(&container->mounts, expected->mounts, expected->n_mounts);
	ck_assert_uint_eq(container->pid, expected->pid);
	ck_assert_int_eq(container->created_at_ns, expected->created_at);
	ck_assert_int_eq(container->started_at_ns, expected->started_at);
	ck_assert_int_eq(container->finished_at_ns, expected->finished_at);
	ck_assert_int_eq(container->exit_code, expected->exit_code);
	ck_assert_uint_eq(container->rlimit_count, expected->n_rlimits);
	for (size_t i = 0; i < expected->n_rlimits; i++)
		ck_assert_str_eq(container->rlimits[i].type, expected->rlimits[i]->type);
	ck_assert_int_eq(container->has_user, expected->user != NULL);
	if (expected->user != NULL)
		ck_assert_uint_eq(
			container->additional_gid_count, expected->user->n_additional_gids);
	if (expected->on_linux != NULL)
		compare_container_linux(container, expected->on_linux);
	ck_assert(!container->has_bad_text);
}

void vectors_compare_adjustment(
	const struct vb_nri_adjustment *adjustment, const void *pb_adjustment)
{
	const Nri__Pkg__Api__V1alpha1__ContainerAdjustment *expected = pb_adjustment;

	compare_pairs(&adjustment->annotations, expected->annotations, expected->n_annotations);
	compare_pairs(&adjustment->env, expected->env, expected->n_env);
	compare_mounts(&adjustment->mounts, expected->mounts, expected->n_mounts);
}
