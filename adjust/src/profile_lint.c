/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/profile_lint.h"

#include <errno.h>
#include <string.h>

#include "profile_model.h"
#include "vb/base/str.h"

enum { UNKNOWN_MAX = 100 }; /* findings about names */

/* Of Linux 5.18 to 6.17: libseccomp 2.5.4 does not know them, a runtime's own may. */
static const char *const newer[] = {"cachestat", "fchmodat2", "file_getattr", "file_setattr",
	"futex_requeue", "futex_wait", "futex_wake", "getxattrat", "listmount", "listxattrat",
	"lsm_get_self_attr", "lsm_list_modules", "lsm_set_self_attr", "map_shadow_stack", "mseal",
	"open_tree_attr", "removexattrat", "riscv_hwprobe", "setxattrat", "statmount", "uretprobe"};

/* What programs called, and what C libraries call instead by now. */
static const struct {
	const char *legacy;
	const char *modern;
} successors[] = {
	{"accept", "accept4"},
	{"access", "faccessat"},
	{"chmod", "fchmodat"},
	{"chown", "fchownat"},
	{"creat", "openat"},
	{"dup2", "dup3"},
	{"epoll_create", "epoll_create1"},
	{"epoll_wait", "epoll_pwait"},
	{"eventfd", "eventfd2"},
	{"faccessat", "faccessat2"},
	{"fork", "clone"},
	{"fstat", "newfstatat"},
	{"futimesat", "utimensat"},
	{"getdents", "getdents64"},
	{"getrlimit", "prlimit64"},
	{"gettimeofday", "clock_gettime"},
	{"inotify_init", "inotify_init1"},
	{"lchown", "fchownat"},
	{"link", "linkat"},
	{"lstat", "newfstatat"},
	{"mkdir", "mkdirat"},
	{"mknod", "mknodat"},
	{"nanosleep", "clock_nanosleep"},
	{"open", "openat"},
	{"pipe", "pipe2"},
	{"poll", "ppoll"},
	{"readlink", "readlinkat"},
	{"rename", "renameat"},
	{"renameat", "renameat2"},
	{"rmdir", "unlinkat"},
	{"select", "pselect6"},
	{"setrlimit", "prlimit64"},
	{"signalfd", "signalfd4"},
	{"stat", "newfstatat"},
	{"symlink", "symlinkat"},
	{"time", "clock_gettime"},
	{"unlink", "unlinkat"},
	{"utime", "utimensat"},
	{"utimes", "utimensat"},
	{"vfork", "clone"},
};

/* Of glibc and musl, for a program's first thread and every further one. clone3 is judged apart. */
static const char *const thread_calls[] = {"clone", "exit", "futex", "gettid", "madvise", "mmap",
	"mprotect", "munmap", "rseq", "rt_sigprocmask", "set_robust_list", "set_tid_address"};

/* Of runc and crun between loading the filter and executing the program, with what Go adds. */
static const char *const runtime_calls[] = {"capget", "capset", "chdir", "clone", "close",
	"close_range", "epoll_create1", "epoll_ctl", "epoll_pwait", "eventfd2", "execve", "exit",
	"exit_group", "faccessat2", "fcntl", "fstat", "fstatfs", "futex", "getcwd", "getdents64",
	"getpid", "getppid", "gettid", "madvise", "mmap", "mprotect", "munmap", "nanosleep",
	"newfstatat", "openat", "openat2", "pipe2", "prctl", "read", "rt_sigaction",
	"rt_sigprocmask", "rt_sigreturn", "sched_getaffinity", "sched_yield", "seccomp", "setgid",
	"setgroups", "setresgid", "setresuid", "setuid", "sigaltstack", "statx", "tgkill", "write"};

struct lint {
	const json_t *json;
	const struct vb_profile *profile;
	vb_profile_report_fn report;
	void *context;
	size_t unknown;
};

static int tell(
	const struct lint *lint, enum vb_profile_severity severity, const struct vb_error *finding)
{
	return lint->report(lint->context, severity, finding);
}

static bool is_newer(const char *name)
{
	for (size_t i = 0; i < VB_ARRAY_SIZE(newer); i++)
		if (strcmp(newer[i], name) == 0)
			return true;
	return false;
}

static int tell_unknown(struct lint *lint, const char *name, const char *place)
{
	struct vb_error finding = {0};
	char nearest[VB_CALL_NAME_MAX];
	const struct scmp_version *version = seccomp_version();

	if (is_newer(name)) {
		vb_error_say(&finding, EINVAL,
			"libseccomp %u.%u.%u does not know '%s'; a runtime with the same one "
			"leaves the rule out",
			version->major, version->minor, version->micro, name);
		(void)vb_error_at(&finding, "%s", place);
		return tell(lint, VB_PROFILE_WARNING, &finding);
	}
	vb_call_nearest(name, nearest);
	vb_error_say(&finding, EINVAL,
		"'%s' is no system call, and runtimes leave the rule out without a word", name);
	if (nearest[0] != '\0')
		(void)vb_error_fix(&finding, "did you mean '%s'?", nearest);
	else
		(void)vb_error_fix(&finding, "take the name out");
	(void)vb_error_at(&finding, "%s", place);
	return tell(lint, VB_PROFILE_ERROR, &finding);
}

static int judge_name(struct lint *lint, const json_t *item, const char *place)
{
	const char *name = json_string_value(item);

	if (name == NULL || seccomp_syscall_resolve_name(name) != __NR_SCMP_ERROR)
		return 0;
	return lint->unknown++ < UNKNOWN_MAX ? tell_unknown(lint, name, place) : 0;
}

static int judge_names(struct lint *lint)
{
	size_t i;
	size_t j;
	const json_t *entry;
	const json_t *item;
	char place[VB_ERROR_PLACE_MAX];

	json_array_foreach(json_object_get(lint->json, "syscalls"), i, entry) {
		/* Docker's old form has one name. */
		(void)snprintf(place, sizeof(place), "syscalls[%zu].name", i);
		int r = judge_name(lint, json_object_get(entry, "name"), place);
		json_array_foreach(json_object_get(entry, "names"), j, item) {
			(void)snprintf(place, sizeof(place), "syscalls[%zu].names[%zu]", i, j);
			if (r == 0)
				r = judge_name(lint, item, place);
		}
		if (r != 0)
			return r;
	}
	return 0;
}

/* Those names that were not told one by one. */
static int tell_more(const struct lint *lint)
{
	struct vb_error finding = {0};

	if (lint->unknown <= UNKNOWN_MAX)
		return 0;
	vb_error_say(&finding, EINVAL, "libseccomp does not know %zu more names",
		lint->unknown - UNKNOWN_MAX);
	(void)vb_error_at(&finding, "syscalls");
	return tell(lint, VB_PROFILE_ERROR, &finding);
}

static bool denies(uint32_t action)
{
	return vb_action_rank(action) <= vb_action_rank(SCMP_ACT_ERRNO(0));
}

/* Whether some call of that name gets through. */
static bool is_allowed(const struct vb_profile *profile, const char *name)
{
	struct vb_rules rules = vb_profile_rules_of(profile, name);

	if (rules.count == 0 || vb_rules_conditional(&rules)) {
		if (!denies(rules.default_action))
			return true;
	}
	for (size_t i = 0; i < rules.count; i++)
		if (!denies(rules.rules[i].action))
			return true;
	return false;
}

static bool exists(const struct vb_profile *profile, const char *name)
{
	return seccomp_syscall_resolve_name_arch(profile->native, name) >= 0;
}

/* Where the entry that allows the name has it. */
static void find_name(const struct lint *lint, const char *name, char ret_place[VB_ERROR_PLACE_MAX])
{
	struct vb_rules rules = vb_profile_rules_of(lint->profile, name);
	uint32_t source = rules.count > 0 ? rules.rules[0].source : 0;
	const json_t *entry = json_array_get(json_object_get(lint->json, "syscalls"), source);
	size_t i;
	const json_t *item;

	(void)snprintf(ret_place, VB_ERROR_PLACE_MAX, "syscalls[%u]", source);
	json_array_foreach(json_object_get(entry, "names"), i, item)
		if (vb_str_equal(json_string_value(item), name))
			(void)snprintf(ret_place, VB_ERROR_PLACE_MAX, "syscalls[%u].names[%zu]",
				source, i);
}

static int judge_successors(const struct lint *lint)
{
	for (size_t i = 0; i < VB_ARRAY_SIZE(successors); i++) {
		const char *legacy = successors[i].legacy;
		const char *modern = successors[i].modern;
		struct vb_error finding = {0};
		char place[VB_ERROR_PLACE_MAX];
		if (!is_allowed(lint->profile, legacy) || is_allowed(lint->profile, modern) ||
			!exists(lint->profile, modern))
			continue;
		vb_error_say(&finding, EINVAL,
			"'%s' is allowed, but not '%s', which C libraries call instead", legacy,
			modern);
		(void)vb_error_fix(&finding, "allow '%s' too", modern);
		find_name(lint, legacy, place);
		(void)vb_error_at(&finding, "%s", place);
		int r = tell(lint, VB_PROFILE_WARNING, &finding);
		if (r != 0)
			return r;
	}
	return 0;
}

/* The names that are missing, with commas; empty when none is. */
static size_t list_missing(const struct vb_profile *profile, const char *const *names, size_t count,
	char *text, size_t size)
{
	size_t missing = 0;
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		if (!exists(profile, names[i]) || is_allowed(profile, names[i]))
			continue;
		missing++;
		int n = snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "", names[i]);
		if (n > 0 && (size_t)n < size - used)
			used += (size_t)n;
		else
			text[used] = '\0'; /* whole names only */
	}
	return missing;
}

static int judge_missing(const struct lint *lint, const char *const *names, size_t count,
	const char *what, const char *fix)
{
	char missing[VB_ERROR_WHAT_MAX];
	struct vb_error finding = {0};

	if (list_missing(lint->profile, names, count, missing, sizeof(missing)) == 0)
		return 0;
	vb_error_say(&finding, EINVAL, "%s: %s", what, missing);
	(void)vb_error_fix(&finding, "%s", fix);
	(void)vb_error_at(&finding, "syscalls");
	return tell(lint, VB_PROFILE_WARNING, &finding);
}

/* Its flags lie in memory: either it is allowed, or it must seem not to exist. */
static int judge_clone3(const struct lint *lint)
{
	static const uint64_t args[VB_PROFILE_ARGS];
	struct vb_rules rules = vb_profile_rules_of(lint->profile, "clone3");
	uint32_t action = vb_rules_action(&rules, args, false, NULL);
	struct vb_error finding = {0};

	if (is_allowed(lint->profile, "clone3") || action == SCMP_ACT_ERRNO(ENOSYS))
		return 0;
	vb_error_say(&finding, EINVAL,
		"'clone3' is denied, but not with ENOSYS, the only answer at which C libraries "
		"fall back to clone: no thread starts");
	(void)vb_error_fix(&finding,
		"add a rule for 'clone3' with SCMP_ACT_ERRNO and errnoRet %d, or allow it", ENOSYS);
	(void)vb_error_at(&finding, "syscalls");
	return tell(lint, VB_PROFILE_WARNING, &finding);
}

int vb_profile_lint(const json_t *json, const struct vb_profile *profile,
	vb_profile_report_fn report, void *context)
{
	struct lint lint = {.json = json, .profile = profile, .report = report, .context = context};
	int r = judge_names(&lint);

	if (r == 0)
		r = tell_more(&lint);
	if (r != 0 || !denies(profile->default_action))
		return r;
	r = judge_successors(&lint);
	if (r == 0)
		r = judge_missing(&lint, thread_calls, VB_ARRAY_SIZE(thread_calls),
			"not allowed, but needed by C libraries to start threads",
			"allow them, or make sure that the program has no need of them");
	if (r == 0)
		r = judge_clone3(&lint);
	if (r == 0)
		r = judge_missing(&lint, runtime_calls, VB_ARRAY_SIZE(runtime_calls),
			"not allowed, but needed by OCI runtimes to start the program",
			"allow them, or the container will not start: the filter is loaded before "
			"the program is executed");
	return r;
}
