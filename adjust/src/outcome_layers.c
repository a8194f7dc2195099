/* SPDX-License-Identifier: Apache-2.0 */
#include "outcome_layers.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <string.h>

#include "vb/adjust/caps.h"
#include "vb/base/utf8.h"

enum { LINE_MAX_BYTES = 512 };

__attribute__((format(printf, 2, 3))) static int see(
	struct vb_layer_outcome *out, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	va_list args;

	va_start(args, format);
	int n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (n < 0)
		return -EINVAL;
	vb_utf8_scrub(line);
	return vb_strv_add(&out->evidence, line);
}

/* The first reason stays: it is the one that a person has to look at. */
__attribute__((format(printf, 3, 4))) static int conclude(struct vb_layer_outcome *out,
	enum vb_layer_state state, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	va_list args;

	if (out->reason != NULL)
		return 0;
	va_start(args, format);
	int n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (n < 0)
		return -EINVAL;
	vb_utf8_scrub(line);
	out->state = state;
	out->reason = strdup(line);
	return out->reason == NULL ? -ENOMEM : 0;
}

static bool is_crun(const struct vb_receipt *receipt)
{
	const char *slash = strrchr(receipt->runtime, '/');

	return vb_str_after(slash != NULL ? slash + 1 : receipt->runtime, "crun") != NULL;
}

/*
 * crun installs the filter as the last thing before exec when no_new_privileges is set; runc has
 * it in place at START in either case.
 */
static bool filter_comes_with_exec(const struct vb_outcome_case *subject)
{
	const struct vb_evidence *evidence = subject->evidence;

	return evidence->stage != VB_STAGE_RUNNING && evidence->status.seccomp_mode == 0 &&
	       evidence->spec.no_new_privileges && is_crun(subject->receipt);
}

static int see_seccomp(const struct vb_proc_status *status, struct vb_layer_outcome *out)
{
	int r = see(out, "Seccomp: %u", status->seccomp_mode);

	if (r == 0 && status->has_seccomp_filters)
		r = see(out, "Seccomp_filters: %u", status->seccomp_filters);
	return r;
}

/* Whether the config that the runtime was given holds the plan's filter. */
static int judge_filter(const struct vb_outcome_case *subject, struct vb_layer_outcome *out)
{
	const struct vb_spec_evidence *spec = &subject->evidence->spec;

	if (!spec->is_read)
		return conclude(out, VB_LAYER_FAILED, "config.json could not be read again");
	if (strcmp(spec->digest, subject->receipt->config_digest) != 0)
		return conclude(out, VB_LAYER_FAILED,
			"config.json is not the one that vambrace-oci wrote");
	switch (spec->seccomp) {
	case VB_CONTAINMENT_ABSENT:
		return conclude(out, VB_LAYER_FAILED, "config.json has no seccomp profile");
	case VB_CONTAINMENT_LACKING:
		return conclude(out, VB_LAYER_FAILED,
			"config.json's seccomp profile allows what the plan denies: %s",
			spec->seccomp_reason);
	case VB_CONTAINMENT_COMPLETE:
		break;
	}
	return see(out, "config.json %s contains the plan's profile", spec->digest);
}

static int judge_seccomp(const struct vb_outcome_case *subject, struct vb_layer_outcome *out)
{
	const struct vb_proc_status *status = &subject->evidence->status;

	int r = see_seccomp(status, out);
	if (r == 0)
		r = judge_filter(subject, out);
	if (r < 0 || out->reason != NULL)
		return r;
	if (filter_comes_with_exec(subject))
		return conclude(out, VB_LAYER_UNOBSERVED,
			"crun installs the filter with exec when no_new_privileges is set");
	if (status->seccomp_mode != SECCOMP_MODE_FILTER ||
		(status->has_seccomp_filters && status->seccomp_filters == 0))
		return conclude(out, VB_LAYER_FAILED, "the process has no seccomp filter");
	return 0;
}

static bool is_mitigated(const char *store_bypass)
{
	static const char *const texts[] = {"not vulnerable", "thread force mitigated",
		"thread mitigated", "globally mitigated"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(texts); i++)
		if (strcmp(store_bypass, texts[i]) == 0)
			return true;
	return false;
}

static int judge_spec_allow(const struct vb_outcome_case *subject, struct vb_layer_outcome *out)
{
	const struct vb_evidence *evidence = subject->evidence;
	const char *text = evidence->status.store_bypass;
	bool mitigated = is_mitigated(text);

	int r = see(out, "Speculation_Store_Bypass: %s", text[0] != '\0' ? text : "not shown");
	if (r < 0)
		return r;
	if (text[0] == '\0')
		return conclude(out, VB_LAYER_UNSUPPORTED, "the kernel does not show the state");
	if (filter_comes_with_exec(subject))
		return conclude(out, VB_LAYER_UNOBSERVED, "the filter comes with exec");
	if (subject->plan->spec_allow == VB_SPEC_ALLOW_ALLOW)
		return mitigated && strcmp(text, "not vulnerable") != 0
			       ? conclude(out, VB_LAYER_UNSUPPORTED,
					 "the node mitigates before the filter is installed")
			       : 0;
	if (mitigated)
		return 0;
	if (evidence->spec.allows_speculation)
		return conclude(out, VB_LAYER_FAILED, "config.json has the flag SPEC_ALLOW");
	return conclude(out, VB_LAYER_UNSUPPORTED,
		"this kernel does not mitigate for seccomp filters (since Linux 5.16, unless told)");
}

/* Adds the names of the capabilities in the set to the line, space separated. */
static void name_caps(uint64_t set, char *line, size_t size)
{
	size_t used = 0;

	line[0] = '\0';
	for (unsigned int number = 0; number < VB_CAP_COUNT && used + 1 < size; number++) {
		if ((set >> number & 1) == 0)
			continue;
		int n = snprintf(line + used, size - used, "%s%s", used > 0 ? " " : "",
			vb_cap_name(number));
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
		r = see(out, "%s: %016" PRIx64, sets[i].name, sets[i].seen);
		name_caps(kept != 0 ? kept : added, names, sizeof(names));
		if (r == 0 && kept != 0)
			r = conclude(out, VB_LAYER_FAILED, "%s still has %s", sets[i].name, names);
		else if (r == 0 && added != 0)
			r = conclude(out, VB_LAYER_FAILED, "%s has more than config.json gave: %s",
				sets[i].name, names);
	}
	return r;
}

static int judge_no_new_privileges(
	const struct vb_outcome_case *subject, struct vb_layer_outcome *out)
{
	bool set = subject->evidence->status.no_new_privileges;

	int r = see(out, "NoNewPrivs: %d", set);
	if (r == 0 && !set)
		r = conclude(out, VB_LAYER_FAILED, "the process may gain privileges at exec");
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
		if (vb_proc_limits_get(
			    subject->evidence->limits, asked->type, &soft, &hard, &err) < 0) {
			r = conclude(out, VB_LAYER_FAILED, "%s: %s", asked->type, err.what);
			continue;
		}
		r = see(out, "%s: %" PRIu64 " %" PRIu64, asked->type, soft, hard);
		if (r == 0 && (soft > asked->soft || hard > asked->hard))
			r = conclude(out, VB_LAYER_FAILED,
				"%s is above %" PRIu64 " %" PRIu64, asked->type, asked->soft,
				asked->hard);
	}
	return r;
}

static int see_mount(struct vb_layer_outcome *out, const struct vb_mount *mount)
{
	return see(out, "%s %s - %s %s", mount->mount_point, mount->options, mount->fs_type,
		mount->super_options);
}

/* The runtime's own files in /etc, which stay writable when only "/" is made read-only. */
static const char *const runtime_files[] = {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"};

/* Where a file could be put and run although the root is read-only. */
static const char *const device_mounts[] = {"/dev", "/dev/shm"};

static int judge_mount_has(const struct vb_mountinfo *mounts, const char *path, const char *option,
	struct vb_layer_outcome *out)
{
	const struct vb_mount *mount = vb_mountinfo_topmost(mounts, path);

	if (mount == NULL)
		return 0;
	int r = see_mount(out, mount);
	if (r == 0 && !vb_mount_options_have(mount->options, option))
		r = conclude(out, VB_LAYER_FAILED, "%s is not mounted %s", path, option);
	return r;
}

static int judge_read_only_rootfs(
	const struct vb_outcome_case *subject, struct vb_layer_outcome *out)
{
	const struct vb_mountinfo *mounts = &subject->evidence->mounts;
	int r = 0;

	if (vb_mountinfo_topmost(mounts, "/") == NULL)
		r = conclude(out, VB_LAYER_FAILED, "mountinfo shows no root");
	else
		r = judge_mount_has(mounts, "/", "ro", out);
	for (size_t i = 0; i < VB_ARRAY_SIZE(runtime_files) && r == 0; i++)
		r = judge_mount_has(mounts, runtime_files[i], "ro", out);
	for (size_t i = 0; i < VB_ARRAY_SIZE(device_mounts) && r == 0; i++)
		r = judge_mount_has(mounts, device_mounts[i], "noexec", out);
	return r;
}

/* The bytes of a size that the kernel shows in KiB ("65536k"); 0 when it is something else. */
static uint64_t shown_size_bytes(const char *value, size_t length)
{
	uint64_t kib = 0;

	if (length < 2 || length > 16 || value[length - 1] != 'k')
		return 0;
	for (size_t i = 0; i < length - 1; i++) {
		if (value[i] < '0' || value[i] > '9')
			return 0;
		kib = kib * 10 + (uint64_t)(value[i] - '0');
	}
	return kib * 1024;
}

static unsigned int shown_mode(const char *super_options)
{
	const char *value = NULL;
	size_t length = 0;
	unsigned int mode = 0;

	/* The kernel leaves out what it takes as the default. */
	if (!vb_mount_options_get(super_options, "mode", &value, &length))
		return 01777;
	for (size_t i = 0; i < length && value[i] >= '0' && value[i] <= '7'; i++)
		mode = mode * 8 + (unsigned int)(value[i] - '0');
	return mode;
}

/* Options of a plan that the mount itself must show. */
static int judge_mount_flags(const struct vb_plan_mount *asked, const struct vb_mount *mount,
	struct vb_layer_outcome *out)
{
	static const char *const flags[] = {"ro", "nosuid", "nodev", "noexec"};
	int r = 0;

	for (size_t i = 0; i < VB_ARRAY_SIZE(flags) && r == 0; i++)
		if (vb_strv_contains(&asked->options, flags[i]) &&
			!vb_mount_options_have(mount->options, flags[i]))
			r = conclude(out, VB_LAYER_FAILED, "%s is not mounted %s",
				asked->destination, flags[i]);
	return r;
}

static int judge_tmpfs_mount(const struct vb_tmpfs *tmpfs, const struct vb_mount *mount,
	uint64_t page_size, struct vb_layer_outcome *out)
{
	const char *value = NULL;
	size_t length = 0;
	uint64_t size = 0;
	uint64_t pages = tmpfs->size_bytes / page_size + (tmpfs->size_bytes % page_size != 0);

	if (strcmp(mount->fs_type, "tmpfs") != 0)
		return conclude(out, VB_LAYER_FAILED, "on %s is no tmpfs, but %s", tmpfs->path,
			mount->fs_type);
	if (vb_mount_options_get(mount->super_options, "size", &value, &length))
		size = shown_size_bytes(value, length);
	if (size != pages * page_size)
		return conclude(out, VB_LAYER_FAILED, "the tmpfs on %s is not %" PRIu64 " bytes",
			tmpfs->path, pages * page_size);
	if (shown_mode(mount->super_options) != tmpfs->mode)
		return conclude(out, VB_LAYER_FAILED, "the tmpfs on %s has not mode %o",
			tmpfs->path, tmpfs->mode);
	return 0;
}

/* The topmost mount at the destination of one of the plan's mounts, or NULL with a conclusion. */
static const struct vb_mount *find_mount(const struct vb_outcome_case *subject, size_t index,
	struct vb_layer_outcome *out, int *ret_r)
{
	const struct vb_evidence *evidence = subject->evidence;
	const char *destination = subject->plan->mounts.items[index].destination;
	const struct vb_mount *mount = vb_mountinfo_topmost(&evidence->mounts, destination);

	/* Nothing is ever mounted on a symbolic link itself; then it is where the link leads. */
	if (mount == NULL && index < evidence->destinations.count)
		mount = vb_mountinfo_topmost(
			&evidence->mounts, evidence->destinations.items[index]);
	*ret_r = mount == NULL ? conclude(out, VB_LAYER_FAILED, "nothing is mounted on %s",
					 destination)
			       : see_mount(out, mount);
	return mount;
}

static const struct vb_tmpfs *find_tmpfs(const struct vb_plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->tmpfs.count; i++)
		if (strcmp(plan->tmpfs.items[i].path, path) == 0)
			return &plan->tmpfs.items[i];
	return NULL;
}

static int judge_tmpfs(const struct vb_outcome_case *subject, struct vb_layer_outcome *out)
{
	const struct vb_plan *plan = subject->plan;
	size_t judged = 0;
	int r = 0;

	for (size_t i = 0; i < plan->mounts.count && r == 0; i++) {
		const struct vb_plan_mount *asked = &plan->mounts.items[i];
		const struct vb_tmpfs *tmpfs = find_tmpfs(plan, asked->destination);
		if (tmpfs == NULL)
			continue;
		judged++;
		const struct vb_mount *mount = find_mount(subject, i, out, &r);
		if (mount != NULL && r == 0)
			r = judge_tmpfs_mount(
				tmpfs, mount, subject->evidence->page_size_bytes, out);
		if (mount != NULL && r == 0)
			r = judge_mount_flags(asked, mount, out);
	}
	if (r == 0 && judged != plan->tmpfs.count)
		r = conclude(out, VB_LAYER_FAILED, "the plan has no mount for one of its tmpfs");
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
			r = conclude(out, VB_LAYER_FAILED,
				"the container's environment lacks %.*s as planned",
				(int)strcspn(plan->env.items[i], "="), plan->env.items[i]);
	return r;
}

static int judge_shim_mount(const struct vb_outcome_case *subject, struct vb_layer_outcome *out)
{
	const struct vb_plan_mounts *mounts = &subject->plan->mounts;
	size_t i = 0;
	int r = 0;

	while (i < mounts->count &&
		strcmp(mounts->items[i].destination, VB_SHIM_CONTAINER_PATH) != 0)
		i++;
	if (i == mounts->count)
		return conclude(out, VB_LAYER_FAILED, "the plan has no mount for the shim");
	const struct vb_mount *mount = find_mount(subject, i, out, &r);
	if (mount == NULL || r < 0)
		return r;
	const char *asked = strrchr(mounts->items[i].source, '/');
	const char *seen = strrchr(mount->root, '/');
	if (asked == NULL || seen == NULL || strcmp(asked, seen) != 0)
		return conclude(out, VB_LAYER_FAILED, "on %s is %s", VB_SHIM_CONTAINER_PATH,
			mount->root);
	return judge_mount_flags(&mounts->items[i], mount, out);
}

static int judge_preload(const struct vb_outcome_case *subject, struct vb_layer_outcome *out)
{
	const struct vb_receipt *receipt = subject->receipt;
	const char *verdict = receipt != NULL ? receipt->preload_verdict : NULL;

	int r = judge_shim_env(subject, out);
	if (r == 0)
		r = judge_shim_mount(subject, out);
	if (r < 0 || out->reason != NULL)
		return r;
	if (subject->evidence->stage == VB_STAGE_RUNNING && subject->evidence->shim_mapped)
		return see(out, "maps: %s", VB_SHIM_CONTAINER_PATH);
	if (verdict != NULL && strcmp(verdict, "covered") != 0)
		return conclude(out, VB_LAYER_UNSUPPORTED, "%s", verdict);
	switch (subject->evidence->stage) {
	case VB_STAGE_START:
		return conclude(out, VB_LAYER_UNOBSERVED, "the shim is mapped with exec");
	case VB_STAGE_GONE:
		return conclude(out, VB_LAYER_UNOBSERVED,
			"the process exited before its mappings could be read");
	case VB_STAGE_RUNNING:
		break;
	}
	return conclude(out, VB_LAYER_FAILED, "the shim is not mapped into the process");
}

static bool needs_hook(enum vb_layer layer)
{
	return layer != VB_LAYER_TMPFS && layer != VB_LAYER_PRELOAD;
}

int vb_outcome_judge_layer(const struct vb_outcome_case *subject, enum vb_layer layer,
	struct vb_layer_outcome *out)
{
	out->state = VB_LAYER_APPLIED;
	if (needs_hook(layer) && !subject->plan->hooked)
		return conclude(out, VB_LAYER_UNSUPPORTED,
			"the runtime handler does not pass through vambrace-oci");
	if (needs_hook(layer) && subject->receipt == NULL)
		return conclude(out, VB_LAYER_FAILED, "vambrace-oci left no receipt");
	switch (layer) {
	case VB_LAYER_SECCOMP:
		return judge_seccomp(subject, out);
	case VB_LAYER_SPEC_ALLOW:
		return judge_spec_allow(subject, out);
	case VB_LAYER_CAPABILITIES:
		return judge_capabilities(subject, out);
	case VB_LAYER_READ_ONLY_ROOTFS:
		return judge_read_only_rootfs(subject, out);
	case VB_LAYER_TMPFS:
		return judge_tmpfs(subject, out);
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

int vb_outcome_describe_skipped(const struct vb_outcome_case *subject, enum vb_layer layer,
	struct vb_layer_outcome *out)
{
	const char *text = subject->evidence->status.store_bypass;

	if (layer != VB_LAYER_SPEC_ALLOW || text[0] == '\0')
		return 0;
	return see(out, "inherit:%s (Speculation_Store_Bypass: %s)",
		is_mitigated(text) ? "mitigate" : "allow", text);
}

/* File systems of the kernel's own; what is writable there is the masks' and seccomp's business. */
static bool is_kernel_fs(const char *fs_type)
{
	static const char *const types[] = {
		"proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(types); i++)
		if (strcmp(fs_type, types[i]) == 0)
			return true;
	return false;
}

int vb_outcome_list_writable(const struct vb_outcome_case *subject, struct vb_strv *ret_writable)
{
	const struct vb_mountinfo *mounts = &subject->evidence->mounts;

	for (size_t i = 0; i < mounts->count; i++) {
		const struct vb_mount *mount = &mounts->items[i];
		if (vb_mountinfo_topmost(mounts, mount->mount_point) != mount ||
			!vb_mount_options_have(mount->options, "rw") ||
			!vb_mount_options_have(mount->super_options, "rw") ||
			is_kernel_fs(mount->fs_type) ||
			find_tmpfs(subject->plan, mount->mount_point) != NULL)
			continue;
		if (vb_strv_add(ret_writable, mount->mount_point) < 0)
			return -ENOMEM;
	}
	for (size_t i = 0; i < ret_writable->count; i++)
		vb_utf8_scrub(ret_writable->items[i]);
	vb_strv_sort_unique(ret_writable);
	return 0;
}
