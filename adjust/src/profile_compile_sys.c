/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_compile.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vb/adjust/bpf_sim.h"

enum { API_LEVEL = 5 }; /* of libseccomp 2.5: with LOG, KILL_PROCESS and NOTIFY */

static inline void cleanup_context(const scmp_filter_ctx *context)
{
	if (*context != NULL)
		seccomp_release(*context);
}

void vb_filter_finish(struct vb_filter *filter)
{
	free(filter->program);
	*filter = (struct vb_filter){0};
}

int vb_filter_scratch(int *ret_fd, struct vb_error *err)
{
	int fd = memfd_create("vambrace-filter", MFD_CLOEXEC);

	if (fd < 0)
		return vb_error_set(err, errno, "create memory for a filter");
	*ret_fd = fd;
	return 0;
}

/* A new context covers the machine's own architecture. */
static int set_archs(scmp_filter_ctx context, const struct vb_compilation *compilation)
{
	bool own = false;

	for (size_t i = 0; i < compilation->arch_count; i++) {
		if (compilation->archs[i] == seccomp_arch_native()) {
			own = true;
			continue;
		}
		int r = seccomp_arch_add(context, compilation->archs[i]);
		if (r < 0)
			return r;
	}
	return own ? 0 : seccomp_arch_remove(context, SCMP_ARCH_NATIVE);
}

static int add_rule(scmp_filter_ctx context, const struct vb_compilation *compilation,
	const struct vb_rule *rule)
{
	struct scmp_arg_cmp compares[VB_PROFILE_ARGS] = {0};
	int number = seccomp_syscall_resolve_name(rule->name);

	if (number == __NR_SCMP_ERROR)
		return 0;
	for (size_t i = 0; i < rule->count; i++) {
		const struct vb_condition *condition = &compilation->conditions[rule->first + i];
		bool masked = condition->op == SCMP_CMP_MASKED_EQ;
		compares[i].arg = condition->index;
		compares[i].op = condition->op;
		compares[i].datum_a = masked ? condition->mask : condition->value;
		compares[i].datum_b = masked ? condition->value : 0;
	}
	return seccomp_rule_add_array(
		context, rule->action, number, (unsigned int)rule->count, compares);
}

/* As the runtimes add them: entry by entry. */
static int compare_sources(const void *left, const void *right)
{
	const struct vb_rule *const *a = left;
	const struct vb_rule *const *b = right;

	if ((*a)->source != (*b)->source)
		return (*a)->source < (*b)->source ? -1 : 1;
	return ((*a)->first > (*b)->first) - ((*a)->first < (*b)->first);
}

static int build(
	scmp_filter_ctx context, const struct vb_compilation *compilation, struct vb_error *err)
{
	int r = set_archs(context, compilation);

	if (r == 0)
		r = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, compilation->optimize);
	if (r < 0)
		return vb_error_say(
			err, EILSEQ, "libseccomp refuses the architectures: error %d", -r);
	qsort(compilation->rules, compilation->rule_count, sizeof(const struct vb_rule *),
		compare_sources);
	for (size_t i = 0; i < compilation->rule_count; i++) {
		r = add_rule(context, compilation, compilation->rules[i]);
		if (r < 0)
			return vb_error_say(err, EILSEQ,
				"libseccomp refuses a rule for '%s': error %d",
				compilation->rules[i]->name, -r);
	}
	return 0;
}

static bool is_range(const struct vb_condition *condition)
{
	return condition->op != SCMP_CMP_EQ && condition->op != SCMP_CMP_MASKED_EQ;
}

/* Whether a range on one argument is followed by a condition on another. */
static bool shares_branches(const struct vb_rules *rules, size_t rule)
{
	for (size_t i = 0; i + 1 < rules->rules[rule].count; i++)
		if (is_range(&vb_rules_conditions(rules, rule)[i]))
			return true;
	return false;
}

/* Whether a range on one argument is followed by a condition on another, beside other rules. */
static bool mixes_ranges(const struct vb_rules *rules)
{
	for (size_t i = 0; i < rules->count && rules->count > 1; i++)
		if (shares_branches(rules, i))
			return true;
	return false;
}

/* How many of the rules compare several arguments. */
static size_t count_several(const struct vb_rules *rules)
{
	size_t several = 0;

	for (size_t i = 0; i < rules->count; i++)
		several += rules->rules[i].count > 1;
	return several;
}

static int refuse_ranges(const struct vb_rule *rule, struct vb_error *err)
{
	vb_error_say(err, EOPNOTSUPP,
		"libseccomp cannot be trusted with the rules for '%s': one compares several "
		"arguments, and not only the last with a range",
		rule->name);
	(void)vb_error_at(err, "syscalls[%u]", rule->source);
	return vb_error_fix(err,
		"in rules for '%s' with several arguments use SCMP_CMP_EQ or SCMP_CMP_MASKED_EQ "
		"for all but the last",
		rule->name);
}

/* all: with those of the names before. */
static int refuse_several(const struct vb_rule *rule, bool all, struct vb_error *err)
{
	if (all)
		vb_error_say(err, EOPNOTSUPP,
			"libseccomp takes too long for the profile: more than %d rules compare "
			"several arguments",
			VB_PROFILE_ALL_SEVERAL_MAX);
	else
		vb_error_say(err, EOPNOTSUPP,
			"libseccomp takes too long for the rules for '%s': more than %d compare "
			"several arguments",
			rule->name, VB_PROFILE_SEVERAL_MAX);
	(void)vb_error_at(err, "syscalls[%u]", rule->source);
	return vb_error_fix(err, "use fewer rules for '%s'", rule->name);
}

int vb_filter_guard(const struct vb_profile *profile, struct vb_error *err)
{
	struct vb_rules rules;
	size_t all = 0;

	for (size_t at = 0; profile != NULL && at < profile->rule_count; at += rules.count) {
		rules = vb_profile_rules_at(profile, at);
		if (!vb_arch_is_narrow(profile->native) && mixes_ranges(&rules))
			return refuse_ranges(&rules.rules[0], err);
		size_t several = count_several(&rules);
		all += several;
		if (several > VB_PROFILE_SEVERAL_MAX)
			return refuse_several(&rules.rules[0], false, err);
		if (all > VB_PROFILE_ALL_SEVERAL_MAX)
			return refuse_several(&rules.rules[0], true, err);
	}
	return 0;
}

static int fetch(int fd, struct vb_filter *ret_filter, struct vb_error *err)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return vb_error_set(err, errno, "look at a filter");
	size_t size = (size_t)status.st_size;
	vb_auto_filter struct vb_filter filter = {.program = malloc(size + 1)};
	if (filter.program == NULL)
		return vb_error_set(err, ENOMEM, "read a filter of %zu bytes", size);
	ssize_t n = pread(fd, filter.program, size, 0);
	if (n < 0)
		return vb_error_set(err, errno, "read a filter");
	filter.count = (size_t)n / sizeof(*filter.program);
	if ((size_t)n != size || vb_bpf_check(filter.program, filter.count) < 0)
		return vb_error_say(err, EILSEQ,
			"libseccomp makes a filter that cannot be interpreted (%zu bytes)", size);
	ret_filter->program = VB_STEAL(filter.program);
	ret_filter->count = filter.count;
	return 0;
}

int vb_filter_compile(const struct vb_compilation *compilation, int scratch_fd,
	struct vb_filter *ret_filter, struct vb_error *err)
{
	/*
	 * The question is what the filter says, not whether this kernel knows its actions: that
	 * libseccomp would find out by system calls, and the runtime does.
	 */
	(void)seccomp_api_set(API_LEVEL);
	vb_auto(cleanup_context) scmp_filter_ctx context =
		seccomp_init(compilation->default_action);

	if (context == NULL)
		return vb_error_say(err, EILSEQ, "libseccomp refuses the default action 0x%x",
			compilation->default_action);
	int r = build(context, compilation, err);
	if (r < 0)
		return r;
	if (ftruncate(scratch_fd, 0) < 0 || lseek(scratch_fd, 0, SEEK_SET) < 0)
		return vb_error_set(err, errno, "empty a filter");
	r = seccomp_export_bpf(context, scratch_fd);
	if (r < 0)
		return vb_error_say(
			err, EILSEQ, "libseccomp cannot compile the profile: error %d", -r);
	return fetch(scratch_fd, ret_filter, err);
}
