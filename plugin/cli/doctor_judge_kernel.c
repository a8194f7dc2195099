/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "doctor.h"
#include "vb/base/str.h"

/* An audit log of a busy node for some weeks. */
enum { FREE_BYTES_MIN = 64 << 20 };

static bool uses_crun(const json_t *facts)
{
	const json_t *handlers = vb_doctor_get(facts, "hook.handlers");
	const char *name = NULL;
	const json_t *handler = NULL;

	json_object_foreach((json_t *)(uintptr_t)handlers, name, handler) {
		const char *runtime = json_string_value(json_object_get(handler, "runtime"));
		if (runtime != NULL && strstr(runtime, "crun") != NULL)
			return true;
	}
	return false;
}

static void judge_cgroups(const json_t *facts, struct vb_findings *findings)
{
	const char *layout = vb_doctor_text_of(facts, "cgroups");

	if (layout == NULL)
		return;
	if (strcmp(layout, "v2") == 0)
		(void)vb_finding_add(findings, "cgroups", VB_FINDING_OK, "cgroup v2");
	else if (uses_crun(facts))
		vb_finding_fix(vb_finding_add(findings, "cgroups", VB_FINDING_PROBLEM,
				       "cgroup layout %s, with which crun does not start", layout),
			"boot with systemd.unified_cgroup_hierarchy=1, or use runc");
	else
		vb_finding_fix(vb_finding_add(findings, "cgroups", VB_FINDING_OK,
				       "cgroup layout %s, with which runc works", layout),
			"crun needs cgroup v2: systemd.unified_cgroup_hierarchy=1");
}

static void judge_seccomp(const json_t *facts, struct vb_findings *findings)
{
	if (vb_doctor_get(facts, "seccomp.actions") == NULL) {
		vb_finding_fix(vb_finding_add(findings, "seccomp", VB_FINDING_PROBLEM,
				       "the kernel has no seccomp filters"),
			"boot a kernel with CONFIG_SECCOMP_FILTER=y");
		return;
	}
	if (!vb_doctor_has(vb_doctor_get(facts, "seccomp.actions"), "errno")) {
		vb_finding_fix(vb_finding_add(findings, "seccomp", VB_FINDING_PROBLEM,
				       "the kernel's seccomp filters have no action errno"),
			"boot Linux 4.14 or later");
		return;
	}
	if (!vb_doctor_has(vb_doctor_get(facts, "seccomp.flags"), "spec_allow") ||
		!vb_doctor_has(vb_doctor_get(facts, "seccomp.flags"), "log")) {
		vb_finding_fix(vb_finding_add(findings, "seccomp", VB_FINDING_WARNING,
				       "the kernel does not know the flags SPEC_ALLOW and LOG"),
			"boot Linux 4.17 or later for spec_allow and logged denials");
		return;
	}
	(void)vb_finding_add(findings, "seccomp", VB_FINDING_OK,
		"seccomp filters with SPEC_ALLOW and LOG%s",
		vb_doctor_has(vb_doctor_get(facts, "seccomp.actions"), "user_notif")
			? ", and user notification"
			: "");
}

/* A runtime without flags then mitigates each unconfined container that gets the starter. */
static const char *runtime_without_flags(const json_t *facts)
{
	const json_t *handlers = vb_doctor_get(facts, "hook.handlers");
	const char *name = NULL;
	const json_t *handler = NULL;

	json_object_foreach((json_t *)(uintptr_t)handlers, name, handler) {
		const json_t *features = json_object_get(handler, "features");
		if (json_is_object(features) &&
			!json_is_true(json_object_get(features, "spec_allow")))
			return json_string_value(json_object_get(handler, "runtime"));
	}
	return NULL;
}

static void judge_speculation(const json_t *facts, struct vb_findings *findings)
{
	const char *effect = vb_doctor_text_of(facts, "spec_allow");
	const char *runtime = runtime_without_flags(facts);

	if (effect == NULL)
		return;
	if (strcmp(effect, "matters") == 0 && runtime != NULL)
		vb_finding_fix(vb_finding_add(findings, "speculation", VB_FINDING_WARNING,
				       "on this kernel %.128s mitigates speculation in every "
				       "container that gets a seccomp filter",
				       runtime),
			"hardened containers run slower than unconfined ones; use runc 1.2 or "
			"later, or crun, which set SPEC_ALLOW");
	else if (strcmp(effect, "matters") == 0)
		(void)vb_finding_add(findings, "speculation", VB_FINDING_OK,
			"SPEC_ALLOW matters here: filters without it mitigate speculation");
	else if (strcmp(effect, "no-effect") == 0)
		(void)vb_finding_add(findings, "speculation", VB_FINDING_OK,
			"SPEC_ALLOW has no effect here: filters do not mitigate speculation");
	else if (strcmp(effect, "already-forced") == 0)
		vb_finding_fix(vb_finding_add(findings, "speculation", VB_FINDING_WARNING,
				       "this shell is mitigated beyond recall, and so may be what "
				       "starts containers"),
			"look at Speculation_Store_Bypass in /proc/<pid of containerd>/status; no "
			"container can regain the speed where it says force mitigated");
	else
		(void)vb_finding_add(findings, "speculation", VB_FINDING_UNSEEN,
			"whether SPEC_ALLOW matters could not be measured");
}

static void judge_refused_namespace(
	const json_t *facts, const char *error, struct vb_findings *findings)
{
	const char *debian = vb_doctor_text_of(facts, "user_namespaces.unprivileged_userns_clone");
	const char *most = vb_doctor_text_of(facts, "user_namespaces.max_user_namespaces");
	const char *apparmor =
		vb_doctor_text_of(facts, "user_namespaces.apparmor_restrict_unprivileged_userns");
	struct vb_finding *finding = vb_finding_add(findings, "userns", VB_FINDING_WARNING,
		"user namespaces are refused (%s): pods with hostUsers: false may not come up",
		error);

	if (vb_str_equal(most, "0"))
		vb_finding_fix(finding, "sysctl -w user.max_user_namespaces=15000");
	else if (strcmp(error, "ENOSPC") == 0)
		vb_finding_fix(finding,
			"raise user.max_user_namespaces (it is %s), or end what "
			"uses them up",
			most != NULL ? most : "not seen");
	else if (strcmp(error, "EPERM") == 0 && vb_str_equal(debian, "0"))
		vb_finding_fix(finding, "sysctl -w kernel.unprivileged_userns_clone=1, or leave it "
					"and run doctor as root: containerd is not affected");
	else if (strcmp(error, "EPERM") == 0 && vb_str_equal(apparmor, "1"))
		vb_finding_fix(finding,
			"sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or leave it and "
			"run doctor as root: containerd is not affected");
	else if (strcmp(error, "ENOSYS") == 0 || strcmp(error, "EINVAL") == 0)
		vb_finding_fix(finding, "boot a kernel with CONFIG_USER_NS=y");
	else
		vb_finding_fix(finding, "a seccomp filter or security module on this shell may "
					"forbid it; run doctor as root on the node itself");
}

static void judge_user_namespaces(const json_t *facts, struct vb_findings *findings)
{
	const char *result = vb_doctor_text_of(facts, "user_namespaces.clone");

	if (result == NULL)
		return;
	if (strcmp(result, "ok") == 0)
		(void)vb_finding_add(
			findings, "userns", VB_FINDING_OK, "user namespaces can be made");
	else
		judge_refused_namespace(facts, result, findings);
}

static void judge_modules(const json_t *facts, struct vb_findings *findings)
{
	const json_t *modules = vb_doctor_get(facts, "lsms");
	vb_auto_strv struct vb_strv names = {0};
	size_t i = 0;
	const json_t *value = NULL;

	json_array_foreach(modules, i, value)
		if (json_is_string(value) && vb_strv_add(&names, json_string_value(value)) < 0)
			return;
	vb_auto_free char *list = vb_strv_join(&names, ',');
	if (names.count > 0 && list != NULL)
		(void)vb_finding_add(findings, "lsm", VB_FINDING_OK,
			"security modules: %.160s; Vambrace needs none%s", list,
			vb_doctor_bool_of(facts, "apparmor") == 1
				? " and leaves AppArmor profiles as they are"
				: "");
	else if (vb_doctor_bool_of(facts, "apparmor") == 1)
		(void)vb_finding_add(findings, "lsm", VB_FINDING_OK,
			"AppArmor is on; its profiles stay as they are");
}

static void judge_clock(const json_t *facts, struct vb_findings *findings)
{
	int before = vb_doctor_bool_of(facts, "clock.before_installation");
	int synchronized = vb_doctor_bool_of(facts, "clock.synchronized");

	if (before == 1)
		vb_finding_fix(vb_finding_add(findings, "clock", VB_FINDING_WARNING,
				       "the clock is behind the installation of vambrace"),
			"set it (timedatectl set-time, or a time server); the audit log's times "
			"are "
			"wrong until then");
	else if (synchronized == 0)
		vb_finding_fix(vb_finding_add(findings, "clock", VB_FINDING_WARNING,
				       "the clock follows no time server"),
			"fine for an offline robot; the audit log's times are those of its own "
			"clock");
	else if (synchronized == 1)
		(void)vb_finding_add(findings, "clock", VB_FINDING_OK, "the clock is synchronized");
}

/* The directory, and the file where there is one already; true when frames can be written. */
static bool judge_audit_access(const json_t *facts, struct vb_findings *findings)
{
	static const char fix[] = "put a file there that root can write (lsattr shows what chattr "
				  "did), or set audit_log in /etc/vambrace/config.json; opt-outs "
				  "are refused until then";
	const char *directory = vb_doctor_text_of(facts, "audit_log.directory");
	const char *path = vb_doctor_text_of(facts, "audit_log.path");
	const char *file = vb_doctor_text_of(facts, "audit_log.file");
	bool is_root = vb_doctor_bool_of(facts, "privileged") == 1;
	bool is_there = file != NULL && strcmp(file, "absent") != 0;
	bool is_writable = vb_doctor_bool_of(facts, "audit_log.writable") == 1;

	if (vb_str_equal(file, "ok") || (!is_there && is_writable))
		return true;
	if (!is_root && (!is_there || strcmp(file, "EACCES") == 0))
		vb_finding_fix(vb_finding_add(findings, "audit", VB_FINDING_UNSEEN,
				       "%.200s may not be written by this user",
				       is_there && path != NULL ? path : directory),
			"run doctor as root");
	else if (is_there)
		vb_finding_fix(vb_finding_add(findings, "audit", VB_FINDING_WARNING,
				       "the audit log %.160s cannot be written (%.32s)",
				       path != NULL ? path : "", file),
			"%s", fix);
	else
		vb_finding_fix(vb_finding_add(findings, "audit", VB_FINDING_WARNING,
				       "the audit log cannot be made in %.160s", directory),
			"%s", fix);
	return false;
}

static void judge_audit_log(const json_t *facts, struct vb_findings *findings)
{
	const char *directory = vb_doctor_text_of(facts, "audit_log.directory");
	const json_t *free_bytes = vb_doctor_get(facts, "audit_log.free_bytes");

	if (directory == NULL)
		return;
	if (vb_doctor_bool_of(facts, "audit_log.read_only") == 1) {
		vb_finding_fix(vb_finding_add(findings, "audit", VB_FINDING_WARNING,
				       "the audit log's file system (%s) is read-only", directory),
			"set audit_log in /etc/vambrace/config.json to a place that can be "
			"written; opt-outs are refused until then");
		return;
	}
	if (!judge_audit_access(facts, findings))
		return;
	json_int_t left = json_integer_value(free_bytes);
	if (left < FREE_BYTES_MIN) {
		vb_finding_fix(
			vb_finding_add(findings, "audit", VB_FINDING_WARNING,
				"%s has %" JSON_INTEGER_FORMAT " MiB left", directory, left >> 20),
			"make room; with a full disk opt-outs are refused");
		return;
	}
	(void)vb_finding_add(findings, "audit", VB_FINDING_OK,
		"room for the audit log in %s: %" JSON_INTEGER_FORMAT " MiB", directory,
		left >> 20);
}

void vb_doctor_judge_kernel(const json_t *facts, struct vb_findings *findings)
{
	judge_cgroups(facts, findings);
	judge_seccomp(facts, findings);
	judge_speculation(facts, findings);
	judge_user_namespaces(facts, findings);
	judge_modules(facts, findings);
	judge_clock(facts, findings);
	judge_audit_log(facts, findings);
}
