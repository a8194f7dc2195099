/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payloads of NRI. Of the first byte, the low five bits choose what the rest is taken for, and
 * the top bit gives the decoder little memory. Whatever is decoded must keep the promises of nri.h.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "vb/base/utf8.h"
#include "vb/proto/nri.h"

enum {
	METHOD_MASK = 0x1f,
	LITTLE_MEMORY = 0x80,
	LITTLE_MEMORY_BYTES = 4096,
};

static void expect(bool is_true)
{
	if (!is_true)
		abort();
}

static void check_text(const char *text)
{
	expect(vb_utf8_is_valid(text, strlen(text)));
}

static void check_id(const char *id)
{
	expect(id[0] != '\0' && id[0] != '.' && strchr(id, '/') == NULL && strlen(id) <= 128);
}

static void check_strings(const struct vb_nri_strings *strings)
{
	for (size_t i = 0; i < strings->count; i++)
		check_text(strings->items[i]);
}

static void check_pairs(const struct vb_nri_pairs *pairs)
{
	for (size_t i = 0; i < pairs->count; i++) {
		check_text(pairs->items[i].key);
		check_text(pairs->items[i].value);
		expect(vb_nri_pairs_get(pairs, pairs->items[i].key) != NULL);
	}
}

static void check_mounts(const struct vb_nri_mounts *mounts)
{
	for (size_t i = 0; i < mounts->count; i++) {
		check_text(mounts->items[i].destination);
		check_text(mounts->items[i].type);
		check_text(mounts->items[i].source);
		check_strings(&mounts->items[i].options);
	}
}

static void check_pod(const struct vb_nri_pod *pod)
{
	check_text(pod->id);
	check_text(pod->name);
	check_text(pod->uid);
	check_text(pod->name_space);
	check_text(pod->runtime_handler);
	check_text(pod->cgroup_parent);
	check_text(pod->cgroups_path);
	check_pairs(&pod->labels);
	check_pairs(&pod->annotations);
}

static void check_seccomp(const struct vb_nri_seccomp *seccomp)
{
	check_text(seccomp->default_action);
	check_text(seccomp->listener_path);
	check_strings(&seccomp->architectures);
	check_strings(&seccomp->flags);
	for (size_t i = 0; i < seccomp->rule_count; i++) {
		const struct vb_nri_seccomp_rule *rule = &seccomp->rules[i];
		check_strings(&rule->names);
		check_text(rule->action);
		for (size_t j = 0; j < rule->argument_count; j++)
			check_text(rule->arguments[j].op);
	}
}

static void check_container(const struct vb_nri_container *container)
{
	uint32_t gids = 0;

	check_text(container->pod_sandbox_id);
	check_text(container->name);
	check_text(container->cgroups_path);
	check_pairs(&container->labels);
	check_pairs(&container->annotations);
	check_strings(&container->args);
	check_strings(&container->env);
	check_mounts(&container->mounts);
	for (size_t i = 0; i < container->rlimit_count; i++)
		check_text(container->rlimits[i].type);
	for (size_t i = 0; i < container->namespace_count; i++) {
		check_text(container->namespaces[i].type);
		check_text(container->namespaces[i].path);
	}
	/* Reads them all, so that AddressSanitizer can object. */
	for (size_t i = 0; i < container->additional_gid_count; i++)
		gids |= container->additional_gids[i];
	expect(container->additional_gid_count > 0 || gids == 0);
	expect(container->state <= VB_NRI_CONTAINER_STOPPED);
	if (container->seccomp != NULL)
		check_seccomp(container->seccomp);
}

/* What was decoded is valid UTF-8 by now, so that it can be sent. */
static void check_adjustment(const struct vb_nri_adjustment *adjustment)
{
	vb_auto_buf struct vb_buf *out = vb_buf_create((size_t)16 * 1024 * 1024);
	struct vb_error err;

	check_pairs(&adjustment->annotations);
	check_pairs(&adjustment->env);
	check_mounts(&adjustment->mounts);
	if (out != NULL)
		expect(vb_nri_encode_create(out, adjustment, &err) == 0);
}

static void try_request(
	struct vb_arena *arena, enum vb_nri_method method, const uint8_t *data, size_t size)
{
	struct vb_nri_request request;
	struct vb_error err = {0};

	if (vb_nri_decode_request(arena, method, data, size, &request, &err) < 0) {
		expect(err.what[0] != '\0');
		check_text(err.what);
		return;
	}
	expect(request.event <= VB_NRI_EVENT_VALIDATE_ADJUSTMENT);
	check_text(vb_nri_event_name(request.event));
	check_pod(&request.pod);
	if (request.event == VB_NRI_EVENT_CREATE_CONTAINER)
		check_id(request.pod.id);
	if (request.has_container)
		check_id(request.container.id);
	check_container(&request.container);
	check_adjustment(&request.adjustment);
	check_strings(&request.plugin_names);
}

static void try_configure(struct vb_arena *arena, const uint8_t *data, size_t size)
{
	struct vb_nri_configure configure;
	struct vb_error err;

	if (vb_nri_decode_configure(arena, data, size, &configure, &err) < 0)
		return;
	check_text(configure.config);
	check_text(configure.runtime_name);
	check_text(configure.runtime_version);
	check_text(configure.nri_version);
	uint32_t mask = vb_nri_event_mask(&configure, VB_NRI_EVENTS_WANTED);
	expect(mask == 0x66c || mask == 0x266c);
}

static void try_synchronize(struct vb_arena *arena, const uint8_t *data, size_t size)
{
	struct vb_nri_synchronize synchronize;
	struct vb_nri_item item;
	struct vb_error err;
	int r;

	if (vb_nri_decode_synchronize(data, size, &synchronize, &err) < 0)
		return;
	while ((r = vb_nri_synchronize_next(&synchronize, arena, &item, &err)) != 0) {
		if (r > 0) {
			check_id(item.is_container ? item.container.id : item.pod.id);
			check_pod(&item.pod);
			check_container(&item.container);
		}
		vb_arena_reset(arena);
	}
	expect(synchronize.left == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	enum vb_nri_method method = (enum vb_nri_method)(data[0] & METHOD_MASK);
	size_t budget =
		(data[0] & LITTLE_MEMORY) != 0 ? LITTLE_MEMORY_BYTES : VB_ARENA_DEFAULT_BYTES;
	vb_auto_arena struct vb_arena *arena = vb_arena_create(budget);
	if (arena == NULL)
		return 0;
	if (method == VB_NRI_METHOD_CONFIGURE)
		try_configure(arena, data + 1, size - 1);
	else if (method == VB_NRI_METHOD_SYNCHRONIZE)
		try_synchronize(arena, data + 1, size - 1);
	else
		try_request(arena, method, data + 1, size - 1);
	expect(vb_arena_used(arena) <= budget);
	return 0;
}
