/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>

#include "profile_check.h"
#include "profile_compile.h"
#include "vb/adjust/bpf_sim.h"

enum { NUMBER_MAX = 0x3fffffff };

static int compile_profile(
	const struct vb_profile *profile, struct vb_filter *ret_filter, struct vb_error *err)
{
	vb_auto_close int scratch_fd = -1;
	vb_auto_free const struct vb_rule **rules =
		calloc(profile->rule_count + 1, sizeof(const struct vb_rule *));
	if (rules == NULL)
		return vb_error_set(err, ENOMEM, "compile a profile");
	int r = vb_filter_guard(profile, err);
	if (r == 0)
		r = vb_filter_scratch(&scratch_fd, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < profile->rule_count; i++)
		rules[i] = &profile->rules[i];
	struct vb_compilation compilation = {
		.default_action = profile->default_action,
		.archs = profile->archs,
		.arch_count = profile->arch_count,
		.rules = rules,
		.rule_count = profile->rule_count,
		.conditions = profile->conditions,
		.optimize = 1,
	};
	return vb_filter_compile(&compilation, scratch_fd, ret_filter, err);
}

/* Calls of their own for what was multiplexed before; see multiplexed numbers below. */
enum { DIRECT_FIRST = 330, DIRECT_LAST = 430 };

/*
 * A call that libseccomp numbers -100 - n is call n of socketcall, one of -200 - n is of ipc. Since
 * Linux 4.3 some have numbers of their own, too, which are not found by name.
 */
static size_t multiplexed_ways(uint32_t arch, const char *name, int pseudo,
	struct vb_profile_way ret_ways[VB_PROFILE_WAYS_MAX])
{
	const char *multiplexer = pseudo > -200 ? "socketcall" : "ipc";
	size_t count = 0;

	for (int number = DIRECT_FIRST; number <= DIRECT_LAST && count == 0; number++) {
		vb_auto_free char *known = seccomp_syscall_resolve_num_arch(arch, number);
		if (known != NULL && strcmp(known, name) == 0)
			ret_ways[count++] = (struct vb_profile_way){number, -1};
	}
	ret_ways[count++] = (struct vb_profile_way){
		seccomp_syscall_resolve_name_arch(arch, multiplexer), -pseudo % 100};
	return count;
}

static int parse_number(const char *text, int *ret_number, struct vb_error *err)
{
	char *end = NULL;
	unsigned long number = strtoul(text, &end, 10);

	if (number > NUMBER_MAX)
		return vb_error_say(err, EINVAL, "no system call has the number %s", text);
	*ret_number = (int)number;
	return 0;
}

static int refuse_unknown(const char *name, struct vb_error *err)
{
	char nearest[VB_CALL_NAME_MAX];
	int r = vb_error_say(err, ENOENT, "unknown system call '%s'", name);

	vb_call_nearest(name, nearest);
	if (nearest[0] != '\0')
		(void)vb_error_fix(err, "did you mean '%s'?", nearest);
	return r;
}

int vb_profile_ways(uint32_t arch, const char *name,
	struct vb_profile_way ret_ways[VB_PROFILE_WAYS_MAX], size_t *ret_count,
	struct vb_error *err)
{
	size_t length = strlen(name);
	int number = 0;

	if (length > 0 && strspn(name, "0123456789") == length) {
		int r = parse_number(name, &number, err);
		if (r < 0)
			return r;
	} else {
		number = seccomp_syscall_resolve_name_arch(arch, name);
	}
	if (number == __NR_SCMP_ERROR)
		return refuse_unknown(name, err);
	if (number <= -100 && number > -300) {
		*ret_count = multiplexed_ways(arch, name, number, ret_ways);
		return 0;
	}
	ret_ways[0] = (struct vb_profile_way){number, -1};
	*ret_count = number >= 0;
	return 0;
}

/* The name of a call behind a multiplexer; the caller frees it. NULL when there is none. */
static char *selected_name(uint32_t arch, const struct vb_profile_way *way)
{
	bool socket = way->number == seccomp_syscall_resolve_name_arch(arch, "socketcall");

	return seccomp_syscall_resolve_num_arch(arch, (socket ? -100 : -200) - way->selector);
}

/* What the rules of a name say, when there are any; whether they decided. */
static bool read_rules(const struct vb_profile *profile, uint32_t arch, const char *name,
	const uint64_t args[VB_PROFILE_ARGS], struct vb_profile_verdict *verdict)
{
	if (name == NULL)
		return false;
	struct vb_rules rules = vb_profile_rules_of(profile, name);
	verdict->read = vb_rules_action(&rules, args, vb_arch_is_narrow(arch), &verdict->rule);
	return verdict->rule >= 0;
}

/* Fills in what the profile says by its rules, for a call whose ABI it covers. */
static void read_verdict(const struct vb_profile *profile, uint32_t arch,
	const struct vb_profile_way *way, const uint64_t args[VB_PROFILE_ARGS],
	struct vb_profile_verdict *verdict)
{
	vb_auto_free char *name = seccomp_syscall_resolve_num_arch(arch, way->number);

	verdict->read = profile->default_action;
	if (read_rules(profile, arch, name, args, verdict) || way->selector < 0)
		return;
	vb_auto_free char *selected = selected_name(arch, way);
	(void)read_rules(profile, arch, selected, args, verdict);
}

int vb_profile_simulate(const struct vb_profile *profile, uint32_t arch,
	const struct vb_profile_way *way, const uint64_t args[VB_PROFILE_ARGS],
	struct vb_profile_verdict *ret_verdict, struct vb_error *err)
{
	const uint64_t selecting[VB_PROFILE_ARGS] = {(uint64_t)way->selector};
	vb_auto_filter struct vb_filter filter = {0};
	struct vb_profile_verdict verdict = {.rule = -1};
	struct seccomp_data data;

	if (vb_profile_arch_name(arch) == NULL)
		return vb_error_say(err, EINVAL, "unknown architecture 0x%x", arch);
	int r = compile_profile(profile, &filter, err);
	if (r < 0)
		return r;
	if (way->selector >= 0)
		args = selecting;
	vb_call_data(arch, way->number, args, &data);
	verdict.action = vb_bpf_run(filter.program, &data);
	verdict.read = verdict.action;
	if (vb_profile_covers_arch(profile, arch))
		read_verdict(profile, arch, way, args, &verdict);
	*ret_verdict = verdict;
	return 0;
}
