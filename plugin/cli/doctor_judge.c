/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "vb/base/str.h"
#include "vb/base/utf8.h"

const char *vb_finding_level_name(enum vb_finding_level level)
{
	static const char *const names[VB_FINDING_LEVELS] = {
		[VB_FINDING_OK] = "ok",
		[VB_FINDING_UNSEEN] = "unseen",
		[VB_FINDING_WARNING] = "warning",
		[VB_FINDING_PROBLEM] = "problem",
	};

	return names[level];
}

struct vb_finding *vb_finding_add(struct vb_findings *findings, const char *topic,
	enum vb_finding_level level, const char *format, ...)
{
	va_list arguments;

	findings->counts[level]++;
	if (findings->count == VB_FINDINGS_MAX) {
		findings->is_full = true;
		return NULL;
	}
	struct vb_finding *finding = &findings->items[findings->count++];
	*finding = (struct vb_finding){.topic = topic, .level = level};
	va_start(arguments, format);
	(void)vsnprintf(finding->what, sizeof(finding->what), format, arguments);
	va_end(arguments);
	vb_utf8_scrub(finding->what);
	return finding;
}

void vb_finding_fix(struct vb_finding *finding, const char *format, ...)
{
	va_list arguments;

	if (finding == NULL)
		return;
	va_start(arguments, format);
	(void)vsnprintf(finding->fix, sizeof(finding->fix), format, arguments);
	va_end(arguments);
	vb_utf8_scrub(finding->fix);
}

const json_t *vb_doctor_get(const json_t *facts, const char *path)
{
	char key[64];

	for (;;) {
		size_t length = strcspn(path, ".");
		if (length >= sizeof(key))
			return NULL;
		memcpy(key, path, length);
		key[length] = '\0';
		facts = json_object_get(facts, key);
		if (facts == NULL || path[length] == '\0')
			return facts;
		path += length + 1;
	}
}

const char *vb_doctor_text_of(const json_t *facts, const char *path)
{
	return json_string_value(vb_doctor_get(facts, path));
}

int vb_doctor_bool_of(const json_t *facts, const char *path)
{
	const json_t *value = vb_doctor_get(facts, path);

	return json_is_boolean(value) ? json_is_true(value) : -1;
}

bool vb_doctor_has(const json_t *array, const char *text)
{
	size_t i = 0;
	const json_t *value = NULL;

	json_array_foreach(array, i, value)
		if (vb_str_equal(json_string_value(value), text))
			return true;
	return false;
}

const struct vb_doctor_place *vb_doctor_place(const json_t *facts)
{
	static const struct vb_doctor_place kind = {"kind",
		"/etc/containerd/config.toml in the node (containerdConfigPatches of the kind "
		"configuration, to keep it)",
		"systemctl restart containerd in the node"};
	static const struct vb_doctor_place k3s = {"k3s",
		"/var/lib/rancher/k3s/agent/etc/containerd/config.toml.tmpl (config-v3.toml.tmpl "
		"for containerd 2)",
		"systemctl restart k3s (k3s-agent on agents)"};
	static const struct vb_doctor_place debian = {
		"Debian", "/etc/containerd/config.toml", "systemctl restart containerd"};
	static const struct vb_doctor_place ubuntu = {
		"Ubuntu", "/etc/containerd/config.toml", "systemctl restart containerd"};
	static const struct vb_doctor_place other = {
		"this system", "containerd's config.toml", "restart containerd"};
	const char *distribution = vb_doctor_text_of(facts, "system.distribution");

	if (vb_doctor_bool_of(facts, "system.kind") == 1)
		return &kind;
	if (vb_doctor_bool_of(facts, "system.k3s") == 1)
		return &k3s;
	if (vb_str_equal(distribution, "debian"))
		return &debian;
	return vb_str_equal(distribution, "ubuntu") ? &ubuntu : &other;
}

int vb_doctor_judge(const json_t *facts, struct vb_findings *ret_findings, struct vb_error *err)
{
	const json_t *version = json_object_get(facts, "facts_version");

	if (json_integer_value(version) != VB_DOCTOR_FACTS_VERSION)
		return vb_error_say(
			err, EINVAL, "these are no facts of version %d", VB_DOCTOR_FACTS_VERSION);
	*ret_findings = (struct vb_findings){0};
	vb_doctor_judge_runtime(facts, ret_findings);
	vb_doctor_judge_kernel(facts, ret_findings);
	return 0;
}
