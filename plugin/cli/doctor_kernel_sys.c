/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vb/adjust/speculation.h"
#include "vb/base/file.h"
#include "vb/base/str.h"

#define AUDIT_LOG_DEFAULT "/var/log/vambrace/audit.jsonl"

enum { LINE_MAX_BYTES = 4096 };

/* One line of a file of the kernel's, without its newline; NULL when it is not there. */
static char *read_line(const char *path)
{
	vb_auto_free char *text = NULL;

	if (vb_file_read_stream(AT_FDCWD, path, LINE_MAX_BYTES, &text, NULL) < 0)
		return NULL;
	return strndup(text, strcspn(text, "\n"));
}

static void put_line(json_t *object, const char *key, const char *path)
{
	vb_auto_free char *line = read_line(path);

	if (line != NULL)
		(void)json_object_set_new(object, key, json_string(line));
}

/* The words of a line as an array. */
static json_t *split(const char *line, const char *separators)
{
	json_t *array = json_array();

	for (line += strspn(line, separators); *line != '\0'; line += strspn(line, separators)) {
		size_t length = strcspn(line, separators);
		(void)json_array_append_new(array, json_stringn(line, length));
		line += length;
	}
	return array;
}

static void put_words(json_t *object, const char *key, const char *path, const char *separators)
{
	vb_auto_free char *line = read_line(path);

	if (line != NULL)
		(void)json_object_set_new(object, key, split(line, separators));
}

/* cgroup_v2, cgroup_v1, or both as systemd's hybrid layout has them. */
static const char *cgroup_layout(void)
{
	struct statfs fs;

	if (statfs("/sys/fs/cgroup", &fs) < 0)
		return "unknown";
	if (fs.f_type == CGROUP2_SUPER_MAGIC)
		return "v2";
	if (statfs("/sys/fs/cgroup/unified", &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
		return "hybrid";
	return "v1";
}

/* seccomp(2) looks at the flags before it looks at the filter: EFAULT means that it knows them. */
static json_t *seccomp_flags(void)
{
	static const struct {
		const char *name;
		unsigned long flag;
	} flags[] = {{"tsync", SECCOMP_FILTER_FLAG_TSYNC}, {"log", SECCOMP_FILTER_FLAG_LOG},
		{"spec_allow", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
		{"new_listener", SECCOMP_FILTER_FLAG_NEW_LISTENER},
		{"wait_killable_recv", 1UL << 5}};
	json_t *array = json_array();

	for (size_t i = 0; i < VB_ARRAY_SIZE(flags); i++)
		if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags[i].flag, NULL) < 0 &&
			errno == EFAULT)
			(void)json_array_append_new(array, json_string(flags[i].name));
	return array;
}

/* A child that ends at once, in a user namespace of its own. */
static const char *try_user_namespace(void)
{
	int status = 0;

	long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return strerrorname_np(errno);
	(void)waitpid((pid_t)pid, &status, 0);
	return "ok";
}

static json_t *look_at_user_namespaces(void)
{
	json_t *object = json_object();

	(void)json_object_set_new(object, "clone", json_string(try_user_namespace()));
	put_line(object, "unprivileged_userns_clone", "/proc/sys/kernel/unprivileged_userns_clone");
	put_line(object, "max_user_namespaces", "/proc/sys/user/max_user_namespaces");
	put_line(object, "apparmor_restrict_unprivileged_userns",
		"/proc/sys/kernel/apparmor_restrict_unprivileged_userns");
	return object;
}

/* A robot without a battery for its clock starts in 1970. This program was installed later. */
static json_t *look_at_clock(void)
{
	struct timex state = {0};
	struct stat st;
	int status = adjtimex(&state);
	bool installed = stat("/proc/self/exe", &st) == 0;

	return json_pack("{s:b,s:b}", "before_installation", installed && time(NULL) < st.st_mtime,
		"synchronized", status >= 0 && (state.status & STA_UNSYNC) == 0);
}

/* The directory of the log, or what is there on the way to it. */
static char *nearest_directory(const char *path)
{
	vb_auto_free char *at = strdup(path);
	struct stat st;

	for (char *slash = at; slash != NULL; slash = strrchr(at, '/')) {
		*slash = '\0';
		if (at[0] == '\0')
			return strdup("/");
		if (stat(at, &st) == 0 && S_ISDIR(st.st_mode))
			return VB_STEAL(at);
	}
	return NULL;
}

/* Opened as the daemon does it, which changes nothing; a FIFO or device is not opened at all. */
static const char *audit_file_state(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? "absent" : strerrorname_np(errno);
	if (!S_ISREG(st.st_mode))
		return "no regular file";
	vb_auto_close int fd =
		open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	return fd < 0 ? strerrorname_np(errno) : "ok";
}

static json_t *look_at_audit_log(const char *path)
{
	vb_auto_free char *directory = nearest_directory(path);
	struct statvfs fs;

	if (directory == NULL || statvfs(directory, &fs) < 0)
		return json_pack("{s:s}", "path", path);
	return json_pack("{s:s,s:s,s:s,s:b,s:b,s:I}", "path", path, "file", audit_file_state(path),
		"directory", directory, "read_only", (fs.f_flag & ST_RDONLY) != 0, "writable",
		access(directory, W_OK) == 0, "free_bytes",
		(json_int_t)fs.f_bavail * (json_int_t)fs.f_frsize);
}

static const char *try_speculation(void)
{
	struct vb_speculation_probe probe;

	int r = vb_speculation_probe(&probe, NULL);
	return vb_spec_effect_name(vb_speculation_effect(r == 0 ? &probe : NULL, NULL));
}

void vb_doctor_gather_kernel(json_t *facts)
{
	json_t *seccomp = json_object();
	vb_auto_free char *apparmor = read_line("/sys/module/apparmor/parameters/enabled");
	const char *audit_log = vb_doctor_text_of(facts, "node_config.audit_log");

	(void)json_object_set_new(facts, "cgroups", json_string(cgroup_layout()));
	put_words(seccomp, "actions", "/proc/sys/kernel/seccomp/actions_avail", " ");
	(void)json_object_set_new(seccomp, "flags", seccomp_flags());
	(void)json_object_set_new(facts, "seccomp", seccomp);
	(void)json_object_set_new(facts, "spec_allow", json_string(try_speculation()));
	(void)json_object_set_new(facts, "user_namespaces", look_at_user_namespaces());
	put_words(facts, "lsms", "/sys/kernel/security/lsm", ",");
	(void)json_object_set_new(
		facts, "apparmor", json_boolean(apparmor != NULL && apparmor[0] == 'Y'));
	(void)json_object_set_new(facts, "clock", look_at_clock());
	(void)json_object_set_new(facts, "audit_log",
		look_at_audit_log(audit_log != NULL ? audit_log : AUDIT_LOG_DEFAULT));
}
