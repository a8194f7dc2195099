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

/* A decimal number as it is; else what libseccomp knows the name by. */
static int find_number(uint32_t arch, const char *name, int *ret_number, struct vb_error *err)
{
	size_t length = strlen(name);

	if (length > 0 && strspn(name, "0123456789") == length) {
		char *end = NULL;
		unsigned long number = strtoul(name, &end, 10);
		if (number > NUMBER_MAX)
			return vb_error_say(err, EINVAL, "no system call has the number %s", name);
		*ret_number = (int)number;
		return 0;
	}
	int number = seccomp_syscall_resolve_name_arch(arch, name);
	if (number == __NR_SCMP_ERROR)
		return vb_error_say(err, ENOENT, "unknown system call '%s'", name);
	*ret_number = number;
	return 0;
}

/* The name whose rules decide. */
static int find_rule(const struct vb_profile *profile, uint32_t arch, int number,
	const uint64_t args[VB_PROFILE_ARGS])
{
	vb_auto_free char *name = seccomp_syscall_resolve_num_arch(arch, number);
	int source = -1;

	if (name == NULL || !vb_profile_covers_arch(profile, arch))
		return -1;
	struct vb_rules rules = vb_profile_rules_of(profile, name);
	(void)vb_rules_action(&rules, args, vb_arch_is_narrow(arch), &source);
	return source;
}

int vb_profile_action(const struct vb_profile *profile, uint32_t arch, const char *name,
	const uint64_t args[VB_PROFILE_ARGS], struct vb_profile_verdict *ret_verdict,
	struct vb_error *err)
{
	vb_auto_filter struct vb_filter filter = {0};
	struct vb_profile_verdict verdict = {0};
	struct seccomp_data data;

	arch = arch == VB_PROFILE_NATIVE ? profile->native : arch;
	if (vb_profile_arch_name(arch) == NULL)
		return vb_error_say(err, EINVAL, "unknown architecture 0x%x", arch);
	int r = find_number(arch, name, &verdict.number, err);
	if (r == 0)
		r = compile_profile(profile, &filter, err);
	if (r < 0)
		return r;
	vb_call_data(arch, verdict.number, args, &data);
	verdict.action = vb_bpf_run(filter.program, &data);
	verdict.rule = find_rule(profile, arch, verdict.number, args);
	*ret_verdict = verdict;
	return 0;
}
