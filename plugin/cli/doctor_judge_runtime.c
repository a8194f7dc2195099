/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "node_daemons.h"
#include "vb/base/str.h"

#define LINK_PREFIX "/opt/vambrace/bin/"

/* "1.7.24~ds1" -> 1, 7. */
static bool read_version(const char *text, unsigned long *ret_major, unsigned long *ret_minor)
{
	char *end = NULL;

	if (text == NULL || text[0] < '0' || text[0] > '9')
		return false;
	*ret_major = strtoul(text, &end, 10);
	if (end[0] != '.' || end[1] < '0' || end[1] > '9')
		return false;
	*ret_minor = strtoul(end + 1, &end, 10);
	return true;
}

static void judge_containerd(const json_t *facts, struct vb_findings *findings)
{
	const char *version = vb_doctor_text_of(facts, "containerd.version");
	const char *binary = vb_doctor_text_of(facts, "containerd.binary");
	unsigned long major = 0;
	unsigned long minor = 0;

	if (vb_doctor_bool_of(facts, "containerd.running") != 1) {
		vb_finding_fix(vb_finding_add(findings, "containerd", VB_FINDING_PROBLEM,
				       "no containerd runs on this machine"),
			"start it (%s), or run doctor on the node itself",
			vb_doctor_place(facts)->restart);
		return;
	}
	if (binary != NULL && strstr(binary, " (deleted)") != NULL) {
		vb_finding_fix(vb_finding_add(findings, "containerd", VB_FINDING_WARNING,
				       "the running containerd was replaced on disk"),
			"%s", vb_doctor_place(facts)->restart);
		return;
	}
	if (!read_version(version, &major, &minor)) {
		vb_finding_fix(vb_finding_add(findings, "containerd", VB_FINDING_UNSEEN,
				       "containerd runs, its version could not be seen"),
			"run doctor as root");
		return;
	}
	if (major < 1 || (major == 1 && minor < 7)) {
		vb_finding_fix(vb_finding_add(findings, "containerd", VB_FINDING_PROBLEM,
				       "containerd %s has no usable NRI", version),
			"install containerd 1.7 or later");
		return;
	}
	struct vb_finding *finding = vb_finding_add(
		findings, "containerd", VB_FINDING_OK, "containerd %s runs", version);
	if (major == 1 || (major == 2 && minor < 2))
		vb_finding_fix(finding, "from 2.2 on, NRI layers fail closed on other handlers "
					"too (VALIDATE)");
}

static void judge_nri(const json_t *facts, struct vb_findings *findings)
{
	const struct vb_doctor_place *place = vb_doctor_place(facts);
	const char *result = vb_doctor_text_of(facts, "nri.connect");
	const char *path = vb_doctor_text_of(facts, "nri.socket");
	int enabled = vb_doctor_bool_of(facts, "nri.enabled");

	if (enabled == 0) {
		vb_finding_fix(vb_finding_add(findings, "nri", VB_FINDING_PROBLEM,
				       "NRI is switched off in containerd"),
			"set disable = false under [plugins.\"io.containerd.nri.v1.nri\"] in %s, "
			"then %s",
			place->config, place->restart);
		return;
	}
	if (result == NULL || path == NULL)
		return;
	if (strcmp(result, "ok") == 0) {
		(void)vb_finding_add(
			findings, "nri", VB_FINDING_OK, "the NRI socket %s answers", path);
	} else if (strcmp(result, "EACCES") == 0) {
		vb_finding_fix(vb_finding_add(findings, "nri", VB_FINDING_UNSEEN,
				       "the NRI socket %s may not be opened", path),
			"run doctor as root");
	} else if (enabled == 1) {
		vb_finding_fix(
			vb_finding_add(findings, "nri", VB_FINDING_PROBLEM,
				"NRI is on, but its socket %s does not answer (%s)", path, result),
			"%s; containerd's log tells why when it stays so", place->restart);
	} else {
		vb_finding_fix(vb_finding_add(findings, "nri", VB_FINDING_PROBLEM,
				       "the NRI socket %s does not answer (%s)", path, result),
			"switch NRI on: disable = false under "
			"[plugins.\"io.containerd.nri.v1.nri\"] in %s, then %s",
			place->config, place->restart);
	}
}

static void judge_handler(
	const json_t *facts, const char *name, const json_t *handler, struct vb_findings *findings)
{
	const struct vb_doctor_place *place = vb_doctor_place(facts);
	const char *binary = json_string_value(json_object_get(handler, "binary"));
	const json_t *globs = json_object_get(handler, "pod_annotations");

	if (handler == NULL) {
		vb_finding_fix(vb_finding_add(findings, "handler", VB_FINDING_PROBLEM,
				       "containerd has no runtime handler '%.63s'", name),
			"add [...containerd.runtimes.%.63s] with options.BinaryName = "
			"\"" LINK_PREFIX "%.63s\" to %s, then %s",
			name, name, place->config, place->restart);
		return;
	}
	if (binary == NULL || vb_str_after(binary, LINK_PREFIX) == NULL) {
		vb_finding_fix(
			vb_finding_add(findings, "handler", VB_FINDING_PROBLEM,
				"runtime handler '%.63s' does not go through vambrace-oci", name),
			"set options.BinaryName = \"" LINK_PREFIX "%.63s\" in %s, then %s", name,
			place->config, place->restart);
		return;
	}
	if (!vb_doctor_has(globs, "*.vambrace.dev") || !vb_doctor_has(globs, "*.vambrace.dev/*")) {
		vb_finding_fix(vb_finding_add(findings, "handler", VB_FINDING_WARNING,
				       "annotations do not reach handler '%.63s'", name),
			"set pod_annotations = [\"*.vambrace.dev\", \"*.vambrace.dev/*\"] on it in "
			"%s, then %s",
			place->config, place->restart);
		return;
	}
	(void)vb_finding_add(findings, "handler", VB_FINDING_OK,
		"runtime handler '%.63s' goes through vambrace-oci", name);
}

static void judge_handlers(const json_t *facts, struct vb_findings *findings)
{
	const json_t *wanted = vb_doctor_get(facts, "node_config.runtime_handlers");
	const json_t *handlers = vb_doctor_get(facts, "handlers");
	const char *dump = vb_doctor_text_of(facts, "containerd.config_dump");
	const char *error = vb_doctor_text_of(facts, "node_config.error");
	size_t i = 0;
	const json_t *value = NULL;

	if (error != NULL)
		vb_finding_fix(vb_finding_add(findings, "config", VB_FINDING_PROBLEM,
				       "/etc/vambrace/config.json: %s", error),
			"mend the file; until then every hardened container is refused");
	if (!vb_str_equal(dump, "ok")) {
		if (vb_doctor_bool_of(facts, "containerd.running") == 1)
			vb_finding_fix(vb_finding_add(findings, "handler", VB_FINDING_UNSEEN,
					       "containerd's configuration could not be seen (%s)",
					       dump != NULL ? dump : "not asked"),
				"run doctor as root, and `containerd config dump` for the error");
		return;
	}
	json_array_foreach(wanted, i, value) {
		const char *name = json_string_value(value);
		/* "" is whatever handler is the default; its name is not in the dump's tables. */
		if (name != NULL && name[0] != '\0')
			judge_handler(facts, name, json_object_get(handlers, name), findings);
	}
}

static void judge_features(
	const char *name, const char *runtime, const json_t *features, struct vb_findings *findings)
{
	if (!json_is_true(json_object_get(features, "known"))) {
		vb_finding_fix(vb_finding_add(findings, "runtime", VB_FINDING_WARNING,
				       "what %.128s does with seccomp flags is not known", runtime),
			"spec_allow is refused on handler '%.63s'; runc 1.1 or later and crun are "
			"known",
			name);
		return;
	}
	if (!json_is_true(json_object_get(features, "spec_allow"))) {
		vb_finding_fix(vb_finding_add(findings, "runtime", VB_FINDING_WARNING,
				       "%.128s takes no seccomp flags", runtime),
			"spec_allow: allow is refused and denials are not logged on handler "
			"'%.63s'; runc 1.2 or later and crun take them",
			name);
		return;
	}
	(void)vb_finding_add(findings, "runtime", VB_FINDING_OK,
		"%.128s takes the seccomp flags SPEC_ALLOW%s", runtime,
		json_is_true(json_object_get(features, "log")) ? " and LOG" : "");
}

static void judge_hook_handler(
	const char *name, const json_t *handler, bool hook_is_usable, struct vb_findings *findings)
{
	const char *error = json_string_value(json_object_get(handler, "error"));
	const char *link = json_string_value(json_object_get(handler, "link"));
	const char *runtime = json_string_value(json_object_get(handler, "runtime"));
	const char *state = json_string_value(json_object_get(handler, "runtime_state"));

	if (error != NULL || runtime == NULL) {
		vb_finding_fix(vb_finding_add(findings, "hook", VB_FINDING_PROBLEM,
				       "/opt/vambrace/etc/oci.json, handler '%.63s': %s", name,
				       error != NULL ? error : "no runtime"),
			"mend the file");
		return;
	}
	/* A link that leads to the hook is as usable as that is, which is said already. */
	if (!vb_str_equal(link, "ok") &&
		(hook_is_usable || !json_is_true(json_object_get(handler, "leads_to_hook"))))
		vb_finding_fix(vb_finding_add(findings, "hook", VB_FINDING_PROBLEM,
				       LINK_PREFIX "%.63s is not usable (%s)", name,
				       link != NULL ? link : "not seen"),
			"ln -sfn vambrace-oci " LINK_PREFIX "%.63s", name);
	if (!vb_str_equal(state, "ok")) {
		vb_finding_fix(vb_finding_add(findings, "hook", VB_FINDING_PROBLEM,
				       "the runtime %.128s of handler '%.63s' is not usable (%s)",
				       runtime, name, state != NULL ? state : "not seen"),
			"install it, or name another in /opt/vambrace/etc/oci.json");
		return;
	}
	judge_features(name, runtime, json_object_get(handler, "features"), findings);
}

/* The plugin takes the handler for one without the hook. */
static void judge_name(const json_t *facts, const char *name, struct vb_findings *findings)
{
	const json_t *named = vb_doctor_get(facts, "node_config.runtime_handlers");
	const char *state = vb_doctor_text_of(facts, "node_config.state");

	if (named == NULL || vb_str_equal(state, "elsewhere") || vb_doctor_has(named, name))
		return;
	vb_finding_fix(vb_finding_add(findings, "config", VB_FINDING_WARNING,
			       "the node config does not name handler '%.63s', so that what only "
			       "the hook can do is refused on it",
			       name),
		"add \"%.63s\" to runtime_handlers in /etc/vambrace/config.json", name);
}

static void judge_hook(const json_t *facts, struct vb_findings *findings)
{
	const char *program = vb_doctor_text_of(facts, "hook.program");
	const char *settings = vb_doctor_text_of(facts, "hook.settings");
	const char *shim = vb_doctor_text_of(facts, "hook.shim");
	const json_t *handlers = vb_doctor_get(facts, "hook.handlers");
	const char *name = NULL;
	const json_t *handler = NULL;

	if (program == NULL || settings == NULL)
		return;
	if (strcmp(program, "ok") != 0)
		vb_finding_fix(vb_finding_add(findings, "hook", VB_FINDING_PROBLEM,
				       LINK_PREFIX "vambrace-oci is not usable (%s)", program),
			"install it; it belongs to root and nobody else may write it");
	else
		(void)vb_finding_add(
			findings, "hook", VB_FINDING_OK, LINK_PREFIX "vambrace-oci is in place");
	if (strcmp(settings, "ok") != 0)
		vb_finding_fix(vb_finding_add(findings, "hook", VB_FINDING_PROBLEM,
				       "/opt/vambrace/etc/oci.json is not usable (%s)", settings),
			"%s",
			strcmp(settings, "not root's alone") == 0
				? "chown it to root and chmod go-w: it says which program runs as "
				  "root"
				: "write it: {\"handlers\": {\"vambrace\": {\"runtime\": "
				  "\"/usr/sbin/runc\"}}}");
	json_object_foreach((json_t *)(uintptr_t)handlers, name, handler) {
		judge_hook_handler(name, handler, strcmp(program, "ok") == 0, findings);
		judge_name(facts, name, findings);
	}
	if (shim != NULL && strcmp(shim, "ok") != 0)
		vb_finding_fix(vb_finding_add(findings, "shim", VB_FINDING_WARNING,
				       "the preload shim is not usable (%s)", shim),
			"install /opt/vambrace/lib/libautonomy_preload.so; until then every "
			"container that asks for preload is refused");
	else if (shim != NULL)
		(void)vb_finding_add(
			findings, "shim", VB_FINDING_OK, "the preload shim is in place");
}

static void judge_daemons(const json_t *facts, struct vb_findings *findings)
{
	const json_t *daemons = vb_doctor_get(facts, "daemons");
	bool has_pod = false;
	size_t i = 0;
	const json_t *daemon = NULL;

	if (json_array_size(daemons) < 2)
		return;
	json_array_foreach(daemons, i, daemon)
		has_pod = has_pod || json_is_true(json_object_get(daemon, "in_container"));
	vb_finding_fix(
		vb_finding_add(findings, "plugin", VB_FINDING_WARNING,
			"%zu vambrace-nri processes are on this node%s: one at a time is "
			"registered with containerd, and another waits until it has ended",
			json_array_size(daemons), has_pod ? ", one of them in a container" : ""),
		"%s", has_pod ? VB_NODE_ONE_OF_POD_AND_HOST : VB_NODE_ONE_OF_HOST);
}

void vb_doctor_judge_runtime(const json_t *facts, struct vb_findings *findings)
{
	judge_containerd(facts, findings);
	judge_nri(facts, findings);
	judge_daemons(facts, findings);
	judge_handlers(facts, findings);
	judge_hook(facts, findings);
}
