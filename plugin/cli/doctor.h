/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_CLI_DOCTOR_H
#define VB_PLUGIN_CLI_DOCTOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "vb/base/buf.h"
#include "vb/base/cleanup.h"
#include "vb/base/error.h"

/*
 * The parts of `vambrace doctor`. Facts are gathered first, as one JSON object
 * (docs/doctor.schema.json); findings are concluded from them alone, so that facts of one machine
 * can be judged on another.
 */

enum {
	VB_DOCTOR_FACTS_VERSION = 1,
	VB_DOCTOR_FACTS_MAX = 4 << 20,
};

enum vb_finding_level {
	VB_FINDING_OK,
	VB_FINDING_UNSEEN, /* more rights would be needed to tell */
	VB_FINDING_WARNING,
	VB_FINDING_PROBLEM, /* hardened pods do not come up */
	VB_FINDING_LEVELS,
};

/* "ok", "unseen", "warning", "problem". */
const char *vb_finding_level_name(enum vb_finding_level level);

struct vb_finding {
	const char *topic; /* "containerd", "nri", ...; static */
	enum vb_finding_level level;
	char what[256];
	char fix[512]; /* a command or an edit; empty when there is nothing to do */
};

enum { VB_FINDINGS_MAX = 128 };

struct vb_findings {
	struct vb_finding items[VB_FINDINGS_MAX];
	size_t count;
	size_t counts[VB_FINDING_LEVELS];
	bool is_full; /* there would have been more */
};

/* Looks at this machine. What cannot be seen is absent. NULL when out of memory. */
json_t *vb_doctor_gather(void) VB_WARN_UNUSED;

/* The parts of the facts that have a file of their own; each adds its key to the object. */
void vb_doctor_gather_system(json_t *facts);
void vb_doctor_gather_containerd(json_t *facts);
void vb_doctor_gather_hook(json_t *facts);
/* "ok", or why vambrace-oci is not usable: an errno's name, or words. */
const char *vb_doctor_hook_state(void);
/*
 * The processes of vambrace-nri on this host, [{pid, in_container}]. Who may not see them has none;
 * one of several that may be about to end is waited for. NULL when out of memory.
 */
json_t *vb_doctor_daemons(void);
void vb_doctor_gather_kernel(json_t *facts);

/*
 * Concludes. Facts may come from elsewhere: members that are missing or of another type count as
 * not seen. -EINVAL when it is no object of this facts_version.
 */
int vb_doctor_judge(
	const json_t *facts, struct vb_findings *ret_findings, struct vb_error *err) VB_WARN_UNUSED;

/* The judgements that have files of their own. */
void vb_doctor_judge_runtime(const json_t *facts, struct vb_findings *findings);
void vb_doctor_judge_kernel(const json_t *facts, struct vb_findings *findings);

/* Adds a finding and returns it for vb_finding_fix(); NULL when there are too many. */
struct vb_finding *vb_finding_add(struct vb_findings *findings, const char *topic,
	enum vb_finding_level level, const char *format, ...) __attribute__((format(printf, 4, 5)));
void vb_finding_fix(struct vb_finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Where on this kind of node things are set; static texts. */
struct vb_doctor_place {
	const char *name;    /* "k3s", "kind", "Debian", ... */
	const char *config;  /* containerd's configuration, as a person edits it */
	const char *restart; /* the command that makes containerd read it */
};

const struct vb_doctor_place *vb_doctor_place(const json_t *facts);

/* Members of the facts by path, as in "nri.connect"; NULL, or -1, when they are not there. */
const json_t *vb_doctor_get(const json_t *facts, const char *path);
const char *vb_doctor_text_of(const json_t *facts, const char *path);
int vb_doctor_bool_of(const json_t *facts, const char *path);

/* Whether the array holds the text; an absent array holds none. */
bool vb_doctor_has(const json_t *array, const char *text);

/* The table for people; colour only where asked. 0, -ENOMEM or -ENOSPC. */
int vb_doctor_text(const struct vb_findings *findings, const json_t *facts, bool colour,
	struct vb_buf *out) VB_WARN_UNUSED;

/* Findings and facts as JSON; a new reference, NULL when out of memory. */
json_t *vb_doctor_json(const struct vb_findings *findings, const json_t *facts) VB_WARN_UNUSED;

#endif
