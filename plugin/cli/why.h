/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_CLI_WHY_H
#define VB_PLUGIN_CLI_WHY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vb/adjust/denials.h"
#include "vb/adjust/plan.h"
#include "vb/adjust/seccomp_record.h"
#include "vb/base/buf.h"
#include "vb/base/cleanup.h"
#include "vb/base/error.h"

/*
 * The parts of `vambrace why`: find the containers that are meant, gather what was written about
 * each of them, and say it. Each source may be missing or unreadable on its own; then the report
 * says so and goes on.
 */

enum {
	VB_WHY_RECORDS_MAX = 1 << 18, /* seccomp records that are kept */
	VB_WHY_LOG_MAX = 1 << 30,     /* bytes of one log, unpacked */
};

struct vb_why_setting {
	const char *state;      /* /run/vambrace */
	const char *logs;       /* /var/log/pods */
	const char *containerd; /* /var/lib/containerd */
	const char *kernel_log; /* a file; NULL: /dev/kmsg and /var/log/audit/audit.log */
	const char *proc;       /* /proc */
	int64_t since_ns;       /* since 1970; 0: everything */
};

/* Where something was looked for, and whether it could be read: docs/why.schema.json, sources. */
int vb_why_add_source(
	json_t *sources, const char *what, const char *path, const char *error) VB_WARN_UNUSED;

/*
 * Adds an object {namespace, pod, container, container_id, outcome, ids, refusals} for each
 * container that the name means: of its instances the latest, or the one whose id was given.
 * -ENOENT when it means none, -EINVAL when it means containers of several pods; err names them.
 */
int vb_why_find(const struct vb_why_setting *setting, const char *name, json_t *targets,
	json_t *sources, struct vb_error *err) VB_WARN_UNUSED;

/* Feeds the container's logs to denials; what could not be read is among the sources. -ENOMEM. */
int vb_why_read_logs(const struct vb_why_setting *setting, const json_t *target,
	struct vb_denials *denials, json_t *sources, struct vb_error *err) VB_WARN_UNUSED;

/* Adds a {namespace, pod, container, container_id: null} for each container with logs. -ENOMEM. */
int vb_why_list_logs(const struct vb_why_setting *setting, json_t *candidates, json_t *sources,
	struct vb_error *err) VB_WARN_UNUSED;

/* Seccomp records, by time, each once. */
struct vb_why_records {
	struct vb_seccomp_record *items;
	size_t count;
	size_t room;
	uint64_t more;      /* records for which there was no room */
	uint64_t lost;      /* that the kernel says it left out of its log */
	uint64_t malformed; /* marked as records, and none */
};

void vb_why_records_finish(struct vb_why_records *records);
#define vb_auto_why_records vb_auto(vb_why_records_finish)

/* Reads the kernel's log, from since_ns on. -ENOMEM. */
int vb_why_read_records(const struct vb_why_setting *setting, struct vb_why_records *records,
	json_t *sources, struct vb_error *err) VB_WARN_UNUSED;

/* Whose a record is, by the cgroup of the process that it names. */
enum vb_why_owner {
	VB_WHY_GONE,  /* nobody can say: the process is gone, or its pid is another's now */
	VB_WHY_OTHER, /* a process in none of the containers */
	VB_WHY_KNOWN,
};

/* Looks in the order of targets; *ret_target is its number for VB_WHY_KNOWN. */
enum vb_why_owner vb_why_find_owner(const struct vb_why_setting *setting,
	const struct vb_seccomp_record *record, const json_t *targets, size_t *ret_target);

/*
 * The report: docs/why.schema.json. plan is the container's, NULL when it is not known. Each
 * returns a new reference, NULL when out of memory.
 */
json_t *vb_why_preload_denials(const struct vb_denied *denied, const struct vb_plan *plan);
json_t *vb_why_seccomp_denial(const struct vb_seccomp_record *record, const struct vb_plan *plan);
json_t *vb_why_hints(
	const struct vb_denied *denied, const struct vb_plan *plan, const json_t *outcome);
json_t *vb_why_losses(const struct vb_denied *denied);

/* Nanoseconds since 1970 as RFC 3339; null for 0. */
json_t *vb_why_time(int64_t ns);

/* The whole report. Errnos of vb_why_find(), -ENOMEM. */
int vb_why_report(const struct vb_why_setting *setting, const char *name, json_t **ret_report,
	struct vb_error *err) VB_WARN_UNUSED;

/* Whether it tells of anything that was denied, killed or refused. */
bool vb_why_found(const json_t *report);

/* 0, -ENOMEM or -ENOSPC. */
int vb_why_text(const json_t *report, bool colour, struct vb_buf *out) VB_WARN_UNUSED;

#endif
