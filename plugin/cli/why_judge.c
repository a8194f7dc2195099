/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "json_writer.h"
#include "vb/adjust/caps.h"
#include "vb/adjust/json.h"
#include "vb/adjust/starter.h"
#include "vb/base/str.h"
#include "vb/base/timestamp.h"
#include "why.h"

#define NS_PER_S INT64_C(1000000000)

/* __AUDIT_ARCH_64BIT of <linux/audit.h>. */
#define ARCH_64_BIT 0x80000000U

/* Where each list stands, in a bundle's manifest and among a pod's annotations. */
static const struct {
	const char *path;
	const char *annotation;
	const char *variable;
} lists[VB_DERIVE_LIST_COUNT] = {
	[VB_DERIVE_DLOPEN] = {"dlopen_allowlist.paths", NULL, "AUTONOMY_PRELOAD_DLOPEN_ALLOWLIST"},
	[VB_DERIVE_EXEC] = {"hardening.preload.exec_allowlist",
		"preload-exec-allowlist.vambrace.dev", "AUTONOMY_PRELOAD_EXEC_ALLOWLIST"},
	[VB_DERIVE_CONNECT] = {"hardening.preload.connect_allowlist",
		"preload-connect-allowlist.vambrace.dev", "AUTONOMY_PRELOAD_CONNECT_ALLOWLIST"},
};

json_t *vb_why_time(int64_t ns)
{
	struct timespec at = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
	char text[VB_TIMESTAMP_SIZE];

	if (ns == 0)
		return json_null();
	vb_timestamp_format(&at, text);
	return json_string(text);
}

/* Takes the value: the line that allows it, in a bundle's manifest unless file says otherwise. */
static json_t *allow(const char *file, const char *path, json_t *value)
{
	return json_pack("{s:s,s:s,s:o}", "file", file, "path", path, "value", value);
}

/* Takes the value: in the bundle, or where no bundle is named among the pod's annotations. */
static json_t *allow_setting(
	const struct vb_plan *plan, const char *path, const char *annotation, json_t *value)
{
	if (plan == NULL || plan->bundle_name != NULL || annotation == NULL)
		return allow("manifest.json", path, value);
	vb_auto_free char *full = vb_str_format("metadata.annotations.%s", annotation);
	if (full == NULL) {
		json_decref(value);
		return NULL;
	}
	return allow("pod", full, value);
}

static json_t *allow_entry(const struct vb_denial *denial, const struct vb_plan *plan)
{
	if (denial->entry == NULL)
		return json_null();
	return allow_setting(plan, lists[denial->list].path, lists[denial->list].annotation,
		json_string(denial->entry));
}

/* What else has to be known to make the line work. */
static char *note_entry(const struct vb_denial *denial, const struct vb_plan *plan)
{
	const char *note = strcmp(denial->call, "io_uring_setup") == 0
				   ? "no entry allows io_uring beside an exec or connect list"
			   : denial->entry == NULL ? "this cannot stand in a list"
			   : denial->list == VB_DERIVE_EXEC
				   ? "a symbolic link is listed by what it leads to"
				   : "";
	bool both = denial->entry != NULL && plan != NULL && plan->floor_name != NULL;

	return vb_str_format("%s%s%s%s%s", note, both && note[0] != '\0' ? "; " : "",
		both ? "the floor " : "", both ? plan->floor_name : "",
		both ? " must list it too, where it has such a list" : "");
}

static json_t *denial_to_json(const struct vb_denial *denial, const struct vb_plan *plan)
{
	struct vb_json_writer w = vb_json_begin();
	vb_auto_free char *note = note_entry(denial, plan);

	vb_json_put_text(&w, "layer", "preload");
	vb_json_put_text(&w, "call", denial->call);
	vb_json_put_text(&w, "target", denial->target[0] != '\0' ? denial->target : NULL);
	vb_json_put_text(&w, "by", lists[denial->list].variable);
	vb_json_put(&w, "count", json_integer((json_int_t)denial->count));
	vb_json_put(&w, "first_at", vb_why_time(denial->first_ns));
	vb_json_put(&w, "last_at", vb_why_time(denial->last_ns));
	vb_json_put(&w, "allow", allow_entry(denial, plan));
	vb_json_put(&w, "note",
		note == NULL      ? NULL
		: note[0] != '\0' ? json_string(note)
				  : json_null());
	return vb_json_end(&w);
}

json_t *vb_why_preload_denials(const struct vb_denied *denied, const struct vb_plan *plan)
{
	json_t *array = json_array();

	for (size_t i = 0; array != NULL && i < denied->count; i++)
		if (json_array_append_new(array, denial_to_json(&denied->items[i], plan)) < 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

/* A rule for a profile of one's own. */
static json_t *allow_rule(const char *profile, const char *call)
{
	vb_auto_free char *path = vb_str_format("profiles/%s.json", profile);

	return path != NULL ? allow(path, "syscalls",
				      json_pack("{s:[s],s:s}", "names", call, "action",
					      "SCMP_ACT_ALLOW"))
			    : NULL;
}

struct verdict {
	const char *by;
	const char *note;
	bool starter;        /* another profile in its place would allow the call */
	const char *profile; /* whose rule would */
};

static struct verdict judge_call(
	const char *call, const struct vb_seccomp_record *record, const struct vb_plan *plan)
{
	unsigned int parts = vb_starter_parts_of(call);
	static const struct verdict unknown = {
		.by = "unknown", .note = "the plan of this container is not known"};

	if (plan == NULL)
		return unknown;
	const struct vb_plan_seccomp *seccomp = &plan->seccomp;
	/* The strongest reason first: what no profile can undo. */
	if (vb_seccomp_record_is_x32(record))
		return (struct verdict){.by = "plan", .note = "x32 is always closed"};
	if ((record->arch & ARCH_64_BIT) == 0 && seccomp->native_abi_only)
		return (struct verdict){.by = "plan",
			.note = "the 32-bit ABI is closed beside a preload list, whose shim its "
				"programs ignore"};
	if ((parts & VB_STARTER_IO_URING) != 0 && seccomp->deny_io_uring)
		return (struct verdict){.by = "plan",
			.note = "io_uring is always denied beside an exec or connect list"};
	if ((parts & VB_STARTER_CLOSURE) != 0 && seccomp->closure)
		return (struct verdict){.by = "closure",
			.note = "always denied beside dropped capabilities, a read-only root, "
				"tmpfs or no_new_privs, which it would undo"};
	if ((parts & VB_STARTER_DENIALS) != 0 && seccomp->starter)
		return (struct verdict){.by = "starter",
			.note = "the starter always denies it: name a profile of the bundle's own "
				"that allows it; the container's own profile still counts",
			.starter = true};
	if (seccomp->profiles.count > 0)
		return (struct verdict){.by = "profile",
			.note = "every profile that is met must allow it, the container's own "
				"(securityContext.seccompProfile) too",
			.profile = seccomp->profiles.items[0].name};
	return (struct verdict){.by = "container",
		.note = "the container's own profile (securityContext.seccompProfile) denies it, "
			"and no bundle widens that"};
}

static json_t *allow_call(
	const struct verdict *verdict, const char *call, const struct vb_plan *plan)
{
	if (verdict->starter)
		return allow_setting(plan, "hardening.seccomp.profile",
			"seccomp-profile.vambrace.dev", json_string("<a profile that allows it>"));
	/* A profile that is named by its path is no bundle's. */
	if (verdict->profile != NULL && verdict->profile[0] == '/')
		return allow(verdict->profile, "syscalls",
			json_pack("{s:[s],s:s}", "names", call, "action", "SCMP_ACT_ALLOW"));
	return verdict->profile != NULL ? allow_rule(verdict->profile, call) : json_null();
}

json_t *vb_why_seccomp_denial(const struct vb_seccomp_record *record, const struct vb_plan *plan)
{
	struct vb_json_writer w = vb_json_begin();
	vb_auto_free char *call = vb_seccomp_record_call(record);
	vb_auto_free char *arch = vb_seccomp_record_arch(record);

	if (call == NULL || arch == NULL)
		w.ok = false;
	struct verdict verdict = judge_call(call != NULL ? call : "", record, plan);
	vb_json_put_text(&w, "layer", "seccomp");
	vb_json_put_text(&w, "call", call);
	vb_json_put_text(&w, "target", NULL);
	vb_json_put_text(&w, "arch", arch);
	vb_json_put_text(&w, "action", vb_seccomp_record_action(record));
	vb_json_put_text(&w, "program", record->name);
	vb_json_put_text(&w, "by", verdict.by);
	vb_json_put(&w, "count", json_integer(1));
	vb_json_put(&w, "first_at", vb_why_time(record->at_ns));
	vb_json_put(&w, "last_at", vb_why_time(record->at_ns));
	vb_json_put(&w, "allow", call != NULL ? allow_call(&verdict, call, plan) : NULL);
	vb_json_put_text(&w, "note", verdict.note);
	return vb_json_end(&w);
}

static bool is_applied(const json_t *outcome, const char *layer)
{
	const json_t *found = json_object_get(json_object_get(outcome, "layers"), layer);

	return vb_str_equal(json_string_value(json_object_get(found, "state")), "applied");
}

/* Takes the line that allows it. */
static json_t *make_hint(const char *error, const char *layer, const char *text,
	const struct vb_mention *mention, json_t *line)
{
	struct vb_json_writer w = vb_json_begin();

	vb_json_put_text(&w, "error", error);
	vb_json_put_text(&w, "layer", layer);
	vb_json_put_text(&w, "text", text);
	vb_json_put(&w, "mentions", json_integer((json_int_t)mention->count));
	vb_json_put(&w, "last_at", vb_why_time(mention->last_ns));
	vb_json_put_text(&w, "last", mention->count > 0 ? mention->text : NULL);
	vb_json_put(&w, "allow", line);
	return vb_json_end(&w);
}

static json_t *allow_tmpfs(const struct vb_plan *plan)
{
	bool bundle = plan->bundle_name != NULL;

	return allow_setting(plan, "hardening.tmpfs", "tmpfs.vambrace.dev",
		bundle ? json_pack("{s:s}", "path", "<directory>") : json_string("<directory>"));
}

/* Where files can be kept: not behind the masks that runtimes put over files of the kernel's. */
static bool is_for_files(const char *path)
{
	return vb_str_after(path, "/proc/") == NULL && vb_str_after(path, "/sys/") == NULL;
}

/* "/data /tmp": the plan's own tmpfs, and what an outcome names beside them. NULL: -ENOMEM. */
static char *list_writable(const struct vb_plan *plan, const json_t *outcome)
{
	vb_auto_strv struct vb_strv writable = {0};
	const json_t *mount = NULL;
	size_t i = 0;

	for (size_t k = 0; k < plan->tmpfs.count; k++)
		if (vb_strv_add(&writable, plan->tmpfs.items[k].path) < 0)
			return NULL;
	json_array_foreach(json_object_get(outcome, "writable_mounts"), i, mount)
		if (json_is_string(mount) && is_for_files(json_string_value(mount)) &&
			vb_strv_add(&writable, json_string_value(mount)) < 0)
			return NULL;
	vb_strv_sort_unique(&writable);
	return vb_strv_join(&writable, ' ');
}

static json_t *hint_read_only(
	const struct vb_denied *denied, const struct vb_plan *plan, const json_t *outcome)
{
	vb_auto_free char *list = list_writable(plan, outcome);
	vb_auto_free char *text = list == NULL ? NULL
					       : vb_str_format("the root is read-only: writing "
							       "fails everywhere but in %s",
							 list[0] != '\0' ? list : "its volumes");

	return text == NULL ? NULL
			    : make_hint("EROFS", "read_only_rootfs", text,
				      &denied->mentions[VB_MENTION_EROFS], allow_tmpfs(plan));
}

/* "NET_RAW SYS_PTRACE" */
static char *list_caps(uint64_t set)
{
	vb_auto_strv struct vb_strv names = {0};

	for (unsigned int number = 0; number < 64; number++) {
		const char *name = (set >> number & 1) != 0 ? vb_cap_name(number) : NULL;
		if (name != NULL && vb_strv_add(&names, name) < 0)
			return NULL;
	}
	return vb_strv_join(&names, ' ');
}

static json_t *hint_capabilities(const struct vb_denied *denied, const struct vb_plan *plan)
{
	vb_auto_free char *caps = list_caps(plan->cap_drop);
	vb_auto_free char *text =
		caps == NULL ? NULL
			     : vb_str_format("what needs one of these capabilities fails, for root "
					     "too: %s",
				       caps);

	return text == NULL ? NULL
			    : make_hint("EPERM", "capabilities", text,
				      &denied->mentions[VB_MENTION_EPERM],
				      allow_setting(plan, "hardening.capabilities.drop",
					      "cap-drop.vambrace.dev",
					      json_string("<without the one that is needed>")));
}

static json_t *hint_no_new_privileges(const struct vb_denied *denied, const struct vb_plan *plan)
{
	return make_hint("EPERM", "no_new_privileges",
		"set-user-id programs (sudo, ping) and file capabilities gain nothing",
		&denied->mentions[VB_MENTION_EPERM],
		allow_setting(plan, "hardening.no_new_privileges", "no-new-privileges.vambrace.dev",
			plan->bundle_name != NULL ? json_false() : json_string("<remove it>")));
}

/* Takes the hint. */
static int add_hint(json_t *hints, json_t *hint)
{
	return json_array_append_new(hints, hint) < 0 ? -ENOMEM : 0;
}

json_t *vb_why_hints(
	const struct vb_denied *denied, const struct vb_plan *plan, const json_t *outcome)
{
	json_t *hints = json_array();
	int r = hints != NULL ? 0 : -ENOMEM;

	if (r == 0 && plan != NULL && vb_plan_has(plan, VB_LAYER_READ_ONLY_ROOTFS) &&
		is_applied(outcome, "read_only_rootfs"))
		r = add_hint(hints, hint_read_only(denied, plan, outcome));
	if (r == 0 && plan != NULL && vb_plan_has(plan, VB_LAYER_CAPABILITIES) &&
		is_applied(outcome, "capabilities"))
		r = add_hint(hints, hint_capabilities(denied, plan));
	if (r == 0 && plan != NULL && vb_plan_has(plan, VB_LAYER_NO_NEW_PRIVILEGES) &&
		is_applied(outcome, "no_new_privileges"))
		r = add_hint(hints, hint_no_new_privileges(denied, plan));
	if (r == 0)
		return hints;
	json_decref(hints);
	return NULL;
}

json_t *vb_why_losses(const struct vb_denied *denied)
{
	const struct {
		uint64_t count;
		const char *what;
	} losses[] = {
		{denied->dropped, "lines that the shim dropped, because stderr was full"},
		{denied->datagrams, "denied datagrams without a line, above 10 a second"},
		{denied->unresolved, "denied execveat calls without a path, which no list allows"},
		{denied->unusable, "lines with the shim's mark that are none of its own, or not "
				   "whole"},
		{denied->more, "denials of further kinds, above 1024"},
	};
	json_t *array = json_array();

	for (size_t i = 0; array != NULL && i < VB_ARRAY_SIZE(losses); i++) {
		if (losses[i].count == 0)
			continue;
		if (json_array_append_new(
			    array, json_pack("{s:I,s:s}", "count", (json_int_t)losses[i].count,
					   "what", losses[i].what)) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}
