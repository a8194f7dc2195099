/* SPDX-License-Identifier: Apache-2.0 */
#include "oci_hook_node.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "vb/base/file.h"
#include "vb/base/str.h"

static const char fake_runtime[] =
	"#!/bin/sh\n"
	"# A fake runtime: notes its arguments, its input and the open descriptor 7, then exits "
	"42.\n"
	"if [ \"$1\" = features ] && [ -e " FEATURES " ]; then exec cat " FEATURES "; fi\n"
	"{ echo \"$0 $*\"; cat; if [ -e /proc/self/fd/7 ]; then echo fd 7; fi; } >> " CALLS "\n"
	"echo out; echo err >&2; exit 42\n";

static const char settings[] =
	"{\"handlers\":{\"vambrace\":{\"runtime\":\"" BIN "/fake\"},"
	"\"lenient\":{\"runtime\":\"" BIN "/fake\",\"unplanned\":\"pass\"},"
	"\"gone\":{\"runtime\":\"/nowhere/runc\"},\"self\":{\"runtime\":\"" HOOK "\"}}}";

void support_install_hook(void)
{
	static const char *const handlers[] = {
		HOOK, BIN "/lenient", BIN "/gone", BIN "/self", BIN "/stranger"};
	vb_auto_free char *program = NULL;
	size_t size = 0;

	/* Read first: the build may lie where the node puts its own file systems. */
	ck_assert_int_eq(vb_file_read(VB_TEST_HOOK, 64 << 20, &program, &size, NULL), 0);
	support_enter_node();
	support_make_directories(BIN);
	support_make_directories("/opt/vambrace/etc");
	support_make_directories(BUNDLE "/rootfs");
	support_write_file(BIN "/fake", fake_runtime, 0755);
	support_write_file(SETTINGS, settings, 0644);
	ck_assert_int_eq(vb_file_replace(BIN "/vambrace-oci", program, size, 0755, NULL), 0);
	for (size_t i = 0; i < VB_ARRAY_SIZE(handlers); i++)
		ck_assert_int_eq(symlink("vambrace-oci", handlers[i]), 0);
}

/* Runs a shell command line; returns its exit code. */
int support_shell(const char *line)
{
	pid_t pid = fork();
	int status = 0;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);
		(void)dup2(null, STDOUT_FILENO);
		(void)dup2(null, STDERR_FILENO);
		(void)execl("/bin/sh", "sh", "-c", line, (char *)NULL);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

bool support_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

void support_assert_contains(const char *path, const char *words)
{
	vb_auto_free char *text = support_read_file(path);

	ck_assert_msg(strstr(text, words) != NULL, "%s lacks %s:\n%s", path, words, text);
}

/* The runtime was called, and its exit code came back. */
void support_assert_admitted(const char *line)
{
	(void)unlink(CALLS);
	int code = support_shell(line);
	ck_assert_msg(code == 42 && support_exists(CALLS), "%s: exit code %d", line, code);
}

/* It was not, and the log's last line is this error. */
void support_assert_hook_refused(const char *line, const char *words)
{
	(void)unlink(CALLS);
	(void)unlink(LOG);
	int code = support_shell(line);
	ck_assert_msg(code == 1 && !support_exists(CALLS), "%s: exit code %d", line, code);
	vb_auto_free char *text = support_read_file(LOG);
	vb_auto_json json_t *entry = json_loads(text, 0, NULL);
	ck_assert_msg(json_is_object(entry), "%s", text);
	ck_assert_str_eq(json_string_value(json_object_get(entry, "level")), "error");
	const char *message = json_string_value(json_object_get(entry, "msg"));
	ck_assert_ptr_nonnull(vb_str_after(message, "vambrace: Err"));
	ck_assert_msg(strstr(message, words) != NULL, "'%s' lacks '%s'", message, words);
}

void support_fake_usual_runtime(const char *directory, const char *name)
{
	static const char *const places[] = {
		"/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/bin"};
	vb_auto_free char *fake = vb_str_format("%s/%s", directory, name);

	ck_assert_ptr_nonnull(fake);
	support_make_directories(directory);
	support_write_file(fake, fake_runtime, 0755);
	for (size_t i = 0; i < VB_ARRAY_SIZE(places); i++) {
		vb_auto_free char *path = vb_str_format("%s/%s", places[i], name);
		ck_assert_ptr_nonnull(path);
		if (support_exists(path))
			ck_assert_int_eq(mount("/dev/null", path, NULL, MS_BIND, NULL), 0);
	}
}

void support_assert_create_refused(const char *words)
{
	vb_auto_free char *before = support_read_file(CONFIG);

	support_assert_hook_refused(CREATE, words);
	vb_auto_free char *after = support_read_file(CONFIG);
	ck_assert_str_eq(before, after);
	ck_assert(!support_exists(RECEIPT));
	ck_assert(!support_exists(PASSED));
	ck_assert_int_eq(support_shell("test $(ls " BUNDLE " | wc -l) = 3"), 0);
}

static struct vb_plan *full_plan(void)
{
	struct vb_plan *plan = support_plan();
	char type[] = "RLIMIT_CORE";
	const struct vb_rlimit rlimit = {.type = type, .soft = 0, .hard = 0};

	for (unsigned int i = 0; i < VB_LAYER_COUNT; i++)
		if (i != VB_LAYER_SPEC_ALLOW && i != VB_LAYER_TMPFS && i != VB_LAYER_PRELOAD)
			plan->sources[i] = VB_SOURCE_BUNDLE;
	plan->seccomp.starter = true;
	plan->cap_drop = UINT64_C(1) << 13;
	ck_assert_int_eq(vb_rlimit_list_add(&plan->rlimits, &rlimit), 0);
	support_plan_env(plan, "LD_PRELOAD=/s.so");
	support_plan_mount(plan, "/tmp", "tmpfs", "tmpfs", "nosuid");
	return plan;
}

/* config.json as containerd would write it after our plugin's answer with this plan. */
void support_write_config(const char *plan_digest)
{
	vb_auto_free char *text = vb_str_format(
		"{\"ociVersion\":\"1.2.0\",\"process\":{\"args\":[\"/bin/x\"],"
		"\"env\":[\"PATH=/bin\",\"LD_PRELOAD=/s.so\"],\"capabilities\":"
		"{\"bounding\":[\"CAP_KILL\",\"CAP_NET_RAW\"],\"effective\":[\"CAP_NET_RAW\"]},"
		"\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"hard\":18446744073709551615,"
		"\"soft\":18446744073709551615}]},\"root\":{\"path\":\"rootfs\"},"
		"\"mounts\":[{\"destination\":\"/tmp\",\"type\":\"tmpfs\",\"source\":\"tmpfs\","
		"\"options\":[\"nosuid\"]}],\"annotations\":{"
		"\"io.kubernetes.cri.container-type\":\"container\","
		"\"io.kubernetes.cri.container-name\":\"ctl\","
		"\"io.kubernetes.cri.sandbox-id\":\"pod\","
		"\"io.kubernetes.cri.sandbox-name\":\"arm-0\","
		"\"io.kubernetes.cri.sandbox-namespace\":\"robots\"%s%s%s},\"linux\":{}}",
		plan_digest != NULL ? ",\"" VB_PLAN_DIGEST_ANNOTATION "\":\"" : "",
		plan_digest != NULL ? plan_digest : "", plan_digest != NULL ? "\"" : "");
	ck_assert_ptr_nonnull(text);
	support_write_file(CONFIG, text, 0640);
}

void support_write_this_plan(const struct vb_plan *plan)
{
	vb_auto_free char *text = vb_plan_to_json(plan);
	char digest[VB_DIGEST_SIZE];

	ck_assert_ptr_nonnull(text);
	ck_assert_int_eq(vb_state_write(VB_STATE_PLAN, "abc", text, NULL), 0);
	ck_assert_int_eq(vb_state_remove(VB_STATE_RECEIPT, "abc", NULL), 0);
	vb_digest(text, strlen(text), digest);
	support_write_config(digest);
	support_write_file(PROCESS,
		"{\"env\":[\"LD_PRELOAD=/s.so\",\"TERM=xterm\"],\"capabilities\":{\"bounding\":"
		"[\"CAP_KILL\",\"CAP_NET_RAW\"]},\"args\":[\"sh\"]}",
		0600);
}

void support_write_plan(void)
{
	vb_auto_plan struct vb_plan *plan = full_plan();

	support_write_this_plan(plan);
}
