/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/starter.h"

#include <errno.h>
#include <linux/sched.h>
#include <string.h>

#include "profile_model.h"
#include "vb/base/str.h"

/* umount is a call of its own on i386 and arm; elsewhere the name does nothing. */
static const char *const denials[] = {"bpf", "delete_module", "finit_module", "init_module",
	"ioperm", "iopl", "kexec_file_load", "kexec_load", "mknod", "mknodat", "mount",
	"perf_event_open", "pivot_root", "ptrace", "reboot", "setns", "swapoff", "swapon", "umount",
	"umount2", "unshare"};

static const char *const closure[] = {"fsconfig", "fsmount", "fsopen", "fspick", "mount_setattr",
	"move_mount", "open_tree", "pidfd_getfd", "process_vm_readv", "process_vm_writev", "setns",
	"unshare"};

static const char *const io_uring[] = {"io_uring_setup"};

/* Of clone(2). CLONE_NEWTIME shares its bit with the exit signal: only clone3 and unshare know it.
 */
static const uint64_t namespaces[] = {CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
	CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET};

enum {
	RULES_MAX = 64,
	NAMES_BYTES = 1024,
};

static int deny(struct vb_profile *profile, const char *name, int errnum,
	const struct vb_condition *condition)
{
	struct vb_rule rule = {
		.name = vb_profile_store_name(profile, name),
		.action = SCMP_ACT_ERRNO((unsigned int)errnum),
		.source = (uint32_t)profile->rule_count,
		.count = condition != NULL ? 1 : 0,
	};

	return rule.name != NULL ? vb_profile_add_rule(profile, &rule, condition) : -ENOSPC;
}

static int deny_all(struct vb_profile *profile, const char *const *names, size_t count)
{
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++)
		r = deny(profile, names[i], EPERM, NULL);
	return r;
}

static int add_closure(struct vb_profile *profile)
{
	bool swapped = profile->native == SCMP_ARCH_S390X || profile->native == SCMP_ARCH_S390;
	int r = deny_all(profile, closure, VB_ARRAY_SIZE(closure));

	if (r == 0)
		r = deny(profile, "clone3", ENOSYS, NULL);
	for (size_t i = 0; i < VB_ARRAY_SIZE(namespaces) && r == 0; i++) {
		struct vb_condition condition = {
			/* clone(2): on s390 the stack comes first, the flags second. */
			.index = swapped ? 1 : 0,
			.op = SCMP_CMP_MASKED_EQ,
			.mask = namespaces[i],
			.value = namespaces[i],
		};
		r = deny(profile, "clone", EPERM, &condition);
	}
	return r;
}

static bool is_among(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

unsigned int vb_starter_parts_of(const char *call)
{
	unsigned int parts = 0;

	if (is_among(denials, VB_ARRAY_SIZE(denials), call))
		parts |= VB_STARTER_DENIALS;
	if (is_among(closure, VB_ARRAY_SIZE(closure), call) || strcmp(call, "clone") == 0 ||
		strcmp(call, "clone3") == 0)
		parts |= VB_STARTER_CLOSURE;
	if (is_among(io_uring, VB_ARRAY_SIZE(io_uring), call))
		parts |= VB_STARTER_IO_URING;
	return parts;
}

static int fill(struct vb_profile *profile, const struct vb_starter_options *options)
{
	uint32_t sibling = vb_arch_sibling(profile->native);
	int r = vb_profile_add_arch(profile, profile->native);

	if (r == 0 && sibling != 0 && !options->native_abi_only)
		r = vb_profile_add_arch(profile, sibling);
	if (r == 0 && (options->parts & VB_STARTER_DENIALS) != 0)
		r = deny_all(profile, denials, VB_ARRAY_SIZE(denials));
	if (r == 0 && (options->parts & VB_STARTER_CLOSURE) != 0)
		r = add_closure(profile);
	if (r == 0 && (options->parts & VB_STARTER_IO_URING) != 0)
		r = deny_all(profile, io_uring, VB_ARRAY_SIZE(io_uring));
	return r;
}

int vb_profile_starter(const struct vb_starter_options *options, struct vb_profile **ret_profile,
	struct vb_error *err)
{
	const unsigned int known = VB_STARTER_DENIALS | VB_STARTER_CLOSURE | VB_STARTER_IO_URING;

	if (options->parts == 0 || (options->parts & ~known) != 0)
		return vb_error_say(
			err, EINVAL, "the starter profile has no parts 0x%x", options->parts);
	vb_auto_profile struct vb_profile *profile =
		vb_profile_create(RULES_MAX, RULES_MAX, NAMES_BYTES);
	if (profile == NULL)
		return vb_error_set(err, ENOMEM, "make the starter profile");
	profile->default_action = SCMP_ACT_ALLOW;
	profile->native = vb_arch_native(options->native);
	if (vb_profile_arch_name(profile->native) == NULL)
		return vb_error_say(
			err, EINVAL, "unknown native architecture 0x%x", options->native);
	int r = fill(profile, options);
	if (r < 0)
		return vb_error_set(err, -r, "make the starter profile");
	r = vb_profile_settle(profile, err);
	if (r < 0)
		return r;
	*ret_profile = VB_STEAL(profile);
	return 0;
}

int vb_profile_starter_text(
	const struct vb_starter_options *options, char **ret_text, struct vb_error *err)
{
	vb_auto_profile struct vb_profile *profile = NULL;
	int r = vb_profile_starter(options, &profile, err);

	if (r < 0)
		return r;
	return vb_profile_to_text(profile, ret_text, err);
}
