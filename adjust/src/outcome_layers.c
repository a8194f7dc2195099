/* SPDX-License-Identifier: Apache-2.0 */
#include "outcome_layers.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <string.h>

#include "vb/adjust/caps.h"

static bool is_crun(const struct vb_receipt *receipt)
{
	const char *slash = strrchr(receipt->runtime, '/');

	return vb_str_after(slash != NULL ? slash + 1 : receipt->runtime, "crun") != NULL;
}

bool vb_outcome_filter_comes_with_exec(const struct vb_outcome_case *subject)
{
	const struct vb_evidence *evidence = subject->evidence;

	return evidence->stage != VB_STAGE_RUNNING && evidence->status.seccomp_mode == 0 &&
	       evidence->spec.no_new_privileges && is_crun(subject->receipt);
}

static int see_seccomp(const struct vb_proc_status *status, struct vb_layer_outcome *out)
{
	int r = vb_outcome_see(out, "Seccomp: %u", status->seccomp_mode);

	if (r == 0 && status->has_seccomp_filters)
		r = vb_outcome_see(out, "Seccomp_filters: %u", status->seccomp_filters);
	return r;
}

/* Those that config.json names; without any the runtime decides. */
static int see_flags(const struct vb_strv *flags, struct vb_layer_outcome *out)
{
	vb_auto_free char *names = vb_strv_join(flags, ' ');

	if (names == NULL)
		return -ENOMEM;
	return vb_outcome_see(out, "flags: %s", flags->count > 0 ? names : "none named");
}

/* Whether the config that the runtime was given holds the plan's filter. */
static int judge_filter(const struct vb_outcome_case *subject, struct vb_layer_outcome *out)
{
	const struct vb_spec_evidence *spec = &subject->evidence->spec;

	if (!spec->is_read)
		return vb_outcome_conclude(
			out, VB_LAYER_FAILED, "config.json could not be read again");
	if (strcmp(spec->digest, subject->receipt->config_digest) != 0)
		return vb_outcome_conclude(
			out, VB_LAYER_FAILED, "config.json is not the one that vambrace-oci wrote");
	switch (spec->seccomp) {
	case VB_CONTAINMENT_ABSENT:
		return vb_outcome_conclude(
			out, VB_LAYER_FAILED, "config.json has no seccomp profile");
	case VB_CONTAINMENT_LACKING:
		return vb_outcome_conclude(out, VB_LAYER_FAILED,
			"config.json's seccomp profile allows what the plan denies: %s",
			spec->seccomp_reason);
	case VB_CONTAINMENT_COMPLETE:
		break;
	}
	int r = vb_outcome_see(out, "config.json %s contains the plan's profile", spec->digest);
	return r == 0 ? see_flags(&spec->flags, out) : r;
}

static int judge_seccomp(const struct vb_outcome_case *subject, struct vb_layer_outcome *out)
{
	const struct vb_proc_status *status = &subject->evidence->status;

	int r = see_seccomp(status, out);
	if (r == 0)
		r = judge_filter(subject, out);
	if (r < 0 || out->reason != NULL)
		return r;
	if (vb_outcome_filter_comes_with_exec(subject))
		return vb_outcome_conclude(out, VB_LAYER_UNOBSERVED,
			"crun installs the filter with exec when no_new_privileges is set");
	if (status->seccomp_mode != SECCOMP_MODE_FILTER ||
		(status->has_seccomp_filters && status->seccomp_filters == 0))
		return vb_outcome_conclude(
			out, VB_LAYER_FAILED, "the process has no seccomp filter");
	return 0;
}

/* Adds the names of the capabilities in the set to the line, space separated. */
static void name_caps(uint64_t set, char *line, size_t size)
{
	size_t used = 0;

	line[0] = '\0';
	for (unsigned int number = 0; number < VB_CAP_COUNT && used + 1 < size; number++) {
		if ((set >> number & 1) == 0)
			continue;
		int n = snprintf(
			line + used, size - used, "%s%s", used > 0 ? " " : "", vb_cap_name(number));
		if (n > 0)
			used += (size_t)n;
	}
}

static int judge_capabilities(const struct vb_outcome_case *subject, struct vb_layer_outcome *out)
{
	const struct vb_proc_status *status = &subject->evidence->status;
	const struct vb_receipt *receipt = subject->receipt;
	const struct {
		const char *name;
		uint64_t seen;
		uint64_t written;
	} sets[] = {
		{"CapBnd", status->cap_bounding, receipt->cap_bounding},
		{"CapEff", status->cap_effective, receipt->cap_effective},
		{"CapPrm", status->cap_permitted, receipt->cap_permitted},
		{"CapInh", status->cap_inheritable, receipt->cap_inheritable},
		{"CapAmb", status->cap_ambient, receipt->cap_ambient},
	};
	char names[256];
	int r = 0;

	for (size_t i = 0; i < VB_ARRAY_SIZE(sets) && r == 0; i++) {
		uint64_t kept = sets[i].seen & subject->plan->cap_drop;
		uint64_t added = sets[i].seen & ~sets[i].written;
		r = vb_outcome_see(out, "%s: %016" PRIx64, sets[i].name, sets[i].seen);
		name_caps(kept != 0 ? kept : added, names, sizeof(names));
		if (r == 0 && kept != 0)
			r = vb_outcome_conclude(
				out, VB_LAYER_FAILED, "%s still has %s", sets[i].name, names);
		else if (r == 0 && added != 0)
			r = vb_outcome_conclude(out, VB_LAYER_FAILED,
				"%s has more than config.json gave: %s", sets[i].name, names);
	}
	return r;
}

static int judge_no_new_privileges(
	const struct vb_outcome_case *subject, struct vb_layer_outcome *out)
{
	bool set = subject->evidence->status.no_new_privileges;

	int r = vb_outcome_see(out, "NoNewPrivs: %d", set);
	if (r == 0 && !set)
		r = vb_outcome_conclude(
			out, VB_LAYER_FAILED, "the process may gain privileges at exec");
	return r;
}

static int judge_rlimits(const struct vb_outcome_case *subject, struct vb_layer_outcome *out)
{
	const struct vb_rlimit_list *rlimits = &subject->plan->rlimits;
	uint64_t soft = 0;
	uint64_t hard = 0;
	int r = 0;

	for (size_t i = 0; i < rlimits->count && r == 0; i++) {
		const struct vb_rlimit *asked = &rlimits->items[i];
		struct vb_error err = {0};
		if (vb_proc_limits_get(subject->evidence->limits, asked->type, &soft, &hard, &err) <
			0) {
			r = vb_outcome_conclude(
				out, VB_LAYER_FAILED, "%s: %s", asked->type, err.what);
			continue;
		}
		r = vb_outcome_see(out, "%s: %" PRIu64 " %" PRIu64, asked->type, soft, hard);
		if (r == 0 && (soft > asked->soft || hard > asked->hard))
			r = vb_outcome_conclude(out, VB_LAYER_FAILED,
				"%s is above %" PRIu64 " %" PRIu64, asked->type, asked->soft,
				asked->hard);
	}
	return r;
}

/* Whether the variable of the plan is what the process gets: the last one of its name counts. */
static bool env_has(const struct vb_strv *env, const char *asked)
{
	size_t name_length = strcspn(asked, "=") + 1;

	for (size_t i = env->count; i > 0; i--)
		if (strncmp(env->items[i - 1], asked, name_length) == 0)
			return strcmp(env->items[i - 1], asked) == 0;
	return false;
}

static int judge_shim_env(const struct vb_outcome_case *subject, struct vb_layer_outcome *out)
{
	const struct vb_plan *plan = subject->plan;
	int r = 0;

	for (size_t i = 0; i < plan->env.count && r == 0; i++)
		if (!env_has(&subject->evidence->spec.env, plan->env.items[i]))
			r = vb_outcome_conclude(out, VB_LAYER_FAILED,
				"the container's environment lacks %.*s as planned",
				(int)strcspn(plan->env.items[i], "="), plan->env.items[i]);
	return r;
}

/* Mapped into this process is not all when others run that ignore the shim. */
static int judge_mapped_shim(const struct vb_outcome_case *subject, struct vb_layer_outcome *out)
{
	int r = vb_outcome_see(
		out, "maps: %s", vb_evidence_shim_path(subject->evidence, subject->plan));

	if (r == 0 && subject->plan->preload.foreign_abi)
		r = vb_outcome_conclude(out, VB_LAYER_UNSUPPORTED,
			"partial: 32-bit programs may run, and ignore the shim");
	return r;
}

static int judge_preload(const struct vb_outcome_case *subject, struct vb_layer_outcome *out)
{
	const struct vb_receipt *receipt = subject->receipt;
	const char *verdict = receipt != NULL ? receipt->preload_verdict : NULL;

	int r = judge_shim_env(subject, out);
	if (r == 0)
		r = vb_outcome_judge_shim_mount(subject, out);
	if (r < 0 || out->reason != NULL)
		return r;
	if (subject->evidence->stage == VB_STAGE_RUNNING && subject->evidence->shim_mapped)
		return judge_mapped_shim(subject, out);
	if (verdict != NULL && strcmp(verdict, "covered") != 0)
		return vb_outcome_conclude(out, VB_LAYER_UNSUPPORTED, "%s", verdict);
	switch (subject->evidence->stage) {
	case VB_STAGE_START:
		return vb_outcome_conclude(
			out, VB_LAYER_UNOBSERVED, "the shim is mapped with exec");
	case VB_STAGE_GONE:
		return vb_outcome_conclude(out, VB_LAYER_UNOBSERVED,
			"the process exited before its mappings could be read");
	case VB_STAGE_RUNNING:
		break;
	}
	return vb_outcome_conclude(out, VB_LAYER_FAILED, "the shim is not mapped into the process");
}

static bool needs_hook(enum vb_layer layer)
{
	return layer != VB_LAYER_TMPFS && layer != VB_LAYER_PRELOAD;
}

int vb_outcome_judge_layer(
	const struct vb_outcome_case *subject, enum vb_layer layer, struct vb_layer_outcome *out)
{
	out->state = VB_LAYER_APPLIED;
	if (needs_hook(layer) && !subject->plan->hooked)
		return vb_outcome_conclude(out, VB_LAYER_UNSUPPORTED,
			"the runtime handler does not pass through vambrace-oci");
	if (needs_hook(layer) && subject->receipt == NULL)
		return vb_outcome_conclude(out, VB_LAYER_FAILED, "vambrace-oci left no receipt");
	switch (layer) {
	case VB_LAYER_SECCOMP:
		return judge_seccomp(subject, out);
	case VB_LAYER_SPEC_ALLOW:
		return vb_outcome_judge_spec_allow(subject, out);
	case VB_LAYER_CAPABILITIES:
		return judge_capabilities(subject, out);
	case VB_LAYER_READ_ONLY_ROOTFS:
		return vb_outcome_judge_read_only_rootfs(subject, out);
	case VB_LAYER_TMPFS:
		return vb_outcome_judge_tmpfs(subject, out);
	case VB_LAYER_NO_NEW_PRIVILEGES:
		return judge_no_new_privileges(subject, out);
	case VB_LAYER_RLIMITS:
		return judge_rlimits(subject, out);
	case VB_LAYER_PRELOAD:
		return judge_preload(subject, out);
	case VB_LAYER_COUNT:
		break;
	}
	return -EINVAL;
}

int vb_outcome_describe_skipped(
	const struct vb_outcome_case *subject, enum vb_layer layer, struct vb_layer_outcome *out)
{
	return layer == VB_LAYER_SPEC_ALLOW ? vb_outcome_describe_spec_allow(subject, out) : 0;
}
