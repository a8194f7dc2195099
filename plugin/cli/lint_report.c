/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lint.h"

enum { FINDINGS_MAX = 1000 };

/* How to fix what stands at a place; the first that fits, so the longer come first. */
static const struct {
	const char *place;
	const char *fix;
} hints[] = {
	{"dlopen_allowlist.paths",
		"write the absolute path of one library, which ends in .so or .so.<digits>"},
	{"hardening.preload.exec_allowlist",
		"write the absolute path of one program, without '..', blanks, ',' and ':'"},
	{"hardening.preload.connect_allowlist",
		"write an address as 10.42.0.5:443, 10.42.0.0/16:8080, [fe80::1]:443 or "
		"[2001:db8::/32]:443, or '*' for the port"},
	{"hardening.preload.audit", "list dlopen, exec, connect, or some of them"},
	{"hardening.preload.", "write true or false"},
	{"hardening.preload", "write an object such as {\"exec_allowlist\": [\"/usr/bin/app\"]}"},
	{"hardening.tmpfs",
		"write it as {\"path\": \"/tmp\", \"size\": \"64Mi\", \"mode\": \"1777\", "
		"\"noexec\": true}"},
	{"hardening.rlimits",
		"write it as {\"type\": \"NOFILE\", \"soft\": 1024, \"hard\": 4096}, each type "
		"once"},
	{"hardening.capabilities", "write it as {\"drop\": [\"NET_RAW\", \"SYS_PTRACE\"]}"},
	{"hardening.seccomp.spec_allow", "write \"mitigate\" or \"allow\""},
	{"hardening.seccomp",
		"write it as {\"profile\": \"starter\", \"spec_allow\": \"mitigate\", \"log\": "
		"true}"},
	{"hardening.read_only_rootfs", "write true or false"},
	{"hardening.no_new_privileges", "write true or false"},
	{"hardening", "set \"schema_version\": \"1.6\", where it is an object with the layers of "
		      "docs/contracts.md"},
	{"profiles", "write \"<name>\": \"sha256:<64 hex digits>\", as sha256sum prints it"},
	{"kind", "write \"kind\": \"bundle\""},
	{"schema_version", "write \"schema_version\": \"1.6\""},
	{"name", "give the bundle and its directory or tar the same name"},
	{"version", "write a version such as \"0.1.0\""},
	{"", "correct the text at this place"},
};

static const char *hint_for(const char *place)
{
	size_t i = 0;

	while (vb_str_after(place, hints[i].place) == NULL)
		i++;
	return hints[i].fix;
}

void vb_lint_report_finish(struct vb_lint_report *report)
{
	for (size_t i = 0; i < report->count; i++)
		free(report->findings[i].file);
	free(report->findings);
	free(report->bundle);
}

int vb_lint_add(struct vb_lint_report *report, const struct vb_lint_text *text,
	enum vb_lint_level level, const struct vb_error *problem)
{
	if (level == VB_LINT_ERROR)
		report->errors++;
	else
		report->warnings++;
	if (report->count == FINDINGS_MAX) {
		report->left_out++;
		return 0;
	}
	struct vb_lint_finding *findings =
		reallocarray(report->findings, report->count + 1, sizeof(*findings));
	if (findings == NULL)
		return -ENOMEM;
	report->findings = findings;
	struct vb_lint_finding *added = &findings[report->count];
	*added = (struct vb_lint_finding){
		.file = strdup(text->name), .level = level, .problem = *problem};
	if (added->file == NULL)
		return -ENOMEM;
	report->count++;
	added->at = vb_json_find(
		text->data != NULL ? text->data : "", text->size, added->problem.place);
	if (added->problem.fix[0] == '\0')
		(void)vb_error_fix(&added->problem, "%s", hint_for(added->problem.place));
	return 0;
}

int vb_lint_warn(struct vb_lint_report *report, const struct vb_lint_text *text,
	struct vb_error *warning, const char *place)
{
	(void)vb_error_at(warning, "%s", place);
	return vb_lint_add(report, text, VB_LINT_WARNING, warning);
}

static int compare(const void *a, const void *b)
{
	const struct vb_lint_finding *left = a;
	const struct vb_lint_finding *right = b;
	int order = strcmp(left->file, right->file);

	if (order != 0)
		return order;
	if (left->at.line != right->at.line)
		return left->at.line < right->at.line ? -1 : 1;
	if (left->at.column != right->at.column)
		return left->at.column < right->at.column ? -1 : 1;
	return strcmp(left->problem.what, right->problem.what);
}

void vb_lint_sort(struct vb_lint_report *report)
{
	if (report->count > 0)
		qsort(report->findings, report->count, sizeof(*report->findings), compare);
}
