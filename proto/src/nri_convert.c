/* SPDX-License-Identifier: Apache-2.0 */
#include "nri_internal.h"

#include "vb/base/utf8.h"
#include "wire.h"

/* What a conversion needs everywhere, and whether memory ran out at some place of it. */
struct conversion {
	struct vb_arena *arena;
	bool bad_text;
	bool failed;
};

/* NULL also for an empty array; then count becomes 0 if there was no memory. */
static void *make_array(struct conversion *conversion, size_t *count, size_t item_size)
{
	void *items = NULL;

	if (*count > 0)
		items = vb_arena_alloc(conversion->arena, *count * item_size);
	if (*count > 0 && items == NULL) {
		conversion->failed = true;
		*count = 0;
	}
	return items;
}

static const char *convert_text(const struct conversion *conversion, char *text)
{
	if (conversion->bad_text)
		vb_utf8_scrub(text);
	return text;
}

static struct vb_nri_strings convert_strings(
	const struct conversion *conversion, char **items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		convert_text(conversion, items[i]);
	return (struct vb_nri_strings){.items = items, .count = count};
}

static struct vb_nri_pairs convert_pairs(
	struct conversion *conversion, vb_pb_pair *const *from, size_t count)
{
	struct vb_nri_pair *pairs = make_array(conversion, &count, sizeof(*pairs));

	for (size_t i = 0; i < count; i++) {
		pairs[i].key = convert_text(conversion, from[i]->key);
		pairs[i].value = convert_text(conversion, from[i]->value);
	}
	return (struct vb_nri_pairs){.items = pairs, .count = count};
}

static struct vb_nri_mounts convert_mounts(
	struct conversion *conversion, vb_pb_mount *const *from, size_t count)
{
	struct vb_nri_mount *mounts = make_array(conversion, &count, sizeof(*mounts));

	for (size_t i = 0; i < count; i++) {
		mounts[i].destination = convert_text(conversion, from[i]->destination);
		mounts[i].type = convert_text(conversion, from[i]->type);
		mounts[i].source = convert_text(conversion, from[i]->source);
		mounts[i].options =
			convert_strings(conversion, from[i]->options, from[i]->n_options);
	}
	return (struct vb_nri_mounts){.items = mounts, .count = count};
}

static void convert_rlimits(
	struct conversion *conversion, const vb_pb_container *from, struct vb_nri_container *to)
{
	size_t count = from->n_rlimits;
	struct vb_nri_rlimit *rlimits = make_array(conversion, &count, sizeof(*rlimits));

	for (size_t i = 0; i < count; i++) {
		rlimits[i].type = convert_text(conversion, from->rlimits[i]->type);
		rlimits[i].hard = from->rlimits[i]->hard;
		rlimits[i].soft = from->rlimits[i]->soft;
	}
	to->rlimits = rlimits;
	to->rlimit_count = count;
}

static void convert_seccomp_arguments(
	struct conversion *conversion, const vb_pb_syscall *from, struct vb_nri_seccomp_rule *to)
{
	size_t count = from->n_args;
	struct vb_nri_seccomp_argument *arguments =
		make_array(conversion, &count, sizeof(*arguments));

	for (size_t i = 0; i < count; i++) {
		arguments[i].index = from->args[i]->index;
		arguments[i].value = from->args[i]->value;
		arguments[i].value_two = from->args[i]->value_two;
		arguments[i].op = convert_text(conversion, from->args[i]->op);
	}
	to->arguments = arguments;
	to->argument_count = count;
}

static void convert_seccomp_rules(
	struct conversion *conversion, const vb_pb_seccomp *from, struct vb_nri_seccomp *to)
{
	size_t count = from->n_syscalls;
	struct vb_nri_seccomp_rule *rules = make_array(conversion, &count, sizeof(*rules));

	for (size_t i = 0; i < count; i++) {
		const vb_pb_syscall *rule = from->syscalls[i];
		rules[i].names = convert_strings(conversion, rule->names, rule->n_names);
		rules[i].action = convert_text(conversion, rule->action);
		rules[i].has_errno = rule->errno_ret != NULL;
		rules[i].errno_ret = rule->errno_ret != NULL ? rule->errno_ret->value : 0;
		convert_seccomp_arguments(conversion, rule, &rules[i]);
	}
	to->rules = rules;
	to->rule_count = count;
}

static const struct vb_nri_seccomp *convert_seccomp(
	struct conversion *conversion, const vb_pb_seccomp *from)
{
	size_t count = 1;
	struct vb_nri_seccomp *to = make_array(conversion, &count, sizeof(*to));

	if (to == NULL)
		return NULL;
	to->default_action = convert_text(conversion, from->default_action);
	to->has_default_errno = from->default_errno != NULL;
	to->default_errno = from->default_errno != NULL ? from->default_errno->value : 0;
	to->architectures = convert_strings(conversion, from->architectures, from->n_architectures);
	to->flags = convert_strings(conversion, from->flags, from->n_flags);
	to->listener_path = convert_text(conversion, from->listener_path);
	convert_seccomp_rules(conversion, from, to);
	return to;
}

static void convert_linux(struct conversion *conversion, const vb_pb_container_linux *from,
	struct vb_nri_container *to)
{
	size_t count = from->n_namespaces;
	struct vb_nri_namespace *namespaces = make_array(conversion, &count, sizeof(*namespaces));

	for (size_t i = 0; i < count; i++) {
		namespaces[i].type = convert_text(conversion, from->namespaces[i]->type);
		namespaces[i].path = convert_text(conversion, from->namespaces[i]->path);
	}
	to->namespaces = namespaces;
	to->namespace_count = count;
	to->cgroups_path = convert_text(conversion, from->cgroups_path);
	if (from->seccomp_policy != NULL)
		to->seccomp = convert_seccomp(conversion, from->seccomp_policy);
}

static enum vb_nri_container_state convert_state(int state)
{
	return state >= VB_NRI_CONTAINER_CREATED && state <= VB_NRI_CONTAINER_STOPPED
		       ? (enum vb_nri_container_state)state
		       : VB_NRI_CONTAINER_UNKNOWN;
}

static int finish(const struct conversion *conversion, struct vb_error *err)
{
	return conversion->failed ? vb_wire_arena_error(conversion->arena, err) : 0;
}

int vb_nri_convert_pod(struct vb_arena *arena, const vb_pb_pod *from, bool bad_text,
	struct vb_nri_pod *ret_pod, struct vb_error *err)
{
	struct conversion conversion = {.arena = arena, .bad_text = bad_text};
	struct vb_nri_pod to = {.id = convert_text(&conversion, from->id),
		.name = convert_text(&conversion, from->name),
		.uid = convert_text(&conversion, from->uid),
		.name_space = convert_text(&conversion, from->namespace_),
		.runtime_handler = convert_text(&conversion, from->runtime_handler),
		.cgroup_parent = "",
		.cgroups_path = "",
		.labels = convert_pairs(&conversion, from->labels, from->n_labels),
		.annotations = convert_pairs(&conversion, from->annotations, from->n_annotations),
		.pid = from->pid,
		.has_bad_text = bad_text};

	if (from->on_linux != NULL) {
		to.cgroup_parent = convert_text(&conversion, from->on_linux->cgroup_parent);
		to.cgroups_path = convert_text(&conversion, from->on_linux->cgroups_path);
	}
	int r = finish(&conversion, err);
	if (r == 0)
		*ret_pod = to;
	return r;
}

int vb_nri_convert_container(struct vb_arena *arena, const vb_pb_container *from, bool bad_text,
	struct vb_nri_container *ret_container, struct vb_error *err)
{
	struct conversion conversion = {.arena = arena, .bad_text = bad_text};
	struct vb_nri_container to = {.id = convert_text(&conversion, from->id),
		.pod_sandbox_id = convert_text(&conversion, from->pod_sandbox_id),
		.name = convert_text(&conversion, from->name),
		.state = convert_state((int)from->state),
		.labels = convert_pairs(&conversion, from->labels, from->n_labels),
		.annotations = convert_pairs(&conversion, from->annotations, from->n_annotations),
		.args = convert_strings(&conversion, from->args, from->n_args),
		.env = convert_strings(&conversion, from->env, from->n_env),
		.mounts = convert_mounts(&conversion, from->mounts, from->n_mounts),
		.cgroups_path = "",
		.pid = from->pid,
		.created_at_ns = from->created_at,
		.started_at_ns = from->started_at,
		.finished_at_ns = from->finished_at,
		.exit_code = from->exit_code,
		.has_bad_text = bad_text};

	convert_rlimits(&conversion, from, &to);
	if (from->on_linux != NULL)
		convert_linux(&conversion, from->on_linux, &to);
	if (from->user != NULL) {
		to.has_user = true;
		to.uid = from->user->uid;
		to.gid = from->user->gid;
		to.additional_gids = from->user->additional_gids;
		to.additional_gid_count = from->user->n_additional_gids;
	}
	int r = finish(&conversion, err);
	if (r == 0)
		*ret_container = to;
	return r;
}

int vb_nri_convert_adjustment(struct vb_arena *arena, const vb_pb_adjustment *from, bool bad_text,
	struct vb_nri_adjustment *ret_adjustment, struct vb_error *err)
{
	struct conversion conversion = {.arena = arena, .bad_text = bad_text};
	struct vb_nri_adjustment to = {
		.annotations = convert_pairs(&conversion, from->annotations, from->n_annotations),
		.env = convert_pairs(&conversion, from->env, from->n_env),
		.mounts = convert_mounts(&conversion, from->mounts, from->n_mounts)};

	int r = finish(&conversion, err);
	if (r == 0)
		*ret_adjustment = to;
	return r;
}
